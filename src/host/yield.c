/* src/host/yield.c - sorts our prefixes, and looks up each route of the kernel among
 * them */
#include "host/yield.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX 3 /* to read a list that changes meanwhile */
/* What the kernel makes of an IPv6 metric that isn't given: of a route, and of the
 * network of an address. */
#define METRIC6_ROUTE   1024U
#define METRIC6_NETWORK 256U

void yields_clear(struct yields *y)
{
	free(y->v);
	*y = (struct yields){ 0 };
}

const struct yield *yields_have(const struct yields *y, const struct yield *one)
{
	for (size_t i = 0; i < y->n; i++) {
		const struct yield *v = &y->v[i];

		if (ip_prefix_equal(&v->prefix, &one->prefix) && v->table == one->table &&
		    strcmp(v->link, one->link) == 0)
			return v;
	}
	return NULL;
}

/* ---- our prefixes */

struct key {
	struct ip_prefix prefix; /* masked */
	uint32_t table;
	struct netlink_item *item; /* borrowed; NULL in a key that is looked for */
	bool taken;
	uint32_t ifindex, metric; /* of the best route of others, if it is taken */
	uint32_t used; /* a bit for each metric from YIELD_METRIC on that others have */
};

/* False if the item has no prefix that could yield. */
static bool key_of(const struct netlink_item *item, struct key *out)
{
	*out = (struct key){ .table = NETLINK_TABLE_MAIN };
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		if (!host_item_network(&item->address.prefix, &out->prefix))
			return false;
		break;
	case NETLINK_KIND_ROUTE:
		out->prefix = item->route.dst;
		out->table = item->route.table ? item->route.table : NETLINK_TABLE_MAIN;
		break;
	case NETLINK_KIND_RULE:
		return false;
	}
	return out->prefix.len > 0 && !ip_addr_is_link_local(&out->prefix.addr);
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int c = ip_addr_compare(&x->prefix.addr, &y->prefix.addr);

	if (c == 0)
		c = (int)x->prefix.len - (int)y->prefix.len;
	return c != 0 ? c : x->table < y->table ? -1 : x->table > y->table;
}

/* ---- theirs */

static uint32_t own_metric(const struct netlink_item *ours, uint8_t family)
{
	if (family == IP_V4)
		return 0;
	return ours->kind == NETLINK_KIND_ADDRESS ? METRIC6_NETWORK : METRIC6_ROUTE;
}

/* A route through a gateway with a worse metric than ours is somebody's fallback. But what
 * is directly on a link is a LAN, whichever metric a program has given it. */
static bool goes_first(const struct netlink_item *ours, const struct netlink_route *r)
{
	bool on_link = r->gateway.family == IP_NONE && r->ifindex != 0 &&
	               (r->type == 0 || r->type == RTN_UNICAST);

	return r->metric <= own_metric(ours, r->dst.addr.family) ||
	       (on_link && r->metric < YIELD_METRIC);
}

bool yield_to_route(const struct netlink_item *ours, const struct netlink_route *theirs)
{
	struct key own, other = { .prefix = theirs->dst, .table = theirs->table };

	if (other.table == 0)
		other.table = NETLINK_TABLE_MAIN;
	return key_of(ours, &own) && compare_keys(&own, &other) == 0 &&
	       goes_first(ours, theirs);
}

struct search {
	struct key *keys; /* owned; sorted */
	size_t n;
	uint32_t tun;
};

static void take(struct key *k, const struct netlink_route *r)
{
	if (r->metric >= YIELD_METRIC && r->metric - YIELD_METRIC < 32)
		k->used |= UINT32_C(1) << (r->metric - YIELD_METRIC);
	if (!yield_to_route(k->item, r) || (k->taken && k->metric <= r->metric))
		return;
	k->taken = true;
	k->ifindex = r->ifindex;
	k->metric = r->metric;
}

/* Returns the first of the keys that are equal to this one, and how many these are. */
static struct key *find_keys(const struct search *s, const struct key *wanted, size_t *n)
{
	struct key *k = bsearch(wanted, s->keys, s->n, sizeof(*s->keys), compare_keys);

