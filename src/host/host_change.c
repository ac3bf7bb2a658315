/* src/host/host_change.c - changes the host, step by step
 *
 * Two lists say what is there: `config` contains the addresses, routes and rules in
 * force, and the journal contains what would be left behind if we were killed. A change
 * first enters in the journal what it will add, then adds it, and then removes what is to
 * go. So there is no moment without a route. */
#include "host/host_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/barrier.h"
#include "host/dns.h"
#include "host/gso_max.h"
#include "host/guard.h"
#include "host/host_difference.h"
#include "host/host_origin.h"
#include "host/host_refusal.h"
#include "host/ipv6.h"
#include "host/learned.h"
#include "host/undo.h"
#include "host/valid_mark.h"

#define ERRORS_SHOWN 10

struct host_config_env host_change_env(struct host_state *h)
{
	struct host_config_env env;

	h->asker = (struct host_asker){ h->nl, &h->config };
	env = host_env(&h->asker);
	env.ifindex = h->journal.ifindex;
	env.alone = h->place != NULL;
	return env;
}

/* ---- applying */

/* One change from h->config to `to`. */
struct change {
	struct host_state *h;
	const struct plan *plan;
	const struct host_config *to;
	struct host_difference difference;
	/* parts of difference.add and difference.replace, in the same order */
	struct host_items failed, unreplaced;
	struct diag *diag;
	int error;      /* the first one */
	bool unguarded; /* a guard couldn't be set */
	bool open;      /* not all barriers could be added */
	bool ipv6_ways; /* IPv6 routes or rules have come or gone */
};

static void note(struct change *c, int err)
{
	if (err < 0 && c->error == 0)
		c->error = err;
}

static void report_all(struct change *c, const struct netlink_item *items, size_t n,
                       const int *results, int first, const char *why)
{
	size_t failures = 0;

	for (size_t i = 0; i < n; i++) {
		if (results[i] == 0 || failures++ >= ERRORS_SHOWN)
			continue;
		host_refusal_report(c->plan, &items[i], results[i],
		                    results[i] == first ? why : strerror(-results[i]),
		                    c->diag);
	}
	if (failures > ERRORS_SHOWN)
		diag_error(c->diag, NULL, 0, "and %zu more addresses, routes or rules",
		           failures - ERRORS_SHOWN);
}

static void note_done(struct change *c, const struct netlink_item *item)
{
	c->ipv6_ways |= item->kind != NETLINK_KIND_ADDRESS && host_item_is_ipv6(item);
}

/* What to do with a list, and with the items that are refused. */
struct run {
	int (*items)(struct netlink *nl, const struct netlink_item *items, size_t n,
	             int *results);
	struct host_items *failed; /* items that are refused are added here */
	bool again;                /* they will be tried again, so don't report them */
};

static void apply(struct change *c, const struct netlink_item *items, size_t n,
                  const struct run *run)
{
	int *results = calloc(n + 1, sizeof(*results));
	int err = results ? run->items(c->h->nl, items, n, results) : -ENOMEM;

	if (err < 0 && results && !run->again)
		report_all(c, items, n, results, err, netlink_error(c->h->nl));
	for (size_t i = 0; i < n; i++) {
		if (err < 0 && (!results || results[i] < 0))
			note(c, host_items_add(run->failed, &items[i]));
		else
			note_done(c, &items[i]);
	}
	if (!run->again)
		note(c, err);
	free(results);
}

static size_t count_kind(const struct host_items *items, size_t from,
                         enum netlink_kind kind)
{
	size_t n = from;

	while (n < items->n && items->v[n].kind == kind)
		n++;
	return n - from;
}

static void set_mtu(struct change *c, struct host_config *to)
{
	uint32_t mtu_bytes = to->mtu_bytes;
	int err;

	if (mtu_bytes == c->h->config.mtu_bytes)
		return;
	err = netlink_link_set_mtu(c->h->nl, c->h->journal.ifindex, mtu_bytes);
	if (err < 0)
		diag_error(c->diag, NULL, 0, "%s cannot have an MTU of %u: %s",
		           c->h->journal.tun, mtu_bytes, netlink_error(c->h->nl));
	else
		gso_max_set(c->h->nl, c->h->journal.ifindex, mtu_bytes);
	if (err < 0)
		to->mtu_bytes = 0; /* the next change tries again */
	note(c, err);
}

