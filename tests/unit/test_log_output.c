#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/log_output.h"

static const char *const levels[] = { "error", "warn", "info", "debug" };

START_TEST(levels_by_their_words)
{
	enum log_level level;

	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		ck_assert(log_output_parse_level(levels[i], &level));
		ck_assert_int_eq((int)level, (int)i);
	}
	ck_assert(!log_output_parse_level("", &level));
	ck_assert(!log_output_parse_level("Info", &level));
	ck_assert(!log_output_parse_level("info ", &level));
}
END_TEST

/* What is written to stderr by `say`. */
static void check_stderr(void (*say)(struct log_output *), enum log_place place,
                         const char *expected)
{
	struct log_output output = { place };
	char text[512] = "";
	int was = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t n;

	ck_assert_ptr_nonnull(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	say(&output);
	fflush(stderr);
	dup2(was, STDERR_FILENO);
	close(was);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	ck_assert_str_eq(text, expected);
}

static void say_lines(struct log_output *output)
{
	struct log log = { LOG_LEVEL_DEBUG, log_output_write, output };

	log_error(&log, NULL, "a");
	log_warn(&log, "home", "b");
	log_info(&log, NULL, "c");
	log_debug(&log, NULL, "d");
}

static void say_diag(struct log_output *output)
{
	struct diag diag = { 0 };

	diag_warning(&diag, NULL, 0, "w");
	diag_error(&diag, "x.conf", 7, "e");
	diag_error(&diag, "x.conf", 0, "f");
	log_output_diag(output, &diag);
	diag_clear(&diag);
}

START_TEST(lines)
{
	check_stderr(say_lines, LOG_PLACE_STDERR,
	             "tunion: a\ntunion: home: b\ntunion: c\ntunion: d\n");
	check_stderr(say_lines, LOG_PLACE_JOURNAL, "<3>a\n<4>home: b\n<6>c\n<7>d\n");
	check_stderr(say_diag, LOG_PLACE_JOURNAL, "<4>w\n<3>x.conf:7: e\n<3>x.conf: f\n");
	check_stderr(say_diag, LOG_PLACE_STDERR,
	             "tunion: warning: w\nx.conf: f\nx.conf:7: e\n");
}
END_TEST

START_TEST(journal_only_where_stderr_is_it)
{
	struct stat st;
	char stream[64];

	unsetenv("JOURNAL_STREAM");
	ck_assert_int_eq((int)log_output_stderr(), (int)LOG_PLACE_STDERR);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	         (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq((int)log_output_stderr(), (int)LOG_PLACE_JOURNAL);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	         (uintmax_t)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq((int)log_output_stderr(), (int)LOG_PLACE_STDERR);
	unsetenv("JOURNAL_STREAM");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/log_output");

	tcase_add_test(tc, levels_by_their_words);
	tcase_add_test(tc, lines);
	tcase_add_test(tc, journal_only_where_stderr_is_it);
	return tc;
}
