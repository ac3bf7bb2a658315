/* src/io/outward.h - how would a datagram leave this host?
 *
 * The kernel is asked by a UDP socket that is connected but sends nothing. Every program
 * may do that; Android, for one, answers hardly any question by rtnetlink. */
#ifndef TUNION_IO_OUTWARD_H
#define TUNION_IO_OUTWARD_H

#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

struct outward {
	struct ip_addr source; /* the address that it would come from */
	uint32_t mtu_bytes;    /* of the path, as far as it is known; 0: unknown */
};

/* Sockets to look with, where others than these would get another answer: behind
 * Android's VPN only one that is protected sees the network. They are owned by whoever
 * embeds this, and may be used again and again; -1: there is none, or none yet. */
struct outward_sockets {
	int ipv4, ipv6;
};

/* Only the address and scope_id of the endpoint count. mark is that of the datagram
 * (SO_MARK); 0: none. `by` may be NULL: then a socket is made for it. Returns 0, or -errno
 * if no datagram can be sent there, such as -ENETUNREACH; or -EAGAIN if there is no socket
 * for this yet. */
MUST_CHECK int outward_look(const struct outward_sockets *by, const struct endpoint *to,
                            uint32_t mark, struct outward *out);

#endif
