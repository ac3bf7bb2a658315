/* src/base/secret.h - where are keys that are kept for longer than one call?
 *
 * In libsodium's guarded memory: it is locked, left out of core dumps, and lies between
 * pages that can't be accessed. For a single key this would cost 8 KiB, so 84 keys share
 * one block: a key takes 48 bytes of it, and with the block's other pages about 100. */
#ifndef TUNION_BASE_SECRET_H
#define TUNION_BASE_SECRET_H

#include <stdint.h>

#include "base/attr.h"

#define SECRET_BYTES 32

struct secret_pool;

/* Where keys are taken from. A zeroed struct is empty. */
struct secrets {
	struct secret_pool *pool; /* NULL until the first key is taken */
};

/* Returns SECRET_BYTES zeroed bytes; give them back with secret_free. NULL if out of
 * memory. sodium_init must have been called before. */
MUST_CHECK uint8_t *secret_new(struct secrets *secrets);
/* Wipes the key and gives it back. NULL is fine. May be called after secrets_clear. */
void secret_free(uint8_t *secret);
/* Keys that were taken before stay valid until they are given back. */
void secrets_clear(struct secrets *secrets);

#endif
