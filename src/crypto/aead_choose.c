/* src/crypto/aead_choose.c - the self-test seals and opens one batch of packets. Their
 * lengths are just below, at and above every length that an implementation treats
 * specially; they use several keys; libsodium is the model. It also checks that no byte
 * of a packet whose tag is wrong is changed. */
#include <string.h>

#include <sodium.h>

#include "base/attr.h"
#include "base/log.h"
#include "crypto/aead.h"
#include "crypto/aead_impl.h"

#define TEST_JOBS       37
#define TEST_SLOT_BYTES (600 + AEAD_TAG_BYTES)

struct self_test {
	struct aead_job jobs[TEST_JOBS];
	uint8_t keys[3][AEAD_KEY_BYTES];
	uint8_t plain[TEST_JOBS][TEST_SLOT_BYTES];
	uint8_t sealed[TEST_JOBS][TEST_SLOT_BYTES]; /* by libsodium */
	uint8_t bytes[TEST_JOBS][TEST_SLOT_BYTES];  /* by the one that is tested */
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

/* One bit of the tag of every third packet is flipped. */
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

const struct aead_impl *aead_choose(const struct log *log)
{
	const struct aead_impl *impl;

	for (size_t i = 0; (impl = aead_at(i)); i++) {
		if (!impl->available())
			continue;
		if (aead_works(impl)) {
			log_debug(log, NULL, "ChaCha20-Poly1305 by %s", impl->name);
			return impl;
		}
		log_warn(log, NULL,
		         "ChaCha20-Poly1305 by %s gives wrong results: not used",
		         impl->name);
	}
	return &aead_sodium;
}
