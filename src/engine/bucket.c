/* src/engine/bucket.c */
#include "engine/bucket.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 16

int bucket_init(struct bucket_table *t)
{
	*t = (struct bucket_table){ .mask = BUCKETS_MIN - 1 };
	t->buckets = calloc(BUCKETS_MIN, sizeof(struct bucket_link *));
	return t->buckets ? 0 : -ENOMEM;
}

void bucket_clear(struct bucket_table *t)
{
	free(t->buckets);
	*t = (struct bucket_table){ 0 };
}

static void put(struct bucket_link **buckets, size_t mask, struct bucket_link *link)
{
	link->next = buckets[link->hash & mask];
	buckets[link->hash & mask] = link;
}

static void grow(struct bucket_table *t)
{
	size_t old = t->mask + 1, mask = 2 * old - 1;
	struct bucket_link **buckets = calloc(2 * old, sizeof(struct bucket_link *));

	if (!buckets)
		return;
	for (size_t i = 0; i < old; i++) {
		for (struct bucket_link *l = t->buckets[i], *next; l; l = next) {
			next = l->next;
			put(buckets, mask, l);
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->mask = mask;
}

void bucket_add(struct bucket_table *t, struct bucket_link *link, uint32_t hash)
{
	if (t->count++ > t->mask)
		grow(t);
	link->hash = hash;
	put(t->buckets, t->mask, link);
}

void bucket_remove(struct bucket_table *t, struct bucket_link *link)
{
	struct bucket_link **at = &t->buckets[link->hash & t->mask];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
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
	return skip_to(t->buckets[hash & t->mask], hash);
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
