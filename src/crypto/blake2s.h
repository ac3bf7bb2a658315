/* src/crypto/blake2s.h - BLAKE2s (RFC 7693), HMAC with it, and HKDF as in the paper's
 * 5.4 */
#ifndef TUNION_CRYPTO_BLAKE2S_H
#define TUNION_CRYPTO_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE2S_HASH_BYTES  32
#define BLAKE2S_KEY_BYTES   32
#define BLAKE2S_BLOCK_BYTES 64

/* Contains key material if there is a key; blake2s_final wipes it. */
struct blake2s {
	uint32_t h[8];
	uint32_t t[2];
	uint32_t f[2];
	uint8_t buffer[BLAKE2S_BLOCK_BYTES];
	uint32_t buffered;
	uint32_t out_bytes;
};

/* out_bytes is 1..32, key_bytes 0..32; key may be NULL if key_bytes is 0. */
void blake2s_init(struct blake2s *s, size_t out_bytes, const void *key, size_t key_bytes);
void blake2s_update(struct blake2s *s, const void *bytes, size_t n);
void blake2s_final(struct blake2s *s, uint8_t *out);

/* The paper's Hash (without key, 32 bytes out) and Mac (with key, 16 bytes out). */
void blake2s(uint8_t *out, size_t out_bytes, const void *in, size_t in_bytes,
             const void *key, size_t key_bytes);
/* RFC 2104 with BLAKE2s-256. */
void hmac_blake2s(uint8_t out[static BLAKE2S_HASH_BYTES], const void *key,
                  size_t key_bytes, const void *in, size_t in_bytes);

/* The paper's Kdf_n(key, input): RFC 5869 without info. out2 and out3 may be NULL
 * for a smaller n; if out2 is NULL, out3 is too. The outputs may be the same
 * memory as the key. */
void kdf(uint8_t out1[static BLAKE2S_HASH_BYTES], uint8_t *out2, uint8_t *out3,
         const uint8_t key[static BLAKE2S_HASH_BYTES], const void *input,
         size_t input_bytes);

#endif
