/* tests/unit/test_trust.c - a tree of folders, files and links for each test; as root
 * also with owners other than ours */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/trust.h"

#define STRANGER 12345

static char top[32];

static void make_top(void)
{
	snprintf(top, sizeof(top), "/tmp/tunion.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void remove_top(void)
{
	char command[64];

	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	ck_assert_int_eq(system(command), 0);
}

static const char *at(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void make_folder(const char *name, mode_t mode)
{
	ck_assert_int_eq(mkdir(at(name), 0700), 0);
	ck_assert_int_eq(chmod(at(name), mode), 0);
}

/* The file's text is its name. */
static void make_file(const char *name, mode_t mode)
{
	FILE *f = fopen(at(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(name, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(at(name), mode), 0);
}

static void make_link(const char *name, const char *target)
{
	ck_assert_int_eq(symlink(target, at(name)), 0);
}

/* Returns who else can change the file, or NULL if nobody can; to be freed. `text` gets
 * the file's text. */
static char *others_of(const char *path, char text[static 64])
{
	struct trust_place place;
	char *others;
	ssize_t n;

	ck_assert_msg(trust_open(path, &place) == 0, "%s", path);
	n = read(place.fd, text, 63);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	others = place.others;
	place.others = NULL;
	trust_place_clear(&place);
	return others;
}

static void check_others(const char *path, const char *expected)
{
	char text[64], *others = others_of(path, text);

	if (!expected)
		ck_assert_msg(!others, "%s: %s", path, others);
	else
		ck_assert_msg(others && strstr(others, expected), "%s: %s", path,
		              others ? others : "nobody");
	free(others);
}

/* ---- modes and links */

static const struct {
	const char *path, *others; /* NULL: nobody */
} ways[] = {
	{ "safe/a.conf", NULL },
	{ "safe//./a.conf", NULL },
	{ "safe/sub/../a.conf", NULL },
	{ "safe/group.conf", "safe/group.conf has mode 0660" },
	{ "safe/world.conf", "safe/world.conf has mode 0602" },
	{ "safe/read.conf", NULL },
	{ "group/a.conf", "group has mode 0770" },
	{ "world/a.conf", "world has mode 0703" },
	{ "world/sub/a.conf", "world has mode 0703" },
	{ "world/../safe/a.conf", "world has mode 0703" },
	/* links: both the place of the link and the place of the file count */
	{ "safe/link.conf", NULL },
	{ "safe/absolute.conf", NULL },
	{ "safe/folder/a.conf", NULL },
	{ "safe/twice.conf", NULL },
	{ "safe/astray.conf", "world has mode 0703" },
	{ "safe/through.conf", "world has mode 0703" },
	{ "world/link.conf", "world has mode 0703" },
	{ "world/folder/a.conf", "world has mode 0703" },
	/* in a sticky folder only a folder of ours is safe */
	{ "sticky/ours/a.conf", NULL },
	{ "sticky/a.conf", "sticky has mode 1777" },
	{ "sticky/link.conf", "sticky has mode 1777" },
	{ "sticky/folder/a.conf", "sticky has mode 1777" },
	{ "sticky/open/a.conf", "sticky/open has mode 0777" },
	{ "safe/sticky.conf", "sticky has mode 1777" },
};

static void make_ways(void)
{
	char target[64];

	make_folder("safe", 0755);
	make_folder("safe/sub", 0700);
	make_folder("group", 0770);
	make_folder("world", 0703);
	make_folder("world/sub", 0700);
	make_folder("sticky", 01777);
	make_folder("sticky/ours", 0755);
	make_folder("sticky/open", 0777);
	make_file("safe/a.conf", 0600);
	make_file("safe/group.conf", 0660);
	make_file("safe/world.conf", 0602);
	make_file("safe/read.conf", 0644);
	make_file("group/a.conf", 0600);
	make_file("world/a.conf", 0600);
	make_file("world/sub/a.conf", 0600);
	make_file("sticky/a.conf", 0600);
	make_file("sticky/ours/a.conf", 0600);
	make_file("sticky/open/a.conf", 0600);
	snprintf(target, sizeof(target), "%s/safe/sub/../a.conf", top);
	make_link("safe/link.conf", "a.conf");
	make_link("safe/absolute.conf", target);
	make_link("safe/folder", "../safe/sub/..");
	make_link("safe/twice.conf", "folder/absolute.conf");
	make_link("safe/astray.conf", "../world/a.conf");
	make_link("safe/through.conf", "../world/link.conf");
	make_link("safe/sticky.conf", "../sticky/a.conf");
	make_link("world/link.conf", "../safe/a.conf");
	make_link("world/folder", "../safe");
	make_link("sticky/link.conf", "../safe/a.conf");
	make_link("sticky/folder", "../safe");
}

START_TEST(each_part_of_the_way_counts)
{
	make_top();
	make_ways();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		check_others(at(ways[i].path), ways[i].others);
	ck_assert_int_eq(chdir(at("world")), 0);
	check_others("../safe/a.conf", "world has mode 0703");
	ck_assert_int_eq(chdir(at("safe/sub")), 0);
	check_others("../a.conf", NULL);
	remove_top();
}
END_TEST

START_TEST(errors_are_those_of_open)
{
	static const struct {
		const char *path;
		int error;
	} cases[] = {
		{ "none", -ENOENT },      { "none/a", -ENOENT }, { "file/a", -ENOTDIR },
		{ "round", -ELOOP },      { "round/a", -ELOOP }, { "nowhere", -ENOENT },
		{ "nowhere/a", -ENOENT }, { "down/a", -ENOENT },
	};
	struct trust_place place;

	make_top();
	make_file("file", 0600);
	make_link("round", "round");
	make_link("nowhere", "not/there");
	make_link("down", ".");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(trust_open(at(cases[i].path), &place) == cases[i].error,
		              "%s", cases[i].path);
		ck_assert_int_eq(place.fd, -1);
		trust_place_clear(&place);
	}
	remove_top();
}
END_TEST

/* ---- owners */

START_TEST(others_files_and_folders_are_theirs)
{
	static const struct {
		const char *path, *others;
	} cases[] = {
		{ "theirs/a.conf", "theirs belongs to user 12345" },
		{ "theirs/ours/a.conf", "theirs belongs to user 12345" },
		{ "ours/theirs.conf", "ours/theirs.conf belongs to user 12345" },
		{ "ours/to-theirs.conf", "theirs belongs to user 12345" },
		/* whatever is in a folder of ours was put there by us */
		{ "ours/their-link.conf", NULL },
		{ "sticky/theirs/a.conf", "sticky/theirs belongs to user 12345" },
	};

	make_top();
	make_folder("theirs", 0755);
	make_folder("theirs/ours", 0755);
	make_folder("ours", 0755);
	make_folder("sticky", 01777);
	make_folder("sticky/theirs", 0755);
	make_file("theirs/a.conf", 0600);
	make_file("theirs/ours/a.conf", 0600);
	make_file("ours/a.conf", 0600);
	make_file("ours/theirs.conf", 0600);
	make_file("sticky/theirs/a.conf", 0600);
	make_link("ours/to-theirs.conf", "../theirs/a.conf");
	make_link("ours/their-link.conf", "a.conf");
	if (geteuid() == 0 &&
	    lchown(at("ours/their-link.conf"), STRANGER, STRANGER) == 0) {
		ck_assert_int_eq(chown(at("theirs"), STRANGER, STRANGER), 0);
		ck_assert_int_eq(chown(at("sticky/theirs"), STRANGER, STRANGER), 0);
		ck_assert_int_eq(chown(at("ours/theirs.conf"), STRANGER, STRANGER), 0);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			check_others(at(cases[i].path), cases[i].others);
	} else {
		printf("skipped: only root can give files away\n");
	}
	remove_top();
}
END_TEST

/* Returns false if we can't give files away. */
static bool make_temptations(void)
{
	static const char *const their[] = { "theirs/own.conf",    "theirs/to-own.conf",
		                             "theirs/secret.conf", "theirs/folder",
		                             "theirs/twice.conf",  "theirs/third.conf",
		                             "sticky/secret.conf", "theirs" };
	char from[PATH_MAX];

	make_top();
	make_folder("theirs", 0755);
	make_folder("ours", 0700);
	make_folder("sticky", 01777);
	make_file("ours/secret", 0600);
	make_file("ours/of-third", 0600);
	make_file("ours/two", 0600);
	make_file("theirs/own.conf", 0600);
	make_file("theirs/of-root.conf", 0600);
	make_link("theirs/to-own.conf", "own.conf");
	make_link("theirs/by-root.conf", "../ours/secret");
	make_link("theirs/secret.conf", "../ours/secret");
	make_link("theirs/folder", "../ours");
	make_link("theirs/third.conf", "../ours/of-third");
	make_link("sticky/secret.conf", "../ours/secret");
	make_link("theirs/twice.conf", "by-root.conf");
	if (geteuid() != 0 || chown(at("ours/of-third"), 777, 777) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(their); i++)
		ck_assert_int_eq(lchown(at(their[i]), STRANGER, STRANGER), 0);
	snprintf(from, sizeof(from), "%s", at("theirs/own.conf"));
	ck_assert_int_eq(link(from, at("theirs/own-hard.conf")), 0);
	snprintf(from, sizeof(from), "%s", at("ours/two"));
	ck_assert_int_eq(link(from, at("theirs/hard.conf")), 0);
	ck_assert_int_eq(link(from, at("sticky/hard.conf")), 0);
	ck_assert_int_eq(link(from, at("ours/hard.conf")), 0);
	return true;
}

/* He could look for the text in our messages. */
START_TEST(others_do_not_lead_us_to_what_is_not_theirs)
{
	static const struct {
		const char *path, *why; /* NULL: it is read */
	} cases[] = {
		{ "theirs/own.conf", NULL },
		{ "theirs/of-root.conf", NULL }, /* given by root */
		{ "theirs/to-own.conf", NULL },
		{ "theirs/by-root.conf", NULL },
		{ "theirs/secret.conf",
		  "by a link of user 12345, but belongs to user 0" },
		{ "theirs/folder/secret",
		  "by a link of user 12345, but belongs to user 0" },
		{ "theirs/twice.conf", "by a link of user 12345, but belongs to user 0" },
		{ "theirs/third.conf",
		  "by a link of user 12345, but belongs to user 777" },
		{ "theirs/hard.conf", "belongs to user 0 and has 4 names" },
		{ "theirs/own-hard.conf", NULL },
		{ "sticky/secret.conf",
		  "by a link of user 12345, but belongs to user 0" },
		{ "sticky/hard.conf", "belongs to user 0 and has 4 names" },
		{ "ours/hard.conf", NULL },
	};
	bool given = make_temptations();

	if (!given)
		printf("skipped: only root can give files away\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases) && given; i++) {
		struct trust_place place;
		int err = trust_open(at(cases[i].path), &place);

		ck_assert_msg(err == (cases[i].why ? -EPERM : 0), "%s: %d", cases[i].path,
		              err);
		ck_assert_msg(!cases[i].why || strstr(place.others, cases[i].why),
		              "%s: %s", cases[i].path, place.others);
		ck_assert(err == 0 || place.fd == -1);
		trust_place_clear(&place);
	}
	remove_top();
}
END_TEST

/* ---- the folder is swapped for a link, and back, while we look */

START_TEST(what_is_swapped_meanwhile_does_not_pass)
{
	char path[PATH_MAX], text[64], name[PATH_MAX], other[PATH_MAX];
	pid_t swapper;

	make_top();
	make_folder("safe", 0755);
	make_file("safe/a.conf", 0600);
	make_folder("home", 0755);
	make_folder("home/evil", 0777);
	make_file("home/evil/a.conf", 0600);
	make_link("home/link", "../safe");
	snprintf(path, sizeof(path), "%s/home/evil/a.conf", top);
	snprintf(name, sizeof(name), "%s/home/evil", top);
	snprintf(other, sizeof(other), "%s/home/link", top);
	swapper = fork();
	while (swapper == 0)
		(void)!syscall(SYS_renameat2, AT_FDCWD, name, AT_FDCWD, other,
		               RENAME_EXCHANGE);
	for (int i = 0; i < 3000; i++) {
		char *others = others_of(path, text);

		/* the text says whose file it is */
		ck_assert_msg(others || strcmp(text, "safe/a.conf") == 0,
		              "the other's file has passed");
		free(others);
	}
	kill(swapper, SIGKILL);
	ck_assert_int_eq(waitpid(swapper, NULL, 0), swapper);
	remove_top();
}
END_TEST

/* As Samba does for its clients. Whoever wants to read it has to come again. */
START_TEST(a_lease_is_no_folder)
{
	struct trust_place place;
	int fd;

	make_top();
	make_folder("world", 0703);
	make_file("world/a.conf", 0600);
	fd = open(at("world/a.conf"), O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	signal(SIGIO, SIG_IGN);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0) {
		printf("skipped: no leases here\n");
	} else {
		ck_assert_int_eq(trust_open(at("world/a.conf"), &place), -EAGAIN);
		trust_place_clear(&place);
	}
	close(fd);
	remove_top();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf/trust");

	tcase_add_test(tc, each_part_of_the_way_counts);
	tcase_add_test(tc, errors_are_those_of_open);
	tcase_add_test(tc, a_lease_is_no_folder);
	tcase_add_test(tc, others_files_and_folders_are_theirs);
	tcase_add_test(tc, others_do_not_lead_us_to_what_is_not_theirs);
	tcase_add_test(tc, what_is_swapped_meanwhile_does_not_pass);
	return tc;
}
