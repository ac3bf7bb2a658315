/* src/supervisor/child.c */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
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

static _Noreturn void become_child(struct child_plan plan, int channel_fd,
                                   pid_t supervisor)
{
	int fds[CHILD_FDS] = { channel_fd, plan.fd };
	sigset_t none;

	/* Ctrl-C in a terminal, and the SIGTERM that all processes of a service get, are meant
	 * for the supervisor. It still needs this process on its way down, and then ends it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	keep_only(fds);
	process_leave_streams(0, plan.keep_stderr ? 1 : 2);
	plan.forget(plan.context);
	exit(plan.run(plan.own, fds, supervisor));
}

int child_start(const struct child_plan *plan, struct channel *channel, pid_t *pid)
{
	int pair[2], err = channel_pair(pair);
	pid_t supervisor = getpid(), child;

	if (err)
		return err;
	fflush(NULL);
	child = fork();
	if (child == 0)
		become_child(*plan, pair[1], supervisor);
	err = child < 0 ? -errno : 0;
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	*pid = child;
	return channel_init(channel, pair[0]);
}

void child_say_end(const struct log *log, const char *what, int status, int why)
{
	if (why == -EPROTO)
		log_error(log, NULL, "%s has talked nonsense", what);
	else if (why == -ETIMEDOUT)
		log_error(log, NULL, "%s has not answered in time", what);
	else if (WIFSIGNALED(status))
		log_error(log, NULL, "%s was killed by signal %d", what,
		          WTERMSIG(status));
	else
		log_error(log, NULL, "%s ended with status %d", what,
		          WEXITSTATUS(status));
}
