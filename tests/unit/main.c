/* tests/unit/main.c - runs the one test case of the file it is linked with */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t seed;

uint64_t unit_seed(void)
{
	return seed;
}

static void choose_seed(void)
{
	const char *given = getenv("TUNION_SEED");
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seed = given ? strtoull(given, NULL, 0)
	             : (uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec;
	printf("TUNION_SEED=%" PRIu64 "\n", seed);
}

int main(void)
{
	Suite *suite = suite_create("tunion");
	SRunner *runner;
	int failed;

	choose_seed();
	suite_add_tcase(suite, unit_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
