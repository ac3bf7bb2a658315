/* src/supervisor/talk.h - handles what the worker says without being asked
 *
 * Such messages arrive whenever the channel is read: in the loop, while we wait for
 * replies, and while hooks run. So the functions only note what has to be done, or send
 * something. */
#ifndef TUNION_SUPERVISOR_TALK_H
#define TUNION_SUPERVISOR_TALK_H

#include "base/ending.h"
#include "base/log.h"
#include "channel/command.h"
#include "supervisor/given_tun.h"
#include "supervisor/keeper.h"
#include "supervisor/outside.h"
#include "supervisor/status_request.h"
#include "supervisor/tunnels.h"
#include "supervisor/underlay.h"

/* All pointers are borrowed. */
struct talk {
	const struct log *log;
	const char *tun;
	struct ending *ending;
	struct keeper *keeper;
	struct tunnels *tunnels;
	struct underlay *underlay;
	struct status_request *status;
	struct given_tun *app_tun; /* may be NULL */
	struct outside_budget outside;
	size_t outside_answers; /* about DNS servers, since nothing waited to be written */
	size_t answers;         /* to devices, since nothing waited to be written */
};

/* The function for worker_child.handle; its context is a struct talk. */
int talk_handle(void *talk, struct command *m);

#endif
