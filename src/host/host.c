/* src/host/host.c
 *
 * Two lists say what is there: `config`, the addresses, routes and rules in force, and
 * the journal, what would outlive us. A change first enters what it adds in the journal,
 * then adds, then takes away, so that no moment is without a route. */
#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/guard.h"
#include "host/hooks.h"
#include "host/host_config.h"
#include "host/journal.h"
#include "host/netlink.h"
#include "host/tun_open.h"

#define ERRORS_SHOWN 10

struct host {
	struct netlink *nl;
	struct journal journal;
	struct host_numbers numbers;
	struct host_config config; /* what is in force */
	int tun_fd;                /* -1: not made */
	bool vnet_hdr;
	bool up;
	const struct log *log; /* borrowed */
};

/* ---- life */

/* As wg-quick checks interface names; the guard's text relies on it. */
static bool name_valid(const char *name)
{
	size_t n = strspn(
		name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=+.-");

	return n > 0 && n < IF_NAMESIZE && name[n] == '\0';
}

static MUST_CHECK int clear_stale(struct host *h, struct diag *diag)
{
	int rc = journal_load(&h->journal, diag);

	if (rc <= 0)
		return rc;
	log_info(h->log, NULL, "clearing what an earlier instance of %s left",
	         h->journal.tun);
	journal_undo(&h->journal, h->nl, h->log, diag);
	return 0;
}

int host_new(struct host **out, const struct host_options *options, struct diag *diag)
{
	struct host *h;
	int rc;

	*out = NULL;
	if (!name_valid(options->tun)) {
		diag_error(diag, NULL, 0,
		           "`%s' cannot be the name of a tun device: 1 to 15 characters "
		           "of A-Z a-z "
		           "0-9 _ = + . - are expected",
		           options->tun);
		return -EINVAL;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->tun_fd = -1;
	h->vnet_hdr = options->vnet_hdr;
	h->log = options->log;
	rc = journal_init(&h->journal, options->tun, options->state_path);
	if (rc == 0) {
		rc = netlink_open(&h->nl);
		if (rc < 0)
			diag_error(diag, NULL, 0, "no rtnetlink socket: %s",
			           strerror(-rc));
	}
	if (rc == 0)
		rc = clear_stale(h, diag);
	if (rc < 0) {
		host_free(h);
		return rc;
	}
	*out = h;
	return 0;
}

/* Everything that is in place, in reverse. */
static void undo(struct host *h, struct diag *diag)
{
	journal_undo(&h->journal, h->nl, h->log, diag);
	if (h->tun_fd >= 0)
		close(h->tun_fd);
	h->tun_fd = -1;
	h->up = false;
	host_config_clear(&h->config);
	h->numbers = (struct host_numbers){ 0 };
}

void host_free(struct host *h)
{
	struct diag diag = { 0 };

	if (!h)
		return;
	if (h->nl && h->tun_fd >= 0)
		undo(h, &diag);
	diag_clear(&diag);
	journal_clear(&h->journal);
	netlink_free(h->nl);
	free(h);
}

int host_tun_fd(const struct host *h)
{
	return h->tun_fd;
}

uint32_t host_tun_ifindex(const struct host *h)
{
	return h->journal.ifindex;
}

uint32_t host_mark(const struct host *h)
{
	return h->tun_fd < 0 ? 0 : h->numbers.mark;
}

uint32_t host_path_mtu(void *context, const struct ip_addr *to)
{
	struct host *h = context;
	uint32_t mtu_bytes = 0;

	if (to->family != IP_NONE)
		mtu_bytes = netlink_path_mtu(h->nl, to, h->numbers.mark);
	return mtu_bytes ? mtu_bytes : netlink_default_mtu(h->nl);
}

/* ---- what host_config asks */

static bool table_used(void *context, uint32_t table)
{
	struct host *h = context;
	bool used;

	return netlink_table_used(h->nl, table, &used) < 0 || used;
}

struct priorities {
	uint32_t *v; /* owned */
	size_t n, capacity;
};

static bool collect_priority(void *context, const struct netlink_item *item)
{
	struct priorities *p = context;

	if (item->rule.priority == 0)
		return true;
	if (p->n == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 64;
		uint32_t *v = reallocarray(p->v, capacity, sizeof(*v));

		if (!v)
			return false;
		p->v = v;
		p->capacity = capacity;
	}
	p->v[p->n++] = item->rule.priority;
	return true;
}

static uint32_t rule_block(void *context, enum ip_family family)
{
	struct host *h = context;
	struct priorities p = { 0 };
	uint32_t block = 0;

	if (netlink_dump(h->nl, NETLINK_KIND_RULE, family, collect_priority, &p) == 0)
		block = host_rule_block(p.v, p.n,
		                        HOST_RULES_MAX(family == IP_V4 ? 32U : 128U));
	free(p.v);
	return block;
}

static struct host_config_env config_env(struct host *h)
{
	return (struct host_config_env){ .ifindex = h->journal.ifindex,
		                         .table_used = table_used,
		                         .rule_block = rule_block,
		                         .context = h };
}

/* ---- reporting */

/* FILE:LINE that asked for an item, where that can be told. */
struct origin {
	const char *file;
	unsigned line;
};

static struct origin address_origin(const struct plan *plan,
                                    const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;

		for (size_t j = 0; j < conf->addresses.n; j++) {
			if (ip_prefix_equal(&conf->addresses.v[j].prefix, prefix))
				return (struct origin){ conf->path,
					                conf->addresses.v[j].line };
		}
	}
	return (struct origin){ 0 };
}

static struct origin route_origin(const struct plan *plan, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_prefix *p = plan_prefix_find(&plan->devices[i], prefix);

		if (p)
			return (struct origin){ plan->devices[i].conf->path, p->line };
	}
	return (struct origin){ 0 };
}

