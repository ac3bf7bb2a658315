/* src/base/bucket.c */
#include "base/bucket.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_MIN 4

static struct bucket_link **bucket_of(const struct bucket_table *t, uint32_t hash)
{
	return &t->buckets[hash & (t->size - 1)];
}

static void put(struct bucket_table *t, struct bucket_link *link)
{
	struct bucket_link **at = bucket_of(t, link->hash);

	link->next = *at;
	*at = link;
}

int bucket_reserve(struct bucket_table *t, size_t n)
{
	struct bucket_table larger = { .size = t->size ? t->size : SIZE_MIN,
		                       .count = t->count };

	while (larger.size < n)
		larger.size *= 2;
	if (larger.size == t->size)
		return 0;
	larger.buckets = calloc(larger.size, sizeof(struct bucket_link *));
	if (!larger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++) {
		for (struct bucket_link *l = t->buckets[i], *next; l; l = next) {
			next = l->next;
			put(&larger, l);
		}
	}
	free(t->buckets);
	*t = larger;
	return 0;
}

void bucket_clear(struct bucket_table *t)
{
	free(t->buckets);
	*t = (struct bucket_table){ 0 };
}

void bucket_add(struct bucket_table *t, struct bucket_link *link, uint32_t hash)
{
	(void)!bucket_reserve(t, t->count + 1); /* without memory it is only slower */
	t->count++;
	link->hash = hash;
	put(t, link);
}

void bucket_remove(struct bucket_table *t, struct bucket_link *link)
{
	struct bucket_link **at = bucket_of(t, link->hash);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	link->next = NULL;
	t->count--;
}

static struct bucket_link *skip_to(struct bucket_link *link, uint32_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct bucket_link *bucket_first(const struct bucket_table *t, uint32_t hash)
{
	return t->size ? skip_to(*bucket_of(t, hash), hash) : NULL;
}

struct bucket_link *bucket_next(const struct bucket_link *link)
{
	return skip_to(link->next, link->hash);
}

uint32_t bucket_hash_name(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619U;
	return hash;
}

uint32_t bucket_hash_port(uint16_t port)
{
	return port * 2654435769U >> 16;
}

uint32_t bucket_hash_addr(const struct ip_addr *addr)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < ip_addr_bytes(addr); i++)
		hash = (hash ^ addr->b[i]) * 16777619U;
	return hash;
}
