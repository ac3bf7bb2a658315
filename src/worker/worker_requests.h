/* src/worker/worker_requests.h - carries out what the supervisor asks of the worker
 *
 * Each request is answered when it is done, as channel/command.h says. Worker process and
 * thread. */
#ifndef TUNION_WORKER_WORKER_REQUESTS_H
#define TUNION_WORKER_WORKER_REQUESTS_H

#include <stdbool.h>

#include "base/attr.h"
#include "channel/command.h"
#include "worker/report.h"
#include "worker/worker_device.h"
#include "worker/worker_tun.h"

/* What requests are about. */
struct worker_requests {
	struct worker_devices
		*devices;       /* borrowed; its now_ns is when the request came */
	struct worker_tun *tun; /* borrowed */
	struct report *report;  /* borrowed: gets the answers */
};

/* False if a supervisor doesn't send such a message: nothing is done then. The message
 * remains the caller's to clear. */
MUST_CHECK bool worker_requests_handle(struct worker_requests *w, struct command *m);

#endif
