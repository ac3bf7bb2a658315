/* src/crypto/lanes_chacha20.h - ChaCha20 (RFC 8439 2.3), LANES blocks at once
 *
 * A template: the file that includes it has defined, for its instruction set,
 *   LANES               how many 32-bit words a vector holds
 *   vec, vec_signed     that vector, and the same of signed words
 *   lane_index          a vec_signed with 0, 1, 2, ...
 *   rotl16, 12, 8, 7    each word of a vec rotated left
 *   transpose           16 vecs, of which vec i holds word i of every block, become the
 *                       blocks: bytes [q * sizeof(vec), (q + 1) * sizeof(vec)) of the
 *                       block of lane l are vec q * LANES + l
 *
 * ChaCha20's state is 16 words. Here each word is a vector, and lane l of the 16 vectors
 * is a state of its own: a block of any packet, with its own key, nonce and block number.
 * So the rounds need no shuffles, and lanes are never idle while there are blocks left in
 * any packet of the batch, however long each of them is. */
#ifndef TUNION_CRYPTO_LANES_CHACHA20_H
#define TUNION_CRYPTO_LANES_CHACHA20_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crypto/aead.h"

#define CHACHA_BLOCK_BYTES 64
#define CHACHA_KEY_WORDS   8
#define ALIGNED            __attribute__((aligned(64)))
#define VEC_PARTS          (CHACHA_BLOCK_BYTES / sizeof(vec)) /* vectors in a block */

/* The next LANES blocks. Holds keys. */
struct chacha_lanes {
	vec counter; /* block number in its packet */
	vec nonce[2];
	uint32_t bytes[LANES] ALIGNED; /* so many are XORed in, 0..64 ... */
	uint8_t *to[LANES];            /* ... here */
	const uint8_t *key[LANES];     /* borrowed from the jobs */
	const uint8_t *one_key;        /* if all have the same, else NULL */
	uint32_t key_words[CHACHA_KEY_WORDS][LANES] ALIGNED;
	size_t used; /* lanes */
};

static inline vec load_vec(const void *from)
{
	vec v;

	memcpy(&v, from, sizeof(v));
	return v;
}

static inline vec splat_word(uint32_t word)
{
	return (vec){ 0 } + word;
}

/* b where mask is all ones, a where it is zero */
static inline vec blend(vec a, vec b, vec mask)
{
	return (a & ~mask) | (b & mask);
}

static inline void chacha_init(struct chacha_lanes *l)
{
	l->counter = l->nonce[0] = l->nonce[1] = splat_word(0);
	l->used = 0;
}

/* Takes `run` lanes for blocks `block`, ... of one packet, all but the last of them
 * whole. Writes all lanes that are still free: whoever comes next overwrites the rest. */
static inline void chacha_add(struct chacha_lanes *l, const struct aead_job *job,
                              uint32_t block, size_t run, uint8_t *to, uint64_t bytes)
{
	const vec mine = (vec)(lane_index >= (vec_signed){ 0 } + (int32_t)l->used);
	size_t end = l->used + run;

	l->counter =
		blend(l->counter, (vec)lane_index + (block - (uint32_t)l->used), mine);
	l->nonce[0] = blend(l->nonce[0], splat_word((uint32_t)job->counter), mine);
	l->nonce[1] =
		blend(l->nonce[1], splat_word((uint32_t)(job->counter >> 32)), mine);
	if (l->used == 0)
		l->one_key = job->key;
	else if (l->one_key != job->key)
		l->one_key = NULL;
	for (size_t i = l->used; i < end; i++) {
		l->to[i] = to;
		l->key[i] = job->key;
		l->bytes[i] = CHACHA_BLOCK_BYTES;
		to += CHACHA_BLOCK_BYTES;
	}
	if (bytes < run * CHACHA_BLOCK_BYTES)
		l->bytes[end - 1] = (uint32_t)(bytes % CHACHA_BLOCK_BYTES);
	l->used = end;
}

/* Lanes that nobody took have any key, and write nothing. */
static inline void chacha_fill_up(struct chacha_lanes *l)
{
	for (size_t i = l->used; i < LANES; i++) {
		l->key[i] = l->key[0];
		l->bytes[i] = 0;
	}
}

