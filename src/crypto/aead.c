/* src/crypto/aead.c - single messages by libsodium; which implementations there are for
 * batches */
#include "crypto/aead.h"

#include <sodium.h>

#include "base/attr.h"
#include "crypto/aead_impl.h"

#define SMALL_BYTES                                                                      \
	256 /* of a text; up to here libsodium is faster with a single one               \
	     */

/* the best first; libsodium's, the last, runs everywhere */
static const struct aead_impl *const impls[] = {
#ifdef SIMD_X86
	&aead_avx512ifma, &aead_avx512, &aead_avx2, &aead_ssse3,
#endif
#ifdef SIMD_NEON
	&aead_neon,
#endif
	&aead_sodium,
};

const struct aead_impl *aead_at(size_t i)
{
	return i < ARRAY_SIZE(impls) ? impls[i] : NULL;
}

static const struct aead_impl *first_available(void)
{
	size_t i = 0;

	while (!impls[i]->available())
		i++;
	return impls[i];
}

/* Most lanes would be idle: TCP's acknowledgements, keepalives, a ping. */
static bool small(const struct aead_job *jobs, size_t n)
{
	return n == 1 && jobs[0].text_bytes <= SMALL_BYTES;
}

static const struct aead_impl *best_for(const struct aead_impl *impl,
                                        const struct aead_job *jobs, size_t n)
{
	if (small(jobs, n))
		return &aead_sodium;
	return impl ? impl : first_available();
}

void aead_seal_batch(const struct aead_impl *impl, struct aead_job *jobs, size_t n)
{
	best_for(impl, jobs, n)->seal(jobs, n);
}

void aead_open_batch(const struct aead_impl *impl, struct aead_job *jobs, size_t n)
{
	best_for(impl, jobs, n)->open(jobs, n);
}

void aead_seal(uint8_t *out, const uint8_t *text, size_t text_bytes, const uint8_t *ad,
               size_t ad_bytes, uint64_t counter,
               const uint8_t key[static AEAD_KEY_BYTES])
{
	struct aead_nonce nonce = aead_nonce(counter);

	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, text, text_bytes, ad,
	                                          ad_bytes, NULL, (const uint8_t *)&nonce,
	                                          key);
}

bool aead_open(uint8_t *out, const uint8_t *sealed, size_t sealed_bytes,
               const uint8_t *ad, size_t ad_bytes, uint64_t counter,
               const uint8_t key[static AEAD_KEY_BYTES])
{
	struct aead_nonce nonce = aead_nonce(counter);

	return crypto_aead_chacha20poly1305_ietf_decrypt(
		       out, NULL, NULL, sealed, sealed_bytes, ad, ad_bytes,
		       (const uint8_t *)&nonce, key) == 0;
}

void xaead_seal(uint8_t *out, const uint8_t *text, size_t text_bytes, const uint8_t *ad,
                size_t ad_bytes, const uint8_t nonce[static 24],
                const uint8_t key[static AEAD_KEY_BYTES])
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text, text_bytes, ad,
	                                           ad_bytes, NULL, nonce, key);
}

bool xaead_open(uint8_t *out, const uint8_t *sealed, size_t sealed_bytes,
                const uint8_t *ad, size_t ad_bytes, const uint8_t nonce[static 24],
                const uint8_t key[static AEAD_KEY_BYTES])
{
	return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed,
	                                                  sealed_bytes, ad, ad_bytes,
	                                                  nonce, key) == 0;
}
