/* src/host/monitor.h - has anybody changed the host's network?
 *
 * A socket that the kernel tells of every change of links, addresses, routes and rules.
 * What they are is not kept, only what kind they were. */
#ifndef TUNION_HOST_MONITOR_H
#define TUNION_HOST_MONITOR_H

#include <stdint.h>

#include "base/attr.h"
#include "base/reader.h"

/* Bits. */
enum monitor_change {
	MONITOR_NETWORK = 1 << 0, /* something outside the tun */
	MONITOR_SOURCES = 1 << 1, /* also which address leaves by which way */
	MONITOR_OURS = 1 << 2,    /* something on the tun, or a rule, has gone */
};

/* In the network namespace of the caller; non-blocking. 0 or -errno. */
MUST_CHECK int monitor_open(int *fd);
/* Reads all that is there. Returns the bits of what has changed; when the kernel had to
 * leave something out, all of them. tun: its index. */
unsigned monitor_read(int fd, uint32_t tun);
/* The same of one datagram. */
unsigned monitor_parse(struct reader r, uint32_t tun);

#endif
