/* src/supervisor/talk.h - what the worker says on its own
 *
 * Messages arrive whenever the channel is read: in the loop, while replies are waited
 * for, and while hooks run. So they only note what is to be done, or send something. */
#ifndef TUNION_SUPERVISOR_TALK_H
#define TUNION_SUPERVISOR_TALK_H

#include "base/log.h"
#include "channel/command.h"
#include "supervisor/ending.h"
#include "supervisor/keeper.h"
#include "supervisor/status_request.h"
#include "supervisor/tunnels.h"
#include "supervisor/underlay.h"

/* All borrowed. */
struct talk {
	const struct log *log;
	const char *tun;
	struct ending *ending;
	struct keeper *keeper;
	struct tunnels *tunnels;
	struct underlay *underlay;
	struct status_request *status;
};

/* For worker_child.handle, with a struct talk. */
void talk_handle(void *talk, struct command *m);

#endif
