/* src/wg/index.h - whose handshake or keypair does a receiver index name?
 *
 * One table per device. Indices are drawn at random, so that they tell a stranger
 * nothing, and serve as their own hash. An entry is embedded in what it names. */
#ifndef TUNION_WG_INDEX_H
#define TUNION_WG_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/rng.h"

struct wg_peer;

enum index_kind {
	INDEX_UNUSED = 0, /* not in the table; the value of a zeroed entry */
	INDEX_HANDSHAKE,
	INDEX_KEYPAIR,
};

struct index_entry {
	struct index_entry *next; /* in its bucket */
	struct wg_peer *peer;     /* borrowed; set by the user before the first insert */
	uint32_t index;
	enum index_kind kind;
};

struct index_table {
	struct index_entry **buckets; /* owned; a power of two of them */
	size_t bucket_count;
};

/* All entries must have been removed. */
void index_table_clear(struct index_table *t);
/* Makes room for n entries in all, so that inserting never allocates. 0 or -ENOMEM, then
 * the table is as it was. A zeroed table has room for none. */
MUST_CHECK int index_table_reserve(struct index_table *t, size_t n);

/* Draws an index that is not in use; an entry that is in the table gets a new one. */
void index_table_insert(struct index_table *t, struct index_entry *e,
                        enum index_kind kind, const struct rng *rng);
/* Fine if it isn't there. */
void index_table_remove(struct index_table *t, struct index_entry *e);
/* `to`, not in the table, takes over the index of `from`, which leaves it. */
void index_table_hand_over(struct index_table *t, struct index_entry *from,
                           struct index_entry *to, enum index_kind kind);
/* NULL if nothing has it. */
struct index_entry *index_table_find(const struct index_table *t, uint32_t index);

#endif
