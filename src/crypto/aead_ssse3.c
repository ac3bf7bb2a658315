/* src/crypto/aead_ssse3.c - the batch AEAD in 128-bit lanes */
#include <immintrin.h>
#include <stdint.h>

#define LANES 4

typedef uint32_t vec __attribute__((vector_size(16)));
typedef uint64_t wide __attribute__((vector_size(16)));
typedef int32_t vec_signed __attribute__((vector_size(16)));
typedef int64_t wide_signed __attribute__((vector_size(16)));

static const vec_signed lane_index = { 0, 1, 2, 3 };

static inline vec rotl16(vec v)
{
	const __m128i order =
		_mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);

	return (vec)_mm_shuffle_epi8((__m128i)v, order);
}

static inline vec rotl8(vec v)
{
	const __m128i order =
		_mm_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);

	return (vec)_mm_shuffle_epi8((__m128i)v, order);
}

static inline vec rotl12(vec v)
{
	return v << 12 | v >> 20;
}

static inline vec rotl7(vec v)
{
	return v << 7 | v >> 25;
}

/* transposes 4 x 4 words */
static inline void transpose_four(vec v[4])
{
	__m128i a = _mm_unpacklo_epi32((__m128i)v[0], (__m128i)v[1]);
	__m128i b = _mm_unpackhi_epi32((__m128i)v[0], (__m128i)v[1]);
	__m128i c = _mm_unpacklo_epi32((__m128i)v[2], (__m128i)v[3]);
	__m128i d = _mm_unpackhi_epi32((__m128i)v[2], (__m128i)v[3]);

	v[0] = (vec)_mm_unpacklo_epi64(a, c);
	v[1] = (vec)_mm_unpackhi_epi64(a, c);
	v[2] = (vec)_mm_unpacklo_epi64(b, d);
	v[3] = (vec)_mm_unpackhi_epi64(b, d);
}

static inline void transpose(vec v[16])
{
#pragma GCC unroll 4
	for (int i = 0; i < 16; i += 4)
		transpose_four(v + i);
}

#define mul32(a, b) ((wide)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))

static inline void transpose_wide(wide v[2])
{
	__m128i a = (__m128i)v[0], b = (__m128i)v[1];

	v[0] = (wide)_mm_unpacklo_epi64(a, b);
	v[1] = (wide)_mm_unpackhi_epi64(a, b);
}

static const wide_signed lane_block = { 0, 1 };

static inline void load_words(const uint8_t *from, wide *lo, wide *hi)
{
	__m128i a = _mm_loadu_si128((const __m128i_u *)from);
	__m128i b = _mm_loadu_si128((const __m128i_u *)(from + 16));

	*lo = (wide)_mm_unpacklo_epi64(a, b);
	*hi = (wide)_mm_unpackhi_epi64(a, b);
}

#include "crypto/lanes_poly26.h"

#include "crypto/lanes_aead.h"

static bool available(void)
{
	return __builtin_cpu_supports("ssse3");
}

const struct aead_impl aead_ssse3 = { "ssse3", available, seal_batch, open_batch };
