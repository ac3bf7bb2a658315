/* src/crypto/aead_neon.c - the batch AEAD in 128-bit lanes. Every AArch64 CPU has
 * them. */
#include <arm_neon.h>
#include <stdint.h>

#define LANES 4

typedef uint32_t vec __attribute__((vector_size(16)));
typedef uint64_t wide __attribute__((vector_size(16)));
typedef int32_t vec_signed __attribute__((vector_size(16)));
typedef int64_t wide_signed __attribute__((vector_size(16)));

static const vec_signed lane_index = { 0, 1, 2, 3 };

static inline vec rotl16(vec v)
{
	return (vec)vrev32q_u16((uint16x8_t)v);
}

static inline vec rotl12(vec v)
{
	return (vec)vsriq_n_u32(vshlq_n_u32((uint32x4_t)v, 12), (uint32x4_t)v, 20);
}

static inline vec rotl8(vec v)
{
	return (vec)vsriq_n_u32(vshlq_n_u32((uint32x4_t)v, 8), (uint32x4_t)v, 24);
}

static inline vec rotl7(vec v)
{
	return (vec)vsriq_n_u32(vshlq_n_u32((uint32x4_t)v, 7), (uint32x4_t)v, 25);
}

/* transposes 4 x 4 words */
static inline void transpose_four(vec v[4])
{
	uint32x4x2_t a = vtrnq_u32((uint32x4_t)v[0], (uint32x4_t)v[1]);
	uint32x4x2_t b = vtrnq_u32((uint32x4_t)v[2], (uint32x4_t)v[3]);

	v[0] = (vec)vtrn1q_u64((uint64x2_t)a.val[0], (uint64x2_t)b.val[0]);
	v[1] = (vec)vtrn1q_u64((uint64x2_t)a.val[1], (uint64x2_t)b.val[1]);
	v[2] = (vec)vtrn2q_u64((uint64x2_t)a.val[0], (uint64x2_t)b.val[0]);
	v[3] = (vec)vtrn2q_u64((uint64x2_t)a.val[1], (uint64x2_t)b.val[1]);
}

static inline void transpose(vec v[16])
{
#pragma GCC unroll 4
	for (int i = 0; i < 16; i += 4)
		transpose_four(v + i);
}

#define mul32(a, b)                                                                      \
	((wide)vmull_u32(vmovn_u64((uint64x2_t)(a)), vmovn_u64((uint64x2_t)(b))))

static inline void transpose_wide(wide v[2])
{
	uint64x2_t a = (uint64x2_t)v[0], b = (uint64x2_t)v[1];

	v[0] = (wide)vtrn1q_u64(a, b);
	v[1] = (wide)vtrn2q_u64(a, b);
}

static const wide_signed lane_block = { 0, 1 };

static inline void load_words(const uint8_t *from, wide *lo, wide *hi)
{
	uint64x2_t a = (uint64x2_t)vld1q_u8(from);
	uint64x2_t b = (uint64x2_t)vld1q_u8(from + 16);

	*lo = (wide)vtrn1q_u64(a, b);
	*hi = (wide)vtrn2q_u64(a, b);
}

#include "crypto/lanes_poly26.h"

#include "crypto/lanes_aead.h"

static bool available(void)
{
	return true;
}

const struct aead_impl aead_neon = { "neon", available, seal_batch, open_batch };
