/* src/io/buffers.h - where are the packets while one batch is processed?
 *
 * A process has one set of buffers. All that is read uses it in turn: a batch is finished
 * before the next read. The memory is mapped once; only what is touched costs memory. */
#ifndef TUNION_IO_BUFFERS_H
#define TUNION_IO_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/packet.h"

/* One more than the packets of a batch: the first slot is for a read that is split up. */
#define BUFFERS_SLOTS (BATCH_MAX + 1)

struct buffers {
	uint8_t *memory; /* owned; BUFFERS_SLOTS slots of slot_bytes */
	size_t slot_bytes;
	struct packet packets[BATCH_MAX];
	struct packet *order[BATCH_MAX]; /* given to the engine, which reorders it */
};

/* The struct has several kilobytes and is too large for a stack. 0 or -ENOMEM. */
MUST_CHECK int buffers_new(struct buffers **out);
/* NULL is fine. */
void buffers_free(struct buffers *b);

/* The memory of a slot, slot_bytes long. */
static inline uint8_t *buffers_slot(const struct buffers *b, size_t slot)
{
	return b->memory + slot * b->slot_bytes;
}

#endif
