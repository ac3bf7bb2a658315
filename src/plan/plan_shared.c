/* src/plan/plan_shared.c - finds equal items by sorting: all items of a kind are put into
 * one array and sorted, so that equal ones are neighbours. In each row of equal items,
 * the others are reported as equal to the first one. */
#include "plan/plan_shared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Something in a file that another file may have, too. */
struct item {
	const struct plan_device *device;
	const struct conf_prefix *address; /* of ADDRESS */
	const struct plan_peer *peer;      /* of SERVER, PASSED_OVER, OTHER_END */
	unsigned line;
};

enum kind {
	PRIVATE_KEY,
	ADDRESS,
	SERVER,
	PASSED_OVER,
	OTHER_END,
};

/* `item` is equal to `other`; or, with PASSED_OVER, `other` is the carrier that is passed
 * over by `item`; or, with OTHER_END, the peer `item` has the key of `other`. */
struct pair {
	enum kind kind;
	struct item item, other;
};

struct twice {
	struct pair *v; /* owned */
	size_t n, capacity;
};

static int add_pair(struct twice *t, enum kind kind, const struct item *item,
                    const struct item *other)
{
	if (t->n == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 64;
		struct pair *v = reallocarray(t->v, capacity, sizeof(*v));

		if (!v)
			return -ENOMEM;
		t->v = v;
		t->capacity = capacity;
	}
	t->v[t->n++] = (struct pair){ kind, *item, *other };
	return 0;
}

/* ---- what is equal */

static int compare_keys(const struct item *a, const struct item *b)
{
	return memcmp(a->device->conf->identity.public_key,
	              b->device->conf->identity.public_key, KEY_BYTES);
}

static int compare_addresses(const struct item *a, const struct item *b)
{
	return ip_addr_compare(&a->address->prefix.addr, &b->address->prefix.addr);
}

/* Compares the addresses, since two names may stand for the same address; and the names
 * only if the addresses aren't known. */
static int compare_endpoints(const struct plan_peer *a, const struct plan_peer *b)
{
	const struct endpoint *x = &a->way.endpoint, *y = &b->way.endpoint;
	int c = ip_addr_compare(&x->addr, &y->addr);

	if (c == 0 && x->addr.family == IP_NONE)
		c = strcasecmp(a->conf->endpoint_host, b->conf->endpoint_host);
	if (c == 0 && x->addr.family == IP_NONE)
		return a->conf->endpoint_port - b->conf->endpoint_port;
	return c ? c : x->port - y->port;
}

static int compare_servers(const struct item *a, const struct item *b)
{
	int c = memcmp(a->peer->conf->public_key, b->peer->conf->public_key, KEY_BYTES);

	return c ? c : compare_endpoints(a->peer, b->peer);
}

static int compare_items(enum kind kind, const struct item *a, const struct item *b)
{
	switch (kind) {
	case PRIVATE_KEY:
		return compare_keys(a, b);
	case ADDRESS:
		return compare_addresses(a, b);
	case SERVER:
	case PASSED_OVER:
	case OTHER_END:
		break;
	}
	return compare_servers(a, b);
}

/* Equal items are sorted by file, and inside a file by line. */
static int in_file_order(int c, const struct item *a, const struct item *b)
{
	if (c == 0 && a->device != b->device)
		c = a->device < b->device ? -1 : 1;
	return c ? c : (a->line > b->line) - (a->line < b->line);
}

static int sort_keys(const void *a, const void *b)
{
	return in_file_order(compare_keys(a, b), a, b);
}

static int sort_addresses(const void *a, const void *b)
{
	return in_file_order(compare_addresses(a, b), a, b);
}

static int sort_servers(const void *a, const void *b)
{
	return in_file_order(compare_servers(a, b), a, b);
}

/* Returns how many items of the kind the file has, and writes them to v unless it is
 * NULL. */
static size_t items_of(enum kind kind, const struct plan_device *d, struct item *v)
{
	size_t n = 0, count = kind == PRIVATE_KEY
	                              ? sealed_is_set(&d->conf->identity.private_key)
	                      : kind == ADDRESS ? (d->own_tun ? 0 : d->conf->addresses.n)
	                                        : d->peer_count;

	for (size_t i = 0; i < count; i++) {
		struct item item = { .device = d, .line = d->conf->lines.private_key };

		if (kind == ADDRESS) {
			item.address = &d->conf->addresses.v[i];
			item.line = item.address->line;
		} else if (kind == SERVER) {
			item.peer = &d->peers[i];
			item.line = item.peer->conf->line;
			if (!item.peer->conf->has_endpoint)
				continue;
		}
		if (v)
			v[n] = item;
		n++;
	}
	return n;
}

static int find_equal(struct twice *t, enum kind kind, const struct plan *plan)
{
	static int (*const sorts[])(const void *, const void *) = {
		[PRIVATE_KEY] = sort_keys,
		[ADDRESS] = sort_addresses,
		[SERVER] = sort_servers,
	};
	size_t n = 0, first = 0;
	struct item *v;
	int err = 0;

	for (size_t i = 0; i < plan->device_count; i++)
		n += items_of(kind, &plan->devices[i], NULL);
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < plan->device_count; i++)
		n += items_of(kind, &plan->devices[i], v + n);
	qsort(v, n, sizeof(*v), sorts[kind]);
	for (size_t i = 1; i < n && !err; i++) {
		if (compare_items(kind, &v[first], &v[i]) != 0)
			first = i;
		else if (v[i].device != v[first].device)
			err = add_pair(t, kind, &v[i], &v[first]);
	}
	free(v);
	return err;
}

