/* src/crypto/lanes_aead.h - ChaCha20-Poly1305 (RFC 8439 2.8) over a batch, in SIMD lanes
 *
 * This is a template. The file that includes it has defined what lanes_chacha20.h and one
 * of lanes_poly26.h and lanes_poly44.h ask for, and also
 *
 *   load_words      loads WIDE_LANES blocks of 16 bytes: their first halves into one
 *                   vector, their second halves into another
 *   lane_block      says which of these blocks gets into which lane
 *   transpose_wide  exchanges lane j of vector i with lane i of vector j, for WIDE_LANES
 *                   vectors
 *
 * The jobs are processed LANES at a time.
 *
 * Encryption distributes the 64-byte blocks of all packets over the lanes of ChaCha20,
 * one after the other (lanes_chacha20.h). Block 0 of a packet is its Poly1305 key.
 *
 * Poly1305 is sum(m[i] * r^(n - i)) over the packet's n blocks m[0], m[1], ... of 16
 * bytes: the text, zeroes up to a whole block, and a block with the lengths. The blocks
 * of one packet are distributed over WIDE_LANES lanes, so that each lane multiplies by
 * r^WIDE_LANES in each step. With 4 lanes:
 *
 *   lane 0:  m[0]  m[4]  m[8]   ...
 *   lane 1:  m[1]  m[5]  m[9]   ...
 *   lane 2:  m[2]  m[6]  m[10]  ...
 *   lane 3:  m[3]  m[7]  m[11]  ...
 *
 * The last block of every packet must be in the last lane. Therefore empty blocks, which
 * add nothing, are put in front of its first block. At the end the lanes are joined in
 * pairs, h[0] r + h[1] and h[2] r + h[3], then these pairs with r^2, and so on, and the
 * result is multiplied by r once. These few steps, and the computation of the powers of r
 * before, are done for all packets of the batch together, with one packet in each lane.
 *
 * Nothing in here branches on a secret or uses one as an index: branches depend on
 * lengths and on whether a tag was right. Texts are only read and written within
 * their bounds. */
#ifndef TUNION_CRYPTO_LANES_AEAD_H
#define TUNION_CRYPTO_LANES_AEAD_H

#include <sodium.h>

#include "base/attr.h"
#include "base/wire.h"
#include "crypto/aead_impl.h"
#include "crypto/lanes_chacha20.h"

#define WIDE_LANES  (sizeof(wide) / sizeof(uint64_t))
#define POLY_BYTES  16
#define ROUND_BYTES (WIDE_LANES * POLY_BYTES)
/* r, r^2, r^4, ... r^WIDE_LANES */
#define LEVELS (WIDE_LANES == 8 ? 3 : WIDE_LANES == 4 ? 2 : 1)

_Static_assert(LANES == 2 * WIDE_LANES, "vec and wide have one size");
_Static_assert(1 << LEVELS == WIDE_LANES, "lanes are joined in pairs, LEVELS times");

/* WIDE_LANES jobs, one in each lane. */
struct team {
	struct poly_factor power[LEVELS + 1]; /* r, r^2, r^4, ... of each job */
	/* For each job, the sums in the lanes over which its blocks were distributed. */
	struct poly sum[WIDE_LANES];
};

/* The first and the last round of a job can't be read from the text directly, because of
 * the empty blocks, the padding and the lengths. They are laid out in `bytes`. This is
 * done for all jobs before any of them is summed, because the CPU would have to wait if
 * it read bytes just after they were written in parts. */
struct edges {
	uint8_t bytes[4 * ROUND_BYTES] ALIGNED;
	const uint8_t *last; /* in bytes: the last round; the first is at the beginning */
	size_t empty;        /* empty blocks at the beginning of the first round */
	uint64_t rounds;
};

struct work {
	struct chacha_lanes lanes;
	/* Key stream: first block 0 of each job. When opening, it is followed by the
	 * stream for the first blocks of text, which can't be decrypted before the
	 * tag is checked. */
	uint8_t stream[BLOCKS][CHACHA_BLOCK_BYTES] ALIGNED;
	uint8_t tags[LANES][AEAD_TAG_BYTES];
	struct team teams[2];
	/* nothing from here on is secret */
	bool refused[LANES]; /* jobs that must not be decrypted */
	struct edges edges[LANES];
};