static struct origin origin_of(const struct plan *plan, const struct netlink_item *item)
{
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		return address_origin(plan, &item->address.prefix);
	case NETLINK_KIND_ROUTE:
		return route_origin(plan, &item->route.dst);
	case NETLINK_KIND_RULE:
		break;
	}
	return (struct origin){ 0 };
}

static bool is_ipv6(const struct netlink_item *item)
{
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		return item->address.prefix.addr.family == IP_V6;
	case NETLINK_KIND_ROUTE:
		return item->route.dst.addr.family == IP_V6;
	case NETLINK_KIND_RULE:
		return item->rule.family == IP_V6;
	}
	return false;
}

static const char *hint(const struct netlink_item *item, int error)
{
	switch (error) {
	case -EPERM:
		return ": root or CAP_NET_ADMIN is needed";
	case -EEXIST:
		return item->kind == NETLINK_KIND_ROUTE
		               ? ": another device has this very route in the same table"
		               : ": it is there already";
	case -EACCES:
	case -EAFNOSUPPORT:
	case -EOPNOTSUPP:
		return is_ipv6(item) ? ": IPv6 is disabled on this host" : "";
	default: /* of the kernel's numbers, not ours */
		return "";
	}
}

static void report(const struct plan *plan, const struct netlink_item *item, int error,
                   const char *why, struct diag *diag)
{
	struct origin o = origin_of(plan, item);
	char text[NETLINK_ITEM_STRLEN];

	diag_error(diag, o.file, o.line, "%s is refused by the kernel (%s)%s",
	           netlink_item_format(item, text), why, hint(item, error));
}

/* ---- applying */

/* One change from h->config to `to`. */
struct change {
	struct host *h;
	const struct plan *plan;
	const struct host_config *to;
	struct host_difference difference;
	/* of difference.add and .replace; in order */
	struct host_items failed, unreplaced;
	struct diag *diag;
	int error; /* the first */
};

static void note(struct change *c, int rc)
{
	if (rc < 0 && c->error == 0)
		c->error = rc;
}

static void report_all(struct change *c, const struct netlink_item *items, size_t n,
                       const int *results, int first, const char *why)
{
	size_t failures = 0;

	for (size_t i = 0; i < n; i++) {
		if (results[i] == 0 || failures++ >= ERRORS_SHOWN)
			continue;
		report(c->plan, &items[i], results[i],
		       results[i] == first ? why : strerror(-results[i]), c->diag);
	}
	if (failures > ERRORS_SHOWN)
		diag_error(c->diag, NULL, 0, "and %zu more addresses, routes or rules",
		           failures - ERRORS_SHOWN);
}

