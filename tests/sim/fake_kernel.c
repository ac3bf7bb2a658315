/* tests/sim/fake_kernel.c */
#include "fake_kernel.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "host/host_items.h"
#include "host/ipv6.h"
#include "host/valid_mark.h"
#include "story.h"
#include "unit.h"

#define ITEMS_MAX       2048
#define TUNS_MAX        20
#define UPLINK          2
#define DEFAULT_ITEMS   6 /* after a reset */
#define METRIC6_ROUTE   1024U
#define METRIC6_NETWORK 256U

struct netlink {
	int unused;
};

static struct {
	struct netlink netlink;
	struct netlink_item v[ITEMS_MAX]; /* rules in the kernel's order */
	size_t n;
	struct netlink_link tuns[TUNS_MAX];
	size_t tun_count;
	void (*changed)(const struct netlink_item *item);
	/* the nth item that is added, or removed, from now on; 0: none */
	unsigned refuse_at, refuse_removal_at;
	unsigned refusals;
} kernel;

static void tell_change(const struct netlink_item *item)
{
	if (kernel.changed)
		kernel.changed(item);
}

/* ---- the list */

static void insert(size_t at, const struct netlink_item *item)
{
	REQUIRE(kernel.n < ITEMS_MAX);
	memmove(&kernel.v[at + 1], &kernel.v[at], (kernel.n - at) * sizeof(*item));
	kernel.v[at] = *item;
	kernel.n++;
}

static void take_out(size_t at)
{
	kernel.n--;
	memmove(&kernel.v[at], &kernel.v[at + 1], (kernel.n - at) * sizeof(kernel.v[0]));
}

static void put_rule(enum ip_family family, uint32_t priority, uint32_t table)
{
	const struct netlink_item item = { .kind = NETLINK_KIND_RULE,
		                           .rule = { .family = (uint8_t)family,
		                                     .priority = priority,
		                                     .table = table,
		                                     .action = FR_ACT_TO_TBL,
		                                     .protocol = RTPROT_KERNEL } };

	insert(kernel.n, &item);
}

static void put_default_route(enum ip_family family)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ROUTE,
		                     .route = { .ifindex = UPLINK,
		                                .table = NETLINK_TABLE_MAIN,
		                                .type = RTN_UNICAST } };

	item.route.dst.addr.family = (uint8_t)family;
	item.route.gateway = item.route.dst.addr;
	item.route.gateway.b[0] = 0xfe;
	item.route.metric = family == IP_V6 ? METRIC6_ROUTE : 0;
	insert(kernel.n, &item);
}

void fake_kernel_reset(void)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };

	kernel.n = kernel.tun_count = 0;
	kernel.refuse_at = kernel.refuse_removal_at = kernel.refusals = 0;
	kernel.changed = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		put_rule(families[i], 0, RT_TABLE_LOCAL);
		put_rule(families[i], 32766, RT_TABLE_MAIN);
		put_default_route(families[i]);
	}
}

void fake_kernel_tell(void)
{
	char text[NETLINK_ITEM_STRLEN];

	for (size_t i = 0; i < kernel.n; i++)
		tell("  there is %s", netlink_item_format(&kernel.v[i], text));
}

bool fake_kernel_is_clean(void)
{
	if (kernel.n > DEFAULT_ITEMS)
		fake_kernel_tell();
	return kernel.n == DEFAULT_ITEMS && kernel.tun_count == 0;
}

void fake_kernel_watch(void (*changed)(const struct netlink_item *item))
{
	kernel.changed = changed;
}

void fake_kernel_refuse(unsigned nth)
{
	kernel.refuse_at = nth;
	kernel.refuse_removal_at = 0;
	if (nth > 0)
		tell("the kernel will refuse item %u", nth);
}

void fake_kernel_refuse_removal(unsigned nth)
{
	kernel.refuse_removal_at = nth;
	tell("the kernel will refuse to remove item %u", nth);
}

unsigned fake_kernel_refusals(void)
{
	return kernel.refusals;
}

void fake_kernel_add_tun(uint32_t ifindex, const char *name)
{
	struct netlink_link *l = &kernel.tuns[kernel.tun_count++];

	REQUIRE(kernel.tun_count <= TUNS_MAX);
	*l = (struct netlink_link){ .ifindex = ifindex };
	snprintf(l->name, sizeof(l->name), "%s", name);
}

/* ---- a packet's way */

