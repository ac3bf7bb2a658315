/* src/crypto/aead.c - RFC 8439 2.8 by libsodium
 *
 * One message goes to libsodium's own AEAD. It zeroes the output when the tag is wrong,
 * which a batch must not: there the text may be another's packet that only looks like
 * ours. So the batch checks Poly1305 first, over the ciphertext, and decrypts what
 * passed. */
#include "crypto/aead.h"

#include <string.h>

#include <sodium.h>

#include "base/wire.h"

struct nonce {
	uint8_t zero[4];
	struct le64 counter;
};
_Static_assert(sizeof(struct nonce) == crypto_aead_chacha20poly1305_IETF_NPUBBYTES,
               "32 zero bits and the counter, paper 5.4.6");

static struct nonce nonce_of(uint64_t counter)
{
	return (struct nonce){ .counter = le64_put(counter) };
}

static void seal_job(struct aead_job *job)
{
	struct nonce nonce = nonce_of(job->counter);

	crypto_aead_chacha20poly1305_ietf_encrypt_detached(
		job->text, job->text + job->text_bytes, NULL, job->text, job->text_bytes,
		NULL, 0, NULL, (const uint8_t *)&nonce, job->key);
}

/* RFC 8439 2.8: the ciphertext, zeroes up to 16, and both lengths, of which the first is
 * 0 */
static void compute_tag(uint8_t tag[static AEAD_TAG_BYTES], const struct aead_job *job,
                        const struct nonce *nonce)
{
	static const uint8_t zeroes[16] = { 0 };
	uint8_t block[64] = { 0 }; /* its first half is the Poly1305 key */
	struct le64 lengths[2] = { le64_put(0), le64_put(job->text_bytes) };
	crypto_onetimeauth_poly1305_state state;

	crypto_stream_chacha20_ietf(block, sizeof(block), (const uint8_t *)nonce,
	                            job->key);
	crypto_onetimeauth_poly1305_init(&state, block);
	crypto_onetimeauth_poly1305_update(&state, job->text, job->text_bytes);
	crypto_onetimeauth_poly1305_update(&state, zeroes, -job->text_bytes & 15);
	crypto_onetimeauth_poly1305_update(&state, (const uint8_t *)lengths,
	                                   sizeof(lengths));
	crypto_onetimeauth_poly1305_final(&state, tag);
	sodium_memzero(block, sizeof(block));
	sodium_memzero(&state, sizeof(state));
}

static void open_job(struct aead_job *job)
{
	struct nonce nonce = nonce_of(job->counter);
	uint8_t tag[AEAD_TAG_BYTES];

	compute_tag(tag, job, &nonce);
	job->ok = sodium_memcmp(tag, job->text + job->text_bytes, sizeof(tag)) == 0;
	if (job->ok)
		crypto_stream_chacha20_ietf_xor_ic(job->text, job->text, job->text_bytes,
		                                   (const uint8_t *)&nonce, 1, job->key);
	sodium_memzero(tag, sizeof(tag));
}

void aead_seal_batch(struct aead_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		seal_job(&jobs[i]);
}

void aead_open_batch(struct aead_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		open_job(&jobs[i]);
}

void aead_seal(uint8_t *out, const uint8_t *text, size_t text_bytes, const uint8_t *ad,
               size_t ad_bytes, uint64_t counter,
               const uint8_t key[static AEAD_KEY_BYTES])
{
	struct nonce nonce = nonce_of(counter);

	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, text, text_bytes, ad,
	                                          ad_bytes, NULL, (const uint8_t *)&nonce,
	                                          key);
}

bool aead_open(uint8_t *out, const uint8_t *sealed, size_t sealed_bytes,
               const uint8_t *ad, size_t ad_bytes, uint64_t counter,
               const uint8_t key[static AEAD_KEY_BYTES])
{
	struct nonce nonce = nonce_of(counter);

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
