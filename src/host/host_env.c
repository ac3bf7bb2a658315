/* src/host/host_env.c */
#include "host/host_env.h"

#include <errno.h>
#include <stdlib.h>

#define TRIES_MAX 3 /* to read a list that changes meanwhile */

static bool table_used(void *context, uint32_t table)
{
	struct host_asker *a = context;
	bool used;

	return netlink_table_used(a->nl, table, &used) < 0 || used;
}

/* ---- rules of the host */

struct rules {
	struct netlink_rule *v; /* owned */
	size_t n, capacity;
	bool failed;
};

static bool add_rule(void *context, const struct netlink_item *item)
{
	struct rules *r = context;

	if (r->n == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 64;
		struct netlink_rule *v = reallocarray(r->v, capacity, sizeof(*v));

		r->failed = !v;
		if (!v)
			return false;
		r->v = v;
		r->capacity = capacity;
	}
	r->v[r->n++] = item->rule;
	return true;
}

static bool list_rules(struct netlink *nl, enum ip_family family, struct rules *out)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && err == -EAGAIN; i++) {
		out->n = 0;
		err = netlink_dump(nl, NETLINK_KIND_RULE, family, add_rule, out);
	}
	return err == 0 && !out->failed;
}

static bool mark_used(void *context, uint32_t mark)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	const struct host_asker *a = context;
	struct rules r = { 0 };
	bool used = false;

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		if (!list_rules(a->nl, families[f], &r))
			continue;
		for (size_t i = 0; i < r.n; i++)
			used |= r.v[i].has_mark && !r.v[i].invert &&
			        (mark & r.v[i].mask) == r.v[i].mark;
	}
	free(r.v);
	return used;
}

/* Ours, in the order of the configuration. */
static bool list_ours(const struct host_config *config, enum ip_family family,
                      struct rules *out)
{
	for (size_t i = 0; i < config->items.n; i++) {
		const struct netlink_item *item = &config->items.v[i];

		if (item->kind == NETLINK_KIND_RULE && item->rule.family == family &&
		    !add_rule(out, item))
			return false;
	}
	return true;
}

struct lists {
	struct netlink *nl;
	enum ip_family family;
	struct rules all, ours; /* owned */
	struct rule_list list;
};

static bool has_default(void *context, uint32_t table)
{
	const struct lists *l = context;
	bool found;

	return netlink_table_has_default(l->nl, l->family, table, &found) == 0 && found;
}

/* False if the rules can't be found out. */
static bool lists_make(struct lists *l, struct host_asker *a, enum ip_family family)
{
	bool ok;

	*l = (struct lists){ .nl = a->nl, .family = family };
	ok = list_rules(a->nl, family, &l->all) && list_ours(a->config, family, &l->ours);
	l->list = (struct rule_list){ .v = l->all.v,
		                      .n = l->all.n,
		                      .ours = l->ours.v,
		                      .our_count = l->ours.n,
		                      .has_default = has_default,
		                      .context = l };
	return ok;
}

static void lists_clear(struct lists *l)
{
	free(l->all.v);
	free(l->ours.v);
}

static uint32_t block_size(enum ip_family family)
{
	return HOST_RULES_MAX(family == IP_V4 ? 32U : 128U);
}

static struct rule_place place_rules(void *context, enum ip_family family)
{
	struct rule_place place = { 0 };
	struct lists l;

	if (lists_make(&l, context, family))
		place = rule_place_choose(&l.list, block_size(family));
	lists_clear(&l);
	return place;
}

/* What is not there must not be deleted, because that would delete what is added again. */
static void forget_missing(struct host_asker *a, enum ip_family family,
                           const struct rule_list *list)
{
	struct host_items *items = &a->config->items;
	size_t kept = 0;

	for (size_t i = 0; i < items->n; i++) {
		const struct netlink_item *item = &items->v[i];

		if (item->kind != NETLINK_KIND_RULE || item->rule.family != family ||
		    rule_place_has(list, &item->rule))
			items->v[kept++] = *item;
	}
	items->n = kept;
}

void host_env_forget_missing(struct host_asker *asker)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct lists l;

		if (lists_make(&l, asker, families[i]))
			forget_missing(asker, families[i], &l.list);
		lists_clear(&l);
	}
}

static bool review(struct host_asker *a, enum ip_family family, struct rule_place *place)
{
	struct lists l;
	bool right = true;

	if (place->first == 0)
		return false;
	if (lists_make(&l, a, family))
		right = l.list.our_count == 0 ||
		        rule_place_is_right(&l.list, place, block_size(family));
	if (!right) {
		*place = (struct rule_place){ 0 };
		forget_missing(a, family, &l.list);
	}
	lists_clear(&l);
	return !right;
}

static bool has_rules(const struct host_config *config, enum ip_family family)
{
	for (size_t i = 0; i < config->items.n; i++) {
		const struct netlink_item *item = &config->items.v[i];

		if (item->kind == NETLINK_KIND_RULE && item->rule.family == family)
			return true;
	}
	return false;
}

/* A place without rules is not kept for us: another tun may have taken it. Before anything is
 * there, it is the place of a killed instance, whose rules are. */
static void leave_empty(const struct host_config *config, enum ip_family family,
                        struct rule_place *place)
{
	if (config->items.n > 0 && !has_rules(config, family))
		*place = (struct rule_place){ 0 };
}

void host_env_review_places(struct host_asker *asker, struct host_numbers *numbers,
                            bool known, bool *renew4, bool *renew6)
{
	leave_empty(asker->config, IP_V4, &numbers->place4);
	leave_empty(asker->config, IP_V6, &numbers->place6);
	*renew4 = !known && review(asker, IP_V4, &numbers->place4);
	*renew6 = !known && review(asker, IP_V6, &numbers->place6);
}

struct host_config_env host_env(struct host_asker *asker)
{
	return (struct host_config_env){ .table_used = table_used,
		                         .mark_used = mark_used,
		                         .place_rules = place_rules,
		                         .context = asker };
}
