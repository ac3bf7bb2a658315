/* src/base/process.c */
#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void process_raise_limits(void)
{
	struct rlimit files, unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

/* Without /proc: tries all numbers. */
static void close_each_from(int first)
{
	struct rlimit limit = { 1024, 1024 };

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 1U << 20)
		limit.rlim_cur = 1U << 20;
	for (int fd = first; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

/* Not close_range(2): before version 14, Android kills an app's process for that call. */
void process_close_from(int first)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!dir) {
		close_each_from(first);
		return;
	}
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name); /* 0 for . and .. */

		if (fd >= first && fd > 0 && fd != dirfd(dir))
			close(fd);
	}
	closedir(dir);
}

void process_close_all_but(int a, int b)
{
	int last = a > b ? a : b;

	for (int fd = 3; fd < last; fd++) {
		if (fd != a && fd != b)
			close(fd);
	}
	process_close_from(last < 3 ? 3 : last + 1);
}

void process_leave_streams(int from, int to)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = from; fd <= to && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

int process_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}
