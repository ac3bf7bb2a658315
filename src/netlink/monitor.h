/* src/netlink/monitor.h - has anybody changed the host's network?
 *
 * Listens on a socket that gets notified by the kernel of every change of links,
 * addresses, routes and rules. Only the kind of a change is kept, not the change
 * itself. */
#ifndef TUNION_NETLINK_MONITOR_H
#define TUNION_NETLINK_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/reader.h"

/* These are bits. */
enum monitor_change {
	MONITOR_NETWORK = 1 << 0, /* something outside our tuns has changed */
	MONITOR_SOURCES = 1 << 1, /* perhaps also which address is used on which way */
	MONITOR_OURS = 1 << 2,    /* something on a tun of ours, or a rule, may be gone */
};

/* Opens the socket in the network namespace of the caller; non-blocking. Returns 0 or
 * -errno. */
MUST_CHECK int monitor_open(int *fd);
/* Which indices are those of our tuns? None, if they are in another namespace. */
struct monitor_tuns {
	bool (*have)(const void *context, uint32_t ifindex);
	const void *context; /* borrowed */
};

/* Reads all notifications. Returns the bits of what has changed, or all bits if the
 * kernel had to leave something out. */
unsigned monitor_read(int fd, const struct monitor_tuns *tuns);
/* Does the same with one datagram. */
unsigned monitor_parse(struct reader r, const struct monitor_tuns *tuns);

#endif
