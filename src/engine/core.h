/* src/engine/core.h - the structs that only the engine's own modules know
 *
 * Everything hangs off struct engine. wg owns keys, sessions and allowed IPs. The structs
 * here hold what tunion adds: the union, the ways, ports, addresses, the tun. */
#ifndef TUNION_ENGINE_CORE_H
#define TUNION_ENGINE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/drop.h"
#include "base/link.h"
#include "base/log.h"
#include "base/packet.h"
#include "base/secret.h"
#include "base/timerq.h"
#include "base/trie.h"
#include "engine/env.h"
#include "engine/flow.h"
#include "engine/group.h"
#include "engine/icmp.h"
#include "engine/pieces.h"
#include "engine/reassembly.h"
#include "engine/resolver.h"
#include "plan/union.h"
#include "plan/way.h"
#include "wg/device.h"

/* Only standby.c uses this. */
struct peer_failures {
	bool stood_in; /* somebody has its prefixes, or those of a peer that it carries */
	bool answered; /* it has answered since, but has to wait */
	unsigned in_a_row;
	uint64_t wait_ns;       /* how long it waits after the latest failure */
	uint64_t wait_until_ns; /* it gets its prefixes back not before this */
	uint64_t given_back_ns; /* 0: never */
};

/* The context of a wg_peer. settle.c makes and frees it, so a peer that is new to wg has
 * none until the engine is settled. */
struct peer {
	struct way_peer way; /* first member */
	struct wg_peer *wg;  /* borrowed: from the device's wg; NULL: was removed there */
	struct group group;
	/* see standby.h */
	struct timer failing_timer, complaint_timer;
	struct endpoint tried; /* where the latest initiation was sent */
	bool failing;          /* unusable, and not because of its carrier */
	struct peer_failures failures;
	bool has_way; /* used by standby.c alone: had a way without standbys */
	bool seen;    /* used by settle.c alone: wg still has this peer */
	/* Another peer's way leads through this one, or has passed it over, or would do so
	 * with other standbys. */
	bool depended_on;
	struct icmp_limit errors; /* of errors for this client of a gate */
	/* see moves.h */
	struct peer *next_moved;
	bool moved; /* it is in the list of moves */
};

/* The Via of one peer, kept by its key: see device_set_peer_via. */
struct peer_via {
	struct peer_via *next;
	uint8_t public_key[KEY_BYTES];
	enum way_via via;
	char *name;                /* owned; NULL unless via is WAY_VIA_DEVICE */
	struct way_device *device; /* borrowed; NULL while no device has the name */
};

/* One of a device's Addresses, and its link in the engine's table of all Addresses. */
struct device_address {
	struct ip_addr addr;
	struct device *device; /* borrowed: whose it is */
	struct bucket_link by_address;
};

/* Only settle.c uses this. */
struct device_settling {
	bool touched;
	struct device *next_touched;
	uint32_t old_rank;
};

/* Only gate.c uses `next`. */
struct device_gate {
	bool on;             /* its peers are clients, see gate.h */
	bool isolate_off;    /* these may reach each other */
	struct device *next; /* borrowed */
};

/* A tun of the device's own (design R14): it alone gets what is read from this tun. It is
 * not in the union then, and what it has decrypted goes to no other tun. */
struct device_tun {
	bool own;
	struct tun_link *link; /* borrowed; may be NULL */
};

/* Only carry.c uses this. */
struct device_loop {
	uint64_t quiet_until_ns;
	struct log_limit limit;
};

struct device {
	struct way_device way; /* first member; way.sibling is the device added next */
	struct device *previous;
	struct engine *engine; /* borrowed */
	struct wg_device *wg;  /* owned */
	struct wg_env wg_env;
	struct udp_link *udp; /* borrowed; may be NULL */

	struct device_address *addresses; /* owned: the file's Addresses */
	size_t address_count;
	uint32_t mtu_bytes; /* of inner packets; 0: no limit */
	bool source_fix_off, left_out;
	bool source_check_off;
	bool default4, default6; /* it has a default route of that family */
	struct device_gate gate;
	struct device_tun tun;
	uint32_t id;           /* this engine never uses it again for another device */
	char *via_name;        /* owned; NULL unless way.via is WAY_VIA_DEVICE */
	struct peer_via *vias; /* owned */

	struct bucket_link by_name, by_port;
	bool expects_strangers; /* a peer may call from anywhere (design R8) */
	struct device_settling settling;
	struct group group;
	uint16_t ipv4_id; /* of the next outer packet */
	struct device_loop loop;
};

enum settle_need {
	SETTLE_NOTHING,
	SETTLE_WAYS,    /* an endpoint moved */
	SETTLE_STANDBY, /* a peer has become usable or unusable */
	SETTLE_ALL,     /* devices were added, removed, set or touched */
};

