/* tests/unit/main.c - runs the one test case of the file it is linked with */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define EXIT_SKIP 77 /* as automake wants it */

static uint64_t seed;
static char (*lacking)[200]; /* shared with the tests' processes */

uint64_t unit_seed(void)
{
	return seed;
}

void unit_lacks(const char *what)
{
	snprintf(*lacking, sizeof(*lacking), "%s", what);
}

char *unit_source_text(const char *path)
{
	const char *top = getenv("top_srcdir");
	char whole[1024], *text;
	struct stat st;
	FILE *in;

	snprintf(whole, sizeof(whole), "%s/%s", top ? top : ".", path);
	in = fopen(whole, "r");
	ck_assert_msg(in != NULL, "%s", whole);
	ck_assert_int_eq(fstat(fileno(in), &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	ck_assert_uint_eq(fread(text, 1, (size_t)st.st_size, in), (size_t)st.st_size);
	fclose(in);
	return text;
}

uint64_t unit_number(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);
	uint64_t number;
	char *end;

	if (!text)
		return otherwise;
	number = strtoull(text, &end, 0);
	if (end == text || *end) {
		fprintf(stderr, "%s=%s is not a number\n", variable, text);
		exit(EXIT_FAILURE);
	}
	return number;
}

static void choose_seed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seed = unit_number("TUNION_SEED",
	                   (uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec);
	printf("TUNION_SEED=%" PRIu64 "\n", seed);
}

int main(void)
{
	Suite *suite = suite_create("tunion");
	SRunner *runner;
	int failed;

	choose_seed();
	lacking = mmap(NULL, sizeof(*lacking), PROT_READ | PROT_WRITE,
	               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lacking == MAP_FAILED)
		return EXIT_FAILURE;
	suite_add_tcase(suite, unit_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (failed)
		return EXIT_FAILURE;
	if ((*lacking)[0])
		printf("skipped in part: %s\n", *lacking);
	return (*lacking)[0] ? EXIT_SKIP : EXIT_SUCCESS;
}
