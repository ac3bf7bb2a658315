/* src/crypto/lanes_chacha20.h - ChaCha20 (RFC 8439 2.3), one block in each lane
 *
 * This is a template. The file that includes it has defined for its instruction set
 *
 *   LANES               how many 32-bit words a vector holds
 *   vec, vec_signed     that vector, and the same with signed words
 *   lane_index          a vec_signed with 0, 1, 2, ...
 *   rotl16, 12, 8, 7    rotate each word of a vec to the left
 *   transpose           gets 16 vecs, of which vec i holds word i of every block, and
 *                       turns them into the blocks: vec q * LANES + l is then bytes
 *                       [q * sizeof(vec), (q + 1) * sizeof(vec)) of the block in lane l
 *
 * The state of ChaCha20 is 16 words. Here each word is a vector, and lane l of the 16
 * vectors is a separate state: a block of any packet, with its own key, nonce and block
 * number. So the rounds need no shuffles, and no lane is idle as long as there are blocks
 * left in any packet of the batch, whatever the lengths of the packets are. */
#ifndef TUNION_CRYPTO_LANES_CHACHA20_H
#define TUNION_CRYPTO_LANES_CHACHA20_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crypto/aead.h"

#define CHACHA_BLOCK_BYTES 64
#define CHACHA_KEY_WORDS   8
#define ALIGNED            __attribute__((aligned(64)))
/* BLOCKS are computed at once; VEC_PARTS vectors make up one block. */
#define BLOCKS    (2 * LANES)
#define VEC_PARTS (CHACHA_BLOCK_BYTES / sizeof(vec))

/* The next BLOCKS blocks, in two rows of lanes. Contains keys. */
struct chacha_lanes {
	vec counter[2]; /* number of the block in its packet */
	vec nonce[2][2];
	uint32_t bytes[BLOCKS] ALIGNED; /* so many bytes, 0..64, are XORed ... */
	uint8_t *to[BLOCKS];            /* ... into the text here */
	const uint8_t *key[BLOCKS];     /* borrowed from the jobs */
	const uint8_t *one_key;         /* the key if all have the same, else NULL */
	uint32_t key_words[CHACHA_KEY_WORDS][LANES] ALIGNED;
	size_t used; /* number of blocks */
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
	for (size_t row = 0; row < 2; row++)
		l->counter[row] = l->nonce[row][0] = l->nonce[row][1] = splat_word(0);
	l->used = 0;
}

/* Takes `run` lanes for the blocks `block`, `block` + 1, ... of one packet; all but
 * the last are whole. It writes all lanes that are still free: the next call
 * overwrites the rest. */
