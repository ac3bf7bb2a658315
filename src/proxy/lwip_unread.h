/* src/proxy/lwip_unread.h - the bytes of a stream that have come and were not read yet
 *
 * They are copied into chunks, because lwIP's buffers cost a lot if segments are small. */
#ifndef TUNION_PROXY_LWIP_UNREAD_H
#define TUNION_PROXY_LWIP_UNREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct lwip_chunk;

/* Embedded; begins as zero. */
struct lwip_unread {
	struct lwip_chunk *first, *last; /* owned */
	size_t bytes;
};

/* Copies them to the end. Returns false if out of memory; then only some are there. */
MUST_CHECK bool lwip_unread_add(struct lwip_unread *u, const uint8_t *bytes, size_t n);
/* Copies at most n of the first ones to `out`, and returns how many. They stay. */
size_t lwip_unread_peek(const struct lwip_unread *u, uint8_t *out, size_t n);
/* Drops at most n of the first ones, and returns how many. */
size_t lwip_unread_drop(struct lwip_unread *u, size_t n);

#endif
