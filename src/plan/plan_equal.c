/* src/plan/plan_equal.c - hundreds of files may share a prefix, or thousands of prefixes. So
 * those that don't have it are told in one line per prefix, and prefixes that the same files
 * have together. */
#include "plan/plan_equal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan/plan_standby.h"

#define NAMES_STRLEN    160
#define FALLBACK_STRLEN 160
#define WAY_STRLEN      256 /* of names only */
#define NAMES_MAX       3   /* of more, the first, the last and the number are told */

/* What becomes of a file that doesn't have the prefix. */
enum equal_kind {
	EQUAL_STANDS_BY,
	EQUAL_STUCK, /* it should stand by, but could not take over */
	EQUAL_SHADOWED,
	EQUAL_KIND_COUNT,
};

/* Who doesn't have the prefix of a node, for the same reason. */
struct equal {
	const struct union_node *node;
	enum equal_kind kind;
	enum way_reason reason;
	/* places in equals.others; after `gather`, `others` points there */
	size_t first, count;
	const struct plan_device **others;
};

struct equals {
	const struct plan *plan;
	struct equal *v; /* owned */
	size_t n, capacity;
	const struct plan_device **others; /* owned */
	size_t other_count, other_capacity;
	bool failed;
};

static const struct plan_device *owner(const struct equal *e)
{
	return plan_device_of(e->node->first->peer);
}

/* Returns NULL and notes the failure if out of memory. */
static void *grow(struct equals *all, void *v, size_t n, size_t *capacity, size_t size)
{
	size_t more = *capacity ? 2 * *capacity : 64;
	void *grown;

	if (n < *capacity)
		return v;
	grown = reallocarray(v, more, size);
	if (grown)
		*capacity = more;
	else
		all->failed = true;
	return grown;
}

static void add_other(struct equals *all, const struct plan_device *other)
{
	const struct plan_device **v = grow(all, all->others, all->other_count,
	                                    &all->other_capacity, sizeof(*v));

	if (!v)
		return;
	all->others = v;
	v[all->other_count++] = other;
}

static void add_equal(struct equals *all, struct equal e)
{
	struct equal *v = grow(all, all->v, all->n, &all->capacity, sizeof(*v));

	if (!v)
		return;
	all->v = v;
	e.count = all->other_count - e.first;
	if (e.count > 0)
		v[all->n++] = e;
}

static enum equal_kind kind_of(const struct plan *plan, const struct union_node *node,
                               const struct union_entry *o)
{
	struct plan_standby why;

	if (!union_stands_by(node, o->peer->device))
		return EQUAL_SHADOWED;
	return plan_standby_is_stuck(plan, node, o, &why) ? EQUAL_STUCK : EQUAL_STANDS_BY;
}

/* Adds those of the node that come later for one reason. */
static void add_for(struct equals *all, const struct union_node *node,
                    enum equal_kind kind, enum way_reason reason)
{
	const struct way_device *first = node->first->peer->device;
	struct equal e = {
		.node = node, .kind = kind, .reason = reason, .first = all->other_count
	};

	for (const struct union_entry *o = node->first->next; o; o = o->next) {
		if (way_reason(first, o->peer->device) == reason &&
		    kind_of(all->plan, node, o) == kind)
			add_other(all, plan_device_of(o->peer));
	}
	add_equal(all, e);
}

static bool visit(void *context, const struct union_node *node)
{
	struct equals *all = context;

	for (enum way_reason r = 0; node->first->next && r < WAY_REASON_COUNT; r++) {
		for (enum equal_kind k = 0; k < EQUAL_KIND_COUNT; k++)
			add_for(all, node, k, r);
	}
	return !all->failed;
}

static int compare_devices(const struct plan_device *a, const struct plan_device *b)
{
	return a == b ? 0 : a < b ? -1 : 1;
}

/* Orders what goes into one line next to each other; of this, by prefix. */
static int compare_lines(const struct equal *a, const struct equal *b)
{
	int c = compare_devices(owner(a), owner(b));

	if (!c && a->kind != b->kind)
		c = a->kind < b->kind ? -1 : 1;
	if (!c && a->reason != b->reason)
		c = a->reason < b->reason ? -1 : 1;
	if (!c && a->count != b->count)
		c = a->count < b->count ? -1 : 1;
	for (size_t i = 0; !c && i < a->count; i++)
		c = compare_devices(a->others[i], b->others[i]);
	return c;
}

static int compare(const void *left, const void *right)
{
	const struct equal *a = left, *b = right;
	const struct ip_prefix *p = &a->node->trie.prefix, *q = &b->node->trie.prefix;
	int c = compare_lines(a, b);

	if (!c)
		c = ip_addr_compare(&p->addr, &q->addr);
	return c ? c : p->len - q->len;
}

static const char *reason_text(enum way_reason reason)
{
	switch (reason) {
	case WAY_BY_TABLE:
		return "it has no Table of its own";
	case WAY_BY_VIA:
		return "by Via";
	case WAY_BY_METRIC:
		return "lower Metric";
	case WAY_BY_DEFAULT:
		return "only default routes";
	case WAY_BY_NAME:
	case WAY_REASON_COUNT:
		break;
	}
	return "first by name";
}

/* Writes "a, b" or "site-02 ... site-27 (26 files)". */
static const char *names_text(const struct equal *e, char out[static NAMES_STRLEN])
{
	size_t n = 0;

	if (e->count > NAMES_MAX) {
		snprintf(out, NAMES_STRLEN, "%s ... %s (%zu files)",
		         e->others[0]->way.name, e->others[e->count - 1]->way.name,
		         e->count);
		return out;
	}
	for (size_t i = 0; i < e->count && n < NAMES_STRLEN; i++)
		n += (size_t)snprintf(out + n, NAMES_STRLEN - n, "%s%s", i ? ", " : "",
		                      e->others[i]->way.name);
	return out;
}