/* How to run a list, and what to do about what is refused. */
struct run {
	int (*items)(struct netlink *nl, const struct netlink_item *items, size_t n,
	             int *results);
	struct host_items *failed; /* what is refused is appended */
	bool again;                /* it will be tried again: don't report it */
};

static void apply(struct change *c, const struct netlink_item *items, size_t n,
                  const struct run *run)
{
	int *results = calloc(n + 1, sizeof(*results));
	int rc = results ? run->items(c->h->nl, items, n, results) : -ENOMEM;

	if (rc < 0 && results && !run->again)
		report_all(c, items, n, results, rc, netlink_error(c->h->nl));
	for (size_t i = 0; rc < 0 && i < n; i++) {
		if (!results || results[i] < 0)
			note(c, host_items_add(run->failed, &items[i]));
	}
	if (!run->again)
		note(c, rc);
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

static void set_mtu(struct change *c)
{
	uint32_t mtu_bytes = c->to->mtu_bytes;
	int rc;

	if (mtu_bytes == c->h->config.mtu_bytes)
		return;
	rc = netlink_link_set_mtu(c->h->nl, c->h->journal.ifindex, mtu_bytes);
	if (rc < 0)
		diag_error(c->diag, NULL, 0, "%s cannot have an MTU of %u: %s",
		           c->h->journal.tun, mtu_bytes, netlink_error(c->h->nl));
	note(c, rc);
}

static void set_up(struct change *c)
{
	struct host *h = c->h;
	int rc;

	if (h->up)
		return;
	rc = netlink_link_set_up(h->nl, h->journal.ifindex);
	if (rc < 0)
		diag_error(c->diag, NULL, 0, "%s cannot be set up: %s", h->journal.tun,
		           netlink_error(h->nl));
	else
		h->up = true;
	note(c, rc);
}

/* Has the difference an address of the family? */
static bool addresses_differ(const struct host_difference *d, enum ip_family family)
{
	const struct host_items *lists[] = { &d->add, &d->remove };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (size_t j = 0; j < lists[i]->n; j++) {
			const struct netlink_item *item = &lists[i]->v[j];

			if (item->kind == NETLINK_KIND_ADDRESS &&
			    item->address.prefix.addr.family == family)
				return true;
		}
	}
	return false;
}

/* Before the family's first rule. */
static void guard(struct change *c, enum ip_family family)
{
	struct journal *j = &c->h->journal;
	bool *there = family == IP_V4 ? &j->guard4 : &j->guard6;

	if (!(family == IP_V4 ? c->to->rules4 : c->to->rules6) ||
	    (*there && !addresses_differ(&c->difference, family)))
		return;
	*there = true;
	note(c, journal_save(j, c->diag));
	note(c, guard_up(j->tun, family, &c->to->items, c->h->numbers.mark, c->diag));
}

/* After the family's last rule. */
static void unguard(struct change *c, enum ip_family family)
{
	struct journal *j = &c->h->journal;
	bool *there = family == IP_V4 ? &j->guard4 : &j->guard6;

	if (!*there || (family == IP_V4 ? c->to->rules4 : c->to->rules6))
		return;
	guard_down(j->tun, family, c->diag);
	*there = false;
}

/* What will be there, before it is. */
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
		                    .again = c->difference.remove.n > 0 };
	const struct run replacing = { .items = netlink_replace,
		                       .failed = &c->unreplaced };

	apply(c, add->v, addresses, &adding);
	if (c->error == 0)
		set_up(c);
	if (!c->h->up)
		return;
	apply(c, add->v + addresses, routes, &adding);
	enter_rules(c, rules);
	if (c->to->rules4)
		note(c, journal_set_src_valid_mark(&c->h->journal, c->diag));
	guard(c, IP_V4);
	guard(c, IP_V6);
	apply(c, add->v + rules, add->n - rules, &adding);
	apply(c, replace->v, replace->n, &replacing);
}

static bool is_gone(int error)
{
	return error == 0 || error == -ENOENT || error == -ESRCH ||
	       error == -EADDRNOTAVAIL || error == -ENODEV;
}

