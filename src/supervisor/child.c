/* src/supervisor/child.c */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/process.h"

/* Memory of the supervisor contains numbers of descriptors. So all are closed before it is
 * freed, and those that are kept get numbers that none of them had. */
static void keep_only(int fds[static CHILD_FDS])
{
	for (int i = 0; i < CHILD_FDS; i++) {
		if (fds[i] < 0)
			continue;
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			_exit(EXIT_FAILURE);
	}
	process_close_all_but(fds[0], fds[1]);
}

static _Noreturn void become_child(struct child_plan plan, pid_t supervisor)
{
	sigset_t none;

	/* Ctrl-C in a terminal is meant for the supervisor, which then ends this process */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	keep_only(plan.fds);
	process_leave_streams(0, plan.keep_stderr ? 1 : 2);
	plan.forget(plan.context);
	exit(plan.run(plan.own, plan.fds, supervisor));
}

pid_t child_fork(const struct child_plan *plan)
{
	pid_t supervisor = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_child(*plan, supervisor);
	return pid < 0 ? -errno : pid;
}
