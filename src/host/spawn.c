/* src/host/spawn.c - input and output are files in memory, not pipes, so that neither
 * side has to wait for the other one to read. */
#include "host/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"

#define PROGRAM_PATH_MAX 4096
#define PAUSE_MS         10 /* between two looks, where there is no pidfd */

extern char **environ;

/* Some callers have a PATH without the administrators' programs. */
static const char sbin[] = ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";

/* Returns 0 or -ENOENT. */
static MUST_CHECK int find_program(const char *name, char out[static PROGRAM_PATH_MAX])
{
	const char *path = getenv("PATH");
	char all[PROGRAM_PATH_MAX], *rest = all, *folder;

	if (strchr(name, '/')) {
		int n = snprintf(out, PROGRAM_PATH_MAX, "%s", name);

		return n < PROGRAM_PATH_MAX && access(out, X_OK) == 0 ? 0 : -ENOENT;
	}
	if ((size_t)snprintf(all, sizeof(all), "%s%s", path ? path : "", sbin) >=
	    sizeof(all))
		snprintf(all, sizeof(all), "%s", sbin);
	while ((folder = strsep(&rest, ":"))) {
		int n = snprintf(out, PROGRAM_PATH_MAX, "%s/%s", folder, name);

		if (folder[0] == '/' && n < PROGRAM_PATH_MAX && access(out, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

static MUST_CHECK int memory_file(const char *content, int *fd)
{
	size_t left = content ? strlen(content) : 0;

	*fd = memfd_create("tunion", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	while (left > 0) {
		ssize_t n = write(*fd, content, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			content += n;
			left -= (size_t)n;
		}
	}
	return lseek(*fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static void read_back(int fd, char *out, size_t size)
{
	ssize_t n = fd < 0 || size == 0 ? 0 : pread(fd, out, size - 1, 0);

	if (out && size > 0)
		out[n > 0 ? n : 0] = '\0';
}

static bool is_in(const char *const *more, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (; more && *more; more++) {
		if (strncmp(*more, variable, n) == 0)
			return true;
	}
	return false;
}

/* Joins our environment and the additions, which replace what has their names: of two with
 * one name, a shell takes the last, and other programs take the first. The strings are not
 * copied, and posix_spawn doesn't write to its char *. */
static char **merge_env(const char *const *more)
{
	size_t n = 0, m = 0;
	char **env;

	while (environ[n])
		n++;
	while (more && more[m])
		m++;
	env = calloc(n + m + 1, sizeof(*env));
	if (!env)
		return NULL;
	if (m > 0)
		memcpy(env, more, m * sizeof(*env));
	for (size_t i = 0; i < n; i++) {
		if (!is_in(more, environ[i]))
			env[m++] = environ[i];
	}
	return env;
}

static MUST_CHECK int set_attributes(posix_spawnattr_t *attr, bool group)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setsigmask(attr, &none);
	if (err == 0)
		err = posix_spawnattr_setsigdefault(attr, &all);
	if (group)
		flags |= POSIX_SPAWN_SETPGROUP; /* of its own: that is 0, the default */
	if (err == 0)
		err = posix_spawnattr_setflags(attr, flags);
	return -err;
}

static MUST_CHECK int start(const struct spawn *s, const char *program, const int fds[3],
                            pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char *const *argv;
	char **env = merge_env(s->env);
	int err;

	if (!env)
		return -ENOMEM;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	err = set_attributes(&attr, s->limit_ms > 0);
	for (int i = 0; i < 3 && err == 0; i++) {
		if (fds[i] >= 0)
			err = -posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	}
	/* onto itself: then it is not closed on exec */
	if (s->lock_fd > 0 && err == 0)
		err = -posix_spawn_file_actions_adddup2(&actions, s->lock_fd, s->lock_fd);
	/* posix_spawn doesn't write to these strings either */
	memcpy(&argv, &s->argv, sizeof(argv));
	if (err == 0)
		err = -posix_spawn(pid, program, &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	free(env);
	return err;
}

/* ---- the terminal: a program in a group of its own couldn't ask for a password */

/* Returns -1 if there is none, or if others have it. */
static MUST_CHECK int our_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || tcgetpgrp(fd) == getpgrp())
		return fd;
	close(fd);
	return -1;
}

/* Who doesn't have it is stopped for giving it away, unless the signal is blocked. */
static void give_terminal(int fd, pid_t group)
{
	sigset_t stop, before;

	if (fd < 0)
		return;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stop, &before);
	(void)!tcsetpgrp(fd, group);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- waiting for the end */

/* It isn't reaped yet, so that its number stays that of its group. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

/* pidfd may be -1. */
static bool ends_in_time(pid_t pid, int pidfd, int64_t end_ms)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000 };

	for (;;) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int64_t left_ms = end_ms - clock_now_ms();

		if (has_ended(pid))
			return true;
		if (left_ms <= 0)
			return false;
		if (pidfd >= 0)
			(void)poll(&p, 1, left_ms < INT32_MAX ? (int)left_ms : -1);
		else
			nanosleep(&pause, NULL);
	}
}

/* Whoever of it catches the first signal and goes on has a little time. */
static void end_group(pid_t pid, int pidfd)
{
	(void)kill(-pid, SIGTERM);
	(void)kill(-pid, SIGCONT); /* if it was stopped */
	(void)ends_in_time(pid, pidfd, clock_now_ms() + SPAWN_GRACE_MS);
	(void)kill(-pid, SIGKILL);
}

/* Returns true if its time was over. */
static bool wait_with_limit(const struct spawn *s, pid_t pid)
{
	int pidfd = s->wait || s->limit_ms ? process_pidfd(pid) : -1;
	int64_t end_ms = s->limit_ms ? clock_now_ms() + s->limit_ms : INT64_MAX;
	bool late = false;

	/* without pidfd, which is new in Linux 5.3, nothing else is done meanwhile */
	if (pidfd >= 0 && s->wait)
		s->wait(s->context, pidfd, end_ms);
	if (s->limit_ms && !ends_in_time(pid, pidfd, end_ms)) {
		late = true;
		end_group(pid, pidfd);
	}
	if (pidfd >= 0)
		close(pidfd);
	return late;
}

static MUST_CHECK int wait_for(const struct spawn *s, pid_t pid)
{
	int terminal = s->limit_ms ? our_terminal() : -1, status;
	bool late;

	give_terminal(terminal, pid);
	if (terminal >= 0)
		(void)kill(-pid, SIGCONT); /* it may have asked before it was there */
	late = wait_with_limit(s, pid);
	give_terminal(terminal, getpgrp());
	if (terminal >= 0)
		close(terminal);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (late)
		return -ETIMEDOUT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int spawn_run(const struct spawn *s)
{
	char program[PROGRAM_PATH_MAX];
	int fds[3] = { -1, -1, -1 };
	pid_t pid;
	int err = find_program(s->argv[0], program);

	if (err == 0 && s->input)
		err = memory_file(s->input, &fds[0]);
	if (err == 0 && s->output)
		err = memory_file(NULL, &fds[1]);
	if (err == 0 && s->errors)
		err = memory_file(NULL, &fds[2]);
	if (err == 0)
		err = start(s, program, fds, &pid);
	if (err == 0)
		err = wait_for(s, pid);
	read_back(fds[1], s->output, s->output_size);
	read_back(fds[2], s->errors, s->errors_size);
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return err;
}

bool spawn_has(const char *name)
{
	char path[PROGRAM_PATH_MAX];

	return find_program(name, path) == 0;
}
