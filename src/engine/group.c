/* src/engine/group.c - a counting sort: the packets of each group are counted, and then
 * each group gets its place in the array. */
#include "engine/group.h"

#include <assert.h>

void grouping_start(struct grouping *g)
{
	g->first = NULL;
	g->last = &g->first;
	g->n = g->groups = 0;
}

void grouping_add(struct grouping *g, struct group *group, struct packet *packet)
{
	assert(g->n < BATCH_MAX);
	assert(group->count == 0 || group->used_by == g);
	if (group->count++ == 0) {
		group->used_by = g;
		group->next = NULL;
		*g->last = group;
		g->last = &group->next;
		g->groups++;
	}
	g->packets[g->n] = packet;
	g->of[g->n++] = group;
}

size_t grouping_finish(struct grouping *g, struct packet **out, struct group_run *runs)
{
	struct group_run *run = runs;
	uint32_t at = 0;

	for (struct group *group = g->first; group; group = group->next, run++) {
		*run = (struct group_run){ group, out + at, group->count };
		group->at = at;
		at += group->count;
	}
	for (size_t i = 0; i < g->n; i++)
		out[g->of[i]->at++] = g->packets[i];
	for (size_t i = 0; i < g->groups; i++)
		*runs[i].group = (struct group){ 0 };
	return g->groups;
}
