/* What processes without a log of their own say: how the lines come, and when no more are
 * written. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/line.h"
#include "supervisor/helper_log.h"

struct fixture {
	struct loop *loop;
	int fds[2]; /* [0] is the supervisor's, [1] the process's */
	struct log log, theirs;
	struct helper_log helper;
	unsigned lines;
	enum log_level level; /* of the last one */
	char line[LINE_BYTES];
};

static void note(void *context, enum log_level level, const char *line)
{
	struct fixture *f = context;

	f->lines++;
	f->level = level;
	snprintf(f->line, sizeof(f->line), "%s", line);
}

static void begin(struct fixture *f, enum log_level level)
{
	memset(f, 0, sizeof(*f));
	f->log = (struct log){ level, note, f };
	f->theirs = (struct log){ LOG_LEVEL_DEBUG, line_send, &f->fds[1] };
	f->helper = (struct helper_log){ .log = &f->log, .who = "proxy" };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->fds),
	                 0);
	ck_assert_int_eq(loop_new(&f->loop), 0);
	ck_assert_int_eq(helper_log_start(&f->helper, f->loop, f->fds[0]), 0);
}

static void end(struct fixture *f)
{
	helper_log_end(&f->helper);
	loop_free(f->loop);
	close(f->fds[0]);
	if (f->fds[1] >= 0)
		close(f->fds[1]);
}

static void serve(struct fixture *f)
{
	ck_assert_int_eq(loop_wait(f->loop, loop_now_ns() + NS_PER_MS), 0);
}

START_TEST(lines_come_with_their_level)
{
	char longer[2 * LINE_BYTES];
	struct fixture f;

	begin(&f, LOG_LEVEL_INFO);
	log_warn(&f.theirs, NULL, "a line");
	serve(&f);
	ck_assert_str_eq(f.line, "a line");
	ck_assert_int_eq((int)f.level, LOG_LEVEL_WARN);
	log_debug(&f.theirs, NULL, "nobody wants this");
	serve(&f);
	ck_assert_uint_eq(f.lines, 1);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	line_send(&f.fds[1], LOG_LEVEL_ERROR, longer);
	serve(&f);
	ck_assert_uint_gt(strlen(f.line), LINE_BYTES / 2);
	ck_assert_int_eq((int)f.level, LOG_LEVEL_ERROR);
	end(&f);
}
END_TEST

/* Nothing that it sends moves the cursor of a terminal, or begins a line of its own. */
START_TEST(what_is_not_printable)
{
	struct fixture f;

	begin(&f, LOG_LEVEL_INFO);
	ck_assert_int_eq(send(f.fds[1], "1a\n\033[2Jb\xff", 9, 0), 9);
	serve(&f);
	ck_assert_str_eq(f.line, "a??[2Jb?");
	end(&f);
}
END_TEST

START_TEST(nonsense)
{
	static const char *const messages[] = { "4a", "/a", "x", "\x80", "-1", "" };
	struct fixture f;

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		begin(&f, LOG_LEVEL_INFO);
		ck_assert_int_eq(
			helper_log_take(&f.helper, messages[i], strlen(messages[i])),
			-EPROTO);
		ck_assert_int_eq(send(f.fds[1], messages[i], strlen(messages[i]), 0),
		                 (ssize_t)strlen(messages[i]));
		serve(&f);
		ck_assert_str_eq(f.line, "the proxy has talked nonsense");
		log_error(&f.theirs, NULL, "nobody listens any more");
		serve(&f);
		ck_assert_uint_eq(f.lines, 1);
		end(&f);
	}
}
END_TEST

START_TEST(it_says_too_much)
{
	struct fixture f;

	begin(&f, LOG_LEVEL_INFO);
	for (int i = 0; i < 3 * LINE_LIMIT_MAX; i++)
		ck_assert_int_eq(helper_log_take(&f.helper, i % 2 ? "0a" : "2b", 2), 0);
	ck_assert_uint_eq(f.lines, LINE_LIMIT_MAX);
	f.helper.limit.since_ns -= LINE_LIMIT_NS; /* a minute later */
	ck_assert_int_eq(helper_log_take(&f.helper, "0a", 2), 0);
	ck_assert_uint_eq(f.lines, LINE_LIMIT_MAX + 2); /* also how many were left out */
	end(&f);
}
END_TEST

