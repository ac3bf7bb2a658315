/* src/crypto/aead_job.h - what one packet of a batch is, and who can encrypt a batch */
#ifndef TUNION_CRYPTO_AEAD_JOB_H
#define TUNION_CRYPTO_AEAD_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_BYTES 32
#define AEAD_TAG_BYTES 16

/* One packet. The nonce is 32 zero bits and the little-endian counter (paper 5.4.6);
 * there is no additional data. Seal: text[0..text_bytes) becomes ciphertext, and the tag
 * is written right behind it. Open: the tag is read from right behind the text, and `ok`
 * says whether it is right; if it is not, the text stays encrypted. Key and text are
 * borrowed for the call. */
struct aead_job {
	const uint8_t *key;
	uint8_t *text;
	uint64_t counter;
	uint32_t text_bytes;
	bool ok; /* open only */
};

/* One implementation: for an instruction set, or with libsodium. It is constant and
 * always valid. The functions need no other state; sodium_init must have been
 * called before. */
struct aead_impl {
	const char *name;
	bool (*available)(void); /* can this CPU run it? */
	void (*seal)(struct aead_job *jobs, size_t n);
	void (*open)(struct aead_job *jobs, size_t n);
};

#endif
