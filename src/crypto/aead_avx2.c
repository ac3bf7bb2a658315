/* src/crypto/aead_avx2.c - the batch AEAD in 256-bit lanes */
#include <immintrin.h>
#include <stdint.h>

#define LANES 8

typedef uint32_t vec __attribute__((vector_size(32)));
typedef uint64_t wide __attribute__((vector_size(32)));
typedef int32_t vec_signed __attribute__((vector_size(32)));
typedef int64_t wide_signed __attribute__((vector_size(32)));

static const vec_signed lane_index = { 0, 1, 2, 3, 4, 5, 6, 7 };

static inline vec rotl16(vec v)
{
	const __m256i order =
		_mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2,
	                         3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);

	return (vec)_mm256_shuffle_epi8((__m256i)v, order);
}

static inline vec rotl8(vec v)
{
	const __m256i order =
		_mm256_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14, 3,
	                         0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);

	return (vec)_mm256_shuffle_epi8((__m256i)v, order);
}

static inline vec rotl12(vec v)
{
	return v << 12 | v >> 20;
}

static inline vec rotl7(vec v)
{
	return v << 7 | v >> 25;
}

/* transposes 4 x 4 words in each half of v[0..3] */
static inline void transpose_halves(vec v[4])
{
	__m256i a = _mm256_unpacklo_epi32((__m256i)v[0], (__m256i)v[1]);
	__m256i b = _mm256_unpackhi_epi32((__m256i)v[0], (__m256i)v[1]);
	__m256i c = _mm256_unpacklo_epi32((__m256i)v[2], (__m256i)v[3]);
	__m256i d = _mm256_unpackhi_epi32((__m256i)v[2], (__m256i)v[3]);

	v[0] = (vec)_mm256_unpacklo_epi64(a, c);
	v[1] = (vec)_mm256_unpackhi_epi64(a, c);
	v[2] = (vec)_mm256_unpacklo_epi64(b, d);
	v[3] = (vec)_mm256_unpackhi_epi64(b, d);
}

/* transposes the 2 x 2 halves of v[0] and v[4] */
static inline void transpose_wholes(vec v[5])
{
	__m256i a = (__m256i)v[0], b = (__m256i)v[4];

	v[0] = (vec)_mm256_permute2x128_si256(a, b, 0x20);
	v[4] = (vec)_mm256_permute2x128_si256(a, b, 0x31);
}

static inline void transpose(vec v[16])
{
#pragma GCC unroll 4
	for (int i = 0; i < 16; i += 4)
		transpose_halves(v + i);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		transpose_wholes(v + i);
		transpose_wholes(v + 8 + i);
	}
}

#define mul32(a, b) ((wide)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))

static inline void transpose_wide(wide v[4])
{
	__m256i a = _mm256_unpacklo_epi64((__m256i)v[0], (__m256i)v[1]);
	__m256i b = _mm256_unpackhi_epi64((__m256i)v[0], (__m256i)v[1]);
	__m256i c = _mm256_unpacklo_epi64((__m256i)v[2], (__m256i)v[3]);
	__m256i d = _mm256_unpackhi_epi64((__m256i)v[2], (__m256i)v[3]);

	v[0] = (wide)_mm256_permute2x128_si256(a, c, 0x20);
	v[1] = (wide)_mm256_permute2x128_si256(b, d, 0x20);
	v[2] = (wide)_mm256_permute2x128_si256(a, c, 0x31);
	v[3] = (wide)_mm256_permute2x128_si256(b, d, 0x31);
}

static const wide_signed lane_block = { 0, 2, 1, 3 };

static inline void load_words(const uint8_t *from, wide *lo, wide *hi)
{
	__m256i a = _mm256_loadu_si256((const __m256i_u *)from);
	__m256i b = _mm256_loadu_si256((const __m256i_u *)(from + 32));

	*lo = (wide)_mm256_unpacklo_epi64(a, b);
	*hi = (wide)_mm256_unpackhi_epi64(a, b);
}

#include "crypto/lanes_poly26.h"

#include "crypto/lanes_aead.h"

static bool available(void)
{
	return __builtin_cpu_supports("avx2");
}

const struct aead_impl aead_avx2 = { "avx2", available, seal_batch, open_batch };
