/* src/worker/worker_requests.h - does what the supervisor asks the worker to do
 *
 * Each request is answered when it is done, as channel/command.h says. Worker process and
 * thread. */
#ifndef TUNION_WORKER_WORKER_REQUESTS_H
#define TUNION_WORKER_WORKER_REQUESTS_H

#include <stdbool.h>

#include "base/attr.h"
#include "channel/command.h"
#include "sandbox/sandbox.h"
#include "worker/report.h"
#include "worker/worker_device.h"
#include "worker/worker_outside.h"
#include "worker/worker_stand_in.h"
#include "worker/worker_tun.h"

/* What requests can change. */
struct worker_requests {
	struct worker_devices *devices;   /* borrowed; now_ns is when the request came */
	struct worker_tun *tun;           /* borrowed */
	struct report *report;            /* borrowed: gets the answers */
	const struct sandbox *sandbox;    /* borrowed */
	struct worker_stand_in *stand_in; /* borrowed */
	struct worker_outside *outside;   /* borrowed */
};

/* Returns false, and does nothing, if a supervisor never sends such a message. The
 * message still has to be cleared by the caller. */
MUST_CHECK bool worker_requests_handle(struct worker_requests *w, struct command *m);

#endif
