/* src/worker/report.h - what does the worker tell the supervisor?
 *
 * Messages are added to the channel, and the loop in worker.c writes them. Worker process
 * and thread. */
#ifndef TUNION_WORKER_REPORT_H
#define TUNION_WORKER_REPORT_H

#include <stdbool.h>

#include "base/ip.h"
#include "base/log.h"
#include "channel/command.h"

struct device;
struct wg_peer;

struct report {
	struct channel *channel; /* borrowed; if its fd is -1, nothing can be told */
	bool failed;             /* a message was lost, so the worker has to end */
};

void report_send(struct report *r, const struct command *m);
/* Sends the answer to a request: 0 or -errno. */
void report_reply(struct report *r, const struct command *request, int result);
/* Sends a message about a peer: COMMAND_ENDPOINT, COMMAND_ENDPOINT_SET or
 * COMMAND_UNANSWERED. */
void report_peer(struct report *r, enum command_type type, const struct device *device,
                 const struct wg_peer *peer, const struct endpoint *endpoint);
/* The write function of a struct log; context is the struct report. Lines are dropped
 * while too much waits for a supervisor that doesn't read. */
void report_log(void *context, enum log_level level, const char *line);

#endif
