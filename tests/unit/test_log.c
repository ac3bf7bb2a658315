/* tests/unit/test_log.c */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static char last[1024];
static unsigned lines;
static enum log_level last_level;

static void keep(void *context, enum log_level level, const char *line)
{
	ck_assert_ptr_eq(context, last);
	snprintf(last, sizeof(last), "%s", line);
	last_level = level;
	lines++;
}

static struct log sink = { .level = LOG_LEVEL_INFO, .write = keep, .context = last };

static void start(void)
{
	last[0] = '\0';
	lines = 0;
}

START_TEST(names_and_levels)
{
	log_info(&sink, "home", "up, %d peers", 2);
	ck_assert_str_eq(last, "home: up, 2 peers");
	log_error(&sink, NULL, "no device");
	ck_assert_str_eq(last, "no device");
	ck_assert_int_eq(last_level, LOG_LEVEL_ERROR);
	log_debug(&sink, NULL, "too detailed");
	ck_assert_uint_eq(lines, 2);
	log_warn(NULL, "home", "to nobody");
	ck_assert_uint_eq(lines, 2);
}
END_TEST

/* A worker that has been taken over says lines, and names come from anywhere. */
START_TEST(no_line_moves_the_cursor_or_begins_another)
{
	log_info(&sink, "a\033b", "%s", "\033[2J\n<0>forged");
	ck_assert_str_eq(last, "a?b: ?[2J?<0>forged");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_info(&sink, text, "%s", text);
	ck_assert_uint_lt(strlen(last), 600);
	ck_assert_uint_gt(strlen(last), 400);
}
END_TEST

START_TEST(once_per_period_with_the_count_of_the_swallowed)
{
	struct log_limit limit = { 0 };

	log_limited(&sink, &limit, 1000, 100, LOG_LEVEL_WARN, "home", "bad packet");
	ck_assert_str_eq(last, "home: bad packet");
	for (unsigned i = 0; i < 5; i++)
		log_limited(&sink, &limit, 1001 + i, 100, LOG_LEVEL_WARN, "home",
		            "bad packet");
	log_limited(&sink, &limit, 1099, 100, LOG_LEVEL_WARN, "home", "bad packet");
	ck_assert_uint_eq(lines, 1);
	log_limited(&sink, &limit, 1100, 100, LOG_LEVEL_WARN, "home", "bad packet");
	ck_assert_uint_eq(lines, 2);
	ck_assert_str_eq(last, "home: bad packet (and 6 more like it)");
	log_limited(&sink, &limit, 1300, 100, LOG_LEVEL_WARN, NULL, "bad packet");
	ck_assert_str_eq(last, "bad packet");
}
END_TEST

START_TEST(what_is_not_logged_does_not_count)
{
	struct log_limit limit = { 0 };

	log_limited(&sink, &limit, 1000, 100, LOG_LEVEL_DEBUG, NULL, "detail");
	log_limited(NULL, &limit, 1000, 100, LOG_LEVEL_WARN, NULL, "to nobody");
	ck_assert_uint_eq(limit.next_ns, 0);
	ck_assert_uint_eq(limit.swallowed, 0);
	ck_assert_uint_eq(lines, 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/log");

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, names_and_levels);
	tcase_add_test(tc, no_line_moves_the_cursor_or_begins_another);
	tcase_add_test(tc, long_lines_are_cut);
	tcase_add_test(tc, once_per_period_with_the_count_of_the_swallowed);
	tcase_add_test(tc, what_is_not_logged_does_not_count);
	return tc;
}
