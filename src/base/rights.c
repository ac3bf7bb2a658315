/* src/base/rights.c - gives up rights, one kind after the other */
#include "base/rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

/* A user namespace that only maps root has no nobody (EINVAL), and often no setgroups
 * (EPERM). There "root" is only our user, and losing the capabilities is what counts. */
static int become_nobody(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0)
		return errno == EINVAL || errno == EPERM ? 0 : -errno;
	if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return errno == EINVAL || errno == EPERM ? 0 : -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version =
		                                           _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int rights_drop(pid_t parent)
{
	const struct rlimit no_core = { 0, 0 };
	int err = become_nobody();

	if (!err)
		err = drop_capabilities();
	if (err)
		return err;
	/* this comes after the change of user, which would clear the first two */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}
