#include "demo/show.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const struct {
	uint64_t n;
	const char *number, *bytes;
} numbers[] = {
	{ 0, "0", "0 B" },
	{ 7, "7", "7 B" },
	{ 999, "999", "999 B" },
	{ 1000, "1,000", "1000 B" },
	{ 1023, "1,023", "1023 B" },
	{ 1024, "1,024", "1.0 KiB" },
	{ 62017, "62,017", "60.6 KiB" },
	{ 123456, "123,456", "120.6 KiB" },
	{ UINT64_C(16) << 20, "16,777,216", "16.0 MiB" },
	{ UINT64_C(3) << 30, "3,221,225,472", "3.0 GiB" },
	{ UINT64_MAX, "18,446,744,073,709,551,615", "16777216.0 TiB" },
};

START_TEST(numbers_for_people)
{
	char text[SHOW_NUMBER_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		ck_assert_str_eq(show_number(numbers[i].n, text), numbers[i].number);
		ck_assert_str_eq(show_bytes(numbers[i].n, text), numbers[i].bytes);
	}
}
END_TEST

/* What a show prints, all of it. */
static void told(bool color, const char *expected)
{
	char *text = NULL;
	size_t n = 0;
	struct show s = { .out = open_memstream(&text, &n), .color = color };

	ck_assert_ptr_nonnull(s.out);
	show_heading(&s, "part %d", 1);
	show_line(&s, "%s", "a line");
	ck_assert(show_check(&s, true, "%d of %d", 2, 2));
	ck_assert(!show_check(&s, false, "%d of %d", 1, 2));
	ck_assert_int_eq(fclose(s.out), 0);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(s.checks, 2);
	ck_assert_uint_eq(s.failed, 1);
	free(text);
}

START_TEST(checks_are_counted_and_aligned)
{
	told(false, "\npart 1\n"
	            "  a line\n"
	            "  ok     2 of 2\n"
	            "  FAILED 1 of 2\n");
	told(true, "\n\x1b[1mpart 1\x1b[0m\n"
	           "  a line\n"
	           "  \x1b[32mok    \x1b[0m 2 of 2\n"
	           "  \x1b[1;31mFAILED\x1b[0m 1 of 2\n");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("demo/show");

	tcase_add_test(tc, numbers_for_people);
	tcase_add_test(tc, checks_are_counted_and_aligned);
	return tc;
}