/* ---- carriers that are passed over */

static int find_passed_over(struct twice *t, const struct plan *plan,
                            const struct plan_device *d)
{
	int err = 0;

	for (size_t i = 0; i < d->peer_count && !err; i++) {
		const struct plan_peer *p = &d->peers[i], *other;
		struct way_device *via;
		struct item item = { .device = d,
			             .peer = p,
			             .line = p->conf->endpoint_line };

		if (p->way.endpoint.addr.family == IP_NONE ||
		    way_effective_via(&p->way, &via) != WAY_VIA_UNION)
			continue;
		other = (const struct plan_peer *)union_lookup_passed_over(
			&plan->table, &p->way, &p->way.endpoint);
		if (other)
			err = add_pair(
				t, PASSED_OVER, &item,
				&(struct item){ .device = plan_device_of(&other->way),
			                        .peer = other,
			                        .line = other->conf->line });
	}
	return err;
}

/* ---- both ends of a tunnel */

static int by_key(const void *key, const void *item)
{
	const struct item *i = item;

	return memcmp(key, i->device->conf->identity.public_key, KEY_BYTES);
}

/* Of the two ends, the one that calls is the one too many. */
static int find_other_ends(struct twice *t, const struct plan *plan)
{
	struct item *own = calloc(plan->device_count + 1, sizeof(*own));
	size_t n = 0;
	int err = own ? 0 : -ENOMEM;

	for (size_t i = 0; own && i < plan->device_count; i++)
		n += items_of(PRIVATE_KEY, &plan->devices[i], own + n);
	if (n > 0)
		qsort(own, n, sizeof(*own), sort_keys);
	for (size_t i = 0; n > 0 && i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];

		for (size_t k = 0; k < d->peer_count && !err; k++) {
			const struct plan_peer *p = &d->peers[k];
			const struct item item = { .device = d,
				                   .peer = p,
				                   .line = p->conf->line };
			const struct item *end = bsearch(p->conf->public_key, own, n,
			                                 sizeof(*own), by_key);

			if (end && end->device != d && p->conf->has_endpoint)
				err = add_pair(t, OTHER_END, &item, end);
		}
	}
	free(own);
	return err;
}

/* ---- reports */

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->item.device != b->item.device)
		return a->item.device < b->item.device ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->other.device != b->other.device)
		return a->other.device < b->other.device ? -1 : 1;
	return (a->item.line > b->item.line) - (a->item.line < b->item.line);
}

/* `p` is the first of `count` pairs of the same kind and the same two files. */
static void report(const struct pair *p, size_t count, struct diag *diag)
{
	const char *path = p->item.device->conf->path;
	const char *other = p->other.device->conf->path;
	char text[IP_ADDR_STRLEN], more[64] = "";
	unsigned line = p->item.line, other_line = p->other.line;

	if (count > 1)
		snprintf(more, sizeof(more), " (and %zu more)", count - 1);
	switch (p->kind) {
	case PRIVATE_KEY:
		diag_warning(
			diag, path, line,
			"PrivateKey is also that of %s:%u: a server, or all servers of a provider, may answer only the tunnel that spoke last; expected a key for each file",
			other, other_line);
		return;
	case ADDRESS:
		diag_warning(
			diag, path, line,
			"Address %s%s is also that of %s:%u: the host can't tell the two tunnels apart by it; expected another one, if the server allows it",
			ip_addr_format(&p->item.address->prefix.addr, text), more, other,
			other_line);
		return;
	case SERVER:
		diag_warning(
			diag, path, line,
			"this peer%s has the same PublicKey and Endpoint as %s:%u: one file with the AllowedIPs of both would do",
			more, other, other_line);
		return;
	case PASSED_OVER:
		diag_warning(
			diag, path, line,
			"%s has this Endpoint%s in its AllowedIPs, but its own peer (%s:%u) is there, too: it is passed over as a carrier",
			p->other.device->conf->name, more, other, other_line);
		return;
	case OTHER_END:
		diag_warning(
			diag, path, line,
			"this peer%s has the key of %s:%u: this file is for the other end of that tunnel, such as the WireGuard app of a client, and here it leads packets back; expected only one end of a tunnel",
			more, other, other_line);
		return;
	}
}

static void report_all(struct twice *t, struct diag *diag)
{
	size_t first = 0;

	if (t->n > 0)
		qsort(t->v, t->n, sizeof(*t->v), compare_pairs);
	for (size_t i = 1; i <= t->n; i++) {
		const struct pair *p = &t->v[first];

		if (i < t->n && t->v[i].kind == p->kind &&
		    t->v[i].item.device == p->item.device &&
		    t->v[i].other.device == p->other.device)
			continue;
		report(p, i - first, diag);
		first = i;
	}
}

int plan_shared(const struct plan *plan, struct diag *diag)
{
	struct twice t = { 0 };
	int err = 0;

	for (enum kind kind = PRIVATE_KEY; kind < PASSED_OVER && !err; kind++)
		err = find_equal(&t, kind, plan);
	for (size_t i = 0; i < plan->device_count && !err; i++)
		err = find_passed_over(&t, plan, &plan->devices[i]);
	if (!err)
		err = find_other_ends(&t, plan);
	if (!err)
		report_all(&t, diag);
	free(t.v);
	return err;
}
