/* src/host/rule_place.c - goes through the rules in the order of the kernel, and asks of
 * each whether ours have to be before it or behind it */
#include "host/rule_place.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "host/host_items.h"

/* What a rule of somebody else means for ours. */
enum meaning {
	MEANING_BEHIND,  /* ours stand behind it */
	MEANING_NEUTRAL, /* they may stand behind it or before it */
	MEANING_ALL,     /* it takes every packet: ours stand before it */
	MEANING_MAIN,    /* so does this one */
	MEANING_LOCAL,   /* ours never stand before it */
};

/* Does the rule apply to ordinary packets that this host sends? Such have no mark. */
static bool is_for_all(const struct netlink_rule *r)
{
	bool marked = r->has_mark && r->mark != 0;

	return r->invert ? r->narrow || marked : !r->narrow && !marked;
}

static bool looks_up(const struct netlink_rule *r)
{
	return r->action == 0 || r->action == FR_ACT_TO_TBL;
}

static bool refuses(const struct netlink_rule *r)
{
	return r->action == FR_ACT_BLACKHOLE || r->action == FR_ACT_UNREACHABLE ||
	       r->action == FR_ACT_PROHIBIT;
}

static enum meaning meaning_of(const struct rule_list *list, const struct netlink_rule *r)
{
	if (!is_for_all(r))
		return MEANING_BEHIND;
	if (!looks_up(r))
		return refuses(r) ? MEANING_ALL : MEANING_BEHIND;
	if (r->table == RT_TABLE_LOCAL)
		return MEANING_LOCAL;
	/* the first half of what wg-quick and we add: it finds only what main has anyway */
	if (r->table == NETLINK_TABLE_MAIN)
		return r->has_suppress ? MEANING_NEUTRAL : MEANING_MAIN;
	return !r->has_suppress && list->has_default(list->context, r->table)
	               ? MEANING_ALL
	               : MEANING_BEHIND;
}

/* ---- our own rules in the list */

static bool same_rule(const struct netlink_rule *a, const struct netlink_rule *b)
{
	const struct netlink_item x = { .kind = NETLINK_KIND_RULE, .rule = *a },
				  y = { .kind = NETLINK_KIND_RULE, .rule = *b };

	return !b->narrow && (!b->has_mark || b->mask == UINT32_MAX) &&
	       host_item_compare(&x, &y) == 0;
}

static bool is_ours(const struct rule_list *list, const struct netlink_rule *r)
{
	for (size_t i = 0; i < list->our_count; i++) {
		if (same_rule(&list->ours[i], r))
			return true;
	}
	return false;
}

/* Looks for ours from the end, because a rule of another instance may be equal to one of
 * ours. Returns the index of the first one, or n if not all of them are there in this order. */
static size_t find_sequence(const struct rule_list *list)
{
	size_t left = list->our_count, i = list->n;

	while (left > 0 && i > 0) {
		i--;
		if (same_rule(&list->ours[left - 1], &list->v[i]))
			left--;
	}
	return left > 0 ? list->n : i;
}

/* The index of the first rule of ours. If there is none, that at which the kernel would add
 * one with the first priority of the place. */
static size_t find_start(const struct rule_list *list, const struct rule_place *place)
{
	size_t i = find_sequence(list);

	if (i < list->n)
		return i;
	for (i = 0; i < list->n; i++) {
		if (is_ours(list, &list->v[i]))
			return i;
	}
	for (i = 0; i < list->n && list->v[i].priority <= place->first; i++)
		;
	return i;
}

/* ---- choosing */

/* Ours stand between these two priorities of others. */
struct gap {
	uint32_t after, before;
	bool found; /* is there a rule before which they stand? */
	uint32_t
		table; /* that this rule looks up for every packet; 0: it's main, or none */
};

static bool has_local(const struct rule_list *list, size_t from)
{
	for (size_t i = from; i < list->n; i++) {
		if (!is_ours(list, &list->v[i]) &&
		    meaning_of(list, &list->v[i]) == MEANING_LOCAL)
			return true;
	}
	return false;
}

/* The index of the first rule that is one of ours; 0 if there is none. */
static size_t first_of_ours(const struct rule_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (is_ours(list, &list->v[i]))
			return i;
	}
	return 0;
}

/* Goes on behind a rule that takes every packet if the one for local addresses comes
 * later, or if it stands before ours now. */
