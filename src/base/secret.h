/* src/base/secret.h - where do keys lie that are kept for long?
 *
 * In libsodium's guarded memory: locked, not in core dumps, between pages that can't be
 * touched. A key alone in it would cost 8 KiB; so a hundred share a block. */
#ifndef TUNION_BASE_SECRET_H
#define TUNION_BASE_SECRET_H

#include <stdint.h>

#include "base/attr.h"

#define SECRET_BYTES 32

struct secret_block;

/* Where the next keys come from. Zeroed is empty. */
struct secrets {
	struct secret_block *block;
};

/* SECRET_BYTES, zeroed; give back with secret_free. NULL if out of memory. sodium_init
 * has to have been called. */
MUST_CHECK uint8_t *secret_new(struct secrets *secrets);
/* Wipes. NULL is fine. May come after secrets_clear. */
void secret_free(uint8_t *secret);
/* What was taken stays valid until it is given back. */
void secrets_clear(struct secrets *secrets);

#endif
