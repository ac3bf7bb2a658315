/* src/engine/engine.h - the packet's way over many devices (design section 2)
 *
 *   tun -> engine_tun_input -> union -> wg seal -> carry: another device (again)
 *                                                     or the device's udp_link
 *   UDP -> engine_udp_input -> wg open -> a carried device (again) or the tun_link
 *
 * One engine is one process's whole state; tests run many. It has no clock, no socket, no
 * file: time comes with each call, packets go out by links. Not thread-safe; one thread.
 */
#ifndef TUNION_ENGINE_ENGINE_H
#define TUNION_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "base/ip.h"
#include "base/link.h"
#include "engine/devices.h"
#include "engine/env.h"
#include "engine/settle.h"
#include "plan/union.h"
#include "wg/device.h"

struct engine;

MUST_CHECK int engine_new(struct engine **out, const struct engine_env *env);
void engine_free(struct engine *e);

/* The links are borrowed and may be replaced or NULL (drops then). */
void engine_set_tun(struct engine *e, struct tun_link *tun);

/* Where the host sends its DNS queries; each goes on to the server of the device whose
 * domain fits the name best. IP_NONE: none in that family; both: off, as at first. */
void engine_set_resolver(struct engine *e, const struct ip_addr *ipv4,
                         const struct ip_addr *ipv6);

/* Drops that belong to no device: DROP_NO_ROUTE, DROP_MALFORMED, DROP_TUN, and
 * DROP_FRAGMENT of the host's. */
const struct drop_counts *engine_drops(const struct engine *e);
const struct union_table *engine_union(const struct engine *e);

/* A batch of IP packets read from the tun; at most BATCH_MAX; buffers are overwritten,
 * and the array is reordered. Each packet needs PACKET_HEADROOM_BYTES/TAILROOM_BYTES. */
void engine_tun_input(struct engine *e, struct packet **packets, size_t n,
                      uint64_t now_ns);

/* A batch of datagrams for one device from the network; `from` and `tos` set. */
void engine_udp_input(struct device *d, struct packet **packets, size_t n,
                      uint64_t now_ns);

/* Timers: the earliest deadline (NEVER_NS: none), and running what is due. */
uint64_t engine_next_deadline_ns(const struct engine *e);
void engine_run_timers(struct engine *e, uint64_t now_ns);

#endif
