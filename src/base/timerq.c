/* src/base/timerq.c - a pairing heap (Fredman et al. 1986). One comparison melds two
 * trees; removing the root melds its children in pairs. `previous` is the sibling on the
 * left or, for the first child, the parent, so that a timer can be removed from any place
 * in the heap. */
#include "base/timerq.h"

#include <stddef.h>

#include "base/attr.h"

void timer_init(struct timer *t, void (*fire)(struct timer *timer, uint64_t now_ns))
{
	*t = (struct timer){ .deadline_ns = NEVER_NS, .fire = fire };
}

bool timer_armed(const struct timer *t)
{
	return t->deadline_ns != NEVER_NS;
}

static struct timer *meld(struct timer *a, struct timer *b)
{
	if (!a)
		return b;
	if (!b)
		return a;
	if (b->deadline_ns < a->deadline_ns) {
		struct timer *swap = a;

		a = b;
		b = swap;
	}
	b->sibling = a->child;
	if (b->sibling)
		b->sibling->previous = b;
	b->previous = a;
	a->child = b;
	return a;
}

/* Melds a list of siblings: first pairs from the left, then all pairs from the right. */
static struct timer *meld_siblings(struct timer *first)
{
	struct timer *pairs = NULL, *root = NULL;

	while (first) {
		struct timer *a = first, *b = a->sibling;

		first = b ? b->sibling : NULL;
		a->sibling = a->previous = NULL;
		if (b)
			b->sibling = b->previous = NULL;
		a = meld(a, b);
		a->sibling = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *next = pairs->sibling;

		pairs->sibling = NULL;
		root = meld(root, pairs);
		pairs = next;
	}
	return root;
}

void timerq_disarm(struct timerq *q, struct timer *t)
{
	struct timer *rest;

	if (!timer_armed(t))
		return;
	if (t == q->root) {
		q->root = meld_siblings(t->child);
	} else {
		if (t->previous->child == t)
			t->previous->child = t->sibling;
		else
			t->previous->sibling = t->sibling;
		if (t->sibling)
			t->sibling->previous = t->previous;
		rest = meld_siblings(t->child);
		q->root = meld(q->root, rest);
	}
	t->child = t->sibling = t->previous = NULL;
	t->deadline_ns = NEVER_NS;
}

void timerq_arm(struct timerq *q, struct timer *t, uint64_t deadline_ns)
{
	timerq_disarm(q, t);
	t->deadline_ns = deadline_ns > q->ran_ns ? deadline_ns : q->ran_ns + 1;
	if (timer_armed(t))
		q->root = meld(q->root, t);
}

uint64_t timerq_next_ns(const struct timerq *q)
{
	return q->root ? q->root->deadline_ns : NEVER_NS;
}

void timerq_run(struct timerq *q, uint64_t now_ns)
{
	struct timer *t;

	q->ran_ns = now_ns;
	while ((t = q->root) && t->deadline_ns <= now_ns) {
		timerq_disarm(q, t);
		t->fire(t, now_ns);
	}
}