/* The next block of the batch to get key stream. */
struct cursor {
	size_t job;
	uint32_t block; /* block 1 is the first one of the text */
	uint32_t first; /* the block with which every job begins */
};

/* Consecutive blocks of one job. */
struct run {
	const struct aead_job *job;
	uint32_t block;
	size_t blocks;
	uint8_t *to;
	uint64_t bytes;
};

static inline uint64_t load_word(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static inline wide load_wide(const uint64_t from[WIDE_LANES])
{
	wide v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/* The next blocks of the batch, at most as many as there are free lanes. */
static bool next_run(struct work *w, const struct aead_job *jobs, size_t n,
                     struct cursor *at, struct run *run)
{
	size_t room = BLOCKS - w->lanes.used;

	for (; at->job < n; at->job++, at->block = at->first) {
		const struct aead_job *job = &jobs[at->job];
		uint64_t from = ((uint64_t)at->block - 1) * CHACHA_BLOCK_BYTES;

		*run = (struct run){ .job = job, .block = at->block };
		if (at->block == 0) {
			run->blocks = 1;
			run->to = w->stream[at->job];
			run->bytes = CHACHA_BLOCK_BYTES;
		} else if (from < job->text_bytes) {
			run->bytes = job->text_bytes - from;
			if (run->bytes > room * CHACHA_BLOCK_BYTES)
				run->bytes = room * CHACHA_BLOCK_BYTES;
			run->blocks = (size_t)((run->bytes + CHACHA_BLOCK_BYTES - 1) /
			                       CHACHA_BLOCK_BYTES);
			run->to = job->text + from;
		} else {
			continue;
		}
		at->block += (uint32_t)run->blocks;
		return true;
	}
	return false;
}

/* Encrypts or decrypts the jobs from `at` on. */
static void crypt(struct work *w, const struct aead_job *jobs, size_t n,
                  struct cursor *at)
{
	struct run run;

	while (next_run(w, jobs, n, at, &run)) {
		if (w->refused[run.job - jobs])
			continue;
		chacha_add(&w->lanes, run.job, run.block, run.blocks, run.to, run.bytes);
		if (w->lanes.used == BLOCKS)
			chacha_run(&w->lanes);
	}
	if (w->lanes.used > 0)
		chacha_run(&w->lanes);
}

/* Computes r (RFC 8439 2.5.1) of the jobs first, first + 1, ..., and its powers. */
static void make_powers(struct work *w, size_t first, size_t n)
{
	struct poly_factor *power = w->teams[first / WIDE_LANES].power;
	uint64_t limbs[LIMBS][WIDE_LANES] = { { 0 } };
	struct poly r;

	for (size_t i = 0; i < WIDE_LANES && first + i < n; i++) {
		const uint8_t *key = w->stream[first + i];
		uint64_t limb[LIMBS];

		poly_split(limb, load_word(key) & UINT64_C(0x0ffffffc0fffffff),
		           load_word(key + 8) & UINT64_C(0x0ffffffc0ffffffc));
#pragma GCC unroll 5
		for (size_t k = 0; k < LIMBS; k++)
			limbs[k][i] = limb[k];
	}
#pragma GCC unroll 5
	for (size_t k = 0; k < LIMBS; k++)
		r.limb[k] = load_wide(limbs[k]);
	poly_make_factor(&power[0], &r);
	for (size_t i = 0; i < LEVELS; i++) {
		poly_mul(&r, &power[i]);
		poly_make_factor(&power[i + 1], &r);
	}
}

/* Lays out the empty blocks and the beginning of the text, and then the end of the
 * text with its padding, before the lengths. It copies whole rounds, although only
 * parts are needed. */
static inline void lay_out_long(struct edges *e, const struct aead_job *job)
{
	uint64_t done = ((e->rounds - 1) * WIDE_LANES - e->empty) * POLY_BYTES;

	memset(e->bytes, 0, ROUND_BYTES);
	memcpy(e->bytes + e->empty * POLY_BYTES, job->text, ROUND_BYTES);
	memcpy(e->bytes + 2 * ROUND_BYTES, job->text + job->text_bytes - ROUND_BYTES,
	       ROUND_BYTES);
	memset(e->bytes + 3 * ROUND_BYTES, 0, ROUND_BYTES);
	e->last = e->bytes + 3 * ROUND_BYTES - (size_t)(job->text_bytes - done);
}

/* Lays out a text that is shorter than one round; it takes one round, or two. */
static void lay_out_short(struct edges *e, const struct aead_job *job)
{
	memset(e->bytes, 0, 2 * ROUND_BYTES);
	memcpy(e->bytes + e->empty * POLY_BYTES, job->text, job->text_bytes);
	e->last = e->bytes + (size_t)(e->rounds - 1) * ROUND_BYTES;
}

static void lay_out(struct edges *e, const struct aead_job *job)
{
	uint64_t blocks = ((uint64_t)job->text_bytes + POLY_BYTES - 1) / POLY_BYTES + 1;
	uint64_t text_bytes = job->text_bytes;
	size_t at;

	e->rounds = (blocks + WIDE_LANES - 1) / WIDE_LANES;
	e->empty = (size_t)(e->rounds * WIDE_LANES - blocks);
	if (text_bytes < ROUND_BYTES)
		lay_out_short(e, job);
	else
		lay_out_long(e, job);
	at = (size_t)(e->last - e->bytes) + ROUND_BYTES - sizeof(text_bytes);
	memcpy(e->bytes + at, &text_bytes, sizeof(text_bytes));
}

static ALWAYS_INLINE void add_round(struct poly *h, const uint8_t round[ROUND_BYTES],
                                    wide top_bit)
{
	wide lo, hi;

	load_words(round, &lo, &hi);
	poly_add_blocks(h, lo, hi, top_bit);
}

/* The sum of one job's blocks, one number in each lane. */
struct sum {
	struct poly h;
	struct poly_factor step; /* r^WIDE_LANES */
	const uint8_t *next;     /* borrowed: the text that has not been added to h */
	uint64_t left;           /* number of rounds that have not been added */
};

static void sum_start(struct sum *s, const struct work *w, const struct aead_job *job,
                      size_t index)
{
	const struct poly_factor *step = &w->teams[index / WIDE_LANES].power[LEVELS];
	const struct edges *edges = &w->edges[index];

#pragma GCC unroll 5
	for (size_t k = 0; k < LIMBS; k++) {
		s->h.limb[k] = (wide){ 0 };
		s->step.limb[k] = (wide){ 0 } + step->limb[k][index % WIDE_LANES];
		s->step.fold[k] = (wide){ 0 } + step->fold[k][index % WIDE_LANES];
	}
	s->next = job->text + ROUND_BYTES - edges->empty * POLY_BYTES;
	s->left = edges->rounds - 1;
	add_round(&s->h, edges->bytes, (wide)(lane_block >= (int64_t)edges->empty));
}

static ALWAYS_INLINE void sum_round(struct sum *s, const uint8_t *round)
{
	poly_mul(&s->h, &s->step);
	add_round(&s->h, round, ~(wide){ 0 });
}

static void sum_rounds(struct sum *s, uint64_t rounds)
{
	struct sum t = *s;

	for (uint64_t i = 0; i < rounds; i++) {
		sum_round(&t, t.next);
		t.next += ROUND_BYTES;
	}
	s->h = t.h;
	s->next = t.next;
	s->left -= rounds;
}

/* The same for two jobs. A multiplication has to wait for the result of the one before
 * it, so two that don't depend on each other take hardly longer than one. */
static void sum_rounds_two(struct sum *s1, struct sum *s2, uint64_t rounds)
{
	struct sum t1 = *s1, t2 = *s2;

	for (uint64_t i = 0; i < rounds; i++) {
		sum_round(&t1, t1.next);
		sum_round(&t2, t2.next);
		t1.next += ROUND_BYTES;
		t2.next += ROUND_BYTES;
	}
	s1->h = t1.h;
	s1->next = t1.next;
	s1->left -= rounds;
	s2->h = t2.h;
	s2->next = t2.next;
	s2->left -= rounds;
}

static void sum_finish(struct sum *s, struct work *w, size_t index)
{
	if (s->left > 1)
		sum_rounds(s, s->left - 1);
	if (s->left > 0)
		sum_round(s, w->edges[index].last);
	w->teams[index / WIDE_LANES].sum[index % WIDE_LANES] = s->h;
}

static void sum_two(struct work *w, const struct aead_job *jobs, size_t index)
{
	struct sum a, b;
	uint64_t left;

	sum_start(&a, w, &jobs[index], index);
	sum_start(&b, w, &jobs[index + 1], index + 1);
	left = a.left < b.left ? a.left : b.left;
	if (left > 1)
		sum_rounds_two(&a, &b, left - 1);
	sum_finish(&a, w, index);
	sum_finish(&b, w, index + 1);
}

static void sum_one(struct work *w, const struct aead_job *jobs, size_t index)
{
	struct sum s;

	sum_start(&s, w, &jobs[index], index);
	sum_finish(&s, w, index);
}

/* RFC 8439 2.5.1: the number modulo 2^130 - 5, plus the second half of the key,
 * modulo 2^128. */
static void put_tag(uint8_t tag[AEAD_TAG_BYTES], const uint64_t limb[LIMBS],
                    const uint8_t *key)
{
	uint64_t h[3], g[2], over;

	poly_join(h, limb);
	g[0] = h[0] + 5;
	g[1] = h[1] + (g[0] < 5);
	over = (h[2] + (g[1] < h[1])) >> 2; /* 1 if h + 5 >= 2^130 */
	h[0] += over * 5;
	h[1] += h[0] < over * 5;
	g[0] = h[0] + load_word(key + 16);
	g[1] = h[1] + load_word(key + 24) + (g[0] < h[0]);
	memcpy(tag, g, sizeof(g));
}

/* In `sum` each element is one job, with a lane for each block; in `h` each element is
 * one block, with a lane for each job. */
static inline void turn(struct poly h[WIDE_LANES], const struct poly sum[WIDE_LANES])
{
#pragma GCC unroll 5
	for (size_t k = 0; k < LIMBS; k++) {
		wide v[WIDE_LANES];

#pragma GCC unroll 8
		for (size_t i = 0; i < WIDE_LANES; i++)
			v[i] = sum[i].limb[k];
		transpose_wide(v);
#pragma GCC unroll 8
		for (size_t i = 0; i < WIDE_LANES; i++)
			h[lane_block[i]].limb[k] = v[i];
	}
}

/* Joins the lanes of each of the jobs first, first + 1, ... and makes its tag. */
static void join_lanes(struct work *w, size_t first, size_t n)
{
	struct team *team = &w->teams[first / WIDE_LANES];
	struct poly h[WIDE_LANES];
	size_t level = 0;

	turn(h, team->sum);
	for (size_t lanes = WIDE_LANES; lanes > 1; lanes /= 2, level++) {
		for (size_t i = 0; i < lanes / 2; i++) {
			struct poly left = h[2 * i];

			poly_mul(&left, &team->power[level]);
#pragma GCC unroll 5
			for (size_t k = 0; k < LIMBS; k++)
				h[i].limb[k] = left.limb[k] + h[2 * i + 1].limb[k];
		}
	}
	poly_mul(&h[0], &team->power[0]);
	for (size_t i = 0; i < WIDE_LANES && first + i < n; i++) {
		uint64_t limb[LIMBS];

#pragma GCC unroll 5
		for (size_t k = 0; k < LIMBS; k++)
			limb[k] = h[0].limb[k][i];
		put_tag(w->tags[first + i], limb, w->stream[first + i]);
	}
}

/* Computes the tags of all jobs from their ciphertexts and from block 0 of the key
 * stream. */
static void compute_tags(struct work *w, const struct aead_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i += WIDE_LANES)
		make_powers(w, i, n);
	for (size_t i = 0; i < n; i++)
		lay_out(&w->edges[i], &jobs[i]);
	for (size_t i = 0; i + 1 < n; i += 2)
		sum_two(w, jobs, i);
	if (n % 2 != 0)
		sum_one(w, jobs, n - 1);
	for (size_t i = 0; i < n; i += WIDE_LANES)
		join_lanes(w, i, n);
}

static void seal_some(struct work *w, struct aead_job *jobs, size_t n)
{
	struct cursor at = { .first = 0 };

	memset(w->stream, 0, n * sizeof(w->stream[0]));
	memset(w->refused, 0, sizeof(w->refused));
	crypt(w, jobs, n, &at);
	compute_tags(w, jobs, n);
	for (size_t i = 0; i < n; i++)
		memcpy(jobs[i].text + jobs[i].text_bytes, w->tags[i], AEAD_TAG_BYTES);
}

/* Makes block 0 for each job and, in the lanes that are left, stream for the
 * first texts. */
static void stream_ahead(struct work *w, struct aead_job *jobs, size_t n,
                         struct cursor *at)
{
	struct run run;

	memset(w->stream, 0, sizeof(w->stream));
	for (size_t i = 0; i < n; i++)
		chacha_add(&w->lanes, &jobs[i], 0, 1, w->stream[i], CHACHA_BLOCK_BYTES);
	while (w->lanes.used < BLOCKS && next_run(w, jobs, n, at, &run))
		chacha_add(&w->lanes, run.job, run.block, run.blocks,
		           w->stream[w->lanes.used], run.blocks * CHACHA_BLOCK_BYTES);
	chacha_run(&w->lanes);
}

/* Decrypts the texts for which stream_ahead has made key stream. */
static void use_stream(struct work *w, const struct aead_job *jobs, size_t n)
{
	struct cursor at = { .block = 1, .first = 1 };
	struct run run;

	w->lanes.used = n; /* as in stream_ahead after the blocks 0 */
	while (w->lanes.used < BLOCKS && next_run(w, jobs, n, &at, &run)) {
		const uint8_t *stream =
			(const uint8_t *)w->stream + w->lanes.used * CHACHA_BLOCK_BYTES;

		w->lanes.used += run.blocks;
		if (w->refused[run.job - jobs])
			continue;
		for (uint64_t done = 0; done < run.bytes; done += CHACHA_BLOCK_BYTES) {
			uint64_t left = run.bytes - done;
			vec parts[VEC_PARTS];

			memcpy(parts, stream + done, sizeof(parts));
			chacha_xor(run.to + done, left < 64 ? (uint32_t)left : 64, parts);
		}
	}
	w->lanes.used = 0;
}

static void open_some(struct work *w, struct aead_job *jobs, size_t n)
{
	struct cursor at = { .block = 1, .first = 1 };

	memset(w->refused, 0, sizeof(w->refused));
	stream_ahead(w, jobs, n, &at);
	compute_tags(w, jobs, n);
	for (size_t i = 0; i < n; i++) {
		jobs[i].ok = crypto_verify_16(w->tags[i],
		                              jobs[i].text + jobs[i].text_bytes) == 0;
		w->refused[i] = !jobs[i].ok;
	}
	use_stream(w, jobs, n);
	crypt(w, jobs, n, &at);
}

/* The functions called from here may have left secrets on the stack below our frame. At
 * -O2 none of them uses more than this (-fstack-usage). */
#define STACK_BYTES 4096

/* If there were never more jobs than fit into the first team, only this one was used. */
static void wipe(struct work *w, size_t n)
{
	size_t teams = n > WIDE_LANES ? 2 : 1;

	sodium_memzero(w, offsetof(struct work, teams) + teams * sizeof(w->teams[0]));
	sodium_stackzero(STACK_BYTES);
}

static __attribute__((noinline)) void seal_all(struct work *w, struct aead_job *jobs,
                                               size_t n)
{
	for (size_t i = 0; i < n; i += LANES)
		seal_some(w, jobs + i, n - i < LANES ? n - i : LANES);
}

static __attribute__((noinline)) void open_all(struct work *w, struct aead_job *jobs,
                                               size_t n)
{
	for (size_t i = 0; i < n; i += LANES)
		open_some(w, jobs + i, n - i < LANES ? n - i : LANES);
}

static void seal_batch(struct aead_job *jobs, size_t n)
{
	struct work w;

	chacha_init(&w.lanes);
	seal_all(&w, jobs, n);
	wipe(&w, n);
}

static void open_batch(struct aead_job *jobs, size_t n)
{
	struct work w;

	chacha_init(&w.lanes);
	open_all(&w, jobs, n);
	wipe(&w, n);
}

#endif
