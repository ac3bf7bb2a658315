/* tests/sim/events.c - a binary heap */
#include "events.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"

void events_clear(struct events *q)
{
	while (q->count > 0)
		free(q->heap[--q->count]);
	free(q->heap);
	*q = (struct events){ 0 };
}

static bool sooner(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct events *q, size_t a, size_t b)
{
	struct event *e = q->heap[a];

	q->heap[a] = q->heap[b];
	q->heap[b] = e;
}

static void push(struct events *q, struct event *e)
{
	size_t i = q->count++;

	if (q->count > q->room) {
		q->room = 2 * q->count;
		q->heap = realloc(q->heap, q->room * sizeof(struct event *));
		must(q->heap);
	}
	e->order = q->made++;
	q->heap[i] = e;
	for (; i > 0 && sooner(q->heap[i], q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(q, i, (i - 1) / 2);
}

void events_add(struct events *q, uint64_t at_ns, enum event_kind kind, struct node *node,
                const struct trail *trail, const uint8_t *bytes, size_t n)
{
	struct event *e = malloc(sizeof(*e) + n);

	must(e);
	e->at_ns = at_ns;
	e->kind = kind;
	e->node = node;
	e->trail = *trail;
	e->n = n;
	memcpy(e->bytes, bytes, n);
	push(q, e);
}

const struct event *events_first(const struct events *q)
{
	return q->count > 0 ? q->heap[0] : NULL;
}

struct event *events_take(struct events *q)
{
	struct event *first = q->heap[0];
	size_t i = 0, child;

	q->heap[0] = q->heap[--q->count];
	while ((child = 2 * i + 1) < q->count) {
		if (child + 1 < q->count && sooner(q->heap[child + 1], q->heap[child]))
			child++;
		if (!sooner(q->heap[child], q->heap[i]))
			break;
		swap(q, i, child);
		i = child;
	}
	return first;
}

bool trail_is_suffix(const struct trail *t, const struct trail *whole)
{
	return t->n <= whole->n &&
	       memcmp(t->node, whole->node + whole->n - t->n, t->n) == 0;
}
