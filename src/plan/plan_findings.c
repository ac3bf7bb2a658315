/* src/plan/plan_findings.c - thousands of files may have the same problem with thousands
 * of prefixes. So findings of one kind are reported in one line, with one example. */
#include "plan/plan_findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan/plan_equal.h"
#include "plan/plan_mtu.h"
#include "plan/plan_shared.h"
#include "plan/plan_unmet.h"

#define WAY_STRLEN 512 /* the text of a longer way is cut */

/* For a line that names one of n things: "" or " (and 1 more)". */
static const char *and_more(char *out, size_t size, size_t n)
{
	out[0] = '\0';
	if (n > 1)
		snprintf(out, size, " (and %zu more)", n - 1);
	return out;
}

/* ---- loops */

static void report_loop(struct plan_peer *on, struct diag *diag)
{
	struct plan_peer *first = on, *p = on;
	char way[WAY_STRLEN];

	do {
		p->on_loop = true;
		if (plan_device_of(&p->way) < plan_device_of(&first->way) ||
		    (plan_device_of(&p->way) == plan_device_of(&first->way) && p < first))
			first = p;
		p = (struct plan_peer *)p->way.next;
	} while (p != on);
	diag_warning(
		diag, plan_device_of(&first->way)->conf->path, first->conf->endpoint_line,
		"routing loop: %s; its packets will be dropped; write # tunion: Via = network into this file, unless its server is inside another tunnel",
		way_format(&first->way, way, sizeof(way)));
}

/* Each walk marks the peers that it passes with its start. If it meets its own mark, it
 * has found a new loop. */
static void find_loop(struct plan_peer *start, struct diag *diag)
{
	struct way_peer *p = &start->way;

	while (!p->mark) {
		p->mark = &start->way;
		p = p->next;
	}
	if (p->mark == &start->way)
		report_loop((struct plan_peer *)p, diag);
}

static void find_loops(struct plan *plan, struct diag *diag)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		for (struct way_peer *p = plan->devices[i].way.peers; p; p = p->sibling)
			p->mark = NULL;
	}
	for (size_t i = 0; i < plan->device_count; i++) {
		struct plan_device *d = &plan->devices[i];

		for (size_t j = 0; j < d->peer_count; j++) {
			if (d->peers[j].way.state == WAY_LOOP && !d->peers[j].way.mark)
				find_loop(&d->peers[j], diag);
		}
	}
}

/* ---- ways that fail */

static void report_way(const struct plan_peer *p, size_t count, struct diag *diag)
{
	const char *path = plan_device_of(&p->way)->conf->path;
	unsigned line = p->conf->endpoint_line;
	char way[WAY_STRLEN], more[64];

	way_format(&p->way, way, sizeof(way));
	and_more(more, sizeof(more), count);
	switch (p->way.state) {
	case WAY_LOOP:
		diag_warning(
			diag, path, line,
			"this peer%s runs into a routing loop: %s; its packets will be dropped",
			more, way);
		return;
	case WAY_TOO_LONG:
		diag_warning(
			diag, path, line,
			"the way of this peer%s is longer than %d peers: %s; its packets will be dropped",
			more, WAY_MAX, way);
		return;
	case WAY_NO_CARRIER_ADDRESS:
		if (!way_source(&p->way))
			diag_warning(
				diag, path, line,
				"%s has no %s Address, so it can't carry this peer%s: expected one, or another Via",
				p->way.next->device->name,
				p->way.endpoint.addr.family == IP_V4 ? "IPv4" : "IPv6",
				more);
		else
			diag_warning(diag, path, line,
			             "nothing can carry this peer%s: %s", more, way);
		return;
	case WAY_NO_CARRIER_PEER: /* an error that plan_make reports */
	case WAY_NO_ENDPOINT:
	case WAY_OK:
	case WAY_STATE_COUNT:
		return;
	}
}

static void find_failing_ways(const struct plan_device *d, struct diag *diag)
{
	const struct plan_peer *first[WAY_STATE_COUNT] = { NULL };
	size_t count[WAY_STATE_COUNT] = { 0 };

	for (size_t i = 0; i < d->peer_count; i++) {
		const struct plan_peer *p = &d->peers[i];

		if (p->on_loop)
			continue;
		if (count[p->way.state]++ == 0)
			first[p->way.state] = p;
	}
	for (size_t state = 0; state < WAY_STATE_COUNT; state++) {
		if (first[state])
			report_way(first[state], count[state], diag);
	}
}

/* ---- prefixes that get no packet, because longer ones cover all of them */

/* `prefix` of `device` gets no packet because of `other_prefix` of `other`, among others. */
struct idle {
	const struct plan_device *device, *other;
	struct ip_prefix prefix, other_prefix;
};

/* A node that contains the one being visited. */
struct above {
	const struct union_node *node;
	/* how much of it the nodes inside it cover; WHOLE is all of it */
	uint64_t covered;
	/* one of these nodes that belongs to another device */
	const struct union_node *by_other;
};
#define WHOLE (UINT64_C(1) << 63)

struct idles {
	struct idle *v; /* owned */
	size_t n, capacity;
	struct above above[130]; /* as deep as an address has bits, plus one */
	size_t depth;
	bool failed;
};

