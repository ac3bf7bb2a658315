/* src/base/sealed.h - how does a process keep keys that it needs again, but seldom?
 *
 * Sealed: encrypted, with a key that is drawn for this process and lies in a secret_page.
 * That page can be read only while one of them is sealed or opened, and only the caller has
 * the key itself then. So who reads the memory of this process at any other time finds no key
 * in it; how far that goes for the page itself is said in secret_page.h.
 *
 * The life of a private or preshared key in the supervisor:
 *  - conf/load reads the text of a file into guarded memory, which is wiped and given back
 *    when all files are read; conf/keys decodes a key on the stack, seals it and wipes it;
 *  - supervisor/hook_keys does the same with keys of a worker's answer that only hooks know;
 *  - struct conf and struct hook_keys have only sealed keys. A reload compares these without
 *    opening them;
 *  - outbuf_print_sealed opens one to tell a worker; the buffers on the way to it are wiped
 *    when they are sent;
 *  - SaveConfig asks the worker for its keys, and writes them from buffers that are wiped. */
#ifndef TUNION_BASE_SEALED_H
#define TUNION_BASE_SEALED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define SEALED_BYTES     32
#define SEALED_TAG_BYTES 16

struct seal; /* on the heap, as long as a sealer or a key has it */

/* Seals keys. A zeroed struct is empty; the first key draws what it needs. */
struct sealer {
	struct seal *seal; /* shared with its keys */
};

/* A zeroed struct is no key. It may be moved, but not copied. */
struct sealed_key {
	struct seal *seal; /* NULL: there is no key */
	uint8_t tag[SEALED_TAG_BYTES];
	uint8_t bytes[SEALED_BYTES];
};

/* Lets this empty sealer seal as the key (NULL, or no key: as no other) is sealed, which
 * makes it cheap to compare them. */
void sealer_share(struct sealer *sealer, const struct sealed_key *key);
/* Keys that it has sealed stay valid. */
void sealer_clear(struct sealer *sealer);

/* Seals a copy of `key` in the place of what was there. Returns 0 or -errno; then there is no
 * key. sodium_init must have been called before. */
MUST_CHECK int sealed_set(struct sealed_key *k, struct sealer *sealer,
                          const uint8_t key[static SEALED_BYTES]);
static inline bool sealed_is_set(const struct sealed_key *k)
{
	return k->seal != NULL;
}
/* Writes the key, which the caller wipes; zeroes if there is none. Returns false if it can't
 * be opened, for want of memory; then it writes zeroes. */
MUST_CHECK bool sealed_open(const struct sealed_key *k, uint8_t out[static SEALED_BYTES]);
/* Are both the same key, or both none? Takes the same time for all keys. */
bool sealed_equal(const struct sealed_key *a, const struct sealed_key *b);
/* Is what opens this key in secret memory, and not only in guarded memory? */
bool sealed_in_secret_memory(const struct sealed_key *k);
void sealed_clear(struct sealed_key *k);

#endif
