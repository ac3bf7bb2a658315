/* src/plan/union.h - which peer of which device has a destination?
 *
 * The union of all allowed IPs: prefix -> (device, peer). Equal prefixes of several devices
 * share a node; its first entry is active, the others stand by (design R3, R4). Serves the
 * plan (from files) and the engine (live), which both embed way_device and way_peer. */
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
	struct way_peer *peer;    /* borrowed: must leave the table before it goes */
	struct union_entry *next; /* the next in R3's order */
	struct union_node *node;  /* where it stands */
	struct union_entry *device_next; /* the device's entries, see way_device.entries */
};

/* One prefix of the union. */
struct union_node {
	struct trie_entry trie; /* first member; trie.prefix is the prefix */
	struct union_entry *first; /* the active one; never NULL */
	struct way_peer *active;   /* of the first, nearer for a lookup */
};

struct union_table {
	struct trie *trie; /* owned */
};

MUST_CHECK int union_init(struct union_table *u);
/* The devices in it must still be there; they are left without entries. */
void union_clear(struct union_table *u);

/* Adds prefix -> peer, sorted in by the rank of its device (way_rank first); devices with
 * Table = off stand behind all others, or they would take the place of a device that does
 * have a route. A second entry of the same device for the same prefix replaces the first:
 * inside a device the last peer has it. 0 or -ENOMEM. */
MUST_CHECK int union_add(struct union_table *u, const struct ip_prefix *prefix,
                         struct way_peer *peer);
/* Takes out every entry of every peer of this device. */
void union_remove_device(struct union_table *u, struct way_device *device);
/* Sorts all nodes anew, after ranks, table_off or unusable have changed. */
void union_sort(struct union_table *u);

/* The peer that has this destination by the longest match, or NULL. */
struct way_peer *union_lookup(const struct union_table *u, const struct ip_addr *dst);

/* Design R1: who carries an outer packet of `from` to dst: the longest active match that is
 * not of from's own device, nor of a peer carried by it through Via (way_carried_by), nor of
 * a Table = off device. The standbys of a skipped entry stay standbys. Of the device found,
 * its own allowed IPs name the peer. NULL: nobody, the network. */
struct way_peer *union_lookup_outer(const struct union_table *u, const struct way_peer *from,
                                    const struct ip_addr *dst);

/* In order of family, address, length. */
void union_walk(const struct union_table *u,
                bool (*visit)(void *context, const struct union_node *node), void *context);
size_t union_count(const struct union_table *u);

#endif
