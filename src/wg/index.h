/* src/wg/index.h - to which handshake or keypair does a receiver index belong?
 *
 * Each device has one table. Indices are random, so that they tell a stranger nothing;
 * they also serve as their own hash. An entry is embedded in the handshake or keypair. */
#ifndef TUNION_WG_INDEX_H
#define TUNION_WG_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bucket.h"
#include "base/rng.h"

struct wg_peer;

enum index_kind {
	INDEX_UNUSED = 0, /* not in the table; the value of a zeroed entry */
	INDEX_HANDSHAKE,
	INDEX_KEYPAIR,
};

struct index_entry {
	struct bucket_link link; /* its hash is the index */
	struct wg_peer *peer;    /* borrowed; the user sets it before the first insert */
	enum index_kind kind;
};

struct index_table {
	struct bucket_table entries;
};

static inline uint32_t index_of(const struct index_entry *e)
{
	return e->link.hash;
}

/* All entries must have been removed. */
void index_table_clear(struct index_table *t);
/* Makes room for n entries in all, so that inserting never allocates. 0, or -ENOMEM,
 * which leaves the table as it was. A zeroed table has no room. */
MUST_CHECK int index_table_reserve(struct index_table *t, size_t n);

/* Draws an index that is not in use. An entry that is already in the table gets
 * a new index. */
void index_table_insert(struct index_table *t, struct index_entry *e,
                        enum index_kind kind, const struct rng *rng);
/* Does nothing if the entry isn't in the table. */
void index_table_remove(struct index_table *t, struct index_entry *e);
/* Gives the index of `from` to `to`, which is not in the table yet, and removes
 * `from`. */
void index_table_hand_over(struct index_table *t, struct index_entry *from,
                           struct index_entry *to, enum index_kind kind);
/* NULL if no entry has this index. */
struct index_entry *index_table_find(const struct index_table *t, uint32_t index);

#endif
