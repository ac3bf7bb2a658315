/* src/crypto/aead_impl.h - which implementations of the batch AEAD does this build have?
 *
 * Each one is in a file of its own, which is compiled for its instruction set;
 * see aead_at. */
#ifndef TUNION_CRYPTO_AEAD_IMPL_H
#define TUNION_CRYPTO_AEAD_IMPL_H

#include "base/wire.h"
#include "crypto/aead_job.h"

/* the nonce of the paper's 5.4.6 */
struct aead_nonce {
	uint8_t zero[4];
	struct le64 counter;
};
_Static_assert(sizeof(struct aead_nonce) == 12, "the nonce of RFC 8439");

static inline struct aead_nonce aead_nonce(uint64_t counter)
{
	return (struct aead_nonce){ .counter = le64_put(counter) };
}

extern const struct aead_impl aead_avx512ifma;
extern const struct aead_impl aead_avx512;
extern const struct aead_impl aead_avx2;
extern const struct aead_impl aead_ssse3;
extern const struct aead_impl aead_neon;
extern const struct aead_impl aead_sodium;

#endif