/* State words 4..11. Mostly all packets of a batch are of one keypair. */
static inline void chacha_load_keys(vec state[16], struct chacha_lanes *l)
{
	uint32_t word;

	if (l->one_key) {
#pragma GCC unroll 8
		for (size_t w = 0; w < CHACHA_KEY_WORDS; w++) {
			memcpy(&word, l->one_key + 4 * w, sizeof(word));
			state[4 + w] = splat_word(word);
		}
		return;
	}
	for (size_t i = 0; i < LANES; i++)
		for (size_t w = 0; w < CHACHA_KEY_WORDS; w++)
			memcpy(&l->key_words[w][i], l->key[i] + 4 * w, sizeof(word));
#pragma GCC unroll 8
	for (size_t w = 0; w < CHACHA_KEY_WORDS; w++)
		state[4 + w] = load_vec(l->key_words[w]);
}

#define QUARTER_ROUND(a, b, c, d)                                                        \
	do {                                                                             \
		(a) += (b);                                                              \
		(d) = rotl16((d) ^ (a));                                                 \
		(c) += (d);                                                              \
		(b) = rotl12((b) ^ (c));                                                 \
		(a) += (b);                                                              \
		(d) = rotl8((d) ^ (a));                                                  \
		(c) += (d);                                                              \
		(b) = rotl7((b) ^ (c));                                                  \
	} while (0)

static inline void chacha_rounds(vec v[16])
{
	for (int i = 0; i < 10; i++) {
		QUARTER_ROUND(v[0], v[4], v[8], v[12]);
		QUARTER_ROUND(v[1], v[5], v[9], v[13]);
		QUARTER_ROUND(v[2], v[6], v[10], v[14]);
		QUARTER_ROUND(v[3], v[7], v[11], v[15]);
		QUARTER_ROUND(v[0], v[5], v[10], v[15]);
		QUARTER_ROUND(v[1], v[6], v[11], v[12]);
		QUARTER_ROUND(v[2], v[7], v[8], v[13]);
		QUARTER_ROUND(v[3], v[4], v[9], v[14]);
	}
}

/* The end of a packet, without touching what is behind it. */
static inline void chacha_xor_partial(uint8_t *to, uint32_t bytes,
                                      const vec parts[VEC_PARTS])
{
	uint8_t block[CHACHA_BLOCK_BYTES];

	if (bytes == 0)
		return;
	memcpy(block, to, bytes);
	for (size_t q = 0; q < VEC_PARTS; q++) {
		vec x = load_vec(block + q * sizeof(vec)) ^ parts[q];

		memcpy(block + q * sizeof(vec), &x, sizeof(x));
	}
	memcpy(to, block, bytes);
}

static inline void chacha_xor(uint8_t *to, uint32_t bytes, const vec parts[VEC_PARTS])
{
	if (__builtin_expect(bytes < CHACHA_BLOCK_BYTES, 0)) {
		chacha_xor_partial(to, bytes, parts);
		return;
	}
	for (size_t q = 0; q < VEC_PARTS; q++) {
		vec x = load_vec(to + q * sizeof(vec)) ^ parts[q];

		memcpy(to + q * sizeof(vec), &x, sizeof(x));
	}
}

/* Encrypts what the lanes say, and empties them. */
static void chacha_run(struct chacha_lanes *l)
{
	vec start[16], v[16];

	if (l->used < LANES)
		chacha_fill_up(l);
	start[0] = splat_word(UINT32_C(0x61707865));
	start[1] = splat_word(UINT32_C(0x3320646e));
	start[2] = splat_word(UINT32_C(0x79622d32));
	start[3] = splat_word(UINT32_C(0x6b206574));
	chacha_load_keys(start, l);
	start[12] = l->counter;
	start[13] = splat_word(0); /* paper 5.4.6: 32 zero bits, and the counter */
	start[14] = l->nonce[0];
	start[15] = l->nonce[1];
	memcpy(v, start, sizeof(v));
	chacha_rounds(v);
#pragma GCC unroll 16
	for (size_t i = 0; i < 16; i++)
		v[i] += start[i];
	transpose(v);
#pragma GCC unroll 16
	for (size_t i = 0; i < LANES; i++) {
		vec parts[VEC_PARTS];

#pragma GCC unroll 4
		for (size_t q = 0; q < VEC_PARTS; q++)
			parts[q] = v[q * LANES + i];
		chacha_xor(l->to[i], l->bytes[i], parts);
	}
	l->used = 0;
}

#endif