	*n = 0;
	while (k && k > s->keys && compare_keys(k - 1, wanted) == 0)
		k--;
	while (k && k + *n < s->keys + s->n && compare_keys(k + *n, wanted) == 0)
		++*n;
	return k;
}

static bool visit(void *context, const struct netlink_item *item)
{
	struct search *s = context;
	const struct netlink_route *r = &item->route;
	const struct key wanted = { .prefix = r->dst, .table = r->table };
	struct key *k;
	size_t n;

	if (item->kind != NETLINK_KIND_ROUTE || r->ifindex == s->tun || r->dst.len == 0)
		return true;
	k = find_keys(s, &wanted, &n);
	for (size_t i = 0; i < n; i++)
		take(&k[i], r);
	return true;
}

/* ---- all together */

static int make_keys(struct search *s, struct host_items *items)
{
	s->keys = calloc(items->n + 1, sizeof(*s->keys));
	if (!s->keys)
		return -ENOMEM;
	for (size_t i = 0; i < items->n; i++) {
		struct key k;

		if (!key_of(&items->v[i], &k))
			continue;
		k.item = &items->v[i];
		s->keys[s->n++] = k;
	}
	qsort(s->keys, s->n, sizeof(*s->keys), compare_keys);
	return 0;
}

static void set_metric(struct netlink_item *item, uint32_t metric)
{
	if (item->kind == NETLINK_KIND_ADDRESS)
		item->address.metric = metric;
	else
		item->route.metric = metric;
}

/* The kernel has only one route of a prefix with one metric. Each that yields takes the first
 * free one and keeps it, so several don't overtake each other for ever. */
static uint32_t free_metric(uint32_t used)
{
	uint32_t n = 0;

	while (n < 31 && (used >> n & 1) != 0)
		n++;
	return YIELD_METRIC + n;
}

/* Equal keys, which an Address and a route may have, are listed once. */
static int list_taken(struct yields *out, const struct search *s, struct netlink *nl)
{
	struct netlink_link link;

	out->v = calloc(s->n + 1, sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const struct key *k = &s->keys[i];
		struct yield one = { .prefix = k->prefix, .table = k->table };

		one.metric = k->taken ? free_metric(k->used) : 0;
		set_metric(k->item, one.metric);
		if (!k->taken)
			continue;
		if (k->ifindex != 0 && netlink_link_get(nl, k->ifindex, &link) == 0)
			memcpy(one.link, link.name, sizeof(one.link));
		if (!yields_have(out, &one))
			out->v[out->n++] = one;
	}
	return 0;
}

int yields_keep(struct yields *out, struct host_items *items, const struct yields *before)
{
	struct search s = { 0 };
	int err = make_keys(&s, items);

	*out = (struct yields){ .v = calloc(before->n + 1, sizeof(*out->v)) };
	if (err == 0 && !out->v)
		err = -ENOMEM;
	for (size_t i = 0; i < before->n && err == 0; i++) {
		const struct key wanted = { .prefix = before->v[i].prefix,
			                    .table = before->v[i].table };
		size_t n;
		struct key *k = find_keys(&s, &wanted, &n);

		for (size_t j = 0; j < n; j++)
			set_metric(k[j].item, before->v[i].metric);
		if (n > 0)
			out->v[out->n++] = before->v[i];
	}
	free(s.keys);
	return err;
}

int yields_find(struct yields *out, struct host_items *items, struct netlink *nl,
                uint32_t tun)
{
	struct search s = { .tun = tun };
	int err = make_keys(&s, items), listed = -EAGAIN;

	*out = (struct yields){ 0 };
	for (int i = 0; i < TRIES_MAX && err == 0 && listed == -EAGAIN; i++)
		listed = netlink_dump(nl, NETLINK_KIND_ROUTE, IP_NONE, visit, &s);
	if (err == 0)
		err = list_taken(out, &s, nl);
	free(s.keys);
	return err < 0 ? err : listed;
}
