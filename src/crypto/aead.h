/* src/crypto/aead.h - ChaCha20-Poly1305 (RFC 8439) over batches of packets, in place */
#ifndef TUNION_CRYPTO_AEAD_H
#define TUNION_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "crypto/aead_job.h"

struct log;

/* The implementations of this build, the fastest first; NULL after the last one. */
const struct aead_impl *aead_at(size_t i);
/* Does it give the same results as libsodium? The test takes about 100 us. False also if
 * this CPU can't run it. */
bool aead_works(const struct aead_impl *impl);
/* Returns the fastest one that works. Call it once, at the start. It tells the log which
 * one it chose, and which ones do not work; `log` may be NULL. */
const struct aead_impl *aead_choose(const struct log *log);

/* With impl NULL they use the fastest one that this CPU can run, untested. A single small
 * job is done by libsodium, which is faster for it. */
void aead_seal_batch(const struct aead_impl *impl, struct aead_job *jobs, size_t n);
void aead_open_batch(const struct aead_impl *impl, struct aead_job *jobs, size_t n);

/* One message with additional data, for handshakes. `out` has room for
 * text_bytes + AEAD_TAG_BYTES and may be the same as `text`. */
void aead_seal(uint8_t *out, const uint8_t *text, size_t text_bytes, const uint8_t *ad,
               size_t ad_bytes, uint64_t counter,
               const uint8_t key[static AEAD_KEY_BYTES]);
/* sealed_bytes includes the tag; `out` gets sealed_bytes - AEAD_TAG_BYTES.
 * Returns false if the tag is wrong, and then zeroes `out`, or if the message is
 * too short for a tag. */
MUST_CHECK bool aead_open(uint8_t *out, const uint8_t *sealed, size_t sealed_bytes,
                          const uint8_t *ad, size_t ad_bytes, uint64_t counter,
                          const uint8_t key[static AEAD_KEY_BYTES]);

/* XChaCha20-Poly1305, for cookie replies (paper 5.4.7). The same rules apply. */
void xaead_seal(uint8_t *out, const uint8_t *text, size_t text_bytes, const uint8_t *ad,
                size_t ad_bytes, const uint8_t nonce[static 24],
                const uint8_t key[static AEAD_KEY_BYTES]);
MUST_CHECK bool xaead_open(uint8_t *out, const uint8_t *sealed, size_t sealed_bytes,
                           const uint8_t *ad, size_t ad_bytes,
                           const uint8_t nonce[static 24],
                           const uint8_t key[static AEAD_KEY_BYTES]);

#endif
