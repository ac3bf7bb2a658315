/* src/base/process.c */
#include "base/process.h"

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
