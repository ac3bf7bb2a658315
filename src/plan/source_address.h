/* src/plan/source_address.h - which of a file's own addresses does a packet bear?
 *
 * Design section 4: a file with several Addresses of a family needs an answer for each
 * route (its `src`), for the source fix and for outer packets inside the device. It is
 * the kernel's for a device that has just these Addresses: RFC 6724 by IPv6, and by IPv4,
 * for which the kernel knows no such rules, the first. A pure function. */
#ifndef TUNION_PLAN_SOURCE_ADDRESS_H
#define TUNION_PLAN_SOURCE_ADDRESS_H

#include <stdbool.h>

#include "base/ip.h"

/* Is the candidate better than the best of those that come before it in the file? dst is
 * masked; one that holds the global addresses (::/0) stands for these. best->addr.family
 * IP_NONE: there is none yet. Never a loopback address, a link-local one only if dst is
 * link-local. */
bool source_address_is_better(const struct ip_prefix *candidate,
                              const struct ip_prefix *best, const struct ip_prefix *dst);

/* Everything of the family. */
struct ip_prefix source_address_all(enum ip_family family);
/* fc00::/7, RFC 4193: of ::/0 the part that may need another answer. */
struct ip_prefix source_address_ula(void);
bool source_address_is_ula(const struct ip_addr *addr);

#endif
