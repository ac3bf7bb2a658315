/* src/crypto/lanes_poly26.h - numbers modulo 2^130 - 5 in 64-bit lanes, for
 * 32-bit multipliers
 *
 * A number is h0 + h1 2^26 + ... + h4 2^104. Its limbs have 26 bits, and a few more
 * between multiplications. The file that includes this one has defined
 *
 *   wide   a vector of 64-bit words; each word is a limb of another number
 *   mul32  multiplies the low halves of the words
 *
 * 2^130 is 5 modulo 2^130 - 5. So a product of two limbs that belongs at 2^130 or
 * higher is added 130 bits lower, times 5. Therefore a factor also has `fold`, which is
 * five times its limbs. If the limbs of the left factor are below 2^29 and those of the
 * right one below 2^27, a sum of five products is below 2^62. */
#ifndef TUNION_CRYPTO_LANES_POLY26_H
#define TUNION_CRYPTO_LANES_POLY26_H

#include <stdint.h>

#include "base/attr.h"

#define LIMBS  5
#define MASK26 ((UINT64_C(1) << 26) - 1)

struct poly {
	wide limb[LIMBS];
};

struct poly_factor {
	wide limb[LIMBS];
	wide fold[LIMBS];
};

/* lo and hi are the two halves of a number of 128 bits. */
static inline void poly_split(uint64_t limb[LIMBS], uint64_t lo, uint64_t hi)
{
	limb[0] = lo & MASK26;
	limb[1] = lo >> 26 & MASK26;
	limb[2] = (lo >> 52 | hi << 12) & MASK26;
	limb[3] = hi >> 14 & MASK26;
	limb[4] = hi >> 40;
}

/* Adds one block in each lane. top_bit is all ones where there is a block: then the 2^128
 * that Poly1305 adds to every block counts too. It is zero where the block is empty. */
static ALWAYS_INLINE void poly_add_blocks(struct poly *h, wide lo, wide hi, wide top_bit)
{
	h->limb[0] += lo & MASK26;
	h->limb[1] += lo >> 26 & MASK26;
	h->limb[2] += (lo >> 52 | hi << 12) & MASK26;
	h->limb[3] += hi >> 14 & MASK26;
	h->limb[4] += hi >> 40 | (top_bit & (UINT64_C(1) << 24));
}

static inline void poly_make_factor(struct poly_factor *f, const struct poly *x)
{
#pragma GCC unroll 5
	for (int i = 0; i < LIMBS; i++) {
		f->limb[i] = x->limb[i];
		f->fold[i] = (x->limb[i] << 2) + x->limb[i];
	}
}

static ALWAYS_INLINE void poly_mul(struct poly *h, const struct poly_factor *f)
{
	const wide *a = h->limb, *b = f->limb, *c = f->fold;
	wide d0, d1, d2, d3, d4;

	d0 = mul32(a[0], b[0]) + mul32(a[1], c[4]) + mul32(a[2], c[3]) +
	     mul32(a[3], c[2]) + mul32(a[4], c[1]);
	d1 = mul32(a[0], b[1]) + mul32(a[1], b[0]) + mul32(a[2], c[4]) +
	     mul32(a[3], c[3]) + mul32(a[4], c[2]);
	d2 = mul32(a[0], b[2]) + mul32(a[1], b[1]) + mul32(a[2], b[0]) +
	     mul32(a[3], c[4]) + mul32(a[4], c[3]);
	d3 = mul32(a[0], b[3]) + mul32(a[1], b[2]) + mul32(a[2], b[1]) +
	     mul32(a[3], b[0]) + mul32(a[4], c[4]);
	d4 = mul32(a[0], b[4]) + mul32(a[1], b[3]) + mul32(a[2], b[2]) +
	     mul32(a[3], b[1]) + mul32(a[4], b[0]);

	/* Two carries run at the same time, from limb 0 and from limb 3, so that neither
	 * waits for the other. */
	d1 += d0 >> 26;
	d4 += d3 >> 26;
	d0 &= MASK26;
	d3 &= MASK26;
	d2 += d1 >> 26;
	d0 += (d4 >> 26) + (d4 >> 26 << 2);
	h->limb[1] = d1 & MASK26;
	d4 &= MASK26;
	d3 += d2 >> 26;
	h->limb[1] += d0 >> 26;
	h->limb[2] = d2 & MASK26;
	h->limb[0] = d0 & MASK26;
	h->limb[4] = d4 + (d3 >> 26);
	h->limb[3] = d3 & MASK26;
}

/* Joins the limbs of one lane's number, which is less than 2^131, with all
 * carries done. */
static inline void poly_join(uint64_t words[3], const uint64_t limb[LIMBS])
{
	uint64_t h1 = limb[1] + (limb[0] >> 26), h2 = limb[2] + (h1 >> 26);
	uint64_t h3 = limb[3] + (h2 >> 26), h4 = limb[4] + (h3 >> 26);

	words[0] = (limb[0] & MASK26) | (h1 & MASK26) << 26 | h2 << 52;
	words[1] = (h2 & MASK26) >> 12 | (h3 & MASK26) << 14 | h4 << 40;
	words[2] = h4 >> 24;
}

#endif