static void add_idle(struct idles *idles, struct idle idle)
{
	if (idles->n == idles->capacity) {
		size_t capacity = idles->capacity ? 2 * idles->capacity : 64;
		struct idle *v = reallocarray(idles->v, capacity, sizeof(*v));

		if (!v) {
			idles->failed = true;
			return;
		}
		idles->v = v;
		idles->capacity = capacity;
	}
	idles->v[idles->n++] = idle;
}

static const struct plan_device *active(const struct union_node *node)
{
	return plan_device_of(node->first->peer);
}

/* Leaves the innermost node, and reports it if nothing of it is left for itself. */
static void leave(struct idles *idles)
{
	const struct above *a = &idles->above[--idles->depth];

	if (a->covered >= WHOLE && a->by_other)
		add_idle(idles,
		         (struct idle){ active(a->node), active(a->by_other),
		                        a->node->trie.prefix, a->by_other->trie.prefix });
}

static void enter(struct idles *idles, const struct union_node *node)
{
	const struct ip_prefix *p = &node->trie.prefix;
	struct above *outer;

	while (idles->depth > 0) {
		outer = &idles->above[idles->depth - 1];
		if (ip_prefix_contains(&outer->node->trie.prefix, &p->addr)) {
			unsigned longer = p->len - outer->node->trie.prefix.len;

			outer->covered += longer < 64 ? WHOLE >> longer : 0;
			if (active(node) != active(outer->node))
				outer->by_other = node;
			break;
		}
		leave(idles);
	}
	idles->above[idles->depth++] = (struct above){ .node = node };
}

static bool visit(void *context, const struct union_node *node)
{
	struct idles *idles = context;

	enter(idles, node);
	return true;
}

static int compare_idles(const void *left, const void *right)
{
	const struct idle *a = left, *b = right;
	int c;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->other != b->other)
		return a->other < b->other ? -1 : 1;
	c = ip_addr_compare(&a->prefix.addr, &b->prefix.addr);
	return c ? c : a->prefix.len - b->prefix.len;
}

static unsigned line_of(const struct plan_device *d, const struct ip_prefix *prefix)
{
	const struct plan_prefix *p = plan_prefix_find(d, prefix);

	return p ? p->line : 0;
}

/* `idle` is the first of `count` findings of the same kind. */
static void report_idles(const struct idle *idle, size_t count, struct diag *diag)
{
	char prefix[IP_PREFIX_STRLEN], other[IP_PREFIX_STRLEN], more[64];

	ip_prefix_format(&idle->prefix, prefix);
	ip_prefix_format(&idle->other_prefix, other);
	and_more(more, sizeof(more), count);
	diag_warning(
		diag, idle->device->conf->path, line_of(idle->device, &idle->prefix),
		"%s%s gets no packet: longer prefixes leave nothing of it, such as %s (%s:%u)",
		prefix, more, other, idle->other->conf->path,
		line_of(idle->other, &idle->other_prefix));
}

static int find_idle_prefixes(const struct plan *plan, struct diag *diag)
{
	struct idles idles = { 0 };
	size_t first = 0;

	union_walk(&plan->table, visit, &idles);
	while (idles.depth > 0)
		leave(&idles);
	if (idles.n > 0)
		qsort(idles.v, idles.n, sizeof(*idles.v), compare_idles);
	for (size_t i = 1; i <= idles.n; i++) {
		if (i < idles.n && idles.v[i].device == idles.v[first].device &&
		    idles.v[i].other == idles.v[first].other)
			continue;
		report_idles(&idles.v[first], i - first, diag);
		first = i;
	}
	free(idles.v);
	return idles.failed ? -ENOMEM : 0;
}

/* ---- MTUs that a file asks for */

static void check_mtu(const struct plan_device *d, struct diag *diag)
{
	const struct conf *c = d->conf;

	if (c->mtu_bytes == 0)
		return;
	if (plan_mtu_raised(d))
		diag_warning(diag, c->path, c->lines.mtu,
		             "MTU %u is raised to %u, the least for a tunnel with IPv6",
		             c->mtu_bytes, d->mtu_bytes);
	else if (d->mtu_bytes > d->carrier_fits_bytes)
		diag_warning(
			diag, c->path, c->lines.mtu,
			"MTU %u does not fit into the carrier: larger packets than %u are sent in fragments",
			d->mtu_bytes, d->carrier_fits_bytes);
}

void plan_findings_unresolved(struct diag *diag, const char *path, unsigned line,
                              const char *host, const char *why)
{
	diag_warning(
		diag, path, line,
		"the Endpoint %s has no address yet (%s); while the files are up, it is asked for again",
		host, why);
}

int plan_findings(struct plan *plan, const struct plan_env *env, struct diag *diag)
{
	int err;

	if (plan->device_count == 0)
		return 0;
	find_loops(plan, diag);
	for (size_t i = 0; i < plan->device_count; i++) {
		find_failing_ways(&plan->devices[i], diag);
		check_mtu(&plan->devices[i], diag);
	}
	plan_unmet(plan, env, diag);
	err = plan_shared(plan, diag);
	if (!err)
		err = plan_equal(plan, diag);
	return err ? err : find_idle_prefixes(plan, diag);
}
