/* src/engine/group.h - a mixed batch sorted by where its packets go, in one pass
 *
 * Each destination (a peer, a device) embeds a struct group. Packets are added one by
 * one; grouping_finish then lays them out so that each group's are together, groups in
 * the order they first came up and packets of a group in the order they were added: so
 * the order within a flow stays. No compare, no search: linear in the batch. */
#ifndef TUNION_ENGINE_GROUP_H
#define TUNION_ENGINE_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/packet.h"

struct grouping;

/* In use only between grouping_add and grouping_finish; otherwise zero. It is part of the
 * destination, so only one grouping at a time may have it: nothing that may begin another
 * grouping is to be called before this one is finished. Asserted. */
struct group {
	const struct grouping *used_by; /* borrowed; NULL: none */
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
/* At most BATCH_MAX times. */
void grouping_add(struct grouping *g, struct group *group, struct packet *packet);
/* out has room for all packets added (it may be the array they came from), runs for
 * BATCH_MAX. Returns the number of runs. */
size_t grouping_finish(struct grouping *g, struct packet **out, struct group_run *runs);

#endif
