/* src/proxy/lwip_packets.h - the UDP ports of lwip_stack.h */
#ifndef TUNION_PROXY_LWIP_PACKETS_H
#define TUNION_PROXY_LWIP_PACKETS_H

#include "base/attr.h"
#include "proxy/lwip_core.h"

/* As `listen_packets` of stack.h; at->port 0: any port. The address may be unspecified:
 * all of its family. */
MUST_CHECK int lwip_packets_open(struct lwip_stack *s, const struct endpoint *at,
                                 struct packets **out);

#endif
