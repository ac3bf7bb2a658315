/* src/supervisor/place.c - what the process inside has handed over is enough for all */
#include "supervisor/place.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int make_tun(void *context, const char *name, bool vnet_hdr)
{
	const struct place_inside *inside = context;

	return handover_take_tun(inside->socket, name, vnet_hdr);
}

/* Nobody finds the file empty meanwhile. */
static int set_resolv_conf(void *context, const char *text)
{
	const struct place_inside *inside = context;
	int fd = inside->fds->resolv_conf;
	size_t n = strlen(text);
	ssize_t written;

	if (fd < 0)
		return 0; /* there is a warning already */
	written = pwrite(fd, text, n, 0);
	if (written < 0 || ftruncate(fd, (off_t)n) < 0)
		return -errno;
	return (size_t)written == n ? 0 : -ENOSPC;
}

struct host_place place_inside(struct place_inside *inside)
{
	return (struct host_place){
		.no_hooks =
			"hooks are not run, in no file: they are meant for the host, and the tun is not there",
		.no_table =
			"the file would need a tun of its own, but there is only one inside: it is left out, and only carries files that name it in Via; take this line out to use it",
		.make_tun = make_tun,
		.set_resolv_conf = set_resolv_conf,
		.context = inside,
		.netlink_fd = inside->fds->netlink,
	};
}
