/* src/io/buffers.c */
#include "io/buffers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096U

int buffers_new(struct buffers **out)
{
	struct buffers *b = calloc(1, sizeof(*b));

	*out = NULL;
	if (!b)
		return -ENOMEM;
	/* Slots have an odd number of cache lines. Otherwise all of them would compete
	 * for the same cache sets. */
	b->slot_bytes =
		(PACKET_BUFFER_BYTES + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + 64;
	b->memory = mmap(NULL, BUFFERS_SLOTS * b->slot_bytes, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->memory == MAP_FAILED) {
		free(b);
		return -ENOMEM;
	}
	(void)madvise(b->memory, BUFFERS_SLOTS * b->slot_bytes, MADV_DONTDUMP);
	*out = b;
	return 0;
}

void buffers_free(struct buffers *b)
{
	if (!b)
		return;
	/* the kernel zeroes these pages before it gives them to anybody */
	munmap(b->memory, BUFFERS_SLOTS * b->slot_bytes);
	free(b);
}
