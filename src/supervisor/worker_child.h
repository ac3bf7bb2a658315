/* src/supervisor/worker_child.h - the worker process, as the supervisor sees it
 *
 * Requests are queued, and answered in their order. What the worker says without being
 * asked (a log line, an endpoint) goes to a handler. The worker reads what the internet
 * sends, so it may have been taken over: whatever it says is checked, and it can't keep
 * the supervisor busy. Supervisor process. */
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
#include "supervisor/line_limit.h"
#include "supervisor/permit.h"
#include "supervisor/silence.h"

/* The values of silence_ms and end_ms, except in tests. */
#define WORKER_SILENCE_MS 2000
#define WORKER_END_MS     5000
/* A worker that lets so much wait doesn't read. The largest configurations have a tenth. */
#define WORKER_UNREAD_MAX (128U << 20)

struct worker_child {
	pid_t pid; /* 0: no worker runs */
	struct channel channel;
	struct permit permit; /* what it may say */
	size_t answered;      /* number of replies since the start */
	int broken; /* -errno: it is gone or can't be used, so another one is needed */
	bool late;  /* we stopped waiting; replies that we waited for are still missing */
	int interrupt_fd;    /* borrowed; -1: none. Every wait ends when it is readable */
	unsigned silence_ms; /* how long it may be silent while we wait for it */
	unsigned end_ms; /* how long it may take to end after its channel was closed */
	/* About the first request that failed since worker_child_wait last returned. */
	int error;
	enum command_type error_request;
	char error_name[IFNAME_MAX + 1];
	struct line_limit lines;   /* of this worker, and of those before it */
	struct worker_entry entry; /* what runs in the worker */
	bool only_protected;       /* it gets no other sockets: see protector.h */
	/* Called for messages that are no replies. Returns 0, or -EPROTO if the worker
	 * must not say this (see permit): then it can't be used any more. Fds that it doesn't
	 * take (set to -1) are closed afterwards. */
	int (*handle)(void *context, struct command *m);
	void *context; /* borrowed */
};

/* Forks. The worker's standard streams become /dev/null, except for stderr if keep_stderr
 * is set: that is only for the reports of sanitizers, since stderr may be a terminal, and who has
 * taken over the worker could type there. `forget` is called in the child after all other
 * descriptors were closed; it frees what the child has inherited from the caller; it may
 * free c and options too. Returns 0 or -errno. */
MUST_CHECK int worker_child_start(struct worker_child *c,
                                  const struct worker_options *options, bool keep_stderr,
                                  void (*forget)(void *context), void *context);
/* May another line be logged that is the worker's, or that it can cause again and again by what it
 * says? See line_limit.h. */
MUST_CHECK bool worker_child_may_log(struct worker_child *c, const struct log *log,
                                     enum log_level level);
/* Has it ended, and none was started since? Then it is `broken`, and nothing waits for it. */
bool worker_child_absent(const struct worker_child *c);
/* Queues a request. Returns 0 or -errno. If the worker is absent, the request is dropped,
 * because the next worker is told everything anyway. If more waits than WORKER_UNREAD_MAX, it is
 * `broken`. */
MUST_CHECK int worker_child_send(struct worker_child *c, const struct command *m);
/* The same for what gets no reply, but another answer. */
MUST_CHECK int worker_child_ask(struct worker_child *c, const struct command *m);
/* Sends what is queued and waits for all replies. Returns
 *   0                when all have come;
 *   an error         of the first reply with one (see `error`);
 *   -EINTR           see `interrupt_fd`;
 *   -ETIMEDOUT       if the worker is silent for too long;
 *   -ENOTCONN etc.   if the worker is gone or can't be used.
 * After -ETIMEDOUT or -EINTR, what was sent stays sent, and more may be queued after it.
 * While the worker is `late`, this doesn't wait but only reads what is there. */
MUST_CHECK int worker_child_wait(struct worker_child *c);
/* Reads and writes what is possible without waiting, but reads only so many messages that
 * others are served soon. Returns 0, or -errno if the worker is gone or can't be used: see
 * `broken`. Errors in replies stay in `error`. */
MUST_CHECK int worker_child_dispatch(struct worker_child *c);
/* Adds an error to diag that explains what worker_child_wait returned. */
void worker_child_explain(const struct worker_child *c, int err, struct diag *diag);
/* Writes one line that says that it doesn't answer, and what to do. Returns `out`. */
const char *worker_child_silence(const struct worker_child *c,
                                 char out[static SILENCE_TEXT_MAX]);
/* Closes the channel, so that the worker ends, and waits for this. Kills it after end_ms,
 * or at once if it is late or has talked nonsense. Returns its wait status; 0 if no worker ran. */
int worker_child_stop(struct worker_child *c);
/* The same, and then it is absent. */
int worker_child_leave(struct worker_child *c);

#endif
