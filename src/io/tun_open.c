/* src/io/tun_open.c - opens the clone device, and explains failures */
#include "io/tun_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/rights.h"

/* Android uses the second one. */
static const char *const paths[] = { "/dev/net/tun", "/dev/tun" };

/* Root may open a device that is closed to others. What is refused to root, too, or with
 * EPERM, is refused by the container. */
static void report_closed(const char *path, int error, struct diag *diag)
{
	if (error == EACCES && geteuid() != 0)
		diag_error(
			diag, NULL, 0,
			"this needs root: %s cannot be opened: %s; have root run: chmod 666 %s",
			path, strerror(error), path);
	else
		diag_error(
			diag, NULL, 0,
			"%s cannot be opened: %s; let the container have the device (Docker: --device %s)",
			path, strerror(error), path);
}

static int open_clone_device(struct diag *diag)
{
	int error = ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && error == ENOENT; i++) {
		int fd = open(paths[i], O_RDWR | O_CLOEXEC | O_NONBLOCK);

		if (fd >= 0)
			return fd;
		error = errno;
		if (error == EACCES || error == EPERM)
			report_closed(paths[i], error, diag);
		else if (error != ENOENT)
			diag_error(diag, NULL, 0, "%s cannot be opened: %s%s", paths[i],
			           strerror(error),
			           error == ENODEV
			                   ? "; is the kernel's tun module loaded?"
			                   : "");
	}
	if (error == ENOENT)
		diag_error(
			diag, NULL, 0,
			"no tun device: neither %s nor %s exists; have root run: modprobe tun, or give the device to the container; tunion gate needs none, nor does tunion proxy --stack lwip",
			paths[0], paths[1]);
	return -error;
}

static int explain(int error, const char *name, struct diag *diag)
{
	switch (error) {
	case EBUSY:
	case EEXIST:
		diag_error(diag, NULL, 0, "`%s' already exists", name);
		return -EEXIST;
	case EPERM:
		diag_error(
			diag, NULL, 0,
			"this needs root: making the tun device `%s' is not permitted without CAP_NET_ADMIN",
			name);
		return -EPERM;
	case EINVAL:
		diag_error(diag, NULL, 0, "`%s' cannot be the name of a tun device",
		           name);
		return -EINVAL;
	default: /* these are the system's numbers, not ours */
		diag_error(diag, NULL, 0, "the tun device `%s' cannot be made: %s", name,
		           strerror(error));
		return -error;
	}
}

int tun_open(int *fd, const char *name, bool vnet_hdr, struct diag *diag)
{
	struct ifreq r = { 0 };
	int err;

	*fd = -1;
	/* with an empty name or a %, the kernel would choose a name itself */
	if (name[0] == '\0' || strlen(name) >= sizeof(r.ifr_name) || strchr(name, '%'))
		return explain(EINVAL, name, diag);
	memcpy(r.ifr_name, name, strlen(name));
	r.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL |
	                      (vnet_hdr ? IFF_VNET_HDR : 0));
	if (!rights_rule_networks()) {
		diag_error(
			diag, NULL, 0,
			"this needs root: a tun device needs CAP_NET_ADMIN; tunion exec, tunion proxy and tunion gate need no rights");
		return -EPERM;
	}
	err = open_clone_device(diag);
	if (err < 0)
		return err;
	*fd = err;
	if (ioctl(*fd, TUNSETIFF, &r) == 0)
		return 0;
	err = explain(errno, name, diag);
	close(*fd);
	*fd = -1;
	return err;
}

/* glibc's ioctl has the request as an unsigned long, musl's as an int, like POSIX; so this
 * one, which has its highest bit set, changes a sign. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
bool tun_flags(int fd, struct ifreq *out)
{
	return ioctl(fd, TUNGETIFF, out) == 0;
}
#pragma GCC diagnostic pop

int tun_name(int fd, char name[static IFNAME_MAX + 1], struct diag *diag)
{
	struct ifreq r = { 0 };

	if (!tun_flags(fd, &r)) {
		diag_error(diag, NULL, 0, "descriptor %d is no tun device: %s", fd,
		           strerror(errno));
		return -EINVAL;
	}
	if ((r.ifr_flags & (IFF_TUN | IFF_NO_PI)) != (IFF_TUN | IFF_NO_PI)) {
		diag_error(
			diag, NULL, 0,
			"descriptor %d is a device that does not exchange IP packets: it must have IFF_TUN and IFF_NO_PI",
			fd);
		return -EINVAL;
	}
	snprintf(name, IFNAME_MAX + 1, "%.*s", IFNAME_MAX, r.ifr_name);
	return 0;
}
