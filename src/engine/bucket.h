/* src/engine/bucket.h - which devices have this name, port or address? A chained hash
 * table
 *
 * Links are embedded, equal hashes are the user's to tell apart. The table grows when a
 * link is added, and stays as it is if there's no memory to grow: slower, never wrong. */
#ifndef TUNION_ENGINE_BUCKET_H
#define TUNION_ENGINE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

struct bucket_link {
	struct bucket_link *next;
	uint32_t hash;
};

struct bucket_table {
	struct bucket_link **buckets; /* owned; the links are not */
	size_t mask;                  /* number of buckets - 1, which is a power of two */
	size_t count;
};

MUST_CHECK int bucket_init(struct bucket_table *t);
void bucket_clear(struct bucket_table *t);

void bucket_add(struct bucket_table *t, struct bucket_link *link, uint32_t hash);
/* link must be in the table. */
void bucket_remove(struct bucket_table *t, struct bucket_link *link);

/* The first link with this hash, then the next, or NULL. */
struct bucket_link *bucket_first(const struct bucket_table *t, uint32_t hash);
struct bucket_link *bucket_next(const struct bucket_link *link);

/* FNV-1a; names come from files, not from strangers. */
uint32_t bucket_hash_name(const char *name);
/* Spreads neighbouring ports. */
uint32_t bucket_hash_port(uint16_t port);
/* FNV-1a; the table holds our own addresses, so a stranger's packet can't lengthen a
 * chain. */
uint32_t bucket_hash_addr(const struct ip_addr *addr);

#endif
