/* src/demo/space.c - unshare(2), user_namespaces(7). Each refusal is explained, because
 * the reader wants to know which setting of the system is the cause. */
#include "demo/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int space_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;
	size_t n = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n)
		err = -errno;
	close(fd);
	return err;
}

static const char *why_no_user_namespace(int err)
{
	switch (err) {
	case EPERM:
		return "the system does not let ordinary users make user namespaces (see kernel.unprivileged_userns_clone, or the seccomp filter of the container)";
	case ENOSPC:
		return "the system allows no more user namespaces (user.max_user_namespaces)";
	case EINVAL:
	case ENOSYS:
		return "this kernel is built without user namespaces";
	default:
		return strerror(err);
	}
}

/* Maps our own id to 0. A process may only map itself, and only after it gave
 * up setgroups. */
static int map_ids(uid_t uid, gid_t gid)
{
	char text[32];
	int err = space_write("/proc/self/setgroups", "deny");

	if (err != 0 && err != -ENOENT)
		return err;
	snprintf(text, sizeof(text), "0 %u 1", uid);
	err = space_write("/proc/self/uid_map", text);
	if (err != 0)
		return err;
	snprintf(text, sizeof(text), "0 %u 1", gid);
	return space_write("/proc/self/gid_map", text);
}

static int enter_user_namespace(bool *entered, struct diag *diag)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err;

	if (unshare(CLONE_NEWUSER) != 0) {
		err = errno;
		if (uid == 0)
			return 0; /* root does not need one */
		diag_error(
			diag, NULL, 0,
			"can't make a user namespace for the demo: %s; run it as root instead",
			why_no_user_namespace(err));
		return -err;
	}
	*entered = true;
	err = map_ids(uid, gid);
	if (err != 0)
		diag_error(diag, NULL, 0,
		           "could not become root of the new user namespace: %s",
		           strerror(-err));
	/* So that the user who started us may look at us, and use nsenter(1) to get into
	 * our namespaces. */
	if (err == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		err = -errno;
	return err;
}

static int try_tun(struct diag *diag)
{
	int err, fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	err = errno;
	if (err == ENOENT || err == ENODEV || err == ENXIO)
		diag_error(
			diag, NULL, 0,
			"/dev/net/tun is missing: load the module tun, or give the container the device");
	else
		diag_error(
			diag, NULL, 0,
			"/dev/net/tun can't be opened: %s; run the demo as root, or have root run: chmod 666 /dev/net/tun",
			strerror(err));
	return -err;
}

int space_enter(bool *user_namespace, struct diag *diag)
{
	int err = try_tun(diag);

	*user_namespace = false;
	if (err == 0)
		err = enter_user_namespace(user_namespace, diag);
	if (err == 0 && unshare(CLONE_NEWNET) != 0) {
		err = -errno;
		diag_error(
			diag, NULL, 0,
			"can't make a network namespace for the demo: %s%s",
			strerror(-err),
			*user_namespace
				? " (does AppArmor restrict user namespaces? See kernel.apparmor_restrict_unprivileged_userns)"
				: "");
	}
	return err;
}

int space_net_new(int *fd)
{
	if (unshare(CLONE_NEWNET) != 0)
		return -errno;
	*fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

int space_net_join(int fd)
{
	return setns(fd, CLONE_NEWNET) == 0 ? 0 : -errno;
}
