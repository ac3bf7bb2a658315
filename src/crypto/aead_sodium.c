/* src/crypto/aead_sodium.c - the batch AEAD by libsodium, one packet after the other
 *
 * This is for CPUs that none of the other files supports. libsodium's own AEAD zeroes its
 * output when the tag is wrong. A batch must not do that: the text may be a packet of
 * somebody else that only looks like one of ours. So the tag is checked first, over the
 * ciphertext, and only a packet whose tag is right is decrypted. */
#include <sodium.h>

#include "base/wire.h"
#include "crypto/aead_impl.h"

static void seal_job(struct aead_job *job)
{
	struct aead_nonce nonce = aead_nonce(job->counter);

	crypto_aead_chacha20poly1305_ietf_encrypt_detached(
		job->text, job->text + job->text_bytes, NULL, job->text, job->text_bytes,
		NULL, 0, NULL, (const uint8_t *)&nonce, job->key);
}

/* RFC 8439 2.8: the tag covers the ciphertext, zeroes up to a multiple of 16 bytes, and
 * both lengths. The first length, of the additional data, is 0. */
static void compute_tag(uint8_t tag[static AEAD_TAG_BYTES], const struct aead_job *job,
                        const struct aead_nonce *nonce)
{
	static const uint8_t zeroes[16] = { 0 };
	uint8_t block[64]; /* its first half is the Poly1305 key */
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
	struct aead_nonce nonce = aead_nonce(job->counter);
	uint8_t tag[AEAD_TAG_BYTES];

	compute_tag(tag, job, &nonce);
	job->ok = crypto_verify_16(tag, job->text + job->text_bytes) == 0;
	if (job->ok)
		crypto_stream_chacha20_ietf_xor_ic(job->text, job->text, job->text_bytes,
		                                   (const uint8_t *)&nonce, 1, job->key);
	sodium_memzero(tag, sizeof(tag));
}

static bool available(void)
{
	return true;
}

static void seal_batch(struct aead_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		seal_job(&jobs[i]);
}

static void open_batch(struct aead_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		open_job(&jobs[i]);
}

const struct aead_impl aead_sodium = { "libsodium", available, seal_batch, open_batch };
