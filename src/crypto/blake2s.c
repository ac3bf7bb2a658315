/* src/crypto/blake2s.c - RFC 7693 section 3 in portable C; only handshakes use it
 *
 * Bytes are collected in `buffer`. A full block is compressed only when another byte
 * follows, because the last block, full or not, has to wait for blake2s_final, which
 * marks it as the last one. A key makes up the first block, padded with zeroes. */
#include "crypto/blake2s.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "base/attr.h"
#include "base/wire.h"

static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* RFC 7693 2.7: the order of the message words in each round */
static const uint8_t sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static inline uint32_t rotate_right(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/* RFC 7693 3.1 */
static inline void mix(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d, uint32_t x,
                       uint32_t y)
{
	*a += *b + x;
	*d = rotate_right(*d ^ *a, 16);
	*c += *d;
	*b = rotate_right(*b ^ *c, 12);
	*a += *b + y;
	*d = rotate_right(*d ^ *a, 8);
	*c += *d;
	*b = rotate_right(*b ^ *c, 7);
}

static void compress(struct blake2s *s, const uint8_t block[static BLAKE2S_BLOCK_BYTES])
{
	uint32_t m[16], v[16];
	struct le32 word;

	for (size_t i = 0; i < 16; i++) {
		memcpy(word.b, block + 4 * i, sizeof(word.b));
		m[i] = le32_get(word);
	}
	memcpy(v, s->h, sizeof(s->h));
	memcpy(v + 8, iv, sizeof(iv));
	v[12] ^= s->t[0];
	v[13] ^= s->t[1];
	v[14] ^= s->f[0];
	v[15] ^= s->f[1];
	for (size_t r = 0; r < ARRAY_SIZE(sigma); r++) {
		const uint8_t *o = sigma[r];

		mix(&v[0], &v[4], &v[8], &v[12], m[o[0]], m[o[1]]);
		mix(&v[1], &v[5], &v[9], &v[13], m[o[2]], m[o[3]]);
		mix(&v[2], &v[6], &v[10], &v[14], m[o[4]], m[o[5]]);
		mix(&v[3], &v[7], &v[11], &v[15], m[o[6]], m[o[7]]);
		mix(&v[0], &v[5], &v[10], &v[15], m[o[8]], m[o[9]]);
		mix(&v[1], &v[6], &v[11], &v[12], m[o[10]], m[o[11]]);
		mix(&v[2], &v[7], &v[8], &v[13], m[o[12]], m[o[13]]);
		mix(&v[3], &v[4], &v[9], &v[14], m[o[14]], m[o[15]]);
	}
	for (size_t i = 0; i < 8; i++)
		s->h[i] ^= v[i] ^ v[i + 8];
	sodium_memzero(m, sizeof(m));
	sodium_memzero(v, sizeof(v));
}

static void count(struct blake2s *s, uint32_t bytes)
{
	s->t[0] += bytes;
	s->t[1] += s->t[0] < bytes;
}

void blake2s_init(struct blake2s *s, size_t out_bytes, const void *key, size_t key_bytes)
{
	assert(out_bytes > 0 && out_bytes <= BLAKE2S_HASH_BYTES &&
	       key_bytes <= BLAKE2S_KEY_BYTES);
	memset(s, 0, sizeof(*s));
	memcpy(s->h, iv, sizeof(iv));
	s->h[0] ^= UINT32_C(0x01010000) ^ (uint32_t)key_bytes << 8 ^ (uint32_t)out_bytes;
	s->out_bytes = (uint32_t)out_bytes;
	if (key_bytes > 0) {
		memcpy(s->buffer, key, key_bytes);
		s->buffered = BLAKE2S_BLOCK_BYTES;
	}
}

void blake2s_update(struct blake2s *s, const void *bytes, size_t n)
{
	const uint8_t *in = bytes;

	while (n > 0) {
		size_t take = BLAKE2S_BLOCK_BYTES - s->buffered;

		if (take == 0) {
			count(s, BLAKE2S_BLOCK_BYTES);
			compress(s, s->buffer);
			s->buffered = 0;
			continue;
		}
		if (take > n)
			take = n;
		memcpy(s->buffer + s->buffered, in, take);
		s->buffered += (uint32_t)take;
		in += take;
		n -= take;
	}
}

void blake2s_final(struct blake2s *s, uint8_t *out)
{
	uint8_t hash[BLAKE2S_HASH_BYTES];

	count(s, s->buffered);
	memset(s->buffer + s->buffered, 0, BLAKE2S_BLOCK_BYTES - s->buffered);
	s->f[0] = UINT32_MAX;
	compress(s, s->buffer);
	for (size_t i = 0; i < 8; i++) {
		struct le32 word = le32_put(s->h[i]);

		memcpy(hash + 4 * i, word.b, sizeof(word.b));
	}
	memcpy(out, hash, s->out_bytes);
	sodium_memzero(hash, sizeof(hash));
	sodium_memzero(s, sizeof(*s));
}

void blake2s(uint8_t *out, size_t out_bytes, const void *in, size_t in_bytes,
             const void *key, size_t key_bytes)
{
	struct blake2s s;

	blake2s_init(&s, out_bytes, key, key_bytes);
	blake2s_update(&s, in, in_bytes);
	blake2s_final(&s, out);
}

void hmac_blake2s(uint8_t out[static BLAKE2S_HASH_BYTES], const void *key,
                  size_t key_bytes, const void *in, size_t in_bytes)
{
	uint8_t pad[BLAKE2S_BLOCK_BYTES] = { 0 };
	uint8_t inner[BLAKE2S_HASH_BYTES];
	struct blake2s s;

	if (key_bytes > sizeof(pad))
		blake2s(pad, BLAKE2S_HASH_BYTES, key, key_bytes, NULL, 0);
	else if (key_bytes > 0)
		memcpy(pad, key, key_bytes);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	blake2s_init(&s, sizeof(inner), NULL, 0);
	blake2s_update(&s, pad, sizeof(pad));
	blake2s_update(&s, in, in_bytes);
	blake2s_final(&s, inner);

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	blake2s_init(&s, BLAKE2S_HASH_BYTES, NULL, 0);
	blake2s_update(&s, pad, sizeof(pad));
	blake2s_update(&s, inner, sizeof(inner));
	blake2s_final(&s, out);
	sodium_memzero(pad, sizeof(pad));
	sodium_memzero(inner, sizeof(inner));
}

void kdf(uint8_t out1[static BLAKE2S_HASH_BYTES], uint8_t *out2, uint8_t *out3,
         const uint8_t key[static BLAKE2S_HASH_BYTES], const void *input,
         size_t input_bytes)
{
	uint8_t *outs[] = { out1, out2, out3 };
	uint8_t secret[BLAKE2S_HASH_BYTES];
	/* the output before this one, and the number of this one */
	uint8_t link[BLAKE2S_HASH_BYTES + 1];
	size_t link_bytes = 1; /* the first one has no output before it */

	hmac_blake2s(secret, key, BLAKE2S_HASH_BYTES, input, input_bytes);
	link[0] = 1;
	for (size_t i = 0; i < ARRAY_SIZE(outs) && outs[i]; i++) {
		hmac_blake2s(outs[i], secret, sizeof(secret), link, link_bytes);
		memcpy(link, outs[i], BLAKE2S_HASH_BYTES);
		link[BLAKE2S_HASH_BYTES] = (uint8_t)(i + 2);
		link_bytes = sizeof(link);
	}
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(link, sizeof(link));
}
