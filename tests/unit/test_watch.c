#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/watch.h"

/* inotify puts an event in its queue before the system call that causes it returns: there
 * is nothing to wait for but the watch's own time, which the tests make. */

static char top[PATH_MAX], directory[PATH_MAX];
static struct watch *watch;
static uint64_t now_ns;

static const char *in_directory(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3900s/%s", directory, name);
	return path;
}

static void start(const char *path)
{
	ck_assert_int_eq(watch_new(&watch, &path, 1), 0);
	ck_assert_uint_eq(watch_deadline_ns(watch), NEVER_NS);
}

static void setup(void)
{
	snprintf(top, sizeof(top), "/tmp/tunion-watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(directory, sizeof(directory), "%.3900s/conf", top);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	now_ns = 1000 * NS_PER_SEC;
}

static void teardown(void)
{
	char command[PATH_MAX + 16];

	watch_free(watch);
	watch = NULL;
	snprintf(command, sizeof(command), "rm -r %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *path)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(fprintf(f, "text\n"), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* Is it told of what happened, at the time it should be? */
static bool told(void)
{
	bool early, due;

	watch_read(watch, now_ns);
	early = watch_due(watch, now_ns + WATCH_QUIET_NS - 1);
	now_ns += WATCH_QUIET_NS;
	due = watch_due(watch, now_ns);
	ck_assert(!early);
	ck_assert(!watch_due(watch, now_ns));
	return due;
}

START_TEST(each_way_of_changing_a_file_is_seen)
{
	start(directory);
	ck_assert(!told());
	write_file(in_directory("a.conf"));
	ck_assert(told());
	write_file(in_directory("a.conf"));
	ck_assert(told());
	write_file(in_directory("new~"));
	ck_assert(!told());
	{
		char from[PATH_MAX];

		snprintf(from, sizeof(from), "%s", in_directory("new~"));
		ck_assert_int_eq(rename(from, in_directory("a.conf")), 0);
		ck_assert(told());
		snprintf(from, sizeof(from), "%s", in_directory("a.conf"));
		ck_assert_int_eq(rename(from, in_directory("a.conf.off")), 0);
		ck_assert(told());
		snprintf(from, sizeof(from), "%s", in_directory("a.conf.off"));
		ck_assert_int_eq(link(from, in_directory("b.conf")), 0);
		ck_assert(told());
		ck_assert_int_eq(symlink(from, in_directory("c.conf")), 0);
		ck_assert(told());
	}
	ck_assert_int_eq(unlink(in_directory("b.conf")), 0);
	ck_assert(told());
}
END_TEST

START_TEST(a_file_counts_when_it_is_complete)
{
	FILE *f;

	start(directory);
	f = fopen(in_directory("a.conf"), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(fprintf(f, "half"), 0);
	ck_assert_int_eq(fflush(f), 0);
	ck_assert(!told());
	ck_assert_int_eq(fclose(f), 0);
	ck_assert(told());
}
END_TEST

START_TEST(other_files_are_not_meant)
{
	static const char *const names[] = { "a.con",   ".a.conf.swp", ".conf",
		                             ".a.conf", "conf",        "a.conf~" };

	start(directory);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		write_file(in_directory(names[i]));
		ck_assert_msg(!told(), "%s", names[i]);
	}
}
END_TEST

START_TEST(one_file_alone)
{
	start(in_directory("a.conf")); /* it need not be there */
	write_file(in_directory("b.conf"));
	ck_assert(!told());
	write_file(in_directory("a.conf"));
	ck_assert(told());
}
END_TEST

START_TEST(waits_for_quiet_but_not_for_ever)
{
	uint64_t first_ns;

	start(directory);
	write_file(in_directory("a.conf"));
	watch_read(watch, now_ns);
	first_ns = now_ns;
	ck_assert_uint_eq(watch_deadline_ns(watch), first_ns + WATCH_QUIET_NS);
	for (now_ns += WATCH_QUIET_NS / 2; now_ns < first_ns + WATCH_LATEST_NS;
	     now_ns += WATCH_QUIET_NS / 2) {
		ck_assert(!watch_due(watch, now_ns));
		write_file(in_directory("a.conf"));
		watch_read(watch, now_ns);
	}
	ck_assert_uint_eq(watch_deadline_ns(watch), first_ns + WATCH_LATEST_NS);
	ck_assert(watch_due(watch, first_ns + WATCH_LATEST_NS));
	ck_assert_uint_eq(watch_deadline_ns(watch), NEVER_NS);
}
END_TEST

/* Returns true if the loss was told; then looks for it once a second. */
static void expect_gone(void)
{
	bool due = false;

	/* the end of a watch may be an event of its own, caused by reading the first */
	watch_read(watch, now_ns);
	watch_read(watch, now_ns);
	for (int i = 0; i < 8 && !due; i++, now_ns += WATCH_QUIET_NS)
		due = watch_due(watch, now_ns);
	ck_assert(due);
	ck_assert_uint_ne(watch_deadline_ns(watch), NEVER_NS);
	ck_assert_uint_le(watch_deadline_ns(watch), now_ns + NS_PER_SEC);
}

static void expect_back(void)
{
	bool due = false;

	for (int i = 0; i < 8 && !due; i++, now_ns += WATCH_QUIET_NS)
		due = watch_due(watch, now_ns);
	ck_assert(due);
	ck_assert_uint_eq(watch_deadline_ns(watch), NEVER_NS);
	write_file(in_directory("a.conf"));
	ck_assert(told());
}

START_TEST(a_directory_deleted_and_made_again)
{
	start(directory);
	ck_assert_int_eq(rmdir(directory), 0);
	expect_gone();
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	expect_back();
}
END_TEST

START_TEST(a_directory_moved_away_and_replaced)
{
	char away[PATH_MAX];

	start(directory);
	snprintf(away, sizeof(away), "%.3900s/away", top);
	ck_assert_int_eq(rename(directory, away), 0);
	expect_gone();
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	expect_back();
	snprintf(away, sizeof(away), "%.3900s/away/a.conf", top);
	write_file(away);
	ck_assert(!told());
}
END_TEST

START_TEST(more_events_than_the_queue_holds)
{
	int max = 16384;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int ignored = f ? fscanf(f, "%d", &max) : 0;

	(void)ignored;
	if (f)
		fclose(f);
	if (max > 20000)
		return; /* it would take too long */
	start(directory);
	/* equal events in a row count once, so two that alternate */
	for (int i = 0; i <= max; i++) {
		int fd = open(in_directory(i % 2 ? "x" : "y"), O_WRONLY | O_CREAT, 0600);

		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	ck_assert(told());
}
END_TEST

START_TEST(no_directory_to_begin_with)
{
	char path[PATH_MAX];
	const char *paths[] = { path };

	snprintf(path, sizeof(path), "%.3900s/none/a.conf", top);
	ck_assert_int_lt(watch_new(&watch, paths, 1), 0);
	ck_assert_ptr_null(watch);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/watch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_way_of_changing_a_file_is_seen);
	tcase_add_test(tc, a_file_counts_when_it_is_complete);
	tcase_add_test(tc, other_files_are_not_meant);
	tcase_add_test(tc, one_file_alone);
	tcase_add_test(tc, waits_for_quiet_but_not_for_ever);
	tcase_add_test(tc, a_directory_deleted_and_made_again);
	tcase_add_test(tc, a_directory_moved_away_and_replaced);
	tcase_add_test(tc, more_events_than_the_queue_holds);
	tcase_add_test(tc, no_directory_to_begin_with);
	return tc;
}
