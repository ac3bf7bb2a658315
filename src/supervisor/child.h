/* src/supervisor/child.h - how does the supervisor fork a process that keeps nothing of it?
 *
 * What runs there talks to strangers. So it must not find our descriptors, our keys and our
 * terminal. It drops its rights itself (base/rights.h). Supervisor process. */
#ifndef TUNION_SUPERVISOR_CHILD_H
#define TUNION_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/log.h"
#include "channel/frame.h"

#define CHILD_FDS 2

struct child_plan {
	int fd;           /* borrowed; the child only has a copy of it. -1: none */
	bool keep_stderr; /* all other standard streams are /dev/null */
	/* Called in the child when all other descriptors are closed. Frees what was
	 * inherited, this plan too if it is part of that. */
	void (*forget)(void *context);
	/* Called then with its end of the channel and the copy of fd, which it owns; its
	 * result is the exit status.
	 * `own` is not freed by forget: the caller of child_start has it on its stack. */
	int (*run)(const void *own, const int fds[static CHILD_FDS], pid_t supervisor);
	const void *own;
	void *context; /* borrowed */
};

/* Forks it, with a channel to the supervisor. Signals that mean the supervisor don't end it.
 * Returns 0 or -errno; *pid is set in any case if there is a child. */
MUST_CHECK int child_start(const struct child_plan *plan, struct channel *channel,
                           pid_t *pid);

/* Logs that it has ended. `why` is -EPROTO or -ETIMEDOUT if it was ended for that, and then
 * its wait status says nothing. */
void child_say_end(const struct log *log, const char *what, int status, int why);

#endif