static void say_stage(struct fixture *f, const char *process, const char *stage,
                      const char *why)
{
	struct line_stage s;
	char line[LINE_BYTES];

	snprintf(s.process, sizeof(s.process), "%s", process);
	snprintf(s.stage, sizeof(s.stage), "%s", stage);
	snprintf(s.why, sizeof(s.why), "%s", why);
	line_put_stage(line, &s);
	line_send(&f->fds[1], LOG_LEVEL_DEBUG, line);
	serve(f);
}

static void expect_stage(const struct fixture *f, size_t i, const char *process,
                         const char *stage, const char *why)
{
	ck_assert_str_eq(f->helper.stages[i].process, process);
	ck_assert_str_eq(f->helper.stages[i].stage, stage);
	ck_assert_str_eq(f->helper.stages[i].why, why);
}

/* They are kept, the last word of each, and aren't lines of the log. */
START_TEST(how_it_is_locked_in)
{
	struct fixture f;

	begin(&f, LOG_LEVEL_DEBUG);
	say_stage(&f, "proxy", "files", "Function not implemented");
	say_stage(&f, "outlet", "files", "");
	say_stage(&f, "proxy", "files", "");
	say_stage(&f, "proxy", "calls", "no \033[2J here");
	ck_assert_uint_eq(f.helper.stage_count, 3);
	expect_stage(&f, 0, "proxy", "files", "");
	expect_stage(&f, 1, "outlet", "files", "");
	expect_stage(&f, 2, "proxy", "calls", "no ?[2J here");
	for (int i = 0; i < 2 * HELPER_LOG_STAGES; i++)
		say_stage(&f, "proxy", (char[]){ (char)('a' + i), '\0' }, "");
	ck_assert_uint_eq(f.helper.stage_count, HELPER_LOG_STAGES);
	ck_assert_uint_eq(f.lines, 0);
	end(&f);
}
END_TEST

/* What looks like a stage and is none is a line. */
START_TEST(no_stage)
{
	static const char *const messages[] = {
		"3\t",
		"3\t\t\t",
		"3\ta\t\tc",
		"3\ta\tb\tc\td",
		"3\ta2345678901234567\tb\tc",
		"3\ta",
	};
	struct line_stage stage;
	struct fixture f;

	begin(&f, LOG_LEVEL_DEBUG);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		size_t n = strlen(messages[i]);

		ck_assert(!line_read_stage(messages[i], n, &stage));
		ck_assert_int_eq(helper_log_take(&f.helper, messages[i], n), 0);
		ck_assert_uint_eq(f.lines, i + 1);
	}
	ck_assert_uint_eq(f.helper.stage_count, 0);
	end(&f);
}
END_TEST

/* Its last words are written, too. */
START_TEST(the_process_has_ended)
{
	struct fixture f;

	begin(&f, LOG_LEVEL_INFO);
	log_error(&f.theirs, NULL, "it has to end");
	close(f.fds[1]);
	f.fds[1] = -1;
	helper_log_end(&f.helper);
	ck_assert_str_eq(f.line, "it has to end");
	ck_assert_int_eq(helper_log_start(&f.helper, f.loop, f.fds[0]), 0);
	serve(&f); /* it isn't ready for ever */
	ck_assert_ptr_null(f.helper.loop);
	ck_assert_uint_eq(f.lines, 1);
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/helper_log");

	tcase_add_test(tc, lines_come_with_their_level);
	tcase_add_test(tc, what_is_not_printable);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, it_says_too_much);
	tcase_add_test(tc, how_it_is_locked_in);
	tcase_add_test(tc, no_stage);
	tcase_add_test(tc, the_process_has_ended);
	return tc;
}