static struct gap find_gap(const struct rule_list *list)
{
	const size_t start = first_of_ours(list);
	struct gap g = { 0 };
	uint32_t neutral =
		0; /* the first one that has only such between it and the end */

	for (size_t i = 0; i < list->n && !g.found; i++) {
		const struct netlink_rule *r = &list->v[i];
		enum meaning m;

		if (is_ours(list, r))
			continue;
		m = meaning_of(list, r);
		if (m == MEANING_NEUTRAL) {
			neutral = neutral ? neutral : r->priority;
		} else if (m == MEANING_MAIN ||
		           (m == MEANING_ALL && i >= start && !has_local(list, i))) {
			g.found = true;
			g.before = neutral ? neutral : r->priority;
			if (m == MEANING_ALL && looks_up(r) && !r->has_mark && !r->invert)
				g.table = r->table;
		} else {
			g.after = r->priority;
			neutral = 0;
		}
	}
	return g;
}

/* No rule looks up the main table for everything, as on Android, where others decide by
 * marks that programs don't choose. Then ours stand before as many as there is room. */
static struct rule_place before_all(const struct rule_list *list, uint32_t size)
{
	struct rule_place place = { 0 };
	uint32_t last = 0;

	for (size_t i = 0; i < list->n && place.first == 0; i++) {
		if (is_ours(list, &list->v[i]))
			continue;
		if (list->v[i].priority - last > size) {
			place.first = list->v[i].priority - size;
			place.past = list->v[i].priority;
		}
		last = list->v[i].priority;
	}
	return place;
}

static bool has_main(const struct rule_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!is_ours(list, &list->v[i]) &&
		    meaning_of(list, &list->v[i]) == MEANING_MAIN)
			return true;
	}
	return false;
}

struct rule_place rule_place_choose(const struct rule_list *list, uint32_t size)
{
	struct gap g;

	if (!has_main(list))
		return before_all(list, size);
	g = find_gap(list);
	if (!g.found || g.before <= 1) /* the kernel takes a priority of 0 for none */
		return (struct rule_place){ 0 };
	if (g.before > g.after && g.before - g.after > size)
		return (struct rule_place){ .first = g.before - size,
			                    .past = g.before,
			                    .table = g.table };
	return (struct rule_place){
		.first = g.before - 1, .shared = true, .past = g.before, .table = g.table
	};
}

/* Is there a rule of somebody else that has to be on the other side of ours? */
static bool is_wrong(const struct rule_list *list, const struct rule_place *place,
                     uint32_t size)
{
	size_t start = find_start(list, place);
	uint32_t end = place->first + size - 1;

	for (size_t i = 0; i < list->n; i++) {
		const struct netlink_rule *r = &list->v[i];
		enum meaning m = meaning_of(list, r);

		if (is_ours(list, r))
			continue;
		if (i < start && m == MEANING_MAIN)
			return true;
		if (i < start)
			continue;
		if (m == MEANING_ALL || m == MEANING_MAIN)
			return (!place->shared && r->priority <= end) ||
			       (m == MEANING_ALL && has_local(list, i));
		if (m == MEANING_LOCAL ||
		    (m == MEANING_BEHIND && r->protocol != RTPROT_KERNEL))
			return true;
	}
	return false;
}

/* Would ours move if they were added again at the place where they are? */
static bool can_go_behind(const struct rule_list *list, const struct rule_place *place)
{
	for (size_t i = find_start(list, place); i < list->n; i++) {
		const struct netlink_rule *r = &list->v[i];

		if (r->priority == place->first && !is_ours(list, r) &&
		    r->protocol != RTPROT_KERNEL)
			return true;
	}
	return false;
}

static bool has_past(const struct rule_list *list, const struct rule_place *place)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].priority == place->past && !is_ours(list, &list->v[i]))
			return true;
	}
	return false;
}

bool rule_place_is_right(const struct rule_list *list, const struct rule_place *place,
                         uint32_t size)
{
	struct rule_place best = rule_place_choose(list, size);

	if (best.first != 0 && !has_past(list, place))
		return false;
	if (place->shared && find_sequence(list) == list->n)
		return false;
	if (!has_main(list) || !is_wrong(list, place, size))
		return true;
	if (best.first == place->first && best.shared == place->shared)
		return !place->shared || !can_go_behind(list, place);
	return false;
}

bool rule_place_has(const struct rule_list *list, const struct netlink_rule *ours)
{
	for (size_t i = 0; i < list->n; i++) {
		if (same_rule(ours, &list->v[i]))
			return true;
	}
	return false;
}
