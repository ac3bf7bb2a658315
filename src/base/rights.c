/* src/base/rights.c - gives up rights, one kind after the other */
#include "base/rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

/* Returns 1 if this user namespace doesn't have that user (EINVAL), or lets nobody become
 * another one (EPERM). */
static int become(unsigned id)
{
	if (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		return errno == EINVAL || errno == EPERM ? 1 : -errno;
	return 0;
}

/* A user namespace that only maps root has no other user, and often no setgroups (EPERM).
 * There "root" is only our user, and losing the capabilities is what counts. */
static int leave_root(enum rights_user user)
{
	int err;

	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	err = become((unsigned)user);
	if (err > 0)
		err = become(NOBODY);
	return err > 0 ? 0 : err;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version =
		                                           _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

bool rights_rule_networks(void)
{
	struct __user_cap_header_struct header = { .version =
		                                           _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[2] = { { 0 }, { 0 } };

	return syscall(SYS_capget, &header, have) == 0 &&
	       (have[0].effective & (UINT32_C(1) << CAP_NET_ADMIN)) != 0;
}

const char *rights_needed(int error)
{
	return (error == EACCES || error == EPERM) && geteuid() != 0 ? "this needs root: "
	                                                             : "";
}

int rights_drop(pid_t parent, enum rights_user user)
{
	const struct rlimit no_core = { 0, 0 };
	int err = leave_root(user);

	if (!err)
		err = drop_capabilities();
	if (err)
		return err;
	/* these come after the change of user, which clears the first and may undo the third */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

/* The log of valgrind is a file. */
static bool writes_a_file(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

int rights_limit(rlim_t files_max)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	if (files.rlim_cur > files_max)
		files.rlim_cur = files_max;
	files.rlim_max = files.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	if (BUILT_WITH_SANITIZERS)
		return 0;
	if (setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    (!writes_a_file() && setrlimit(RLIMIT_FSIZE, &none) < 0))
		return -errno;
	return 0;
}
