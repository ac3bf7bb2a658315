/* src/base/secret.h - where are keys that are kept for a long time?
 *
 * In libsodium's guarded memory: it is locked, left out of core dumps, and lies between
 * pages that can't be accessed. For a single key this would cost 8 KiB, so about a
 * hundred keys share one block. */
#ifndef TUNION_BASE_SECRET_H
#define TUNION_BASE_SECRET_H

#include <stdint.h>

#include "base/attr.h"

#define SECRET_BYTES 32

struct secret_block;

/* The block from which the next keys are taken. A zeroed struct is empty. */
struct secrets {
	struct secret_block *block;
};

/* Returns SECRET_BYTES zeroed bytes; give them back with secret_free. NULL if out of
 * memory. sodium_init must have been called before. */
MUST_CHECK uint8_t *secret_new(struct secrets *secrets);
/* Wipes the key and gives it back. NULL is fine. May be called after secrets_clear. */
void secret_free(uint8_t *secret);
/* Keys that were taken before stay valid until they are given back. */
void secrets_clear(struct secrets *secrets);

#endif