static void set_up(struct change *c)
{
	struct host_state *h = c->h;
	int err;

	if (h->up)
		return;
	err = netlink_link_set_up(h->nl, h->journal.ifindex);
	h->up = err == 0;
	if (err < 0)
		diag_error(c->diag, NULL, 0, "%s cannot be set up: %s", h->journal.tun,
		           netlink_error(h->nl));
	note(c, err);
}

void host_change_note_servers(struct host_state *h)
{
	struct ip_addr found[NAMESERVERS_MAX];
	char *ours = NULL;
	size_t n;

	if (h->servers_given || h->remains.dns || (h->journal.dns && !h->dns))
		return; /* nothing else can be found out */
	if (asprintf(&ours, "%s%s", h->place || !h->dns ? "" : h->dns,
	             h->other_dns ? h->other_dns : "") < 0)
		return;
	n = nameservers_of_network("", ours, found);
	free(ours);
	if (n == 0)
		return;
	memcpy(h->network_servers, found, n * sizeof(*found));
	h->network_server_count = n;
}

/* The clients of a gate are told an address only once, so it must stay when a second file
 * has servers, too. */
void host_change_choose_resolver(struct host_state *h, const struct plan *plan)
{
	if (h->place && h->place->nowhere)
		dns_lasting_addresses(plan, &h->resolver4, &h->resolver6);
	else
		dns_virtual_addresses(plan, &h->resolver4, &h->resolver6);
}

/* Writes the resolv.conf of the other place if something has changed. Without a server of
 * ours it contains those of the network, which are asked through the tun, too. */
static void set_resolv_conf(struct change *c)
{
	struct host_state *h = c->h;
	char *text;
	int err;

	host_change_note_servers(h);
	text = dns_resolv_conf(c->plan, h->network_servers, h->network_server_count);
	err = text ? 0 : -ENOMEM;
	host_change_choose_resolver(h, c->plan);
	if (err == 0 && (!h->dns || strcmp(text, h->dns) != 0))
		err = h->place->set_resolv_conf(h->place->context, text);
	if (err < 0)
		diag_error(c->diag, NULL, 0,
		           "the resolv.conf inside can't be written: %s", strerror(-err));
	note(c, err);
	free(h->dns);
	h->dns = err == 0 ? text : NULL;
	if (err < 0)
		free(text);
}

/* An instance that comes after we were killed can't find them out, but needs them. */
static void note_servers(struct host_state *h)
{
	if (h->journal.dns)
		return;
	memcpy(h->journal.servers, h->network_servers,
	       h->network_server_count * sizeof(h->network_servers[0]));
	h->journal.server_count = h->network_server_count;
}

/* Tells resolvconf if something has changed. */
static void set_dns(struct change *c)
{
	struct host_state *h = c->h;
	char *text = dns_text(c->plan);
	const char *old = h->dns ? h->dns : "";
	const struct spawn_tun tun = journal_tun(&h->journal);
	bool told = h->journal.dns;
	int err = text ? 0 : -ENOMEM, left = 0;

	host_change_choose_resolver(h, c->plan);
	if (err == 0 && !h->no_dns && strcmp(text, old) != 0) {
		host_change_note_servers(h);
		note_servers(h);
		h->journal.dns = true;
		err = journal_save(&h->journal, c->diag);
		if (err == 0 && text[0])
			err = dns_up(&tun, c->plan, text, c->diag);
		else if (err == 0)
			left = dns_down(&tun, c->diag);
		/* without the program nothing was told */
		h->journal.dns = err == -ENOENT ? told : text[0] || left < 0;
	}
	note(c, err == 0 ? left : err);
	if (err == 0 && left == 0 && !h->no_dns) {
		free(h->dns);
		h->dns = text;
	} else {
		free(text);
	}
}

/* That makes the kernel tell of a change, which is followed by another update. So it isn't for what
 * was only refused. */
static void forget_learned(struct change *c)
{
	if (c->h->place)
		return; /* there is no other link to which something could lead */
	if (c->ipv6_ways)
		learned_forget(c->h->nl, c->h->journal.ifindex, c->plan);
}

/* Called before the family's first rule. If a guard can't be set, this is reported only
 * once, because the other family, and the removal, would fail for the same reason. */
