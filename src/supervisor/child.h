/* src/supervisor/child.h - how does the supervisor fork a process that keeps nothing of it?
 *
 * What runs there talks to strangers. So it must not find our descriptors, our keys and our
 * terminal. It drops its rights itself (base/rights.h). Supervisor process. */
#ifndef TUNION_SUPERVISOR_CHILD_H
#define TUNION_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

#define CHILD_FDS 2

struct child_plan {
	/* Borrowed; the child only has copies of these. The second one may be -1: none. */
	int fds[CHILD_FDS];
	bool keep_stderr; /* all other standard streams are /dev/null */
	/* Called in the child when all other descriptors are closed. Frees what was
	 * inherited, this plan too if it is part of that. */
	void (*forget)(void *context);
	/* Called then with the copies of fds, which it owns; its result is the exit status.
	 * `own` is not freed by forget: the caller of child_fork has it on its stack. */
	int (*run)(const void *own, const int fds[static CHILD_FDS], pid_t supervisor);
	const void *own;
	void *context; /* borrowed */
};

/* Returns the child's pid, or -errno. Signals that mean the supervisor don't end it. */
MUST_CHECK pid_t child_fork(const struct child_plan *plan);

#endif
