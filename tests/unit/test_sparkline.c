#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cmd/sparkline.h"

static const struct {
	uint64_t values[SPARKLINE_POINTS + 2];
	size_t count;
	const char *utf8, *ascii; /* from the right end */
} cases[] = {
	{ { 0 }, 0, "", "" },
	{ { 0, 0 }, 2, "▁▁", "__" },
	{ { 7 }, 1, "█", "#" },
	{ { 0, 1, 1000000 }, 3, "▁▂█", "_.#" },
	{ { 1, 2, 3, 4, 5, 6 }, 6, "▃▄▅▆▇█", "-~=+*#" },
	{ { UINT64_MAX, UINT64_MAX / 2 }, 2, "█▅", "#=" },
};

START_TEST(a_character_per_value)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sparkline s = { 0 };
		char out[SPARKLINE_BYTES], expected[SPARKLINE_BYTES];

		for (size_t j = 0; j < cases[i].count; j++)
			sparkline_add(&s, cases[i].values[j]);
		snprintf(expected, sizeof(expected), "%*s%s",
		         (int)(SPARKLINE_POINTS - cases[i].count), "", cases[i].ascii);
		ck_assert_str_eq(sparkline_format(&s, false, out), expected);
		snprintf(expected, sizeof(expected), "%*s%s",
		         (int)(SPARKLINE_POINTS - cases[i].count), "", cases[i].utf8);
		ck_assert_str_eq(sparkline_format(&s, true, out), expected);
	}
}
END_TEST

START_TEST(the_oldest_leaves)
{
	struct sparkline s = { 0 };
	char out[SPARKLINE_BYTES], expected[SPARKLINE_POINTS + 1];

	sparkline_add(&s, 1000000);
	for (int i = 0; i < SPARKLINE_POINTS; i++)
		sparkline_add(&s, 1);
	memset(expected, '#', SPARKLINE_POINTS); /* 1 is the greatest now */
	expected[SPARKLINE_POINTS] = '\0';
	ck_assert_str_eq(sparkline_format(&s, false, out), expected);
}
END_TEST

/* Every line fits its buffer, which is as large as the worst one. */
START_TEST(the_longest_fits)
{
	struct sparkline s = { 0 };
	char out[SPARKLINE_BYTES];

	for (uint64_t i = 0; i < 2 * SPARKLINE_POINTS; i++)
		sparkline_add(&s, i);
	ck_assert_uint_eq(strlen(sparkline_format(&s, true, out)), SPARKLINE_BYTES - 1);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/sparkline");

	tcase_add_test(tc, a_character_per_value);
	tcase_add_test(tc, the_oldest_leaves);
	tcase_add_test(tc, the_longest_fits);
	return tc;
}
