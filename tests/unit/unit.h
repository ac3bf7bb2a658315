/* tests/unit/unit.h - what every unit test file needs */
#ifndef TUNION_UNIT_H
#define TUNION_UNIT_H

#include <check.h>

#include "base/attr.h"

/* A test file is one test case; main.c runs it. */
TCase *unit_tests(void);

/* The seed of this run's random tests: TUNION_SEED, or else drawn. main.c prints it. */
uint64_t unit_seed(void);

/* The number in a variable of the environment, or `otherwise` if there is none. What is no number
 * ends the program: 0 would make a test that runs nothing, and passes. */
uint64_t unit_number(const char *variable, uint64_t otherwise);

/* The test that calls it can't do its work here because it lacks this. If all other tests
 * pass, the program's result is SKIP, with this as the reason. */
void unit_lacks(const char *what);

/* The text of a file of the sources, by its path in them; to be freed. */
char *unit_source_text(const char *path);

/* A small repeatable generator (splitmix64) for random tests; not for keys. */
static inline uint64_t unit_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A random index or length, below n. */
static inline size_t unit_below(uint64_t *state, size_t n)
{
	return (size_t)(unit_random(state) % n);
}

#endif
