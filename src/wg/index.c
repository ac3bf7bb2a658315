/* src/wg/index.c */
#include "wg/index.h"

#include <errno.h>
#include <stdlib.h>

static struct index_entry **bucket_of(const struct index_table *t, uint32_t index)
{
	return &t->buckets[index & (t->bucket_count - 1)];
}

static void link_entry(struct index_table *t, struct index_entry *e)
{
	struct index_entry **at = bucket_of(t, e->index);

	e->next = *at;
	*at = e;
}

void index_table_clear(struct index_table *t)
{
	free(t->buckets);
	*t = (struct index_table){ 0 };
}

int index_table_reserve(struct index_table *t, size_t n)
{
	struct index_table larger = { .bucket_count =
		                              t->bucket_count ? t->bucket_count : 4 };

	while (larger.bucket_count < n)
		larger.bucket_count *= 2;
	if (larger.bucket_count == t->bucket_count)
		return 0;
	larger.buckets = calloc(larger.bucket_count, sizeof(struct index_entry *));
	if (!larger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < t->bucket_count; i++) {
		struct index_entry *e, *next;

		for (e = t->buckets[i]; e; e = next) {
			next = e->next;
			link_entry(&larger, e);
		}
	}
	free(t->buckets);
	*t = larger;
	return 0;
}

void index_table_insert(struct index_table *t, struct index_entry *e,
                        enum index_kind kind, const struct rng *rng)
{
	index_table_remove(t, e);
	do
		e->index = rng_u32(rng);
	while (index_table_find(t, e->index));
	e->kind = kind;
	link_entry(t, e);
}

void index_table_remove(struct index_table *t, struct index_entry *e)
{
	struct index_entry **at;

	if (e->kind == INDEX_UNUSED)
		return;
	for (at = bucket_of(t, e->index); *at != e; at = &(*at)->next)
		;
	*at = e->next;
	e->next = NULL;
	e->kind = INDEX_UNUSED;
}

void index_table_hand_over(struct index_table *t, struct index_entry *from,
                           struct index_entry *to, enum index_kind kind)
{
	to->index = from->index;
	to->kind = kind;
	index_table_remove(t, from);
	link_entry(t, to);
}

struct index_entry *index_table_find(const struct index_table *t, uint32_t index)
{
	struct index_entry *e;

	if (t->bucket_count == 0)
		return NULL;
	for (e = *bucket_of(t, index); e; e = e->next)
		if (e->index == index)
			return e;
	return NULL;
}
