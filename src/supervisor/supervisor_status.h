/* src/supervisor/supervisor_status.h - what does the supervisor itself know for a status? */
#ifndef TUNION_SUPERVISOR_SUPERVISOR_STATUS_H
#define TUNION_SUPERVISOR_SUPERVISOR_STATUS_H

#include <stdint.h>

#include "supervisor/follow.h"
#include "supervisor/helper_log.h"
#include "supervisor/hosts.h"
#include "supervisor/instance_status.h"
#include "supervisor/keeper.h"
#include "supervisor/live.h"
#include "supervisor/tunnels.h"
#include "supervisor/underlay.h"

/* Embedded. The parts that are asked; all borrowed. */
struct supervisor_status {
	const struct instance *instance;
	const struct tunnels *tunnels;
	const struct hosts *hosts;
	const struct keeper *keeper;
	const struct live *live;
	const struct follow *follow;
	const struct underlay *underlay;
	const uint64_t *up_since_ns;
	const struct helper_log *page, *proxy;
};

/* For status_request.describe; context is a struct supervisor_status. */
void supervisor_status_describe(void *context, struct instance_status *out);

#endif
