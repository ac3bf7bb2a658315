/* src/base/process.c */
#include "base/process.h"

#include <fcntl.h>
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

void process_close_from(int first)
{
	struct rlimit limit = { 1024, 1024 };

#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 1U << 20)
		limit.rlim_cur = 1U << 20;
	for (int fd = first; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

void process_close_all_but(int a, int b)
{
	int last = a > b ? a : b;

	for (int fd = 3; fd < last; fd++) {
		if (fd != a && fd != b)
			close(fd);
	}
	process_close_from(last + 1);
}

void process_leave_streams(int from, int to)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = from; fd <= to && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}
