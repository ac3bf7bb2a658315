/* src/supervisor/status_request.h - asks the worker for its status when clients want it,
 * and answers them in time */
#ifndef TUNION_SUPERVISOR_STATUS_REQUEST_H
#define TUNION_SUPERVISOR_STATUS_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/outbuf.h"
#include "supervisor/clients.h"
#include "supervisor/instance_status.h"
#include "supervisor/worker_child.h"

#define STATUS_TEXT_MAX (16U * 1024 * 1024) /* that of more than 20,000 peers */

/* Embedded. */
struct status_request {
	struct clients *clients;     /* borrowed */
	struct worker_child *worker; /* borrowed */
	/* Fills in what the supervisor itself knows. */
	void (*describe)(void *context, struct instance_status *out);
	void *context;      /* borrowed */
	struct outbuf text; /* the part of the worker's text that has come so far */
	bool asked;         /* the worker was asked and has not answered yet */
	uint64_t due_ns;    /* when to give up; NEVER_NS: no client waits */
};

/* Clients want the status: asks the worker, which has silence_ms (worker_child.h) to
 * answer. */
void status_request_ask(struct status_request *r);
/* Takes a piece of the answer; an empty one is its end. Returns 0, or -EPROTO if there was
 * no question, or if the whole becomes longer than STATUS_TEXT_MAX. */
MUST_CHECK int status_request_piece(struct status_request *r, const void *text, size_t n);
/* There is another worker, which has not been asked yet. */
void status_request_restarted(struct status_request *r);

/* The time at which status_request_run has something to do; NEVER_NS: never. */
uint64_t status_request_deadline_ns(const struct status_request *r);
/* The same as a time from now on, for poll(): -1 for never. */
int status_request_wait_ms(const struct status_request *r);
/* Tells the clients if the worker has not answered in time. */
void status_request_run(struct status_request *r);
void status_request_clear(struct status_request *r);

#endif
