/* src/crypto/aead.c - seals single messages with libsodium, and lists the implementations
 * for batches */
#include "crypto/aead.h"

#include <sodium.h>

#include "base/attr.h"
#include "crypto/aead_impl.h"

/* bytes of text; a single packet up to this size is done faster by libsodium */
#define SMALL_BYTES 256

/* The best comes first. The last one, libsodium's, runs everywhere. */
static const struct aead_impl *const impls[] = {
#ifdef SIMD_AVX512IFMA
	&aead_avx512ifma,
#endif
#ifdef SIMD_AVX512
	&aead_avx512,
#endif
#ifdef SIMD_AVX2
	&aead_avx2,
#endif
#ifdef SIMD_SSSE3
	&aead_ssse3,
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

/* For TCP's acknowledgements, keepalives and pings most lanes would be idle. */
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
