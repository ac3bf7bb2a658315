/* src/base/packet.c - the pool has two kinds of buffers: small ones, which are enough for
 * most packets of a tunnel and are kept in a free list, and larger ones of exactly the
 * size that was asked for. */
#include "base/packet.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define SMALL_BYTES 2048

uint8_t *packet_push(struct packet *p, uint32_t n)
{
	assert(n <= p->headroom_bytes);
	p->data -= n;
	p->len_bytes += n;
	p->headroom_bytes -= n;
	return p->data;
}

void packet_pull(struct packet *p, uint32_t n)
{
	assert(n <= p->len_bytes);
	p->data += n;
	p->len_bytes -= n;
	p->headroom_bytes += n;
}

void packet_set_len(struct packet *p, uint32_t n)
{
	assert(n <= p->len_bytes + p->tailroom_bytes);
	p->tailroom_bytes = p->len_bytes + p->tailroom_bytes - n;
	p->len_bytes = n;
}

struct pool_buffer {
	struct packet packet; /* first member: this is what the user holds */
	struct pool_buffer *next_free;
	size_t size_bytes;
	uint8_t bytes[];
};

struct packet_pool {
	struct pool_buffer *free_list;
	size_t limit_bytes, used_bytes; /* used: taken and kept ones together */
};

struct packet_pool *packet_pool_new(size_t limit_bytes)
{
	struct packet_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->limit_bytes = limit_bytes;
	return pool;
}

/* Gives one of the kept buffers back to the system; false if there is none. */
static bool release_one(struct packet_pool *pool)
{
	struct pool_buffer *b = pool->free_list;

	if (!b)
		return false;
	pool->free_list = b->next_free;
	pool->used_bytes -= b->size_bytes;
	free(b);
	return true;
}

void packet_pool_free(struct packet_pool *pool)
{
	if (!pool)
		return;
	while (release_one(pool))
		;
	free(pool);
}

static struct pool_buffer *pool_get(struct packet_pool *pool, size_t size_bytes)
{
	struct pool_buffer *b = pool->free_list;

	if (size_bytes <= SMALL_BYTES && b) {
		pool->free_list = b->next_free;
		return b;
	}
	if (size_bytes < SMALL_BYTES)
		size_bytes = SMALL_BYTES;
	while (size_bytes > pool->limit_bytes - pool->used_bytes) {
		/* kept small buffers make room for a large packet */
		if (!release_one(pool))
			return NULL;
	}
	b = malloc(sizeof(*b) + PACKET_HEADROOM_BYTES + size_bytes +
	           PACKET_TAILROOM_BYTES);
	if (b) {
		b->size_bytes = size_bytes;
		pool->used_bytes += size_bytes;
	}
	return b;
}

struct packet *packet_pool_take(struct packet_pool *pool, uint32_t len_bytes)
{
	struct pool_buffer *b = pool_get(pool, len_bytes);

	if (!b)
		return NULL;
	b->next_free = NULL;
	b->packet = (struct packet){
		.data = b->bytes + PACKET_HEADROOM_BYTES,
		.len_bytes = len_bytes,
		.headroom_bytes = PACKET_HEADROOM_BYTES,
		.tailroom_bytes =
			(uint32_t)(b->size_bytes - len_bytes) + PACKET_TAILROOM_BYTES,
	};
	return &b->packet;
}

struct packet *packet_pool_copy(struct packet_pool *pool, const struct packet *p)
{
	struct packet *copy = packet_pool_take(pool, p->len_bytes);

	if (!copy)
		return NULL;
	copy->tos = p->tos;
	memcpy(copy->data, p->data, p->len_bytes);
	return copy;
}

void packet_pool_put(struct packet_pool *pool, struct packet *p)
{
	struct pool_buffer *b = CONTAINER_OF(p, struct pool_buffer, packet);

	sodium_memzero(b->bytes,
	               PACKET_HEADROOM_BYTES + b->size_bytes + PACKET_TAILROOM_BYTES);
	if (b->size_bytes == SMALL_BYTES) {
		b->next_free = pool->free_list;
		pool->free_list = b;
	} else {
		pool->used_bytes -= b->size_bytes;
		free(b);
	}
}
