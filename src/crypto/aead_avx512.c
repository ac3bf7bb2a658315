/* src/crypto/aead_avx512.c - the batch AEAD in 512-bit lanes */
#include "crypto/lanes_avx512.h"

#define mul32(a, b) ((wide)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))

#include "crypto/lanes_poly26.h"

#include "crypto/lanes_aead.h"

static bool available(void)
{
	return __builtin_cpu_supports("avx512f");
}

const struct aead_impl aead_avx512 = { "avx512", available, seal_batch, open_batch };