static inline void chacha_add(struct chacha_lanes *l, const struct aead_job *job,
                              uint32_t block, size_t run, uint8_t *to, uint64_t bytes)
{
	const vec nonce[2] = { splat_word((uint32_t)job->counter),
		               splat_word((uint32_t)(job->counter >> 32)) };
	size_t end = l->used + run;

#pragma GCC unroll 2
	for (size_t row = 0; row < 2; row++) {
		int32_t first = (int32_t)l->used - (int32_t)(row * LANES);
		vec mine = (vec)(lane_index >= (vec_signed){ 0 } + first);
		vec counter = (vec)lane_index + (block - (uint32_t)first);

		l->counter[row] = blend(l->counter[row], counter, mine);
		l->nonce[row][0] = blend(l->nonce[row][0], nonce[0], mine);
		l->nonce[row][1] = blend(l->nonce[row][1], nonce[1], mine);
	}
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

/* Lanes that are not used get some key, and write nothing. */
static inline void chacha_fill_up(struct chacha_lanes *l, size_t blocks)
{
	for (size_t i = l->used; i < blocks; i++) {
		l->key[i] = l->key[0];
		l->bytes[i] = 0;
	}
}

/* Sets the words 4..11 of the state. Usually all packets of a batch belong to
 * one keypair. */
static ALWAYS_INLINE void chacha_load_keys(vec state[16], struct chacha_lanes *l,
                                           size_t row)
{
	const uint8_t *const *key = l->key + row * LANES;
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
			memcpy(&l->key_words[w][i], key[i] + 4 * w, sizeof(word));
#pragma GCC unroll 8
	for (size_t w = 0; w < CHACHA_KEY_WORDS; w++)
		state[4 + w] = load_vec(l->key_words[w]);
}

/* RFC 8439 2.3, with the nonce of the paper's 5.4.6: 32 zero bits and the counter. */
static ALWAYS_INLINE void chacha_start(vec state[16], struct chacha_lanes *l, size_t row)
{
	state[0] = splat_word(UINT32_C(0x61707865));
	state[1] = splat_word(UINT32_C(0x3320646e));
	state[2] = splat_word(UINT32_C(0x79622d32));
	state[3] = splat_word(UINT32_C(0x6b206574));
	chacha_load_keys(state, l, row);
	state[12] = l->counter[row];
	state[13] = splat_word(0);
	state[14] = l->nonce[row][0];
	state[15] = l->nonce[row][1];
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

static ALWAYS_INLINE void chacha_columns(vec v[16])
{
	QUARTER_ROUND(v[0], v[4], v[8], v[12]);
	QUARTER_ROUND(v[1], v[5], v[9], v[13]);
	QUARTER_ROUND(v[2], v[6], v[10], v[14]);
	QUARTER_ROUND(v[3], v[7], v[11], v[15]);
}

static ALWAYS_INLINE void chacha_diagonals(vec v[16])
{
	QUARTER_ROUND(v[0], v[5], v[10], v[15]);
	QUARTER_ROUND(v[1], v[6], v[11], v[12]);
	QUARTER_ROUND(v[2], v[7], v[8], v[13]);
	QUARTER_ROUND(v[3], v[4], v[9], v[14]);
}

/* For the end of a packet: bytes behind it are not touched. */
static inline void chacha_xor_partial(uint8_t *to, uint32_t bytes,
                                      const vec parts[VEC_PARTS])
{
	uint8_t stream[CHACHA_BLOCK_BYTES];
	uint64_t text, word;
	uint32_t at = 0;

	memcpy(stream, parts, sizeof(stream));
	for (; bytes - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&text, to + at, sizeof(text));
		memcpy(&word, stream + at, sizeof(word));
		text ^= word;
		memcpy(to + at, &text, sizeof(text));
	}
	for (; at < bytes; at++)
		to[at] ^= stream[at];
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

static ALWAYS_INLINE void chacha_finish(vec v[16], struct chacha_lanes *l, size_t row)
{
	vec start[16];

	chacha_start(start, l, row);
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
		chacha_xor(l->to[row * LANES + i], l->bytes[row * LANES + i], parts);
	}
}

static void chacha_run_row(struct chacha_lanes *l)
{
	vec v[16];

	chacha_fill_up(l, LANES);
	chacha_start(v, l, 0);
	for (int i = 0; i < 10; i++) {
		chacha_columns(v);
		chacha_diagonals(v);
	}
	chacha_finish(v, l, 0);
}

/* Each operation has to wait for the one before it. So two states take less than twice
 * the time of one, even if they don't both fit into the registers. */
static void chacha_run_both(struct chacha_lanes *l)
{
	vec v[16], u[16];

	chacha_fill_up(l, BLOCKS);
	chacha_start(v, l, 0);
	chacha_start(u, l, 1);
	for (int i = 0; i < 10; i++) {
		chacha_columns(v);
		chacha_columns(u);
		chacha_diagonals(v);
		chacha_diagonals(u);
	}
	chacha_finish(v, l, 0);
	chacha_finish(u, l, 1);
}

/* Encrypts the blocks in the lanes, and empties the lanes. */
static void chacha_run(struct chacha_lanes *l)
{
	if (l->used > LANES)
		chacha_run_both(l);
	else
		chacha_run_row(l);
	l->used = 0;
}

#endif
