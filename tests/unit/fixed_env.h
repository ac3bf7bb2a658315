/* tests/unit/fixed_env.h - surroundings of an engine that are the same in every run */
#ifndef TUNION_UNIT_FIXED_ENV_H
#define TUNION_UNIT_FIXED_ENV_H

#include <string.h>

#include "engine/engine.h"

static inline void fixed_random(void *context, void *bytes, size_t n)
{
	(void)context;
	memset(bytes, 0x5a, n);
}

static inline uint64_t fixed_wall_clock_ns(void *context)
{
	(void)context;
	return 1700000000 * NS_PER_SEC;
}

static inline struct engine_env fixed_env(void)
{
	return (struct engine_env){ .rng = { fixed_random, NULL },
		                    .wall_clock_ns = fixed_wall_clock_ns };
}

#endif
