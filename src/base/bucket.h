/* src/base/bucket.h - a chained hash table
 *
 * The links are embedded in what the table finds. Different things may have equal hashes,
 * so the user compares what it finds. The table grows when a link is added. If there is
 * no memory for this, the table keeps its size: then it is slower, but never wrong. */
#ifndef TUNION_BASE_BUCKET_H
#define TUNION_BASE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

struct bucket_link {
	struct bucket_link *next;
	uint32_t hash;
};

/* A zeroed table is empty and has no room: see bucket_reserve. */
struct bucket_table {
	struct bucket_link **buckets; /* owned; the links are not */
	size_t size;                  /* number of buckets: a power of two, or 0 */
	size_t count;                 /* of links */
};

/* Makes room for n links in all, so that adding them needs no memory. Must be called with
 * at least 1 before the first link is added. Returns 0, or -ENOMEM: then the table is
 * unchanged. */
MUST_CHECK int bucket_reserve(struct bucket_table *t, size_t n);
/* Frees the table's memory. Links that are still in it must not be used any more. */
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
