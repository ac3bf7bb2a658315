/* src/io/buffers.h - where do packets lie while one batch is worked on?
 *
 * One set per process, used in turn by whatever is being read: a batch is finished before
 * the next read. Memory is mapped once and costs only what is touched. */
#ifndef TUNION_IO_BUFFERS_H
#define TUNION_IO_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/packet.h"

/* One more than a batch has packets: a read that is taken apart lands in the first. */
#define BUFFERS_SLOTS (BATCH_MAX + 1)

struct buffers {
	uint8_t *memory; /* owned, BUFFERS_SLOTS of slot_bytes */
	size_t slot_bytes;
	struct packet packets[BATCH_MAX];
	struct packet
		*order[BATCH_MAX]; /* what is handed to the engine, which reorders it */
};

/* Too large for a stack: several kilobytes. 0 or -ENOMEM. */
MUST_CHECK int buffers_new(struct buffers **out);
/* NULL is fine. */
void buffers_free(struct buffers *b);

/* The slot's memory, slot_bytes long. */
static inline uint8_t *buffers_slot(const struct buffers *b, size_t slot)
{
	return b->memory + slot * b->slot_bytes;
}

#endif
