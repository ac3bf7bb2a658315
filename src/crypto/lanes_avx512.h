/* src/crypto/lanes_avx512.h - what the lanes_*.h templates ask for, with AVX-512F */
#ifndef TUNION_CRYPTO_LANES_AVX512_H
#define TUNION_CRYPTO_LANES_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define LANES 16

typedef uint32_t vec __attribute__((vector_size(64)));
typedef uint64_t wide __attribute__((vector_size(64)));
typedef int32_t vec_signed __attribute__((vector_size(64)));
typedef int64_t wide_signed __attribute__((vector_size(64)));

static const vec_signed lane_index = { 0, 1, 2,  3,  4,  5,  6,  7,
	                               8, 9, 10, 11, 12, 13, 14, 15 };

#define rotl16(v) ((vec)_mm512_rol_epi32((__m512i)(v), 16))
#define rotl12(v) ((vec)_mm512_rol_epi32((__m512i)(v), 12))
#define rotl8(v)  ((vec)_mm512_rol_epi32((__m512i)(v), 8))
#define rotl7(v)  ((vec)_mm512_rol_epi32((__m512i)(v), 7))

/* transposes 4 x 4 words in each quarter of v[0..3] */
static inline void transpose_quarters(vec v[4])
{
	__m512i a = _mm512_unpacklo_epi32((__m512i)v[0], (__m512i)v[1]);
	__m512i b = _mm512_unpackhi_epi32((__m512i)v[0], (__m512i)v[1]);
	__m512i c = _mm512_unpacklo_epi32((__m512i)v[2], (__m512i)v[3]);
	__m512i d = _mm512_unpackhi_epi32((__m512i)v[2], (__m512i)v[3]);

	v[0] = (vec)_mm512_unpacklo_epi64(a, c);
	v[1] = (vec)_mm512_unpackhi_epi64(a, c);
	v[2] = (vec)_mm512_unpacklo_epi64(b, d);
	v[3] = (vec)_mm512_unpackhi_epi64(b, d);
}

/* transposes the 4 x 4 quarters of v[0], v[4], v[8], v[12] */
static inline void transpose_wholes(vec v[13])
{
	__m512i a = _mm512_shuffle_i32x4((__m512i)v[0], (__m512i)v[4], 0x44);
	__m512i b = _mm512_shuffle_i32x4((__m512i)v[0], (__m512i)v[4], 0xee);
	__m512i c = _mm512_shuffle_i32x4((__m512i)v[8], (__m512i)v[12], 0x44);
	__m512i d = _mm512_shuffle_i32x4((__m512i)v[8], (__m512i)v[12], 0xee);

	v[0] = (vec)_mm512_shuffle_i32x4(a, c, 0x88);
	v[4] = (vec)_mm512_shuffle_i32x4(a, c, 0xdd);
	v[8] = (vec)_mm512_shuffle_i32x4(b, d, 0x88);
	v[12] = (vec)_mm512_shuffle_i32x4(b, d, 0xdd);
}

static inline void transpose(vec v[16])
{
#pragma GCC unroll 4
	for (int i = 0; i < 16; i += 4)
		transpose_quarters(v + i);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		transpose_wholes(v + i);
}

/* transposes 2 x 2 words in each quarter */
static inline void transpose_wide_pair(wide *a, wide *b)
{
	__m512i x = (__m512i)*a, y = (__m512i)*b;

	*a = (wide)_mm512_unpacklo_epi64(x, y);
	*b = (wide)_mm512_unpackhi_epi64(x, y);
}

/* transposes the 4 x 4 quarters of v[0], v[2], v[4], v[6] */
static inline void transpose_wide_parts(wide v[7])
{
	__m512i a = _mm512_shuffle_i64x2((__m512i)v[0], (__m512i)v[2], 0x44);
	__m512i b = _mm512_shuffle_i64x2((__m512i)v[0], (__m512i)v[2], 0xee);
	__m512i c = _mm512_shuffle_i64x2((__m512i)v[4], (__m512i)v[6], 0x44);
	__m512i d = _mm512_shuffle_i64x2((__m512i)v[4], (__m512i)v[6], 0xee);

	v[0] = (wide)_mm512_shuffle_i64x2(a, c, 0x88);
	v[2] = (wide)_mm512_shuffle_i64x2(a, c, 0xdd);
	v[4] = (wide)_mm512_shuffle_i64x2(b, d, 0x88);
	v[6] = (wide)_mm512_shuffle_i64x2(b, d, 0xdd);
}

static inline void transpose_wide(wide v[8])
{
#pragma GCC unroll 4
	for (int i = 0; i < 8; i += 2)
		transpose_wide_pair(&v[i], &v[i + 1]);
	transpose_wide_parts(v);
	transpose_wide_parts(v + 1);
}

static const wide_signed lane_block = { 0, 4, 1, 5, 2, 6, 3, 7 };

static inline void load_words(const uint8_t *from, wide *lo, wide *hi)
{
	__m512i a = _mm512_loadu_si512(from);
	__m512i b = _mm512_loadu_si512(from + 64);

	*lo = (wide)_mm512_unpacklo_epi64(a, b);
	*hi = (wide)_mm512_unpackhi_epi64(a, b);
}

#endif
