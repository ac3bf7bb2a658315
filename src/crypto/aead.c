/* src/crypto/aead.c - single messages by libsodium; the choice of an implementation for
 * batches
 *
 * The self-test seals and opens one batch of packets whose lengths lie around everything
 * that an implementation treats apart, under several keys, with libsodium as the model,
 * and checks that of a packet whose tag is wrong no byte changes. */
#include "crypto/aead.h"

#include <string.h>

#include <sodium.h>

#include "base/attr.h"
#include "crypto/aead_impl.h"

#define SMALL_BYTES 256 /* of a text; up to here libsodium is faster with a single one   \
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

#define TEST_JOBS       37
#define TEST_SLOT_BYTES (600 + AEAD_TAG_BYTES)

struct self_test {
	struct aead_job jobs[TEST_JOBS];
	uint8_t keys[3][AEAD_KEY_BYTES];
	uint8_t plain[TEST_JOBS][TEST_SLOT_BYTES];
	uint8_t sealed[TEST_JOBS][TEST_SLOT_BYTES]; /* by libsodium */
	uint8_t bytes[TEST_JOBS][TEST_SLOT_BYTES];  /* by who is tested */
};

static void self_test_prepare(struct self_test *t)
{
	static const uint16_t lengths[] = { 0,   1,   15,  16,  17,  32,  63,  64,  65,
		                            127, 128, 129, 255, 256, 257, 511, 512, 600 };

	for (size_t i = 0; i < sizeof(t->plain); i++)
		((uint8_t *)t->plain)[i] = (uint8_t)(i * i >> 3);
	for (size_t i = 0; i < sizeof(t->keys); i++)
		((uint8_t *)t->keys)[i] = (uint8_t)(i * 5 + 1);
	memcpy(t->sealed, t->plain, sizeof(t->sealed));
	for (size_t i = 0; i < TEST_JOBS; i++) {
		t->jobs[i] = (struct aead_job){
			.key = t->keys[i / 2 % ARRAY_SIZE(t->keys)],
			.text = t->bytes[i],
			.counter = UINT64_C(0xfffffffe) + i,
			.text_bytes = lengths[i % ARRAY_SIZE(lengths)],
		};
	}
	for (size_t i = 0; i < TEST_JOBS; i++) {
		struct aead_nonce nonce = aead_nonce(t->jobs[i].counter);
		uint32_t n = t->jobs[i].text_bytes;

		crypto_aead_chacha20poly1305_ietf_encrypt_detached(
			t->sealed[i], t->sealed[i] + n, NULL, t->plain[i], n, NULL, 0,
			NULL, (const uint8_t *)&nonce, t->jobs[i].key);
	}
}

/* Every third packet gets a bit wrong. */
static bool self_test_open(struct self_test *t, const struct aead_impl *impl)
{
	for (size_t i = 0; i < TEST_JOBS; i += 3)
		t->bytes[i][t->jobs[i].text_bytes + i % AEAD_TAG_BYTES] ^= 0x10;
	for (size_t i = 0; i < TEST_JOBS; i++)
		t->jobs[i].ok = i % 3 == 0;
	impl->open(t->jobs, TEST_JOBS);
	for (size_t i = 0; i < TEST_JOBS; i++) {
		bool spoiled = i % 3 == 0;

		if (t->jobs[i].ok == spoiled ||
		    memcmp(t->bytes[i], spoiled ? t->sealed[i] : t->plain[i],
		           t->jobs[i].text_bytes) != 0)
			return false;
	}
	return true;
}

bool aead_works(const struct aead_impl *impl)
{
	struct self_test t;

	if (!impl->available())
		return false;
	self_test_prepare(&t);
	memcpy(t.bytes, t.plain, sizeof(t.bytes));
	impl->seal(t.jobs, TEST_JOBS);
	return memcmp(t.bytes, t.sealed, sizeof(t.bytes)) == 0 &&
	       self_test_open(&t, impl);
}

const struct aead_impl *aead_choose(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(impls); i++)
		if (aead_works(impls[i]))
			return impls[i];
	return &aead_sodium;
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