static void remove_all(struct change *c)
{
	const struct host_items *remove = &c->difference.remove;
	int *results = calloc(remove->n + 1, sizeof(*results));
	char text[NETLINK_ITEM_STRLEN];
	int rc = results ? netlink_delete(c->h->nl, remove->v, remove->n, results)
	                 : -ENOMEM;

	for (size_t i = 0; rc < 0 && results && i < remove->n; i++) {
		if (is_gone(results[i]))
			continue;
		diag_error(c->diag, NULL, 0, "%s cannot be removed: %s",
		           netlink_item_format(&remove->v[i], text),
		           strerror(-results[i]));
		note(c, results[i]);
	}
	if (!results)
		note(c, rc);
	free(results);
	unguard(c, IP_V4);
	unguard(c, IP_V6);
	if (!c->to->rules4)
		journal_restore_src_valid_mark(&c->h->journal, c->diag);
}

/* After an address has been removed: the kernel takes more with it, the other addresses
 * of an IPv4 subnet whose first it was, and routes with it as source. */
static void repair(struct change *c)
{
	const struct host_items *to = &c->to->items;
	size_t addresses = count_kind(to, 0, NETLINK_KIND_ADDRESS);
	size_t routes = count_kind(to, addresses, NETLINK_KIND_ROUTE);
	const struct host_items *remove = &c->difference.remove;

	if (remove->n == 0 || remove->v[remove->n - 1].kind != NETLINK_KIND_ADDRESS)
		return;
	/* -EEXIST is what is expected; what fails otherwise has been told */
	(void)!netlink_add(c->h->nl, to->v, addresses, NULL);
	(void)!netlink_replace(c->h->nl, to->v + addresses, routes, NULL);
}

/* What was refused because something stood in its place that is gone now. */
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

/* Steps through a list that is part of another, in the same order. */
static bool is_next(const struct host_items *list, size_t *at,
                    const struct netlink_item *item)
{
	if (*at == list->n || host_item_compare(&list->v[*at], item) != 0)
		return false;
	++*at;
	return true;
}

/* h->config and the journal become what is in force: `to` without what failed, which the
 * next change will try again. */
static void settle(struct change *c, struct host_config *to)
{
	struct host *h = c->h;
	size_t kept = 0, failed = 0, unreplaced = 0, first_rule;

	for (size_t i = 0; i < to->items.n; i++) {
		if (is_next(&c->failed, &failed, &to->items.v[i]))
			continue;
		/* the old route is there; no MTU is what none has, so it will differ */
		if (is_next(&c->unreplaced, &unreplaced, &to->items.v[i]))
			to->items.v[i].route.mtu_bytes = 0;
		to->items.v[kept++] = to->items.v[i];
	}
	to->items.n = kept;
	first_rule = count_kind(&to->items, 0, NETLINK_KIND_ADDRESS);
	first_rule += count_kind(&to->items, first_rule, NETLINK_KIND_ROUTE);
	h->journal.rules.n = 0;
	for (size_t i = first_rule; i < kept; i++)
		note(c, host_items_add(&h->journal.rules, &to->items.v[i]));
	note(c, journal_save(&h->journal, c->diag));
	host_config_clear(&h->config);
	h->config = *to;
	*to = (struct host_config){ 0 };
}

/* The way from what is in force to what the plan wants. 0 or the first error; the rest
 * has been done all the same. */
static MUST_CHECK int change(struct host *h, const struct plan *plan, struct diag *diag)
{
	struct host_config_env env = config_env(h);
	struct host_config to;
	struct change c = { .h = h, .plan = plan, .to = &to, .diag = diag };
	int rc = host_config_make(&to, &h->numbers, plan, &env, diag);

	if (rc < 0)
		return rc;
	rc = host_config_compare(&c.difference, &h->config, &to);
	if (rc == 0) {
		set_mtu(&c);
		add_all(&c);
		if (h->up) {
			remove_all(&c);
			retry(&c);
			repair(&c);
		}
		settle(&c, &to);
		rc = c.error;
	}
	host_difference_clear(&c.difference);
	host_items_clear(&c.failed);
	host_items_clear(&c.unreplaced);
	host_config_clear(&to);
	return rc;
}

/* ---- the steps of an instance */

