/* src/crypto/aead.h - ChaCha20-Poly1305 (RFC 8439) over batches of packets, in place */
#ifndef TUNION_CRYPTO_AEAD_H
#define TUNION_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define AEAD_KEY_BYTES 32
#define AEAD_TAG_BYTES 16

struct log;

/* One packet. The nonce is 32 zero bits and the little-endian counter (paper 5.4.6); no
 * additional data. Seal: text[0..text_bytes) becomes ciphertext, the tag is written right
 * behind it. Open: the tag is read from behind text; ok says whether it was right; if
 * not, the text is left as it was, undecrypted. Borrows key and text for the call. */
struct aead_job {
	const uint8_t *key;
	uint8_t *text;
	uint64_t counter;
	uint32_t text_bytes;
	bool ok; /* open only */
};

/* One way to do it: an instruction set's, or libsodium's. Constant, never goes away. The
 * functions need no other state; sodium_init has to have been called. */
struct aead_impl {
	const char *name;
	bool (*available)(void); /* can this CPU run it? */
	void (*seal)(struct aead_job *jobs, size_t n);
	void (*open)(struct aead_job *jobs, size_t n);
};

/* The implementations of this build, from the fastest; NULL behind the last. */
const struct aead_impl *aead_at(size_t i);
/* Does it do what libsodium does? Some 100 us. False too if this CPU can't run it. */
bool aead_works(const struct aead_impl *impl);
/* The fastest that works. For once, at the start. The log is told which, and of those
 * that do not work; may be NULL. */
const struct aead_impl *aead_choose(const struct log *log);

/* impl NULL: the fastest that the CPU can run, untested. A single small job is left to
 * libsodium, which is faster there. */
void aead_seal_batch(const struct aead_impl *impl, struct aead_job *jobs, size_t n);
void aead_open_batch(const struct aead_impl *impl, struct aead_job *jobs, size_t n);

/* One message with additional data, for handshakes. out has text_bytes + AEAD_TAG_BYTES;
 * out may be text. */
void aead_seal(uint8_t *out, const uint8_t *text, size_t text_bytes, const uint8_t *ad,
               size_t ad_bytes, uint64_t counter,
               const uint8_t key[static AEAD_KEY_BYTES]);
/* sealed_bytes counts the tag; out gets sealed_bytes - AEAD_TAG_BYTES. False: wrong tag
 * or too short; then out is zeroed. */
MUST_CHECK bool aead_open(uint8_t *out, const uint8_t *sealed, size_t sealed_bytes,
                          const uint8_t *ad, size_t ad_bytes, uint64_t counter,
                          const uint8_t key[static AEAD_KEY_BYTES]);

/* XChaCha20-Poly1305, for cookie replies (paper 5.4.7). Same rules. */
void xaead_seal(uint8_t *out, const uint8_t *text, size_t text_bytes, const uint8_t *ad,
                size_t ad_bytes, const uint8_t nonce[static 24],
                const uint8_t key[static AEAD_KEY_BYTES]);
MUST_CHECK bool xaead_open(uint8_t *out, const uint8_t *sealed, size_t sealed_bytes,
                           const uint8_t *ad, size_t ad_bytes,
                           const uint8_t nonce[static 24],
                           const uint8_t key[static AEAD_KEY_BYTES]);

#endif
