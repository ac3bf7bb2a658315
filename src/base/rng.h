/* src/base/rng.h - randomness is passed in from outside, so that tests can script it */
#ifndef TUNION_BASE_RNG_H
#define TUNION_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* In the worker this is libsodium's randombytes; in tests it is a seeded stream. */
struct rng {
	void (*fill)(void *context, void *bytes, size_t n);
	void *context; /* borrowed */
};

static inline void rng_fill(const struct rng *rng, void *bytes, size_t n)
{
	rng->fill(rng->context, bytes, n);
}

static inline uint32_t rng_u32(const struct rng *rng)
{
	uint32_t v;

	rng_fill(rng, &v, sizeof(v));
	return v;
}

#endif
