/* src/demo/space.c - looks first whether there is a tun device, because all the rest
 * would be in vain without it */
#include "demo/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "inside/namespace.h"

static int enter_user_namespace(bool *entered, struct diag *diag)
{
	struct diag not_told = { 0 };
	bool root = geteuid() == 0;
	int err = namespace_user_new(0, 0, "the demo", root ? &not_told : diag);

	*entered = err == 0;
	if (root && geteuid() == 0)
		err = 0; /* root does not need one */
	else
		diag_move(diag, &not_told);
	diag_clear(&not_told);
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
	return err == 0 ? namespace_new(CLONE_NEWNET, "the demo", diag) : err;
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
