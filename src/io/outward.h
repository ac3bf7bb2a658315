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

/* Only the address and scope_id of the endpoint count. mark is that of the datagram
 * (SO_MARK); 0: none. Returns 0, or -errno if no datagram
 * can be sent there, such as -ENETUNREACH. */
MUST_CHECK int outward_look(const struct endpoint *to, uint32_t mark,
                            struct outward *out);

#endif
