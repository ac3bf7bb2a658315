/* src/plan/way_compute.h - which way do the packets of each peer take? (design R1, R2) */
#ifndef TUNION_PLAN_WAY_COMPUTE_H
#define TUNION_PLAN_WAY_COMPUTE_H

#include "plan/union.h"
#include "plan/way.h"

/* Computes the next hop of one peer, into next and state. It looks no further
 * than this hop. */
void way_next(const struct union_table *u, struct way_peer *peer);

/* Calls way_next for every peer, and then finds loops, lengths and families
 * along all ways. */
void way_compute(const struct union_table *u, struct way_device *devices);

#endif
