/* tests/unit/test_diag.c */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"

static struct diag diag;

static void stop(void)
{
	diag_clear(&diag);
}

static void expect(const char *text)
{
	char *printed = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&printed, &n);

	ck_assert_ptr_nonnull(out);
	diag_print(&diag, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(printed, text);
	free(printed);
}

START_TEST(nothing)
{
	expect("");
}
END_TEST

/* Others may choose the names of files. */
START_TEST(nothing_moves_the_cursor)
{
	diag_error(&diag, "/tmp/\033[2J\xc2\x9b_a.conf", 7, "said \033[1m");
	expect("/tmp/?[2J??_a.conf:7: said ?[1m\n");
}
END_TEST

START_TEST(files_in_the_order_mentioned_lines_in_order)
{
	struct diag more = { 0 };

	diag_error(&diag, "b.conf", 7, "seven");
	diag_warning(&diag, "a.conf", 2, "two");
	diag_error(&diag, "b.conf", 3, "three, first");
	diag_error(&diag, "b.conf", 0, "about the file");
	diag_error(&diag, NULL, 0, "about no file");
	diag_error(&diag, "b.conf", 3, "three, then");
	diag_error(&diag, "a.conf", 1, "%s %d", "one", 1);
	diag_warning(&more, NULL, 0, "neither");
	diag_note(&more, "a.conf", 3, "remarked");
	diag_move(&diag, &more);
	ck_assert_uint_eq(more.count + more.errors + more.warnings, 0);
	expect("b.conf: about the file\n"
	       "b.conf:3: three, first\n"
	       "b.conf:3: three, then\n"
	       "b.conf:7: seven\n"
	       "a.conf:1: one 1\n"
	       "a.conf:2: warning: two\n"
	       "a.conf:3: note: remarked\n"
	       "tunion: about no file\n"
	       "tunion: warning: neither\n");
	ck_assert_uint_eq(diag.errors, 6);
	ck_assert_uint_eq(diag.warnings, 2);
	ck_assert_uint_eq(diag.count, 9);
}
END_TEST

START_TEST(many)
{
	for (unsigned i = 0; i < 1000; i++)
		diag_error(&diag, "f", 1000 - i, "text %u", i);
	ck_assert_uint_eq(diag.count, 1000);
	diag_clear(&diag);
	ck_assert_uint_eq(diag.count + diag.errors + diag.warnings, 0);
	expect("");
}
END_TEST

static void count_line(void *context, enum log_level level, const char *line)
{
	unsigned *count = context;

	(void)level;
	(void)line;
	(*count)++;
}

/* Of a bad file, each version is read again with each change. */
START_TEST(only_news_are_logged)
{
	unsigned count = 0;
	const struct log log = { LOG_LEVEL_INFO, count_line, &count };
	struct diag known = { 0 };

	for (unsigned i = 0; i < 200000; i++)
		diag_error(&diag, "f", i, "text");
	diag_error(&diag, NULL, 0, "text");
	diag_log_news(&diag, &known, &log);
	ck_assert_uint_eq(count, 200001);
	diag_log_news(&diag, &known, &log);
	ck_assert_uint_eq(count, 200001);
	diag_error(&diag, "f", 1, "other text");
	diag_error(&diag, "g", 1, "text");
	diag_log_news(&diag, &known, &log);
	ck_assert_uint_eq(count, 200003);
	diag_clear(&known);
}
END_TEST

START_TEST(what_was_lost_is_said)
{
	diag_error(&diag, "f", 1, "kept");
	diag.errors++; /* as add() leaves it when memory ends */
	expect("f:1: kept\nout of memory: some messages are missing\n");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/diag");

	tcase_add_checked_fixture(tc, NULL, stop);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, nothing_moves_the_cursor);
	tcase_add_test(tc, files_in_the_order_mentioned_lines_in_order);
	tcase_add_test(tc, many);
	tcase_add_test(tc, only_news_are_logged);
	tcase_add_test(tc, what_was_lost_is_said);
	return tc;
}
