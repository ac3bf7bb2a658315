/* src/supervisor/worker_child.h - the engine process, as the supervisor sees it
 *
 * Requests are queued and answered in order; what the engine says on its own (a log line,
 * an endpoint) goes to a handler. Supervisor process. */
#ifndef TUNION_SUPERVISOR_WORKER_CHILD_H
#define TUNION_SUPERVISOR_WORKER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ifname.h"
#include "channel/command.h"
#include "channel/worker_entry.h"
#include "supervisor/silence.h"

/* What silence_ms and end_ms are but in tests. */
#define ENGINE_SILENCE_MS 2000
#define ENGINE_END_MS     5000

struct worker_child {
	pid_t pid; /* 0: none runs */
	struct channel channel;
	size_t unanswered; /* requests */
	size_t answered;   /* requests, ever */
	bool late; /* a wait was given up; replies to what it waited for are missing */
	int interrupt_fd;    /* borrowed; -1: none. Once readable it ends every wait */
	unsigned silence_ms; /* for so long it may be silent while it is waited for */
	unsigned end_ms; /* for so long it may take to end once its channel is closed */
	/* Of the first request that failed since worker_child_wait last returned. */
	int error;
	enum command_type error_request;
	char error_name[IFNAME_MAX + 1];
	struct worker_entry entry; /* what to run in it */
	/* What is no reply. fds not taken (set to -1) are closed after. */
	void (*handle)(void *context, struct command *m);
	void *context; /* borrowed */
};

/* Forks. Its standard streams become /dev/null, but for stderr where that is kept.
 * `forget` is called in the child, where all other descriptors are closed by then, to
 * free what it has inherited of the caller's. 0 or -errno. */
MUST_CHECK int worker_child_start(struct worker_child *c,
                                  const struct worker_options *options, bool keep_stderr,
                                  void (*forget)(void *context), void *context);
/* Queues a request. 0 or -errno. */
MUST_CHECK int worker_child_send(struct worker_child *c, const struct command *m);
/* Sends what is queued and waits for all replies. 0, the first error of a reply (see
 * `error`), -EINTR (see `interrupt_fd`), -ETIMEDOUT, or -ENOTCONN and others: the engine
 * is gone or of no use. After -ETIMEDOUT or -EINTR what was sent stays sent, and more may
 * be queued behind it. While the engine is `late`, only looks what is there. */
MUST_CHECK int worker_child_wait(struct worker_child *c);
/* Reads and writes what can be without waiting. 0, or -errno: as above. Errors in replies
 * stay in `error`. */
MUST_CHECK int worker_child_dispatch(struct worker_child *c);
/* Tells in diag what worker_child_wait returned. */
void worker_child_explain(const struct worker_child *c, int err, struct diag *diag);
/* One line: that it does not answer, and what to do. Returns `out`. */
const char *worker_child_silence(const struct worker_child *c,
                                 char out[static SILENCE_TEXT_MAX]);
/* Closes the channel, so that it ends, and waits for that: kills it after end_ms, or at
 * once if it is late. Returns its wait status; 0 if none ran. */
int worker_child_stop(struct worker_child *c);

#endif
