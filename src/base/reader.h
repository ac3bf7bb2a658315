/* src/base/reader.h - a bounded reader: it gives as many bytes as were asked
 * for, or none */
#ifndef TUNION_BASE_READER_H
#define TUNION_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* The bytes are borrowed. */
struct reader {
	const uint8_t *at;
	size_t left_bytes;
};

static inline struct reader reader_of(const void *bytes, size_t n)
{
	return (struct reader){ .at = bytes, .left_bytes = n };
}

/* Returns a pointer to the next n bytes; they are not copied. If fewer are left, it
 * returns NULL and takes none. */
static inline MUST_CHECK const void *reader_take(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->left_bytes < n)
		return NULL;
	r->at += n;
	r->left_bytes -= n;
	return at;
}

#endif
