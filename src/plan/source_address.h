/* src/plan/source_address.h - which of a file's Addresses is the source of a packet?
 *
 * A file may have several Addresses of a family. One of them has to be chosen for each
 * route (its `src`), for the source fix, and for outer packets inside the device. It is
 * the one that the kernel would choose if the device had just these Addresses: for IPv6
 * by RFC 6724, and for IPv4, where the kernel has no such rules, the first one (design
 * section 4). Nothing in here does I/O or allocates. */
#ifndef TUNION_PLAN_SOURCE_ADDRESS_H
#define TUNION_PLAN_SOURCE_ADDRESS_H

#include <stdbool.h>

#include "base/ip.h"

/* Is the candidate better than `best`, which is the best of the Addresses before it in
 * the file? (If best->addr.family is IP_NONE, there is none yet.) dst is masked; if it
 * contains all global addresses, as ::/0 does, it stands for these. A loopback address is
 * never better, and a link-local one only if dst is link-local. */
bool source_address_is_better(const struct ip_prefix *candidate,
                              const struct ip_prefix *best, const struct ip_prefix *dst);

/* The prefix of all addresses of the family. */
struct ip_prefix source_address_all(enum ip_family family);
/* fc00::/7 (RFC 4193), the part of ::/0 that may need another source. */
struct ip_prefix source_address_ula(void);
bool source_address_is_ula(const struct ip_addr *addr);
/* Is it an address that the internet has no routes to (RFC 1918, RFC 6598, RFC 4193)? */
bool source_address_is_private(const struct ip_addr *addr);

#endif
