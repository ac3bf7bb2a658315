/* src/host/closing.c */
#include "host/closing.h"

#include "host/barrier.h"
#include "host/host_difference.h"
#include "host/ipv6.h"

static MUST_CHECK int add_rule(struct host_state *h, const struct netlink_item *rule,
                               struct diag *diag)
{
	int err = host_items_add(&h->journal.rules, rule);

	if (err == 0)
		err = journal_save(&h->journal, diag);
	if (err == 0)
		err = netlink_add(h->nl, rule, 1, NULL);
	return err == 0 ? host_items_add(&h->config.items, rule) : err;
}

static bool any_rules(const struct host_items *items, uint8_t family)
{
	for (size_t i = 0; i < items->n; i++) {
		if (items->v[i].kind == NETLINK_KIND_RULE &&
		    items->v[i].rule.family == family)
			return true;
	}
	return false;
}

/* Rules that share a priority have to be added all together. If some are there already, all
 * have to come again, which is left to host_change. */
static MUST_CHECK int add_rules(struct host_state *h, const struct host_items *add,
                                struct diag *diag)
{
	const bool some4 = any_rules(&h->config.items, IP_V4),
		   some6 = any_rules(&h->config.items, IP_V6);
	int first = 0;

	for (size_t i = 0; i < add->n; i++) {
		const struct netlink_rule *r = &add->v[i].rule;
		int err;

		if (add->v[i].kind != NETLINK_KIND_RULE ||
		    (r->shared && (r->family == IP_V4 ? some4 : some6)))
			continue;
		err = add_rule(h, &add->v[i], diag);
		if (first == 0)
			first = err;
	}
	return first;
}

int closing_add(struct host_state *h, const struct plan *plan)
{
	struct host_config_env env = host_change_env(h);
	struct host_config to = { 0 };
	struct host_items barriers = { 0 };
	struct host_difference d = { 0 };
	struct diag not_told = { 0 };
	int err;

	if (h->place)
		return 0;
	env.without_ipv6 = ipv6_missing(h->nl, h->journal.tun);
	err = host_config_make(&to, &h->numbers, plan, &env, &not_told);
	if (err == 0)
		err = barriers_make(&barriers, &to.items, &h->numbers,
		                    h->journal.ifindex);
	if (err == 0)
		err = barriers_add(h->nl, &h->barriers, &barriers, &not_told);
	if (err == 0)
		err = barriers_join(&h->barriers, &barriers);
	if (err == 0)
		err = host_config_compare(&d, &h->config, &to);
	if (err == 0)
		err = add_rules(h, &d.add, &not_told);
	host_difference_clear(&d);
	host_items_clear(&barriers);
	host_config_clear(&to);
	diag_clear(&not_told);
	return err;
}