static const struct netlink_route *longest(uint32_t table, const struct ip_addr *to,
                                           bool tuns)
{
	const struct netlink_route *best = NULL;

	for (size_t i = 0; i < kernel.n; i++) {
		const struct netlink_route *r = &kernel.v[i].route;

		if (kernel.v[i].kind != NETLINK_KIND_ROUTE || r->table != table ||
		    r->dst.addr.family != to->family ||
		    !ip_prefix_contains(&r->dst, to) ||
		    (!tuns && r->type == RTN_UNICAST && r->ifindex != UPLINK))
			continue;
		if (!best || r->dst.len > best->dst.len ||
		    (r->dst.len == best->dst.len && r->metric < best->metric))
			best = r;
	}
	return best;
}

/* A packet without a mark. */
static bool matches(const struct netlink_rule *r, const struct ip_addr *to)
{
	return r->family == to->family && !(r->has_mark && !r->invert && r->mark != 0);
}

enum fake_way fake_kernel_way(const struct ip_addr *to, bool tuns)
{
	for (size_t i = 0; i < kernel.n; i++) {
		const struct netlink_rule *rule = &kernel.v[i].rule;
		const struct netlink_route *r;

		if (kernel.v[i].kind != NETLINK_KIND_RULE || !matches(rule, to))
			continue;
		REQUIRE(rule->action == FR_ACT_TO_TBL);
		r = longest(rule->table, to, tuns);
		if (!r)
			continue;
		if (r->type == RTN_UNREACHABLE) /* this ends the search */
			return FAKE_WAY_CLOSED;
		if (rule->has_suppress && r->dst.len <= rule->suppress_len)
			continue;
		return r->ifindex == UPLINK ? FAKE_WAY_NETWORK : FAKE_WAY_TUN;
	}
	return FAKE_WAY_CLOSED;
}

/* ---- items that come and go */

static struct netlink_item as_kept(const struct netlink_item *given)
{
	struct netlink_item item = *given;
	struct netlink_route *r = &item.route;

	switch (item.kind) {
	case NETLINK_KIND_ADDRESS:
		break;
	case NETLINK_KIND_ROUTE:
		r->table = r->table ? r->table : NETLINK_TABLE_MAIN;
		r->type = r->type ? r->type : RTN_UNICAST;
		if (r->dst.addr.family == IP_V6 && r->metric == 0)
			r->metric = METRIC6_ROUTE;
		break;
	case NETLINK_KIND_RULE:
		item.rule.action = item.rule.action ? item.rule.action : FR_ACT_TO_TBL;
		item.rule.protocol = RTPROT_KERNEL;
		item.rule.mask = item.rule.has_mark ? UINT32_MAX : 0;
		break;
	}
	return item;
}

static bool same(const struct netlink_item *a, const struct netlink_item *b)
{
	return host_item_compare(a, b) == 0 && (a->kind != NETLINK_KIND_ADDRESS ||
	                                        a->address.ifindex == b->address.ifindex);
}

/* Returns kernel.n if there is none. */
static size_t find(const struct netlink_item *item)
{
	size_t i = 0;

	while (i < kernel.n && !same(&kernel.v[i], item))
		i++;
	return i;
}

/* What the kernel makes by itself for an address. */
static bool network_route(const struct netlink_address *a, struct netlink_item *out)
{
	uint32_t metric = a->prefix.addr.family == IP_V6 ? METRIC6_NETWORK : 0;

	*out = (struct netlink_item){ .kind = NETLINK_KIND_ROUTE,
		                      .route = { .ifindex = a->ifindex,
		                                 .src = a->prefix.addr,
		                                 .table = NETLINK_TABLE_MAIN,
		                                 .metric = a->metric ? a->metric : metric,
		                                 .type = RTN_UNICAST } };
	return !a->no_prefix_route && host_item_network(&a->prefix, &out->route.dst);
}

/* Behind those of its family that have the same priority or a smaller one. */
static size_t place_of(const struct netlink_rule *rule)
{
	size_t at = 0;

	for (size_t i = 0; i < kernel.n; i++) {
		const struct netlink_rule *r = &kernel.v[i].rule;

		if (kernel.v[i].kind == NETLINK_KIND_RULE && r->family == rule->family &&
		    r->priority <= rule->priority)
			at = i + 1;
	}
	return at;
}

static bool is_refused(unsigned *at)
{
	bool refused = *at > 0 && --*at == 0;

	kernel.refusals += refused;
	return refused;
}

