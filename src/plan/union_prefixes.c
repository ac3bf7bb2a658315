/* src/plan/union_prefixes.c - sorted prefixes need only be compared with the last one that
 * was kept: it either contains the next one, or is its other half, or lies before it */
#include "plan/union_prefixes.h"

#include <errno.h>
#include <stdlib.h>

struct adding {
	struct union_prefixes *to;
	bool (*wanted)(const struct ip_prefix *prefix);
};

static bool add_node(void *context, const struct union_node *node)
{
	const struct adding *a = context;

	if (!a->wanted || a->wanted(&node->trie.prefix))
		a->to->v[a->to->n++] = node->trie.prefix;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct ip_prefix *x = a, *y = b;
	int order = ip_addr_compare(&x->addr, &y->addr);

	return order ? order : (int)x->len - (int)y->len;
}

/* Are they the two halves of one prefix? */
static bool are_halves(const struct ip_prefix *a, const struct ip_prefix *b)
{
	struct ip_prefix x = *a, y = *b;

	if (a->len != b->len || a->len == 0 || a->addr.family != b->addr.family)
		return false;
	x.len = y.len = (uint8_t)(a->len - 1);
	x = ip_prefix_mask(x);
	y = ip_prefix_mask(y);
	return ip_prefix_equal(&x, &y);
}

static void aggregate(struct union_prefixes *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (kept > 0 && ip_prefix_contains(&p->v[kept - 1], &p->v[i].addr))
			continue;
		p->v[kept++] = p->v[i];
		while (kept > 1 && are_halves(&p->v[kept - 2], &p->v[kept - 1]))
			p->v[--kept - 1].len--;
	}
	p->n = kept;
}

int union_prefixes_make(struct union_prefixes *out, const struct union_table *u,
                        bool (*wanted)(const struct ip_prefix *prefix),
                        const struct ip_prefix *others, size_t n)
{
	struct adding adding = { out, wanted };

	out->n = 0;
	out->v = calloc(union_count(u) + n + 1, sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	union_walk(u, add_node, &adding);
	for (size_t i = 0; i < n; i++) {
		if (others[i].addr.family != IP_NONE)
			out->v[out->n++] = ip_prefix_mask(others[i]);
	}
	qsort(out->v, out->n, sizeof(*out->v), compare);
	aggregate(out);
	return 0;
}

void union_prefixes_clear(struct union_prefixes *p)
{
	free(p->v);
	*p = (struct union_prefixes){ 0 };
}
