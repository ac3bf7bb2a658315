/* src/plan/way.h - which way do a peer's outer packets take?
 *
 * Design R1, R2, R5: the next hop of a peer's outer packets depends only on its endpoint; it
 * is a peer of another device, or the network. So the ways are a graph over peers. It is
 * computed here, once per change, and the data path follows `next`. Both the plan and the
 * engine embed these structs; nothing here does I/O or allocates. */
#ifndef TUNION_PLAN_WAY_H
#define TUNION_PLAN_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/ip.h"
#include "base/packet.h" /* WAY_MAX */
#include "plan/union.h"

enum way_via {
	WAY_VIA_UNION = 0, /* the union decides */
	WAY_VIA_NETWORK,
	WAY_VIA_DEVICE,
};

/* What follows from a peer's endpoint. Each is said of the whole way: of this peer or of a
 * later one. */
enum way_state {
	WAY_NO_ENDPOINT = 0, /* not known (yet) */
	WAY_OK,
	WAY_LOOP,               /* a peer comes twice */
	WAY_TOO_LONG,           /* more than WAY_MAX peers */
	WAY_NO_CARRIER_PEER,    /* Via names a device none of whose peers has the endpoint */
	WAY_NO_CARRIER_ADDRESS, /* a carrier lacks an Address of the family (R7) */
	WAY_STATE_COUNT,
};

struct way_peer {
	/* input */
	struct way_device *device;  /* borrowed */
	struct way_peer *sibling;   /* next peer of the device */
	struct endpoint endpoint;   /* addr.family IP_NONE: not known */
	enum way_via via;           /* WAY_VIA_UNION: as the device says */
	struct way_device *via_device;
	bool unusable;              /* design R3: its standbys are active instead */
	/* result of way_compute */
	struct way_peer *next; /* carrier's peer; NULL: with WAY_OK the network, else none */
	enum way_state state;  /* only WAY_OK may be followed */
	unsigned hops;         /* peers on the way, this one included; WAY_OK, WAY_TOO_LONG */
	struct way_peer *mark; /* scratch */
};

struct way_device {
	/* input */
	const char *name;        /* borrowed */
	struct way_device *sibling; /* next device of the whole, any order */
	struct way_peer *peers;  /* first */
	int32_t metric;
	bool table_off;          /* carries only where Via says so */
	enum way_via via;        /* for peers that say nothing */
	struct way_device *via_device;
	/* first Address of each family; IP_NONE: has none */
	struct ip_addr address4, address6;
	uint16_t port;           /* host order: UDP source port of its outer packets */
	const struct trie *allowed_ips; /* borrowed: prefix -> its peers, for Via */
	/* Which peer of the device does a trie entry of allowed_ips belong to? */
	struct way_peer *(*peer_of)(const struct trie_entry *entry);
	struct union_entry *entries; /* the union's; NULL at first */
	/* result of way_rank */
	uint32_t rank; /* R3's order: lower is active before higher */
	struct way_device *via_next; /* result of way_via_cycle */
	/* scratch */
	struct way_device *left, *right;
	uint32_t pending;
};

/* Via and via_device of the peer, else of its device. */
enum way_via way_effective_via(const struct way_peer *peer, struct way_device **via_device);

/* Sets every device's rank: a device before the carrier it (or a peer of it) names with Via,
 * then lower metric, then byte order of name. The Via graph must have no cycle: see
 * way_via_cycle. */
void way_rank(struct way_device *devices);

/* A device on a cycle of Via (its own or that of a peer of it), or NULL. Follow via_next to
 * print the cycle: it comes back to the device. Ranks are void after it. */
struct way_device *way_via_cycle(struct way_device *devices);

/* The peer of `carrier` that has the endpoint of `peer`, or NULL (R5). */
struct way_peer *way_via_peer(const struct way_peer *peer, const struct way_device *carrier);

/* Does the device carry this peer through Via, be it through others' Via? A chain of Via
 * that does not end is taken for one that does. */
bool way_carried_by(const struct way_peer *peer, const struct way_device *device);

/* The next hop of one peer, into next and state; looks no further than that hop. */
void way_next(const struct union_table *u, struct way_peer *peer);

/* way_next for every peer, then loops, lengths and families along all ways. */
void way_compute(const struct union_table *u, struct way_device *devices);

/* The carrier's own address an outer packet of `peer` bears as source (R7): of the endpoint's
 * family; NULL if the carrier has none. peer->next must not be NULL. With
 * WAY_NO_CARRIER_ADDRESS, NULL tells that it's this hop which fails. */
const struct ip_addr *way_source(const struct way_peer *peer);

/* The reason to count when a packet for this peer can't go; DROP_NONE for WAY_OK. */
enum drop way_drop(enum way_state state);
/* "ok", "loop", ...; for JSON and status, never change one. */
const char *way_state_name(enum way_state state);

/* The peers on a way, from this one on, into out (at most max); a peer that comes again ends
 * it and is not put down again. Returns how many. */
size_t way_list(const struct way_peer *peer, const struct way_peer **out, size_t max);

/* "home > vpn > network" into out (cut to size); a loop ends in "home ... (loop)", where home
 * is the peer that comes again; other failures end in "? (REASON)". Returns out. */
const char *way_format(const struct way_peer *peer, char *out, size_t size);

#endif
