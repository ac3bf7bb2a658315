/* src/host/barrier.c - the lists are sorted, so two of them are compared in one pass */
#include "host/barrier.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX 3 /* to read a list that changes meanwhile */

static bool is_our_table(const struct host_numbers *numbers, uint32_t table)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers->table); i++) {
		if (table != 0 && numbers->table[i] == table)
			return true;
	}
	return table == NETLINK_TABLE_MAIN;
}

/* Where is the route of this item? False if it has none, or none that needs a barrier. */
static bool route_of(const struct netlink_item *item, const struct host_numbers *numbers,
                     struct netlink_route *out)
{
	*out = (struct netlink_route){ .table = NETLINK_TABLE_MAIN };
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		/* nobody sends to an Address alone, because it is ours */
		return item->address.prefix.len <
		               ip_addr_bits(&item->address.prefix.addr) &&
		       host_item_network(&item->address.prefix, &out->dst);
	case NETLINK_KIND_ROUTE:
		out->dst = item->route.dst;
		if (item->route.table != 0)
			out->table = item->route.table;
		return is_our_table(numbers, out->table);
	case NETLINK_KIND_RULE:
		return false;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	return host_item_compare(a, b);
}

int barriers_make(struct host_items *out, const struct host_items *items,
                  const struct host_numbers *numbers, uint32_t ifindex)
{
	size_t n = 0;
	int err = 0;

	*out = (struct host_items){ 0 };
	for (size_t i = 0; i < items->n && err == 0; i++) {
		struct netlink_item one = { .kind = NETLINK_KIND_ROUTE };

		if (!route_of(&items->v[i], numbers, &one.route))
			continue;
		one.route.type = RTN_UNREACHABLE;
		one.route.metric = netlink_worst_metric(ifindex);
		err = host_items_add(out, &one);
	}
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), compare);
	for (size_t i = 0; i < out->n; i++) {
		if (n == 0 || compare(&out->v[n - 1], &out->v[i]) != 0)
			out->v[n++] = out->v[i];
	}
	out->n = n;
	return err;
}

/* Lists what is in a and not in b. */
static int subtract(struct host_items *out, const struct host_items *a,
                    const struct host_items *b)
{
	size_t at = 0;
	int err = 0;

	*out = (struct host_items){ 0 };
	for (size_t i = 0; i < a->n && err == 0; i++) {
		while (at < b->n && compare(&b->v[at], &a->v[i]) < 0)
			at++;
		if (at == b->n || compare(&b->v[at], &a->v[i]) != 0)
			err = host_items_add(out, &a->v[i]);
	}
	return err;
}

/* Leaves in the list what was there, and what has been added: results has an entry for each of
 * the others; NULL: none was added. */
static void leave_out_refused(struct host_items *wanted, const struct host_items *there,
                              const int *results)
{
	size_t kept = 0, tried = 0;

	for (size_t i = 0; i < wanted->n; i++) {
		bool was_there =
			there->n > 0 && bsearch(&wanted->v[i], there->v, there->n,
		                                sizeof(*there->v), compare);

		if (was_there || (results && results[tried++] == 0))
			wanted->v[kept++] = wanted->v[i];
	}
	wanted->n = kept;
}

int barriers_add(struct netlink *nl, const struct host_items *there,
                 struct host_items *wanted, struct diag *diag)
{
	struct host_items missing;
	int err = subtract(&missing, wanted, there), *results;

	results = err == 0 ? calloc(missing.n + 1, sizeof(*results)) : NULL;
	if (err == 0 && !results)
		err = -ENOMEM;
	if (err == 0 && netlink_add(nl, missing.v, missing.n, results) < 0) {
		for (size_t i = 0; i < missing.n; i++) {
			if (results[i] == -EEXIST)
				results[i] = 0;
			if (err == 0)
				err = results[i];
		}
		if (err < 0)
			diag_error(
				diag, NULL, 0,
				"an unreachable route, which stops packets when the tun is lost, is refused by the kernel: %s",
				strerror(-err));
	}
	if (err < 0)
		leave_out_refused(wanted, there, results);
	free(results);
	host_items_clear(&missing);
	return err;
}

int barriers_join(struct host_items *there, const struct host_items *wanted)
{
	struct host_items more;
	int err = subtract(&more, wanted, there);

	for (size_t i = 0; i < more.n && err == 0; i++)
		err = host_items_add(there, &more.v[i]);
	if (there->n > 0)
		qsort(there->v, there->n, sizeof(*there->v), compare);
	host_items_clear(&more);
	return err;
}

void barriers_trim(struct netlink *nl, struct host_items *there,
                   struct host_items *wanted)
{
	struct host_items old;

	/* if out of memory, they stay until the next change */
	if (subtract(&old, there, wanted) == 0) {
		(void)!netlink_delete(nl, old.v, old.n, NULL);
		host_items_clear(there);
		*there = *wanted;
		*wanted = (struct host_items){ 0 };
	}
	host_items_clear(&old);
}

/* ---- those that are there */

struct collector {
	uint32_t metric;
	struct host_items found; /* owned */
	int error;
};

static bool collect(void *context, const struct netlink_item *item)
{
	struct collector *c = context;

	if (item->kind == NETLINK_KIND_ROUTE && item->route.type == RTN_UNREACHABLE &&
	    item->route.metric == c->metric)
		c->error = host_items_add(&c->found, item);
	return c->error == 0;
}

int barriers_find(struct host_items *out, struct netlink *nl, uint32_t ifindex)
{
	struct collector c = { .metric = netlink_worst_metric(ifindex) };
	int err = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && err == -EAGAIN; i++) {
		c.found.n = 0;
		err = netlink_dump(nl, NETLINK_KIND_ROUTE, IP_NONE, collect, &c);
	}
	if (err == 0)
		err = c.error;
	for (size_t i = 0; i < c.found.n; i++)
		c.found.v[i].route.ifindex = 0; /* IPv6 puts them on lo */
	if (c.found.n > 0)
		qsort(c.found.v, c.found.n, sizeof(*c.found.v), compare);
	*out = c.found;
	return err;
}

int barriers_lift(struct netlink *nl, uint32_t ifindex, struct diag *diag)
{
	struct host_items found;
	int err = barriers_find(&found, nl, ifindex);

	if (found.n > 0 && netlink_delete(nl, found.v, found.n, NULL) < 0)
		err = -EIO;
	if (err < 0)
		diag_warning(
			diag, NULL, 0,
			"unreachable routes with metric %u may be left, which stop packets: %s",
			netlink_worst_metric(ifindex), netlink_error(nl));
	host_items_clear(&found);
	return err;
}