static void guard(struct change *c, enum ip_family family)
{
	struct journal *j = &c->h->journal;
	bool *there = family == IP_V4 ? &j->guard4 : &j->guard6, was_there = *there;
	const struct spawn_tun tun = journal_tun(j);
	struct diag told = { 0 };
	int err;

	if (c->h->no_guard || c->unguarded ||
	    !(family == IP_V4 ? c->to->rules4 : c->to->rules6) ||
	    (was_there && host_items_equal(&c->h->config.guard, &c->to->guard)))
		return;
	*there = true;
	note(c, journal_save(j, c->diag));
	err = guard_up(&tun, family, &c->to->guard, c->h->numbers.mark, c->diag);
	note(c, err);
	c->unguarded = err < 0;
	if (err == 0 || was_there)
		return;
	(void)!guard_down(&tun, family, &told);
	diag_clear(&told);
	*there = false;
	note(c, journal_save(j, c->diag));
}

/* Called after the family's last rule. */
static void unguard(struct change *c, enum ip_family family)
{
	struct journal *j = &c->h->journal;
	const struct spawn_tun tun = journal_tun(j);
	bool *there = family == IP_V4 ? &j->guard4 : &j->guard6;

	if (!*there ||
	    (!c->h->no_guard && (family == IP_V4 ? c->to->rules4 : c->to->rules6)))
		return;
	/* if it is left, an undo may find the programs again */
	*there = guard_down(&tun, family, c->diag) < 0;
}

/* Enters the rules in the journal before they are added. */
static void enter_rules(struct change *c, size_t first)
{
	const struct host_items *add = &c->difference.add;

	for (size_t i = first; i < add->n; i++)
		note(c, host_items_add(&c->h->journal.rules, &add->v[i]));
	if (first < add->n)
		note(c, journal_save(&c->h->journal, c->diag));
}

static void add_all(struct change *c)
{
	const struct host_items *add = &c->difference.add,
				*replace = &c->difference.replace;
	size_t addresses = count_kind(add, 0, NETLINK_KIND_ADDRESS);
	size_t routes = count_kind(add, addresses, NETLINK_KIND_ROUTE);
	size_t rules = addresses + routes;
	const struct run adding = { .items = netlink_add,
		                    .failed = &c->failed,
		                    .again = c->difference.remove.n > 0 &&
		                             !c->h->stay_closed };
	const struct run replacing = { .items = netlink_replace,
		                       .failed = &c->unreplaced };

	apply(c, add->v, addresses, &adding);
	if (c->error == 0)
		set_up(c);
	if (!c->h->up)
		return;
	if (c->h->place)
		set_resolv_conf(c);
	else
		set_dns(c);
	apply(c, add->v + addresses, routes, &adding);
	enter_rules(c, rules);
	if (c->to->rules4)
		note(c, valid_mark_set(&c->h->journal, c->diag));
	guard(c, IP_V4);
	guard(c, IP_V6);
	apply(c, add->v + rules, add->n - rules, &adding);
	apply(c, replace->v, replace->n, &replacing);
}

/* What can't be removed stays in force, so that it isn't forgotten. */
static void remove_all(struct change *c, struct host_config *to)
{
	const struct host_items *remove = &c->difference.remove;
	int *results = calloc(remove->n + 1, sizeof(*results));
	char text[NETLINK_ITEM_STRLEN];
	int err = results ? netlink_delete(c->h->nl, remove->v, remove->n, results)
	                  : -ENOMEM;

	for (size_t i = 0; i < remove->n; i++) {
		int result = err == 0 ? 0 : results ? results[i] : err;

		if (netlink_is_gone(result)) {
			note_done(c, &remove->v[i]);
			continue;
		}
		diag_error(c->diag, NULL, 0, "%s cannot be removed: %s",
		           netlink_item_format(&remove->v[i], text), strerror(-result));
		note(c, result);
		note(c, host_items_add(&to->items, &remove->v[i]));
	}
	free(results);
	unguard(c, IP_V4);
	unguard(c, IP_V6);
	if (!c->to->rules4)
		valid_mark_restore(&c->h->journal, c->diag);
}

/* Called after addresses were removed. The kernel then removes more: the other addresses
 * of an IPv4 subnet if its first one was removed, and routes that have the address as
 * source. */
static void repair(struct change *c)
{
	const struct host_items *to = &c->to->items;
	size_t addresses = count_kind(to, 0, NETLINK_KIND_ADDRESS);
	size_t routes = count_kind(to, addresses, NETLINK_KIND_ROUTE);
	const struct host_items *remove = &c->difference.remove;
	bool any = false;

	for (size_t i = 0; i < remove->n; i++)
		any |= remove->v[i].kind == NETLINK_KIND_ADDRESS;
	if (!any)
		return;
	/* -EEXIST is expected; any other failure has already been reported */
	(void)!netlink_add(c->h->nl, to->v, addresses, NULL);
	(void)!netlink_replace(c->h->nl, to->v + addresses, routes, NULL);
}

