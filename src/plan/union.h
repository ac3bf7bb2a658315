/* src/plan/union.h - which peer of which device gets the packets for a destination?
 *
 * The union of all allowed IPs: prefix -> (device, peer). Equal prefixes of several
 * devices share one node. Its first entry is active, the others are shadowed; those that
 * stand by become active if the peers before them are unusable (design R3, R4).
 * The plan uses it for files and the engine for what is running; both embed way_device
 * and way_peer. */
#ifndef TUNION_PLAN_UNION_H
#define TUNION_PLAN_UNION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/trie.h"

struct way_device;
struct way_peer;

struct union_node;

struct union_entry {
	struct way_peer *peer;    /* borrowed: must leave the table before it is freed */
	struct union_entry *next; /* the next one in the order of R3 */
	struct union_node *node;  /* the node that it belongs to */
	struct union_entry *device_next; /* next in way_device.entries */
};

/* One prefix of the union. */
struct union_node {
	struct trie_entry trie;    /* first member; trie.prefix is the prefix */
	struct union_entry *first; /* by rank; never NULL */
	struct way_peer *active;   /* peer of the active entry, for fast lookups */
};

struct union_table {
	struct trie *trie; /* owned */
};

MUST_CHECK int union_init(struct union_table *u);
/* The devices in the table must still exist; afterwards they have no entries. */
void union_clear(struct union_table *u);

/* Adds prefix -> peer. Its place is given by the rank of its device (call way_rank
 * before). Devices with Table = off come after all others, so that they don't take
 * the place of a device that does have a route. A second entry of the same device
 * for the same prefix replaces the first one: inside a device the last peer has it.
 * 0 or -ENOMEM. */
MUST_CHECK int union_add(struct union_table *u, const struct ip_prefix *prefix,
                         struct way_peer *peer);
/* Removes the entries of all peers of this device. */
void union_remove_device(struct union_table *u, struct way_device *device);
/* Sorts all nodes again, after ranks, table_off or has_metric have changed. */
void union_sort(struct union_table *u);
/* Chooses the active entries again, after peers became usable or unusable. */
void union_choose(struct union_table *u);

/* Does the device, which has an entry in this node, stand by for the first one? Failover
 * has to be asked for: both files must have a Metric (design R3). */
bool union_stands_by(const struct union_node *node, const struct way_device *device);

/* The node of exactly this prefix, or NULL. */
const struct union_node *union_find(const struct union_table *u,
                                    const struct ip_prefix *prefix);

/* The active peer of the longest prefix that contains this destination, or NULL. */
struct way_peer *union_lookup(const struct union_table *u, const struct ip_addr *dst);

/* The node of that prefix, or NULL. */
const struct union_node *union_lookup_node(const struct union_table *u,
                                           const struct ip_addr *dst);
/* Design R14: the peer that gets a packet whose source is an Address of this device. That
 * is the device's own peer if it has the prefix, or who stands in for it; otherwise the
 * active peer. Only needed for nodes with several entries. */
struct way_peer *union_active_for(const struct union_node *node,
                                  const struct way_device *device);
static inline bool union_is_shared(const struct union_node *node)
{
	return node->first->next != NULL;
}

/* Design R1: who carries an outer packet of `from` to that endpoint? The longest active
 * match that does not belong to from's own device, nor to a peer that it carries through
 * Via (way_carried_by), nor to a device with Table = off, nor (R13) to a peer which is
 * itself at that very endpoint; nor to a default route, if from's file has a FwMark. The
 * standbys of an entry that is skipped stay standbys, also if its peer is unusable: the
 * messages of a device never go through its own standby. The device's own allowed IPs tell
 * which of its peers it is. Returns NULL if there is no carrier: then it is the network.
 * Sets passed_over of the peers that R13 skips. */
struct way_peer *union_lookup_outer(const struct union_table *u,
                                    const struct way_peer *from,
                                    const struct endpoint *to);

/* The peer that would carry it by R1 alone, but is passed over because of R13; or
 * NULL. */
struct way_peer *union_lookup_passed_over(const struct union_table *u,
                                          const struct way_peer *from,
                                          const struct endpoint *to);

/* Design R3: might the outer packets of `from` go to the network while others fail, though
 * they are carried now? Those of a standby do, if it stands by in each prefix that leads its
 * endpoint to a carrier. Via and arrivals don't count here. */
bool union_may_leave(const struct union_table *u, const struct way_peer *from);

/* If from's device has a prefix with this endpoint before another device with the same
 * prefix, that one would carry it, if Via said so: this is its peer. Otherwise NULL. */
const struct way_peer *union_lookup_behind(const struct union_table *u,
                                           const struct way_peer *from,
                                           const struct endpoint *to);

/* Visits the nodes in order of family, address and length; ends when visit
 * returns false. */
void union_walk(const struct union_table *u,
                bool (*visit)(void *context, const struct union_node *node),
                void *context);
size_t union_count(const struct union_table *u);

#endif
