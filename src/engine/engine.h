/* src/engine/engine.h - the packet's way over many devices (design section 2)
 *
 *   tun -> engine_tun_input -> union -> wg seal -> carry: another device (again)
 *                                                     or the device's udp_link
 *   UDP -> engine_udp_input -> wg open -> a carried device (again) or the tun_link
 *
 * A device may have a tun of its own beside the shared one (design R14): what is read from
 * it goes to device_tun_input, and to this device's peers only.
 *
 * One engine is the whole state of a worker; tests run many engines in one process. An
 * engine has no clock, no socket and no file: the time is an argument of each call, and
 * packets leave through links. Not thread-safe; an engine belongs to one thread. */
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

/* Sets the shared tun. The link is borrowed. It may be replaced; while it is NULL, packets
 * for it are dropped. */
void engine_set_tun(struct engine *e, struct tun_link *tun);

/* Sets the addresses to which the host sends its DNS queries. Each query is sent on to a
 * server of the device whose search domain fits the name best. An address of the family
 * IP_NONE means that there is none; with two of them, as at the start, this is off. */
void engine_set_resolver(struct engine *e, const struct ip_addr *ipv4,
                         const struct ip_addr *ipv6);

/* A DNS server of a device that was asked lately, and does not answer. */
struct silent_server {
	const struct device *device;  /* whose file has it */
	const struct device *through; /* that takes the queries; NULL: no device */
	struct ip_addr addr;
	uint64_t for_ns;
	bool others; /* not all servers of the file are silent */
};

void engine_walk_silent_servers(const struct engine *e, uint64_t now_ns,
                                void (*visit)(void *context,
                                              const struct silent_server *s),
                                void *context);

/* May DNS servers that no tunnel leads to be asked outside of the tunnels, by env's ask_outside
 * and connect_outside? Not at the start. */
void engine_set_outside(struct engine *e, bool on);
/* Such a server has answered to a query. */
void engine_outside_answer(struct engine *e, const struct ip_addr *server,
                           const void *answer, size_t n, uint64_t now_ns);
/* What connect_outside has led to: the address of the relay's socket, or NULL if there is
 * none. */
void engine_outside_relay(struct engine *e, uint16_t port, const struct endpoint *relay);

/* Sets the networks that the host reaches without the tun. The clients of a gate reach
 * them through the host, unless a file has a longer prefix. Returns 0, or -ENOMEM; then
 * there are none. */
MUST_CHECK int engine_set_host_prefixes(struct engine *e,
                                        const struct ip_prefix *prefixes, size_t n);

/* Drops that belong to no device: DROP_NO_ROUTE, DROP_MALFORMED, DROP_TUN, and
 * DROP_FRAGMENT for fragments that came from the host. */
const struct drop_counts *engine_drops(const struct engine *e);
const struct union_table *engine_union(const struct engine *e);

/* Takes a batch of IP packets that were read from the shared tun, at most BATCH_MAX. The buffers
 * are overwritten and the array is reordered. Each packet needs PACKET_HEADROOM_BYTES and
 * PACKET_TAILROOM_BYTES of room. */
void engine_tun_input(struct engine *e, struct packet **packets, size_t n,
                      uint64_t now_ns);

/* The same for packets that were read from the device's own tun: see device_set_tun. */
void device_tun_input(struct device *d, struct packet **packets, size_t n,
                      uint64_t now_ns);

/* Takes a batch of datagrams that came from the network for one device. Their `from` and
 * `tos` must be set. */
void engine_udp_input(struct device *d, struct packet **packets, size_t n,
                      uint64_t now_ns);

/* The time at which the next timer is due (NEVER_NS if there is none), and a function
 * that runs all timers that are due. */
uint64_t engine_next_deadline_ns(const struct engine *e);
void engine_run_timers(struct engine *e, uint64_t now_ns);

#endif
