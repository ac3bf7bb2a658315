/* src/engine/engine.h - the packet's way over many devices (design section 2)
 *
 *   tun -> engine_tun_input -> union -> wg seal -> carry: another device (again) or
 * udp_link UDP -> engine_udp_input -> wg open -> carried device (again) or tun_link
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
#include "base/log.h"
#include "base/rng.h"
#include "plan/way.h"
#include "wg/device.h"

struct engine;
struct device; /* a virtual device of the engine */
struct aead_impl;

struct engine_env {
	struct rng rng;
	const struct log *log; /* borrowed; may be NULL */
	/* What aead_choose found to work; NULL: whatever the CPU has. */
	const struct aead_impl *aead;
	uint64_t (*wall_clock_ns)(void *context);
	/* May be NULL. A peer's endpoint has moved, so ways and the host's rules may
	 * change. */
	void (*endpoint_changed)(void *context, struct device *device,
	                         struct wg_peer *peer);
	/* May be NULL. The peer owes an answer for some seconds: it might be elsewhere.
	 * Said with each try, so again and again. Not to change anything in the engine. */
	void (*unanswered)(void *context, struct device *device, struct wg_peer *peer);
	void *context; /* borrowed */
};

/* What tunion, not WireGuard, has to know of a device. Strings and arrays are copied. */
struct device_settings {
	const struct ip_addr *addresses; /* the file's Addresses */
	size_t address_count;
	uint32_t mtu_bytes; /* effective inner MTU */
	uint16_t port;      /* UDP port: ListenPort or the one drawn */
	int32_t metric;
	bool table_off;
	bool source_fix_off;
	const struct ip_addr
		*dns_servers; /* for the virtual resolver, see engine_set_resolver */
	size_t dns_server_count;
	const char *const *dns_domains;
	size_t dns_domain_count;
	bool default_route; /* some prefix of it has length 0 */
	enum way_via via;
	const char *via_name; /* device, with WAY_VIA_DEVICE; may be added later */
};

MUST_CHECK int engine_new(struct engine **out, const struct engine_env *env);
void engine_free(struct engine *e);

/* The links are borrowed and may be replaced or NULL (drops then). */
void engine_set_tun(struct engine *e, struct tun_link *tun);

/* Where the host sends its DNS queries; each goes on to the server of the device whose
 * domain fits the name best. IP_NONE: none in that family; both: off, as at first. */
void engine_set_resolver(struct engine *e, const struct ip_addr *ipv4,
                         const struct ip_addr *ipv6);

/* -EEXIST, -ENOMEM. The device starts stopped, without peers: configure it through
 * device_wg(), then engine_touch, then wg_device_start. */
MUST_CHECK int engine_add_device(struct engine *e, const char *name, struct device **out);
void engine_remove_device(struct engine *e, struct device *d);
struct device *engine_find_device(const struct engine *e, const char *name);
/* In the order added. */
struct device *engine_first_device(const struct engine *e);
struct device *engine_next_device(const struct device *d);

/* Also forgets what device_set_peer_via said: say it again after this. 0 or -ENOMEM. */
MUST_CHECK int device_set(struct device *d, const struct device_settings *settings);
/* Via of one peer, over that of its device. Kept by key, so the peer may come later, and
 * one that is removed and added again (wg setconf) has it still. 0 or -ENOMEM. */
MUST_CHECK int device_set_peer_via(struct device *d,
                                   const uint8_t public_key[static KEY_BYTES],
                                   enum way_via via, const char *via_name);
void device_set_udp(struct device *d, struct udp_link *udp);
/* Only the port of the settings: the device got new sockets. */
void device_set_port(struct device *d, uint16_t port);

struct wg_device *device_wg(const struct device *d);
const char *device_name(const struct device *d);
struct engine *device_engine(const struct device *d);
uint32_t device_mtu_bytes(const struct device *d);
uint16_t device_port(const struct device *d);
/* wg's and the engine's own counts, added up. */
void device_drops(const struct device *d, struct drop_counts *out);
/* Drops that belong to no device: DROP_NO_ROUTE, DROP_MALFORMED, DROP_TUN. */
const struct drop_counts *engine_drops(const struct engine *e);
/* The peer's next hop and state; valid after engine_settle. */
const struct way_peer *peer_way(const struct wg_peer *p);

/* After any change of keys, peers, allowed IPs, endpoints by configuration: this device's
 * part of the union is made anew, and the ways, before the next packet. Cheap; call it as
 * often as you like. */
void engine_touch(struct device *d);
/* Does now what engine_touch and settings have asked for. 0 or -ENOMEM. */
MUST_CHECK int engine_settle(struct engine *e, uint64_t now_ns);
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
