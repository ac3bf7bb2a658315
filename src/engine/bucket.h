/* src/engine/bucket.h - a chained hash table: which devices have this name, port or
 * address?
 *
 * The links are embedded in what the table finds. Different things may have equal hashes,
 * so the user compares what it finds. The table grows when a link is added. If there is
 * no memory for this, the table keeps its size: then it is slower, but never wrong. */
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

/* Returns the first link with this hash, then the next one, or NULL. */
struct bucket_link *bucket_first(const struct bucket_table *t, uint32_t hash);
struct bucket_link *bucket_next(const struct bucket_link *link);

/* FNV-1a, which is good enough because names come from files, not from strangers. */
uint32_t bucket_hash_name(const char *name);
/* Neighbouring ports get hashes that are far apart. */
uint32_t bucket_hash_port(uint16_t port);
/* FNV-1a. The table contains only our own addresses, so a stranger's packet can't make a
 * chain longer. */
uint32_t bucket_hash_addr(const struct ip_addr *addr);

#endif