static int add(const struct netlink_item *given)
{
	struct netlink_item item = as_kept(given), network;
	size_t at = find(&item);

	if (is_refused(&kernel.refuse_at))
		return -ENOBUFS;
	if (at < kernel.n && !(item.kind == NETLINK_KIND_RULE && item.rule.shared))
		return -EEXIST;
	at = item.kind == NETLINK_KIND_RULE ? place_of(&item.rule) : kernel.n;
	insert(at, &item);
	if (item.kind == NETLINK_KIND_ADDRESS && network_route(&item.address, &network))
		insert(kernel.n, &network);
	return 0;
}

static int replace(const struct netlink_item *given)
{
	struct netlink_item item = as_kept(given), before, after;
	size_t at = find(&item);

	if (at == kernel.n)
		return add(given);
	if (item.kind == NETLINK_KIND_ADDRESS &&
	    network_route(&kernel.v[at].address, &before) &&
	    network_route(&item.address, &after))
		for (size_t i = 0; i < kernel.n; i++)
			if (same(&kernel.v[i], &before) &&
			    kernel.v[i].route.ifindex == before.route.ifindex)
				kernel.v[i] = after;
	kernel.v[at] = item;
	return 0;
}

/* With an address its network goes, and in IPv4 all routes that have it as their source. */
static void forget_address(const struct netlink_address *a)
{
	struct netlink_item network;
	bool has = network_route(a, &network);

	for (size_t i = kernel.n; i-- > 0;) {
		const struct netlink_route *r = &kernel.v[i].route;

		if (kernel.v[i].kind != NETLINK_KIND_ROUTE)
			continue;
		if ((has && same(&kernel.v[i], &network) && r->ifindex == a->ifindex) ||
		    (a->prefix.addr.family == IP_V4 && r->ifindex == a->ifindex &&
		     ip_addr_equal(&r->src, &a->prefix.addr)))
			take_out(i);
	}
}

static int delete (const struct netlink_item *given)
{
	struct netlink_item item = as_kept(given);
	size_t at = 0;

	while (at < kernel.n &&
	       !(same(&kernel.v[at], &item) &&
	         (item.kind != NETLINK_KIND_ROUTE || item.route.ifindex == 0 ||
	          item.route.ifindex == kernel.v[at].route.ifindex)))
		at++;
	if (at == kernel.n)
		return item.kind == NETLINK_KIND_RULE ? -ENOENT : -ESRCH;
	if (is_refused(&kernel.refuse_removal_at))
		return -ENOBUFS;
	item = kernel.v[at];
	take_out(at);
	if (item.kind == NETLINK_KIND_ADDRESS)
		forget_address(&item.address);
	return 0;
}

static int each(int (*change)(const struct netlink_item *item),
                const struct netlink_item *items, size_t n, int *results)
{
	int first = 0;

	for (size_t i = 0; i < n; i++) {
		int err = change(&items[i]);

		if (results)
			results[i] = err;
		if (first == 0)
			first = err;
		if (err == 0)
			tell_change(&items[i]);
	}
	return first;
}

/* ---- netlink.h */

int netlink_open(struct netlink **out)
{
	*out = &kernel.netlink;
	return 0;
}

void netlink_free(struct netlink *nl)
{
	(void)nl;
}

const char *netlink_error(const struct netlink *nl)
{
	(void)nl;
	return "the fake kernel refuses it";
}

bool netlink_is_gone(int error)
{
	return error == 0 || error == -ENOENT || error == -ESRCH || error == -ENODEV;
}

int netlink_add(struct netlink *nl, const struct netlink_item *items, size_t n,
                int *results)
{
	(void)nl;
	return each(add, items, n, results);
}

int netlink_replace(struct netlink *nl, const struct netlink_item *items, size_t n,
                    int *results)
{
	(void)nl;
	return each(replace, items, n, results);
}

int netlink_delete(struct netlink *nl, const struct netlink_item *items, size_t n,
                   int *results)
{
	(void)nl;
	return each(delete, items, n, results);
}

static enum ip_family family_of(const struct netlink_item *item)
{
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		return (enum ip_family)item->address.prefix.addr.family;
	case NETLINK_KIND_ROUTE:
		return (enum ip_family)item->route.dst.addr.family;
	case NETLINK_KIND_RULE:
		break;
	}
	return (enum ip_family)item->rule.family;
}

