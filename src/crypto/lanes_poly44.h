/* src/crypto/lanes_poly44.h - numbers modulo 2^130 - 5 in 64-bit lanes, for 52-bit
 * multipliers
 *
 * A number is h0 + h1 2^44 + h2 2^88. Its limbs have 44, 44 and 42 bits, and a few more
 * between multiplications. The file that includes this one has defined
 *
 *   wide                a vector of 64-bit words; each word is a limb of another number
 *   madd52lo, madd52hi  a + the low or the high 52 bits of the 104-bit product b * c
 *
 * 2^132 = 4 * 2^130 is 20 modulo 2^130 - 5. So a product of two limbs that belongs at
 * 2^132 or higher is added 132 bits lower, times 20. Therefore a factor also has `fold`,
 * which is its limbs times 20. */
#ifndef TUNION_CRYPTO_LANES_POLY44_H
#define TUNION_CRYPTO_LANES_POLY44_H

#include <stdint.h>

#include "base/attr.h"

#define LIMBS  3
#define MASK44 ((UINT64_C(1) << 44) - 1)
#define MASK42 ((UINT64_C(1) << 42) - 1)

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
	limb[0] = lo & MASK44;
	limb[1] = (lo >> 44 | hi << 20) & MASK44;
	limb[2] = hi >> 24;
}

/* Adds one block in each lane. top_bit is all ones where there is a block: then the 2^128
 * that Poly1305 adds to every block counts too. It is zero where the block is empty. */
static ALWAYS_INLINE void poly_add_blocks(struct poly *h, wide lo, wide hi, wide top_bit)
{
	h->limb[0] += lo & MASK44;
	h->limb[1] += (lo >> 44 | hi << 20) & MASK44;
	h->limb[2] += hi >> 24 | (top_bit & (UINT64_C(1) << 40));
}

static inline void poly_make_factor(struct poly_factor *f, const struct poly *x)
{
#pragma GCC unroll 5
	for (int i = 0; i < LIMBS; i++) {
		f->limb[i] = x->limb[i];
		f->fold[i] = (x->limb[i] << 4) + (x->limb[i] << 2);
	}
}

static ALWAYS_INLINE void poly_mul(struct poly *h, const struct poly_factor *f)
{
	const wide *a = h->limb, *b = f->limb, *c = f->fold;
	wide lo[LIMBS], hi[LIMBS], carry;

	lo[0] = madd52lo(madd52lo(madd52lo((wide){ 0 }, a[0], b[0]), a[1], c[2]), a[2],
	                 c[1]);
	hi[0] = madd52hi(madd52hi(madd52hi((wide){ 0 }, a[0], b[0]), a[1], c[2]), a[2],
	                 c[1]);
	lo[1] = madd52lo(madd52lo(madd52lo((wide){ 0 }, a[0], b[1]), a[1], b[0]), a[2],
	                 c[2]);
	hi[1] = madd52hi(madd52hi(madd52hi((wide){ 0 }, a[0], b[1]), a[1], b[0]), a[2],
	                 c[2]);
	lo[2] = madd52lo(madd52lo(madd52lo((wide){ 0 }, a[0], b[2]), a[1], b[1]), a[2],
	                 b[0]);
	hi[2] = madd52hi(madd52hi(madd52hi((wide){ 0 }, a[0], b[2]), a[1], b[1]), a[2],
	                 b[0]);

	/* A unit of hi is 2^52 of its limb: that is 2^8 of the next limb, or 2^10 where
	 * the limb has 42 bits. */
	carry = (lo[0] >> 44) + (hi[0] << 8);
	lo[1] += carry;
	carry = (lo[1] >> 44) + (hi[1] << 8);
	lo[2] += carry;
	carry = (lo[2] >> 42) + (hi[2] << 10);
	h->limb[2] = lo[2] & MASK42;
	lo[0] = (lo[0] & MASK44) + carry + (carry << 2);
	h->limb[0] = lo[0] & MASK44;
	h->limb[1] = (lo[1] & MASK44) + (lo[0] >> 44);
}

/* Joins the limbs of one lane's number, which is less than 2^131, with all
 * carries done. */
static inline void poly_join(uint64_t words[3], const uint64_t limb[LIMBS])
{
	uint64_t h1 = limb[1] + (limb[0] >> 44), h2 = limb[2] + (h1 >> 44);

	words[0] = (limb[0] & MASK44) | h1 << 44;
	words[1] = (h1 & MASK44) >> 20 | h2 << 24;
	words[2] = h2 >> 40;
}

#endif
