/* src/host/rule_place.h - where among the host's rules do ours stand?
 *
 * As late as they can, directly before the rule for the main table. So a rule that somebody
 * has made for some packets, or for some destinations in a table of its own (a mesh VPN, a
 * second uplink, a VRF), still decides about these, and it doesn't matter who came first. But
 * a rule that would take every packet, by a default route in another table than main, has to
 * come after ours; the other routes of this table still go first. Ours never stand before
 * the rule for local addresses.
 *
 * The kernel appends a rule to those of equal priority. So where no room is left before the
 * rule for main, all of ours share one priority, and stand in the order in which they were
 * added. (`ip rule add` without a priority takes the last one before main, 32765.) */
#ifndef TUNION_HOST_RULE_PLACE_H
#define TUNION_HOST_RULE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/netlink_item.h"

/* All zeroes: none is chosen yet. */
struct rule_place {
	uint32_t first; /* the first priority of a block; 0: none */
	bool shared;    /* the block has only this one priority */
	uint32_t past;  /* the priority of the first rule behind the block */
	/* What this rule looks up for every packet: it takes them all, but its narrower
	 * routes come before ours; 0: there is no such table. */
	uint32_t table;
};

/* The rules of one family. */
struct rule_list {
	const struct netlink_rule
		*v; /* borrowed; all that the kernel has, in its order */
	size_t n;
	const struct netlink_rule
		*ours; /* borrowed; in the order in which they should be */
	size_t our_count;
	/* Does the table have a default route, or one to a half of all addresses? */
	bool (*has_default)(void *context, uint32_t table);
	void *context;
};

/* The size is that of a block whose rules have different priorities. Our own rules in the
 * list are passed over. `first` of the result is 0 if there is no room. */
struct rule_place rule_place_choose(const struct rule_list *list, uint32_t size);

/* Are ours still where they have to be? Somebody may have added rules meanwhile. One that
 * takes every packet and stands before ours is left there: it came later, and the last one
 * wins, as with wg-quick; two that both want to be the first would never come to rest. So
 * would two that both want to be the last; therefore the rules of other instances, which
 * have the kernel's protocol, may stand behind ours. With a shared priority, also: are all of
 * ours there, in order? And does the rule behind ours still exist? */
bool rule_place_is_right(const struct rule_list *list, const struct rule_place *place,
                         uint32_t size);

/* Has the list this rule of ours? */
bool rule_place_has(const struct rule_list *list, const struct netlink_rule *ours);

#endif