int netlink_dump(struct netlink *nl, enum netlink_kind kind, enum ip_family family,
                 bool (*visit)(void *context, const struct netlink_item *item),
                 void *context)
{
	(void)nl;
	for (size_t i = 0; i < kernel.n; i++)
		if (kernel.v[i].kind == kind &&
		    (family == IP_NONE || family_of(&kernel.v[i]) == family) &&
		    !visit(context, &kernel.v[i]))
			break;
	return 0;
}

int netlink_dump_learned(struct netlink *nl,
                         bool (*visit)(void *context, const struct netlink_item *item),
                         void *context)
{
	(void)nl;
	(void)visit;
	(void)context;
	return 0;
}

int netlink_table_used(struct netlink *nl, uint32_t table, bool *used)
{
	(void)nl;
	*used = false;
	for (size_t i = 0; i < kernel.n; i++)
		*used |= kernel.v[i].kind == NETLINK_KIND_ROUTE &&
		         kernel.v[i].route.table == table;
	return 0;
}

int netlink_table_has_default(struct netlink *nl, enum ip_family family, uint32_t table,
                              bool *found)
{
	(void)nl;
	*found = false;
	for (size_t i = 0; i < kernel.n; i++)
		*found |= kernel.v[i].kind == NETLINK_KIND_ROUTE &&
		          kernel.v[i].route.dst.len == 0 &&
		          family_of(&kernel.v[i]) == family &&
		          kernel.v[i].route.table == table;
	return 0;
}

/* ---- links */

static size_t find_tun(uint32_t ifindex)
{
	size_t i = 0;

	while (i < kernel.tun_count && kernel.tuns[i].ifindex != ifindex)
		i++;
	return i;
}

int netlink_link_get(struct netlink *nl, uint32_t ifindex, struct netlink_link *out)
{
	size_t i = find_tun(ifindex);

	(void)nl;
	if (i == kernel.tun_count)
		return -ENODEV;
	*out = kernel.tuns[i];
	return 0;
}

int netlink_link_delete(struct netlink *nl, uint32_t ifindex)
{
	size_t tun = find_tun(ifindex);
	const struct netlink_item nothing = { .kind = NETLINK_KIND_RULE };

	(void)nl;
	if (tun == kernel.tun_count)
		return -ENODEV;
	kernel.tuns[tun] = kernel.tuns[--kernel.tun_count];
	for (size_t i = kernel.n; i-- > 0;)
		if ((kernel.v[i].kind == NETLINK_KIND_ROUTE &&
		     kernel.v[i].route.ifindex == ifindex) ||
		    (kernel.v[i].kind == NETLINK_KIND_ADDRESS &&
		     kernel.v[i].address.ifindex == ifindex))
			take_out(i);
	tell_change(&nothing);
	return 0;
}

int netlink_link_set_up(struct netlink *nl, uint32_t ifindex)
{
	(void)nl;
	return find_tun(ifindex) < kernel.tun_count ? 0 : -ENODEV;
}

int netlink_link_set_mtu(struct netlink *nl, uint32_t ifindex, uint32_t mtu_bytes)
{
	(void)mtu_bytes;
	return netlink_link_set_up(nl, ifindex);
}

int netlink_link_set_gso_max(struct netlink *nl, uint32_t ifindex, uint32_t bytes)
{
	(void)bytes;
	return netlink_link_set_up(nl, ifindex);
}

int netlink_link_add_altname(struct netlink *nl, uint32_t ifindex, const char *name)
{
	(void)name;
	return netlink_link_set_up(nl, ifindex);
}

int netlink_link_remove_altname(struct netlink *nl, uint32_t ifindex, const char *name)
{
	(void)name;
	return netlink_link_set_up(nl, ifindex);
}

/* ---- what only others than host_change.c and undo.c ask for */

int netlink_from_fd(struct netlink **out, int fd)
{
	(void)fd;
	return netlink_open(out);
}

int netlink_loopback_up(struct netlink *nl)
{
	(void)nl;
	return 0;
}

int netlink_link_find(struct netlink *nl, const char *name, struct netlink_link *out)
{
	(void)nl;
	(void)name;
	(void)out;
	return -ENODEV;
}

/* ---- what is not asked by netlink */

bool ipv6_missing(struct netlink *nl, const char *tun)
{
	(void)nl;
	(void)tun;
	return false;
}

int valid_mark_set(struct journal *j, struct diag *diag)
{
	(void)j;
	(void)diag;
	return 0;
}

void valid_mark_restore(struct journal *j, struct diag *diag)
{
	(void)j;
	(void)diag;
}
