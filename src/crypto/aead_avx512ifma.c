/* src/crypto/aead_avx512ifma.c - the batch AEAD in 512-bit lanes with 52-bit
 * multipliers */
#include "crypto/lanes_avx512.h"

#define madd52lo(a, b, c)                                                                \
	((wide)_mm512_madd52lo_epu64((__m512i)(a), (__m512i)(b), (__m512i)(c)))
#define madd52hi(a, b, c)                                                                \
	((wide)_mm512_madd52hi_epu64((__m512i)(a), (__m512i)(b), (__m512i)(c)))

#include "crypto/lanes_poly44.h"

#include "crypto/lanes_aead.h"

static bool available(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

const struct aead_impl aead_avx512ifma = { "avx512ifma", available, seal_batch,
	                                   open_batch };
