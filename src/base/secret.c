/* src/base/secret.c - a pool has blocks, and a block has slots for keys. A block is freed
 * when all of its keys have been given back; one such block is kept, as long as the struct
 * secrets is there, so that a key that comes and goes costs no system calls.
 *
 * The pool is on the heap and not in struct secrets, because keys may outlive that. */
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/attr.h"

/* This fits into one page together with the 16 bytes that libsodium adds. It is a
 * multiple of 16, because libsodium puts a block at the end of a page and would not align
 * it otherwise. */
#define BLOCK_BYTES (4096 - 16)

struct slot {
	struct secret_block *block;
	struct slot *next; /* in the list of unused slots */
	uint8_t key[SECRET_BYTES];
};

struct secret_block {
	struct secret_pool *pool; /* borrowed */
	struct secret_block *next, *previous;
	size_t used;         /* number of slots that are taken */
	struct slot *unused; /* list of the slots that are not taken */
	struct slot slots[];
};

/* On the heap until no struct secrets has it and it has no block. */
struct secret_pool {
	struct secret_block *first, *last; /* owned; those with unused slots come first */
	bool open;                         /* a struct secrets takes keys from it */
};

#define SLOTS ((BLOCK_BYTES - sizeof(struct secret_block)) / sizeof(struct slot))

static void unlink_block(struct secret_block *b)
{
	*(b->previous ? &b->previous->next : &b->pool->first) = b->next;
	*(b->next ? &b->next->previous : &b->pool->last) = b->previous;
	b->next = b->previous = NULL;
}

static void put_first(struct secret_block *b)
{
	struct secret_pool *p = b->pool;

	b->next = p->first;
	*(p->first ? &p->first->previous : &p->last) = b;
	p->first = b;
}

static void put_last(struct secret_block *b)
{
	struct secret_pool *p = b->pool;

	b->previous = p->last;
	*(p->last ? &p->last->next : &p->first) = b;
	p->last = b;
}

static struct secret_block *block_new(struct secret_pool *pool)
{
	struct secret_block *b = sodium_malloc(BLOCK_BYTES);

	if (!b)
		return NULL;
	sodium_memzero(b, BLOCK_BYTES);
	b->pool = pool;
	for (size_t i = SLOTS; i > 0; i--) {
		b->slots[i - 1].block = b;
		b->slots[i - 1].next = b->unused;
		b->unused = &b->slots[i - 1];
	}
	put_first(b);
	return b;
}

static bool another_has_room(const struct secret_block *b)
{
	const struct secret_block *other = b->pool->first == b ? b->next : b->pool->first;

	return other && other->unused;
}

/* Frees the block if no key is in it, and if the pool has no need of it. */
static void release_block(struct secret_block *b)
{
	if (b->used != 0 || (b->pool->open && !another_has_room(b)))
		return;
	unlink_block(b);
	sodium_free(b);
}

static void release_pool(struct secret_pool *pool)
{
	if (!pool->open && !pool->first)
		free(pool);
}

uint8_t *secret_new(struct secrets *secrets)
{
	struct secret_block *b;
	struct slot *slot;

	if (!secrets->pool)
		secrets->pool = calloc(1, sizeof(*secrets->pool));
	if (!secrets->pool)
		return NULL;
	secrets->pool->open = true;
	b = secrets->pool->first;
	if (!b || !b->unused)
		b = block_new(secrets->pool);
	if (!b)
		return NULL;
	slot = b->unused;
	b->unused = slot->next;
	b->used++;
	if (!b->unused) {
		unlink_block(b);
		put_last(b);
	}
	return slot->key;
}

void secret_free(uint8_t *secret)
{
	struct slot *slot;
	struct secret_block *b;
	struct secret_pool *pool;

	if (!secret)
		return;
	slot = CONTAINER_OF(secret, struct slot, key[0]);
	b = slot->block;
	pool = b->pool;
	sodium_memzero(slot->key, sizeof(slot->key));
	if (!b->unused) {
		unlink_block(b);
		put_first(b);
	}
	slot->next = b->unused;
	b->unused = slot;
	b->used--;
	release_block(b);
	release_pool(pool);
}

void secrets_clear(struct secrets *secrets)
{
	struct secret_pool *pool = secrets->pool;

	secrets->pool = NULL;
	if (!pool)
		return;
	pool->open = false;
	for (struct secret_block *b = pool->first, *next; b; b = next) {
		next = b->next;
		release_block(b);
	}
	release_pool(pool);
}