/* The devices in the order they were added, and the tables that find them. */
struct engine_devices {
	struct device *first, *last; /* owned */
	struct bucket_table by_name, by_port, by_address;
	uint32_t last_id; /* of the device that was added last */
};

/* Only gate.c uses `host`, `host_entries` and the limits. */
struct engine_gates {
	struct device *first;            /* borrowed: a list, linked by gate.next */
	struct trie *host;               /* owned: the host's own networks; may be NULL */
	struct trie_entry *host_entries; /* owned array: what is in it */
	struct log_limit loop_limit, refused_limit;
	/* of errors about packets to clients: whoever sends these must not use up the host's */
	struct icmp_limit too_big_limit;
};

/* Only moves.c uses this. */
struct moves {
	struct peer *first; /* borrowed: a list, linked by next_moved */
	struct timer timer;
	uint64_t next_ns; /* nothing is told before; 0 at first */
};

struct meetings;
struct outside_queries;

/* Only outside.c uses `on` and `queries`; only outside_meeting.c looks into `meetings`. */
struct engine_outside {
	bool on;
	struct outside_queries *queries; /* owned */
	struct meetings *meetings;       /* owned */
};

struct engine {
	struct engine_env env;
	uint64_t now_ns; /* the time of what is being handled, for drop_counts alone */
	struct timerq timers;
	struct packet_pool *staged; /* owned; for staged packets */
	struct packet_pool *pool;   /* owned; for all others */
	struct secrets secrets;     /* all keys of devices and peers */
	struct intake *intake;      /* owned; handshake messages that wait */
	struct tun_link *tun;       /* the shared one; borrowed; may be NULL */
	struct engine_devices devices;
	struct engine_gates gates;
	struct flows *flows;       /* owned */
	struct resolver *resolver; /* owned */
	struct engine_outside outside;
	struct pieces *pieces;         /* owned */
	struct reassembly *reassembly; /* owned */
	uint32_t fragment_id;          /* of the IPv6 packet that was cut last */
	struct union_table table;
	enum settle_need need;
	struct timer retry_timer; /* see standby.h */
	size_t failing_count;     /* how many peers are failing */
	struct moves moves;
	struct device *touched; /* a list, linked by settling.next_touched */
	struct drop_counts drops;
	struct icmp_limit unreachable_limit, too_big_limit;
};

/* Tells engine_settle that it has to do at least this. */
static inline void engine_need(struct engine *e, enum settle_need what)
{
	if (e->need < what)
		e->need = what;
}

static inline struct peer *peer_of_way(struct way_peer *way)
{
	return CONTAINER_OF(way, struct peer, way);
}

static inline struct device *device_of_way(struct way_device *way)
{
	return CONTAINER_OF(way, struct device, way);
}

static inline struct device *peer_device(const struct peer *peer)
{
	return device_of_way(peer->way.device);
}

static inline void device_drop(const struct device *d, enum drop reason, size_t n)
{
	drop_count(wg_device_drops(d->wg), reason, n);
}

/* Returns how many packets a tun has not taken. Without a tun, these are all. */
static inline size_t write_to_tun(struct tun_link *tun, struct packet *const *packets,
                                  size_t n)
{
	return n - (n > 0 && tun ? tun->write(tun, packets, n) : 0);
}

/* Writes packets to the shared tun, and counts those that it doesn't take. */
static inline void engine_to_tun(struct engine *e, struct packet *const *packets,
                                 size_t n)
{
	drop_count(&e->drops, DROP_TUN, write_to_tun(e->tun, packets, n));
}

/* The same for the device's own tun. */
static inline void device_to_tun(const struct device *d, struct packet *const *packets,
                                 size_t n)
{
	device_drop(d, DROP_TUN, write_to_tun(d->tun.link, packets, n));
}

/* RFC 8200 5: a device takes packets of this size, whatever its MTU says. */
#define IPV6_MTU_MIN 1280U

/* The largest packet of the family that the device takes. */
static inline uint32_t device_mtu_for(const struct device *d, enum ip_family family)
{
	if (d->mtu_bytes == 0)
		return UINT32_MAX;
	return family == IP_V6 && d->mtu_bytes < IPV6_MTU_MIN ? IPV6_MTU_MIN
	                                                      : d->mtu_bytes;
}

/* Returns the peer whose allowed IPs have this address, or NULL. */
static inline struct peer *device_peer_for(const struct device *d,
                                           const struct ip_addr *addr)
{
	const struct trie_entry *entry = trie_lookup(wg_device_allowed_ips(d->wg), addr);

	return entry ? wg_peer_context(wg_allowed_ip_peer(entry)) : NULL;
}

/* Is it one of the device's own Addresses? */
static inline bool device_has_address(const struct device *d, const struct ip_addr *a)
{
	for (size_t i = 0; i < d->address_count; i++) {
		if (ip_addr_equal(&d->addresses[i].addr, a))
			return true;
	}
	return false;
}

#endif
