/* src/inside/namespace.c - unshare(2), user_namespaces(7). Each refusal is explained,
 * because the reader wants to know which setting of the system is the cause. */
#include "inside/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int namespace_write(const char *path, const char *text)
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

/* Does the file exist, and contain this number? */
static bool contains(const char *path, int number)
{
	FILE *in = fopen(path, "re");
	int value = 0;
	bool found = in && fscanf(in, "%d", &value) == 1 && value == number;

	if (in)
		fclose(in);
	return found;
}

static const char *why_no_user_namespace(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		if (contains("/proc/sys/kernel/unprivileged_userns_clone", 0))
			return "the system does not let ordinary users make user namespaces; have root run: sysctl kernel.unprivileged_userns_clone=1";
		return "it is forbidden in a chroot, by the seccomp filter of a container, or by a security module; let the container use the system calls unshare and setns (Docker: --security-opt seccomp=unconfined)";
	case ENOSPC:
	case EUSERS:
		return "the system allows no more of them; have root run: sysctl user.max_user_namespaces=10000";
	case EINVAL:
	case ENOSYS:
		return "this kernel is built without user namespaces; use one with CONFIG_USER_NS";
	default: /* these are the system's numbers, not ours */
		return strerror(error);
	}
}

/* What root can change begins like all that an ordinary user may not do. */
static const char *prefix_of(const char *why)
{
	return geteuid() != 0 && strstr(why, "have root") ? "this needs root: " : "";
}

/* The user namespace exists, but something that needs rights in it has failed. */
static const char *why_no_rights(int error, bool root)
{
	if (error != EPERM && error != EACCES)
		return strerror(error);
	if (root)
		return "root without CAP_SYS_ADMIN needs CAP_SETFCAP for that; let the container have one of them";
	return "AppArmor or another security module takes away all rights in user namespaces; have root install the profile dist/apparmor/tunion from tunion's sources, or run: sysctl kernel.apparmor_restrict_unprivileged_userns=0";
}

/* A process may only map itself, and only after it gave up setgroups. */
static int map_ids(uid_t uid, uid_t own_uid, gid_t gid, gid_t own_gid)
{
	char text[32];
	int err = namespace_write("/proc/self/setgroups", "deny");

	if (err != 0 && err != -ENOENT)
		return err;
	snprintf(text, sizeof(text), "%u %u 1", uid, own_uid);
	err = namespace_write("/proc/self/uid_map", text);
	if (err != 0)
		return err;
	snprintf(text, sizeof(text), "%u %u 1", gid, own_gid);
	return namespace_write("/proc/self/gid_map", text);
}

int namespace_user_new(uid_t uid, gid_t gid, const char *what, struct diag *diag)
{
	uid_t own_uid = geteuid();
	gid_t own_gid = getegid();
	const char *why;
	int err;

	if (unshare(CLONE_NEWUSER) != 0) {
		err = errno;
		why = why_no_user_namespace(err);
		diag_error(diag, NULL, 0, "%scan't make a user namespace for %s: %s%s",
		           prefix_of(why), what, why,
		           own_uid != 0 ? "; root needs none" : "");
		return -err;
	}
	err = map_ids(uid, own_uid, gid, own_gid);
	why = err != 0 ? why_no_rights(-err, own_uid == 0) : "";
	if (err != 0)
		diag_error(diag, NULL, 0, "%scan't use a user namespace for %s: %s",
		           prefix_of(why), what, why);
	/* So that the user who started us may look at us, and use nsenter(1) to get into
	 * our namespaces. */
	if (err == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		err = -errno;
	return err;
}

int namespace_new(int flags, const char *what, struct diag *diag)
{
	const char *why;
	int err;

	if (unshare(flags) == 0)
		return 0;
	err = errno;
	why = why_no_rights(err, false);
	diag_error(diag, NULL, 0, "%scan't make a network namespace for %s: %s",
	           prefix_of(why), what, why);
	return -err;
}
