/* src/wg/index.c */
#include "wg/index.h"

void index_table_clear(struct index_table *t)
{
	bucket_clear(&t->entries);
}

int index_table_reserve(struct index_table *t, size_t n)
{
	return bucket_reserve(&t->entries, n);
}

void index_table_insert(struct index_table *t, struct index_entry *e,
                        enum index_kind kind, const struct rng *rng)
{
	uint32_t index;

	index_table_remove(t, e);
	do
		index = rng_u32(rng);
	while (index_table_find(t, index));
	e->kind = kind;
	bucket_add(&t->entries, &e->link, index);
}

void index_table_remove(struct index_table *t, struct index_entry *e)
{
	if (e->kind == INDEX_UNUSED)
		return;
	bucket_remove(&t->entries, &e->link);
	e->kind = INDEX_UNUSED;
}

void index_table_hand_over(struct index_table *t, struct index_entry *from,
                           struct index_entry *to, enum index_kind kind)
{
	index_table_remove(t, from);
	to->kind = kind;
	bucket_add(&t->entries, &to->link, index_of(from));
}

struct index_entry *index_table_find(const struct index_table *t, uint32_t index)
{
	struct bucket_link *link = bucket_first(&t->entries, index);

	return link ? CONTAINER_OF(link, struct index_entry, link) : NULL;
}
