/* src/host/hook_note.c - the file has the line of /proc/PID/stat, see proc_pid_stat(5) */
#include "host/hook_note.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "host/spawn.h"

#define PAUSE_MS 10 /* between two looks, where there is no pidfd */

struct noted {
	long pid;
	unsigned long long start;
};

/* Nobody else could have written it. */
static bool is_ours(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 022);
}

static bool read_text(int fd, char *out, size_t size)
{
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Reads the line of a process that is alive; a zombie isn't. */
static bool parse(struct noted *out, const char *line)
{
	const char *at = strrchr(line, ')'); /* the name may contain anything */
	char state;

	return sscanf(line, "%ld (", &out->pid) == 1 && at &&
	       sscanf(at + 1,
	              " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	              &state, &out->start) == 2 &&
	       state != 'Z' && state != 'X';
}

bool hook_note_begin(const char *path)
{
	int fd;

	if (!path)
		return false;
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void hook_note_remove(const char *path)
{
	if (path)
		(void)unlink(path);
}

static bool runs(const struct noted *hook)
{
	char path[40], line[1024];
	struct noted now;
	bool found;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", hook->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	found = read_text(fd, line, sizeof(line)) && parse(&now, line);
	if (fd >= 0)
		close(fd);
	return found && now.start == hook->start;
}

/* pidfd may be -1. */
static bool ends_in_time(const struct noted *hook, int pidfd, int64_t end_ms)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000 };

	while (runs(hook)) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int64_t left_ms = end_ms - clock_now_ms();

		if (left_ms <= 0)
			return false;
		if (pidfd >= 0)
			(void)poll(&p, 1, (int)left_ms);
		else
			nanosleep(&pause, NULL);
	}
	return true;
}

static void wait_for(const struct noted *hook, unsigned limit_s, const struct log *log)
{
	pid_t pid = (pid_t)hook->pid;
	int pidfd = process_pidfd(pid);

	if (runs(hook) && log)
		log_info(
			log, NULL,
			"a hook of the instance that was killed still runs (pid %ld): it is waited for, for up to %u s",
			hook->pid, limit_s);
	if (!ends_in_time(hook, pidfd, clock_now_ms() + (int64_t)limit_s * 1000)) {
		if (log)
			log_warn(
				log, NULL,
				"a hook of the instance that was killed (pid %ld) is ended, because it took longer than the limit of %u s",
				hook->pid, limit_s);
		(void)kill(-pid, SIGTERM);
		(void)kill(-pid, SIGCONT);
		(void)ends_in_time(hook, pidfd, clock_now_ms() + SPAWN_GRACE_MS);
		(void)kill(-pid, SIGKILL);
	}
	if (pidfd >= 0)
		close(pidfd);
}

void hook_note_wait(const char *path, unsigned limit_s, const struct log *log)
{
	struct noted hook;
	char line[1024];
	int fd;

	if (!path)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	/* 1 would be every process there is */
	if (is_ours(fd) && read_text(fd, line, sizeof(line)) && parse(&hook, line) &&
	    hook.pid > 1 && runs(&hook))
		wait_for(&hook, limit_s, log);
	if (fd >= 0)
		close(fd);
	hook_note_remove(path);
}