/* Adds again what was refused because of something that has been removed meanwhile. */
static void retry(struct change *c)
{
	struct host_items failed = c->failed;
	const struct run adding = { .items = netlink_add, .failed = &c->failed };

	if (c->difference.remove.n == 0)
		return;
	c->failed = (struct host_items){ 0 };
	apply(c, failed.v, failed.n, &adding);
	host_items_clear(&failed);
}

/* Walks through a list that is part of another one, in the same order. */
static bool is_next(const struct host_items *list, size_t *at,
                    const struct netlink_item *item)
{
	if (*at == list->n || host_item_compare(&list->v[*at], item) != 0)
		return false;
	++*at;
	return true;
}

/* The kernel has the old values of an item that could not be replaced. So it gets values
 * that none has, and the next change will replace it. */
static void make_different(struct netlink_item *item)
{
	if (item->kind == NETLINK_KIND_ADDRESS)
		item->address.metric = UINT32_MAX;
	else
		item->route.mtu_bytes = 0;
}

/* h->config and the journal become what is in force now: `to` without what has failed, which
 * the next change will try again. */
static void settle(struct change *c, struct host_config *to)
{
	struct host_state *h = c->h;
	size_t kept = 0, failed = 0, unreplaced = 0;
	struct netlink_item *item;

	for (size_t i = 0; i < to->items.n; i++) {
		if (is_next(&c->failed, &failed, &to->items.v[i]))
			continue;
		item = &to->items.v[kept++];
		*item = to->items.v[i];
		if (is_next(&c->unreplaced, &unreplaced, item))
			make_different(item);
	}
	to->items.n = kept;
	h->journal.rules.n = 0;
	for (size_t i = 0; i < kept; i++) {
		if (to->items.v[i].kind == NETLINK_KIND_RULE)
			note(c, host_items_add(&h->journal.rules, &to->items.v[i]));
	}
	note(c, journal_save(&h->journal, c->diag));
	if (c->unguarded) /* the next change sets it again */
		host_items_clear(&to->guard);
	host_config_clear(&h->config);
	h->config = *to;
	*to = (struct host_config){ 0 };
}

/* Says it once, and not with every change. */
static void tell_ipv6_left_out(struct host_state *h, bool left_out, struct diag *diag)
{
	if (left_out && !h->told_ipv6_left_out)
		diag_warning(
			diag, NULL, 0,
			"this host has no IPv6: the IPv6 addresses and routes of the tunnel files are left out");
	h->told_ipv6_left_out = left_out;
}

/* Says which prefixes yield now that did not before, and the other way round. */
static void tell_yields(struct host_state *h, const struct plan *plan, struct yields *now,
                        struct diag *diag)
{
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < now->n; i++) {
		struct yield *y = &now->v[i];
		struct host_origin o = host_origin_of_prefix(plan, &y->prefix);

		snprintf(y->device, sizeof(y->device), "%s", o.conf ? o.conf->name : "");
		if (yields_have(&h->config.yields, y))
			continue;
		diag_warning(
			diag, o.conf ? o.conf->path : NULL, o.line,
			"%s yields to %s, which has it already: it goes through the tunnel only while that has no such route",
			ip_prefix_format(&y->prefix, text),
			y->link[0] ? y->link : "another route");
	}
	for (size_t i = 0; i < h->config.yields.n; i++) {
		const struct yield *y = &h->config.yields.v[i];

		if (!yields_have(now, y))
			log_info(h->log, y->device, "%s no longer yields to %s",
			         ip_prefix_format(&y->prefix, text),
			         y->link[0] ? y->link : "another route");
	}
}

/* Has it addresses or routes that are not in force? */
static MUST_CHECK int any_new(const struct host_state *h, const struct host_config *to,
                              bool *any)
{
	struct host_difference d;
	int err = host_config_compare(&d, &h->config, to);

	*any = err == 0 && d.add.n > 0 && d.add.v[0].kind != NETLINK_KIND_RULE;
	host_difference_clear(&d);
	return err;
}

/* Other links are only where the host's own are. There may be many routes, so they are only
 * read if something may have changed. */
static MUST_CHECK int find_yields(struct host_state *h, const struct plan *plan,
                                  struct host_config *to, struct diag *diag)
{
	bool any = !h->network_known;
	int err;

