/* src/proxy/lwip_unread.c */
#include "proxy/lwip_unread.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SMALL ((size_t)2 << 10)
#define CHUNK_LARGE ((size_t)16 << 10)

struct lwip_chunk {
	struct lwip_chunk *next;
	size_t begin, end, size;
	uint8_t bytes[];
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static struct lwip_chunk *add_chunk(struct lwip_unread *u, size_t n)
{
	size_t size = u->first || n > CHUNK_SMALL ? CHUNK_LARGE : CHUNK_SMALL;
	struct lwip_chunk *c = malloc(sizeof(*c) + size);

	if (!c)
		return NULL;
	*c = (struct lwip_chunk){ .size = size };
	if (u->last)
		u->last->next = c;
	else
		u->first = c;
	u->last = c;
	return c;
}

bool lwip_unread_add(struct lwip_unread *u, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		struct lwip_chunk *c = u->last;
		size_t some;

		if (!c || c->end == c->size)
			c = add_chunk(u, n);
		if (!c)
			return false;
		some = least(c->size - c->end, n);
		memcpy(c->bytes + c->end, bytes, some);
		c->end += some;
		u->bytes += some;
		bytes += some;
		n -= some;
	}
	return true;
}

size_t lwip_unread_peek(const struct lwip_unread *u, uint8_t *out, size_t n)
{
	size_t at = 0;

	for (const struct lwip_chunk *c = u->first; c && at < n; c = c->next) {
		size_t some = least(c->end - c->begin, n - at);

		memcpy(out + at, c->bytes + c->begin, some);
		at += some;
	}
	return at;
}

size_t lwip_unread_drop(struct lwip_unread *u, size_t n)
{
	size_t left = n;

	while (left > 0 && u->first) {
		struct lwip_chunk *c = u->first;
		size_t some = least(c->end - c->begin, left);

		c->begin += some;
		u->bytes -= some;
		left -= some;
		if (c->begin < c->end)
			break;
		u->first = c->next;
		if (!u->first)
			u->last = NULL;
		free(c);
	}
	return n - left;
}
