/* src/engine/group.h - sorts a mixed batch by destination, in one pass
 *
 * Each destination (a peer, a device) embeds a struct group. Packets are added one by
 * one. Then grouping_finish puts the packets of each group together. The groups stand in
 * the order of their first packets, and the packets of a group in the order they were
 * added, so that the order within a flow doesn't change. Nothing is compared or searched:
 * the time is linear in the size of the batch. */
#ifndef TUNION_ENGINE_GROUP_H
#define TUNION_ENGINE_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/packet.h"

struct grouping;

/* In use only between grouping_add and grouping_finish, and otherwise all zeroes. It is
 * part of the destination, so only one grouping at a time may use it. Therefore don't
 * call anything that may begin another grouping before this one is finished. This is
 * asserted. */
struct group {
	const struct grouping *used_by; /* borrowed; NULL: not in use */
	struct group *next;
	uint32_t count, at;
};

struct group_run {
	struct group *group;
	struct packet **packets;
	size_t n;
};

struct grouping {
	struct group *first, **last;
	size_t n, groups;
	struct packet *packets[BATCH_MAX];
	struct group *of[BATCH_MAX];
};

void grouping_start(struct grouping *g);
/* May be called at most BATCH_MAX times. */
void grouping_add(struct grouping *g, struct group *group, struct packet *packet);
/* out has room for all packets that were added, and may be the array they came from. runs
 * has room for BATCH_MAX. Returns the number of runs. */
size_t grouping_finish(struct grouping *g, struct packet **out, struct group_run *runs);

#endif
