/* src/host/rival.c */
#include "host/rival.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#define TRIES_MAX 3 /* to read a list that changes meanwhile */

bool rival_rule(const struct netlink_rule *r, uint32_t mark)
{
	return r->has_mark && r->invert && !r->narrow && !r->has_suppress &&
	       r->mark != 0 && r->mark != (mark & r->mask) &&
	       (r->action == 0 || r->action == FR_ACT_TO_TBL) &&
	       r->table != RT_TABLE_MAIN && r->table != RT_TABLE_LOCAL;
}

/* A tunnel has no gateway. */
bool rival_route(const struct netlink_route *r, uint32_t table, uint32_t ifindex)
{
	return r->table == table && r->dst.len == 0 && r->ifindex != 0 &&
	       r->ifindex != ifindex && r->gateway.family == IP_NONE &&
	       (r->type == 0 || r->type == RTN_UNICAST);
}

struct search {
	const struct rival_ours *ours;
	struct netlink_rule rules[8]; /* that may be those of rivals */
	size_t n;
	const struct netlink_rule *rule; /* NULL: none is found */
	uint32_t ifindex;                /* to which its table leads */
};

static bool visit_rule(void *context, const struct netlink_item *item)
{
	struct search *s = context;

	if (rival_rule(&item->rule, s->ours->mark))
		s->rules[s->n++] = item->rule;
	return s->n < ARRAY_SIZE(s->rules);
}

static bool visit_route(void *context, const struct netlink_item *item)
{
	struct search *s = context;

	for (size_t i = 0; i < s->n && !s->rule; i++) {
		if (!rival_route(&item->route, s->rules[i].table, s->ours->ifindex))
			continue;
		s->rule = &s->rules[i];
		s->ifindex = item->route.ifindex;
	}
	return !s->rule;
}

/* Returns whether there is one. If the lists can't be read, there is none. */
static bool find(struct search *s, struct netlink *nl, enum ip_family family)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && err == -EAGAIN; i++) {
		s->n = 0;
		err = netlink_dump(nl, NETLINK_KIND_RULE, family, visit_rule, s);
	}
	if (s->n == 0)
		return false;
	err = -EAGAIN;
	for (int i = 0; i < TRIES_MAX && err == -EAGAIN && !s->rule; i++)
		err = netlink_dump(nl, NETLINK_KIND_ROUTE, family, visit_route, s);
	return s->rule != NULL;
}

/* Have we a rule for our default route of the family? */
static bool have_default(const struct rival_ours *ours, enum ip_family family)
{
	for (size_t i = 0; i < ours->items->n; i++) {
		const struct netlink_item *item = &ours->items->v[i];

		if (item->kind == NETLINK_KIND_RULE && item->rule.family == family &&
		    item->rule.invert && item->rule.table == ours->table)
			return true;
	}
	return false;
}

void rival_warn(const struct rival_ours *ours, struct netlink *nl, struct diag *diag)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	struct search s = { .ours = ours };
	struct netlink_link link;
	bool found = false, instance;

	for (size_t i = 0; i < ARRAY_SIZE(families) && !found; i++)
		found = have_default(ours, families[i]) && find(&s, nl, families[i]);
	if (!found || netlink_link_get(nl, s.ifindex, &link) < 0)
		return;
	instance = s.rule->protocol == RTPROT_KERNEL;
	diag_warning(
		diag, NULL, 0,
		"%s%s%s has a default route, too (rule: not fwmark 0x%x lookup %u): each of the two leads the other's datagrams into itself, so neither gets through; take one of them down, or bring all files up in one instance, such as from one folder",
		instance ? "another instance, " : "", link.name, instance ? "," : "",
		s.rule->mark, s.rule->table);
}
