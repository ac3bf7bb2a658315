/* src/sandbox/empty_root.c - after pivot_root(".", "."), the old root lies on top of the new
 * one, where it is unmounted: pivot_root(2) describes this. passt's isolation.c does so. */
#include "sandbox/empty_root.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "inside/namespace.h"

/* Any directory that is everywhere; only we see what is mounted there. */
#define PLACE "/proc"

/* Root would stay root in a user namespace, and couldn't become another user any more. */
static int leave_namespaces(int spaces)
{
	struct diag why = { 0 }; /* nobody has asked for these namespaces */
	int err;

	if (unshare(spaces) == 0)
		return 0;
	if (errno != EPERM || geteuid() == 0)
		return -errno;
	err = namespace_user_new(geteuid(), getegid(), "a process without rights", &why);
	diag_clear(&why);
	if (!err && unshare(spaces) < 0)
		err = -errno;
	return err;
}

int empty_root_enter(bool keep_network)
{
	int err = leave_namespaces(CLONE_NEWNS | CLONE_NEWIPC |
	                           (keep_network ? 0 : CLONE_NEWNET));

	if (err)
		return err;
	/* unbindable is private, too: nothing that we do is seen in other namespaces */
	if (mount("", "/", "", MS_UNBINDABLE | MS_REC, NULL) < 0 ||
	    mount("tunion", PLACE, "tmpfs", MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_RDONLY,
	          "nr_inodes=2,nr_blocks=1,mode=0555") < 0 ||
	    chdir(PLACE) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH | UMOUNT_NOFOLLOW) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}
