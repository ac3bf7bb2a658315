/* src/plan/plan_standby.h - can a standby take over when those before it fail? (design R3)
 *
 * While they work, the first device of a prefix may carry the messages of its standbys, too.
 * When it fails, a standby's own messages no longer go inside it, if it is the prefix with the
 * standby's endpoint for which this one stands by: they go on to the next shorter prefix, or to
 * the network. But if it is another prefix, nobody takes that over, and the standby is as
 * unusable as the one that it should stand in for. */
#ifndef TUNION_PLAN_PLAN_STANDBY_H
#define TUNION_PLAN_PLAN_STANDBY_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/plan.h"

/* Why a standby can't take over. */
struct plan_standby {
	/* Its way while those before it fail. The last peer is one of these, or one that
	 * comes twice. All borrowed from the plan. */
	const struct way_peer *way[WAY_MAX + 1];
	size_t n;
	bool circle;                    /* a peer comes twice */
	const struct way_device *wants; /* whose Via = network would help; borrowed */
};

/* Fails all that come before this entry of the node, looks where the messages of the entry's
 * peer go, and undoes it. Returns true if the entry, which must stand by, can't take over;
 * then *why is set. An unknown endpoint is no reason. */
bool plan_standby_is_stuck(const struct plan *plan, const struct union_node *node,
                           const struct union_entry *standby, struct plan_standby *why);

#endif