static const char *way_text(const struct plan_standby *why, char out[static WAY_STRLEN])
{
	size_t n = 0;

	for (size_t i = 0; i < why->n && n < WAY_STRLEN; i++)
		n += (size_t)snprintf(out + n, WAY_STRLEN - n, "%s%s", i ? " > " : "",
		                      why->way[i]->device->name);
	return out;
}

/* The first of them is the example, and its file is the one to change. */
static void report_stuck(const struct plan *plan, const struct equal *e,
                         const char *prefix, const char *more, struct diag *diag)
{
	const struct union_entry *standby = e->node->first;
	char names[NAMES_STRLEN], way[WAY_STRLEN];
	bool one = e->count == 1;
	const struct plan_peer *peer;
	struct plan_standby why;

	while (standby->peer->device != &e->others[0]->way)
		standby = standby->next;
	if (!plan_standby_is_stuck(plan, e->node, standby, &why))
		return;
	peer = (const struct plan_peer *)standby->peer;
	diag_warning(
		diag, e->others[0]->conf->path, peer->conf->endpoint_line,
		"%s%s: %s has it (%s); %s can't take over, because %s own packets %s%s (%s): write # tunion: Via = network into %s",
		prefix, more, owner(e)->way.name, reason_text(e->reason),
		names_text(e, names), one ? "its" : "their",
		why.circle ? "would go in a circle" : "go inside ",
		why.circle ? "" : why.way[why.n - 1]->device->name, way_text(&why, way),
		one || why.wants != &e->others[0]->way ? why.wants->name : "them");
}

/* The name of its server has no address yet. Whichever it will have, a default route has it. */
static bool will_be_carried(const struct plan_peer *p, const struct ip_prefix *prefix)
{
	struct way_device *via;

	return p->way.state == WAY_NO_ENDPOINT && p->conf->has_endpoint &&
	       way_is_default(prefix) && !p->way.device->has_fwmark &&
	       way_effective_via(&p->way, &via) == WAY_VIA_UNION;
}

/* Are its datagrams in the tunnel that it would stand by for? Then they fail with that one. */
static bool is_carried(const struct plan_device *d, const struct equal *e)
{
	for (size_t i = 0; i < d->peer_count; i++) {
		const struct plan_peer *p = &d->peers[i];
		const struct way_peer *carrier = p->way.next;

		if ((carrier && carrier->device == &owner(e)->way) ||
		    will_be_carried(p, &e->node->trie.prefix))
			return true;
	}
	return false;
}

/* Writes what would make the others stand by. */
static const char *fallback_text(const struct equal *e, char out[static FALLBACK_STRLEN])
{
	bool via = false, one = e->count == 1;

	for (size_t i = 0; i < e->count; i++)
		via = via || is_carried(e->others[i], e);
	out[0] = '\0';
	if (e->reason != WAY_BY_TABLE && e->reason != WAY_BY_VIA)
		snprintf(out, FALLBACK_STRLEN,
		         "; with a Metric in %s%s%s, %s would stand by",
		         one ? "both" : "each",
		         via ? " and # tunion: Via = network in " : "",
		         !via  ? ""
		         : one ? e->others[0]->way.name
		               : "those that come after it",
		         one ? "it" : "they");
	return out;
}

/* `e` is the first of `prefixes` that go into one line. */
static void report(const struct plan *plan, const struct equal *e, size_t prefixes,
                   struct diag *diag)
{
	const struct plan_device *d = owner(e);
	const struct plan_prefix *p = plan_prefix_find(d, &e->node->trie.prefix);
	char prefix[IP_PREFIX_STRLEN], names[NAMES_STRLEN], more[64] = "";
	char rest[FALLBACK_STRLEN];
	bool one = e->count == 1;

	ip_prefix_format(&e->node->trie.prefix, prefix);
	if (prefixes > 1)
		snprintf(more, sizeof(more), " (and %zu more)", prefixes - 1);
	if (e->kind == EQUAL_STUCK)
		report_stuck(plan, e, prefix, more, diag);
	else if (e->kind == EQUAL_STANDS_BY) /* these files ask for it */
		diag_note(diag, d->conf->path, p ? p->line : 0,
		          "%s%s: %s has it (%s); %s %s", prefix, more, d->way.name,
		          reason_text(e->reason), names_text(e, names),
		          one ? "stands by" : "stand by");
	else /* a home router's export beside a provider is meant like that */
		(e->reason == WAY_BY_DEFAULT ? diag_note : diag_warning)(
			diag, d->conf->path, p ? p->line : 0,
			"%s%s: %s has it (%s); %s %s%s", prefix, more, d->way.name,
			reason_text(e->reason), names_text(e, names),
			one ? "doesn't" : "don't", fallback_text(e, rest));
}

/* The arrays don't grow any more. */
static void gather(struct equals *all)
{
	for (size_t i = 0; i < all->n; i++)
		all->v[i].others = all->others + all->v[i].first;
	if (all->n > 0)
		qsort(all->v, all->n, sizeof(*all->v), compare);
}

int plan_equal(const struct plan *plan, struct diag *diag)
{
	struct equals all = { .plan = plan };
	size_t first = 0;

	union_walk(&plan->table, visit, &all);
	gather(&all);
	for (size_t i = 1; i <= all.n; i++) {
		if (i < all.n && compare_lines(&all.v[i], &all.v[first]) == 0)
			continue;
		report(plan, &all.v[first], i - first, diag);
		first = i;
	}
	free(all.v);
	free(all.others);
	return all.failed ? -ENOMEM : 0;
}
