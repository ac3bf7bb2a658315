/* src/engine/local.h - what does somebody have to know who has TCP in this process, in the
 * place of the host?
 *
 * His packets come by engine_tun_input, and those for him by the tun_link, as the host's
 * do. But there are no routes that would tell him a source and an MTU. */
#ifndef TUNION_ENGINE_LOCAL_H
#define TUNION_ENGINE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

struct engine;

/* Sets the address of the device that takes packets for this destination, and its MTU. As
 * of the last engine_settle, so that it may be called at any time. Returns 0;
 * -ENETUNREACH if no device takes them; -EADDRNOTAVAIL if it has no such address. */
MUST_CHECK int local_route(const struct engine *e, const struct ip_addr *to,
                           struct ip_addr *from, uint32_t *mtu_bytes);

/* Is it an Address of any device? */
bool local_is_own(const struct engine *e, const struct ip_addr *addr);

#endif
