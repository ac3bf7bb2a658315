/* src/plan/way.h - which way do the outer packets of a peer take?
 *
 * Design R1, R2, R5: the next hop of a peer's outer packets depends only on its endpoint.
 * It is a peer of another device, or the network. So the ways are a graph over peers. The
 * graph is computed by way_compute.h, once after each change, and the data path follows
 * `next`. Both the plan and the engine embed these structs. Nothing in here does I/O or
 * allocates. */
#ifndef TUNION_PLAN_WAY_H
#define TUNION_PLAN_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/ip.h"
#include "base/packet.h" /* WAY_MAX */
#include "base/trie.h"

enum way_via {
	WAY_VIA_UNION = 0, /* the union decides */
	WAY_VIA_NETWORK,
	WAY_VIA_DEVICE,
};

/* What follows from the endpoint of a peer. The state is that of the whole way: the
 * reason may be this peer or a later one. */
enum way_state {
	WAY_NO_ENDPOINT = 0,    /* the endpoint is not known (yet) */
	WAY_OK,                 /* the way leads to the network */
	WAY_LOOP,               /* one peer comes twice */
	WAY_TOO_LONG,           /* the way has more than WAY_MAX peers */
	WAY_NO_CARRIER_PEER,    /* no peer of the Via device has the endpoint */
	WAY_NO_CARRIER_ADDRESS, /* a carrier has no Address of the family (R7) */
	WAY_STATE_COUNT,
};

struct way_peer {
	/* input */
	struct way_device *device; /* borrowed */
	struct way_peer *sibling;  /* the next peer of the device */
	struct endpoint endpoint;  /* addr.family is IP_NONE if it isn't known */
	enum way_via via;          /* WAY_VIA_UNION: the device's `via` counts */
	struct way_device *via_device;
	/* Design R8: without Via, its outer packets go back the way that its endpoint was
	 * learned by. If the endpoint has arrived_in, that is the carrier arrived_by; if
	 * this is NULL, the carrier isn't known, and the union decides. */
	bool by_arrival;
	struct way_device *arrived_by;
	bool unusable; /* design R3: a standby is active instead, if there is one */
	/* result of way_compute */
	struct way_peer *next; /* peer of the carrier; NULL with WAY_OK is the network */
	enum way_state state;  /* the way may only be followed if it is WAY_OK */
	unsigned hops;         /* peers on the way; for WAY_OK and WAY_TOO_LONG */
	/* Some way has passed this peer over (design R13), so that way depends on its
	 * endpoint. Stays set until the next way_compute. */
	bool passed_over;
	struct way_peer *mark; /* working memory */
};

struct way_device {
	/* input */
	const char *name;           /* borrowed */
	struct way_device *sibling; /* the next device, in any order */
	struct way_peer *peers;     /* the first one */
	int32_t metric;
	bool has_metric;     /* the file has a Metric; only then it may stand by (R3) */
	bool names_networks; /* it has prefixes that are no default routes */
	bool table_off;      /* carries only where Via names it */
	/* The file has a FwMark: on the host, its datagrams pass by what the default routes of
	 * the files take, so no default route carries them either. */
	bool has_fwmark;
	enum way_via via; /* for peers that have none of their own */
	struct way_device *via_device;
	/* Its own addresses for destinations in IPv4, in IPv6, and in fc00::/7 (see
	 * source_address.h). The family is IP_NONE if there is none. */
	struct ip_addr address4, address6, address_ula;
	uint16_t port; /* host order; the UDP source port of its outer packets */
	const struct trie *allowed_ips; /* borrowed: prefix -> its peers, for Via */
	/* returns the peer of the device that an entry of allowed_ips belongs to */
	struct way_peer *(*peer_of)(const struct trie_entry *entry);
	struct union_entry *entries; /* its entries in the union; NULL at first */
	/* result of way_rank: the order of R3; the lowest rank is active */
	uint32_t rank;
	struct way_device *via_next; /* result of way_via_cycle */
	/* working memory */
	struct way_device *left, *right;
	uint32_t pending;
};

/* The via and via_device of the peer or, if it has none of its own, of its device. */
enum way_via way_effective_via(const struct way_peer *peer,
                               struct way_device **via_device);

/* Is it a default route: everything, a half of it, or the internet of IPv6 (2000::/3)? */
bool way_is_default(const struct ip_prefix *prefix);

/* Sets the rank of every device: a device comes before the carrier that it (or a peer of
 * it) names with Via, then the lower metric first, then a device that has nothing but
 * default routes, then in byte order of the name. (The third only matters where the equal
 * prefix is a default route: two devices with another equal prefix both name networks.)
 * The graph of Via must have no cycle: see way_via_cycle. */
void way_rank(struct way_device *devices);

/* Why does one of two devices with an equal prefix come before the other one (R3)? */
enum way_reason {
	WAY_BY_TABLE = 0, /* the other one has Table = off */
	WAY_BY_VIA,
	WAY_BY_METRIC,
	WAY_BY_DEFAULT, /* it has nothing but default routes */
	WAY_BY_NAME,
	WAY_REASON_COUNT,
};

/* The reason why `first` comes before `other`. The devices must be ranked. */
enum way_reason way_reason(const struct way_device *first,
                           const struct way_device *other);
/* "metric", "name" and so on, for JSON: no word may ever change. */
const char *way_reason_name(enum way_reason reason);

/* Returns a device on a cycle of Via (its own, or that of one of its peers), or NULL. To
 * print the cycle, follow via_next until it comes back to the device. The ranks are
 * invalid afterwards. */
struct way_device *way_via_cycle(struct way_device *devices);

/* The peer of `carrier` that has the endpoint of `peer`, or NULL (R5). */
struct way_peer *way_via_peer(const struct way_peer *peer,
                              const struct way_device *carrier);

/* Does the device carry this peer through Via, directly or through the Via of others? If
 * a chain of Via does not end, the answer is true. */
bool way_carried_by(const struct way_peer *peer, const struct way_device *device);

/* The device's own address for packets to `to`; of family IP_NONE if it has none. */
const struct ip_addr *way_address(const struct way_device *device,
                                  const struct ip_addr *to);

/* The carrier's own address that is the source of peer's outer packets (R7). It has the
 * family of the endpoint; NULL if the carrier has no such address. peer->next must not be
 * NULL. With WAY_NO_CARRIER_ADDRESS, NULL means that this very hop fails. */
const struct ip_addr *way_source(const struct way_peer *peer);

/* The reason to count when a packet for this peer can't be sent; DROP_NONE for WAY_OK. */
enum drop way_drop(enum way_state state);
/* "ok", "loop" and so on, for JSON and status. Programs rely on these words, so none of
 * them may ever change. */
const char *way_state_name(enum way_state state);

/* Writes the peers on a way, from this one on, to `out` (at most max). The list ends
 * before a peer that would come a second time. Returns the number of peers. */
size_t way_list(const struct way_peer *peer, const struct way_peer **out, size_t max);

/* Writes "home > vpn > network" to `out` (cut to size). A loop ends with "home ...
 * (loop)", where home is the peer that comes again; other failures end with "? (REASON)", which is
 * "waiting" if the last peer has to call us. Returns `out`. */
const char *way_format(const struct way_peer *peer, char *out, size_t size);

#endif
