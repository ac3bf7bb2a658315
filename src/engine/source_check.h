/* src/engine/source_check.h - may what a device has decrypted say that it comes from there?
 * (design R12)
 *
 * Cryptokey routing has already found that the source belongs to the peer. But a provider
 * whose peer has 0.0.0.0/0 could still answer for the home network, and the host can't
 * tell the devices on one tun apart. So a packet for the host, or for a client of a gate,
 * is dropped if
 *  - another device has a longer prefix with the source than this one has, or has the
 *    source as its Address; or a client of a gate has it; or it is the virtual resolver's:
 *    DROP_FORGED_SOURCE. Prefixes count as long as they are in the union, also while their
 *    peer doesn't answer, because packets to them still go nowhere else.
 *  - it is an ICMP error about a packet to such an address, or the first piece of an error
 *    that doesn't say what it is about: DROP_FORGED_SOURCE.
 *  - its destination is the Address of another device that has a default route of this
 *    family, as in wg-quick's firewall rules: DROP_GUARDED_ADDRESS.
 * The virtual resolver may ask a server through this device whose address another device
 * has. Its answers are let through, because translate.h gives them the virtual address.
 *
 * Datagrams for carried devices are not checked: they prove themselves who they are. */
#ifndef TUNION_ENGINE_SOURCE_CHECK_H
#define TUNION_ENGINE_SOURCE_CHECK_H

#include <stddef.h>

#include "base/attr.h"
#include "engine/core.h"

/* Takes what has to be dropped out of the array, counts it, and returns how many are
 * left. Call it before they are translated back. Packets of DNS servers are only checked
 * as far as that is possible then. */
MUST_CHECK size_t source_check(const struct device *d, struct packet **packets, size_t n);

/* Does the rest, after they were translated back: packets of DNS servers that were not
 * asked through this device. */
MUST_CHECK size_t source_check_servers(const struct device *d, struct packet **packets,
                                       size_t n);

#endif
