/* src/proxy/lwip_env.h - what lwip_stack.h is given */
#ifndef TUNION_PROXY_LWIP_ENV_H
#define TUNION_PROXY_LWIP_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/packet.h"

struct lwip_env {
	/* Who takes packets for this destination? Sets our own address for it and the MTU.
	 * Returns 0, or -ENETUNREACH if nobody does, or -EADDRNOTAVAIL if there is no such
	 * address. */
	int (*route)(void *context, const struct ip_addr *to, struct ip_addr *from,
	             uint32_t *mtu_bytes);
	/* Is it an address of ours? */
	bool (*is_own)(void *context, const struct ip_addr *addr);
	/* Takes packets as engine_tun_input does. */
	void (*send)(void *context, struct packet **packets, size_t n, uint64_t now_ns);
	void *context; /* borrowed */
};

#endif
