/* src/base/reader.h - a bounded reader: bytes are taken from the front or not at all */
#ifndef TUNION_BASE_READER_H
#define TUNION_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Borrows the bytes it reads. */
struct reader {
	const uint8_t *at;
	size_t left_bytes;
};

static inline struct reader reader_of(const void *bytes, size_t n)
{
	return (struct reader){ .at = bytes, .left_bytes = n };
}

/* The next n bytes, which stay where they are; NULL, and nothing taken, if fewer are left. */
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