static MUST_CHECK int make_tun(struct host *h, struct diag *diag)
{
	struct netlink_link link;
	int rc = tun_open(&h->tun_fd, h->journal.tun, h->vnet_hdr, diag);

	if (rc < 0)
		return rc;
	rc = netlink_link_find(h->nl, h->journal.tun, &link);
	if (rc < 0) {
		diag_error(diag, NULL, 0, "the device %s is not there: %s",
		           h->journal.tun, netlink_error(h->nl));
		return rc;
	}
	h->journal.ifindex = link.ifindex;
	(void)!netlink_link_set_quiet(h->nl,
	                              link.ifindex); /* no IPv6, nothing to quieten */
	return journal_save(&h->journal, diag);
}

static struct hooks_env hooks_env(struct host *h, struct diag *diag)
{
	return (struct hooks_env){ .tun = h->journal.tun, .log = h->log, .diag = diag };
}

/* Is the file of the plan one whose hooks have not been run? */
static bool is_new(const struct host *h, const struct conf *conf)
{
	return hooks_find(&h->journal.hooks, conf->name) < 0;
}

/* Before anything is changed. */
static MUST_CHECK int check_hooks(struct host *h, const struct plan *plan,
                                  struct diag *diag)
{
	int first = 0;

	for (size_t i = 0; i < plan->device_count; i++) {
		int rc = is_new(h, plan->devices[i].conf)
		                 ? hooks_check(plan->devices[i].conf, diag)
		                 : 0;

		if (first == 0)
			first = rc;
	}
	return first;
}

static MUST_CHECK int pre_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	const struct hooks_env env = hooks_env(h, diag);
	int rc = 0;

	for (size_t i = 0; i < plan->device_count && rc == 0; i++) {
		if (is_new(h, plan->devices[i].conf))
			rc = hooks_run_up(&env, plan->devices[i].conf, CONF_PRE_UP);
	}
	return rc;
}

/* A file whose hooks have succeeded is remembered; also with what has changed in it
 * since. */
static MUST_CHECK int post_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	const struct hooks_env env = hooks_env(h, diag);
	int rc = 0;

	for (size_t i = 0; i < plan->device_count && rc == 0; i++) {
		const struct conf *conf = plan->devices[i].conf;

		if (is_new(h, conf))
			rc = hooks_run_up(&env, conf, CONF_POST_UP);
		if (rc == 0)
			rc = hooks_remember(&h->journal.hooks, conf);
	}
	if (rc == 0)
		rc = journal_save(&h->journal, diag);
	return rc;
}

/* Of the files that the plan no longer has, in reverse order. */
static void run_hooks_of_gone(struct host *h, const struct plan *plan,
                              enum conf_hook kind, struct diag *diag)
{
	const struct hooks_env env = hooks_env(h, diag);
	struct hooks *hooks = &h->journal.hooks;

	for (size_t i = hooks->n; i-- > 0;) {
		if (plan_find(plan, hooks->v[i].name))
			continue;
		hooks_run_down(&env, &hooks->v[i], kind);
		if (kind == CONF_POST_DOWN)
			hooks_forget(hooks, i);
	}
}

int host_prepare(struct host *h, const struct plan *plan, struct diag *diag)
{
	struct host_config_env env = config_env(h);
	int rc = check_hooks(h, plan, diag);

	if (rc == 0)
		rc = host_numbers_choose_mark(&h->numbers, plan, &env, diag);
	if (rc == 0)
		rc = make_tun(h, diag);
	if (rc == 0)
		rc = pre_up(h, plan, diag);
	if (rc < 0)
		undo(h, diag);
	return rc;
}

int host_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	int rc = change(h, plan, diag);

	if (rc == 0)
		rc = post_up(h, plan, diag);
	if (rc < 0)
		undo(h, diag);
	return rc;
}

int host_update(struct host *h, const struct plan *plan, struct diag *diag)
{
	int rc = check_hooks(h, plan, diag), changed;

	if (rc < 0)
		return rc;
	run_hooks_of_gone(h, plan, CONF_PRE_DOWN, diag);
	rc = pre_up(h, plan, diag);
	changed = change(h, plan, diag);
	run_hooks_of_gone(h, plan, CONF_POST_DOWN, diag);
	if (rc == 0)
		rc = post_up(h, plan, diag);
	return changed < 0 ? changed : rc;
}

void host_down(struct host *h, const struct plan *plan, struct diag *diag)
{
	(void)plan; /* hooks are remembered from when the files came up */
	undo(h, diag);
}
