/* src/base/secret.c - a block is freed when all of its keys have been given back and no
 * struct secrets takes keys from it any more. */
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>

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
	size_t used;         /* number of slots that are taken */
	bool open;           /* a struct secrets takes new keys from this block */
	struct slot *unused; /* list of the slots that are not taken */
	struct slot slots[];
};

#define SLOTS ((BLOCK_BYTES - sizeof(struct secret_block)) / sizeof(struct slot))

static struct secret_block *block_new(void)
{
	struct secret_block *b = sodium_malloc(BLOCK_BYTES);

	if (!b)
		return NULL;
	sodium_memzero(b, BLOCK_BYTES);
	b->open = true;
	for (size_t i = SLOTS; i > 0; i--) {
		b->slots[i - 1].block = b;
		b->slots[i - 1].next = b->unused;
		b->unused = &b->slots[i - 1];
	}
	return b;
}

static void release_if_unused(struct secret_block *b)
{
	if (!b->open && b->used == 0)
		sodium_free(b);
}

uint8_t *secret_new(struct secrets *secrets)
{
	struct slot *slot;

	if (secrets->block && !secrets->block->unused)
		secrets_clear(secrets);
	if (!secrets->block)
		secrets->block = block_new();
	if (!secrets->block)
		return NULL;
	slot = secrets->block->unused;
	secrets->block->unused = slot->next;
	secrets->block->used++;
	return slot->key;
}

void secret_free(uint8_t *secret)
{
	struct slot *slot;
	struct secret_block *b;

	if (!secret)
		return;
	slot = CONTAINER_OF(secret, struct slot, key[0]);
	b = slot->block;
	sodium_memzero(slot->key, sizeof(slot->key));
	slot->next = b->unused;
	b->unused = slot;
	b->used--;
	release_if_unused(b);
}

void secrets_clear(struct secrets *secrets)
{
	struct secret_block *b = secrets->block;

	secrets->block = NULL;
	if (!b)
		return;
	b->open = false;
	release_if_unused(b);
}
