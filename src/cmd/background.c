/* src/cmd/background.c - the child uses a pipe to tell us when it is ready */
#include "cmd/background.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "base/termux.h"

/* ---- in the child */

/* Android's own C library writes to its log, any other to /dev/log. */
static bool has_syslog(void)
{
#ifdef __ANDROID__
	return true;
#else
	return !termux_prefix() || access("/dev/log", F_OK) == 0;
#endif
}

static void detach(struct log_output *output, int ready_fd, int last_stream)
{
	fflush(NULL);
	process_leave_streams(0, last_stream);
	if (chdir("/") < 0 || write(ready_fd, "", 1) != 1)
		log_output_write(output, LOG_LEVEL_WARN,
		                 "nobody is waiting for the start any more");
	close(ready_fd);
}

void background_begin(struct log_output *output, int ready_fd)
{
	if (!has_syslog())
		log_output_write(
			output, LOG_LEVEL_WARN,
			"there is no syslog here, so messages are not kept in the background: a service that runs tunion with --foreground keeps them");
	log_output_open_syslog(output);
	detach(output, ready_fd, STDERR_FILENO);
}

void background_begin_with_stderr(struct log_output *output, int ready_fd)
{
	detach(output, ready_fd, STDOUT_FILENO);
}

/* Closes all other descriptors that were inherited, because somebody may be waiting for
 * their end, which would never come from a daemon. */
static void keep_only(int *ready_fd, int *const *keep, size_t n)
{
	int first = 3, above = first + 1 + (int)n, at = first;

	*ready_fd = fcntl(*ready_fd, F_DUPFD_CLOEXEC, above);
	for (size_t i = 0; i < n; i++)
		if (*keep[i] >= 0)
			*keep[i] = fcntl(*keep[i], F_DUPFD_CLOEXEC, above);
	*ready_fd = dup3(*ready_fd, at++, O_CLOEXEC);
	for (size_t i = 0; i < n; i++)
		if (*keep[i] >= 0)
			*keep[i] = dup3(*keep[i], at++, O_CLOEXEC);
	process_close_from(at);
}

/* ---- in the parent */

/* Waits for the child's byte, which says that it is ready, or for its end. A signal that
 * should end us is passed on to the child. Then the child undoes what it has done, and we
 * still wait for that. */
static bool wait_until_ready(int ready_fd, int signal_fd, pid_t child)
{
	struct pollfd p[] = { { .fd = ready_fd, .events = POLLIN },
		              { .fd = signal_fd, .events = POLLIN } };
	struct signalfd_siginfo info;
	char byte;

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return false;
		if (p[1].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info))
			kill(child, SIGTERM);
		if (p[0].revents)
			return read(ready_fd, &byte, 1) == 1;
	}
}

static void say_how_it_ended(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		fprintf(stderr, "tunion: ended by signal %d before it was up\n",
		        WTERMSIG(status));
	/* otherwise the child has printed the reason on stderr */
}

int background_run(int (*run)(const void *context, int ready_fd), const void *context,
                   int *const *keep, size_t n)
{
	int ready[2], signal_fd;
	sigset_t ending, before;
	pid_t child;
	bool is_up;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGHUP);
	signal_fd = signalfd(-1, &ending, SFD_CLOEXEC);
	if (signal_fd < 0 || pipe2(ready, O_CLOEXEC) < 0) {
		perror("tunion");
		return EXIT_FAILURE;
	}
	sigprocmask(SIG_BLOCK, &ending, &before);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		setsid();
		keep_only(&ready[1], keep, n);
		return run(context, ready[1]);
	}
	close(ready[1]);
	if (child < 0)
		perror("tunion: fork");
	is_up = child > 0 && wait_until_ready(ready[0], signal_fd, child);
	if (child > 0 && !is_up)
		say_how_it_ended(child);
	close(ready[0]);
	close(signal_fd);
	return is_up ? EXIT_SUCCESS : EXIT_FAILURE;
}