	if (h->place)
		return 0;
	err = yields_keep(&to->yields, &to->items, &h->config.yields);
	if (err == 0 && !any)
		err = any_new(h, to, &any);
	if (err == 0 && any) {
		yields_clear(&to->yields);
		err = yields_find(&to->yields, &to->items, h->nl, h->journal.ifindex);
	}
	if (err == -ENOMEM)
		return err;
	/* If not all routes could be read, what is in the way will be refused. */
	tell_yields(h, plan, &to->yields, diag);
	return 0;
}

static MUST_CHECK int make_config(struct host_state *h, const struct plan *plan,
                                  struct host_config *to, struct diag *diag)
{
	struct host_config_env env = host_change_env(h);
	bool renew4 = false, renew6 = false;
	int err;

	env.without_ipv6 = ipv6_missing(h->nl, h->place ? NULL : h->journal.tun);
	host_env_review_places(&h->asker, &h->numbers, h->network_known, &renew4,
	                       &renew6);
	err = host_config_make(to, &h->numbers, plan, &env, diag);
	if (err < 0)
		return err;
	to->renew4 = renew4;
	to->renew6 = renew6;
	tell_ipv6_left_out(h, to->ipv6_left_out, diag);
	err = find_yields(h, plan, to, diag);
	h->network_known = err == 0;
	return err;
}

/* What is to go stays in force, and what is new is there as well. */
static void keep_all(struct change *c, struct host_config *to,
                     const struct host_items *barriers)
{
	for (size_t i = c->difference.remove.n; i-- > 0;)
		note(c, host_items_add(&to->items, &c->difference.remove.v[i]));
	note(c, barriers_join(&c->h->barriers, barriers));
}

/* Was a rule refused? They are the last ones. */
static bool lacks_rule(const struct change *c)
{
	const struct host_items *failed = &c->failed;

	return failed->n > 0 && failed->v[failed->n - 1].kind == NETLINK_KIND_RULE;
}

/* Removes what is to go, after the rest was added; but not as long as it may be all that keeps
 * packets from leaving in the clear, now or when the tun is lost. */
static void complete(struct change *c, struct host_config *to,
                     struct host_items *barriers)
{
	struct host_state *h = c->h;
	bool keep = h->stay_closed;

	if (!keep && lacks_rule(c))
		retry(c);
	keep |= c->open || lacks_rule(c);
	if (h->up && !keep) {
		remove_all(c, to);
		retry(c);
		repair(c);
	}
	if (h->up)
		forget_learned(c);
	if (keep)
		keep_all(c, to, barriers);
	else
		barriers_trim(h->nl, &h->barriers, barriers);
	settle(c, to);
}

/* Changes what is in force to what the plan wants. Returns 0 or the first error; all the
 * rest has been done all the same. */
static MUST_CHECK int change_once(struct host_state *h, const struct plan *plan,
                                  struct diag *diag)
{
	struct host_config to = { 0 };
	struct host_items barriers = { 0 };
	struct change c = { .h = h, .plan = plan, .to = &to, .diag = diag };
	int err = make_config(h, plan, &to, diag);

	/* another place has no link by which something could leave in the clear */
	if (err == 0 && !h->place)
		err = barriers_make(&barriers, &to.items, &h->numbers,
		                    h->journal.ifindex);
	if (err == 0)
		err = host_config_compare(&c.difference, &h->config, &to);
	if (err == 0) {
		note(&c, altnames_change(&h->altnames, h->nl, h->journal.ifindex, plan));
		set_mtu(&c, &to);
		err = barriers_add(h->nl, &h->barriers, &barriers, diag);
		note(&c, err);
		c.open = err < 0;
		add_all(&c);
		if (!h->stay_closed || c.error == 0)
			complete(&c, &to, &barriers);
		err = c.error;
	}
	host_difference_clear(&c.difference);
	host_items_clear(&c.failed);
	host_items_clear(&c.unreplaced);
	host_config_clear(&to);
	host_items_clear(&barriers);
	return err;
}

int host_change(struct host_state *h, const struct plan *plan, struct diag *diag)
{
	bool told = h->told_ipv6_left_out;
	struct diag first = { 0 };
	int err;

	if (h->place && h->place->nowhere) {
		host_change_note_servers(h);
		host_change_choose_resolver(h, plan);
		return 0;
	}
	err = change_once(h, plan, &first);
	if (err != -EEXIST || h->stay_closed) {
		diag_move(diag, &first);
		return err;
	}
	/* A link may have got one of our prefixes while the routes were being added. */
	h->network_known = false;
	diag_clear(&first);
	h->told_ipv6_left_out = told;
	return change_once(h, plan, diag);
}
