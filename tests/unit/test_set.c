/* tests/unit/test_set.c - directories and files, names, order, and who may read them */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ifname.h"
#include "conf/load.h"
#include "conf/set.h"
#include "confprint.h"
#include "unit.h"

#define GOOD "[Interface]\nPrivateKey = EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA=\n"

/* Each test works in a folder of its own. */
static char folder[32];

static void enter(void)
{
	strcpy(folder, "/tmp/tunion-set-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void leave(void)
{
	char command[64];

	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

/* "NAME PATH" of each, in order; then the messages. */
static void check_paths(int expected, const char *said, const struct conf_paths *from)
{
	struct diag diag = { 0 };
	struct conf_set set;
	char *text = NULL, *messages;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = conf_set_read(&set, from, &diag);

	for (size_t i = 0; i < set.n; i++)
		fprintf(out, "%s%s %s\n", set.v[i]->switches.gate ? "gate " : "",
		        set.v[i]->name, set.v[i]->path);
	messages = confprint_diag(&diag);
	fputs(messages, out);
	fclose(out);
	ck_assert_str_eq(text, said);
	ck_assert_int_eq(r, expected);
	conf_set_clear(&set);
	diag_clear(&diag);
	free(text);
	free(messages);
}

static void check_set(int expected, const char *said, const char *const *paths, size_t n)
{
	const struct conf_paths from = { .v = paths, .n = n };

	check_paths(expected, said, &from);
}

#define CHECK_SET(expected, said, ...)                                                   \
	check_set(expected, said, (const char *const[]){ __VA_ARGS__ },                  \
	          ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))

START_TEST(a_directory_in_byte_order)
{
	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("d/b.conf", GOOD);
	put("d/a-b.conf", GOOD);
	put("d/a.conf", GOOD);
	put("d/B.conf", GOOD);
	put("d/_.conf", GOOD);
	put("d/readme", "x");
	put("d/x.conf.bak", "x");
	put("d/.hidden.conf", "x");
	put("d/x.CONF", "x");
	put("d/conf", "x");
	CHECK_SET(0, "B d/B.conf\n_ d/_.conf\na d/a.conf\na-b d/a-b.conf\nb d/b.conf\n",
	          "d");
	CHECK_SET(0, "B d/B.conf\n_ d/_.conf\na d/a.conf\na-b d/a-b.conf\nb d/b.conf\n",
	          "d///");
	CHECK_SET(0, "a ./d/a.conf\nb d/b.conf\n", "d/b.conf", "./d/a.conf");
}
END_TEST

/* Only when they are read again, and only by the whole NAME. */
START_TEST(files_that_are_left_out)
{
	static const char *const without[] = { "b", "x", "c" };
	const char *paths[] = { "d", "b.conf" };
	const struct conf_paths from = {
		.v = paths, .n = 2, .without = without, .without_count = 3
	};
	struct diag diag = { 0 };
	struct conf_set before, after;

	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("d/a.conf", GOOD);
	put("d/bb.conf", GOOD);
	put("d/c.conf", "[Interface]\nMTU = 1\n");
	put("b.conf", GOOD);
	ck_assert_int_eq(conf_set_read(&before, &from, &diag), -EINVAL);
	ck_assert_uint_eq(before.n, 4);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_int_eq(conf_set_reread(&after, &before, &from, &diag), 0);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_uint_eq(after.n, 2);
	ck_assert_ptr_eq(after.v[0], before.v[0]);
	ck_assert_str_eq(after.v[1]->name, "bb");
	conf_set_clear_but(&after, &before);
	conf_set_clear(&before);
	diag_clear(&diag);
}
END_TEST

/* It comes first by its path, but the other one is in force, changed or not. */
START_TEST(a_second_file_of_a_name_that_comes_later)
{
	const char *paths[] = { "d", "e" };
	const struct conf_paths from = { .v = paths, .n = 2 };
	struct diag diag = { 0 };
	struct conf_set before, after;

	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(mkdir("e", 0700), 0);
	put("d/other.conf", GOOD);
	put("e/a.conf", GOOD);
	ck_assert_int_eq(conf_set_read(&before, &from, &diag), 0);
	put("d/a.conf", GOOD);
	for (int change = 0; change < 2; change++) {
		if (change)
			put("e/a.conf", GOOD "# other\n");
		ck_assert_int_eq(conf_set_reread(&after, &before, &from, &diag), -EINVAL);
		ck_assert_uint_eq(after.n, 2);
		ck_assert_int_eq(after.v[0] == before.v[0], !change);
		ck_assert_str_eq(after.v[0]->path, "e/a.conf");
		ck_assert_uint_eq(diag.errors, 1);
		ck_assert_str_eq(diag.entries[0].file, "d/a.conf");
		ck_assert_str_eq(
			diag.entries[0].text,
			"is a second file for NAME a, besides e/a.conf; expected only one");
		diag_clear(&diag);
		conf_set_clear_but(&after, &before);
	}
	conf_set_clear(&before);
}
END_TEST

static void check_gate(int expected, const char *said, const char *directory,
                       const char *gate)
{
	const struct conf_paths from = { .v = &directory, .n = 1, .gate = gate };

	check_paths(expected, said, &from);
}

START_TEST(a_file_that_is_a_gate)
{
	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("d/a.conf", GOOD);
	put("d/b.conf", GOOD "# tunion: Gate = on\n");
	put("g.conf", GOOD);
	check_gate(0, "a d/a.conf\ngate b d/b.conf\ngate g g.conf\n", "d", "g.conf");
	/* it may be in the directory too, and may say so itself */
	check_gate(0, "gate a d/a.conf\ngate b d/b.conf\n", "d", "./d//a.conf");
	check_gate(0, "a d/a.conf\ngate b d/b.conf\n", "d", "d/b.conf");
	check_gate(
		-EINVAL,
		"a d/a.conf\ngate b d/b.conf\nd: is a directory; expected the file of a gate\n",
		"d", "d");
	check_gate(
		-EINVAL,
		"a d/a.conf\ngate b d/b.conf\nx.conf: there is no such file; this folder has g.conf\n",
		"d", "x.conf");
	/* another file of the same name */
	put("a.conf", GOOD);
	check_gate(
		-EINVAL,
		"gate a a.conf\ngate b d/b.conf\nd/a.conf: is a second file for NAME a, besides a.conf; expected only one\n",
		"d", "a.conf");
}
END_TEST

/* It stays a gate when it is read again, whether its text has changed or not; and it may
 * go. */
START_TEST(a_gate_that_is_read_again)
{
	const char *directory = "d";
	const struct conf_paths from = { .v = &directory, .n = 1, .gate = "g.conf" };
	struct diag diag = { 0 };
	struct conf_set before, after;

	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("d/a.conf", GOOD);
	put("g.conf", GOOD);
	ck_assert_int_eq(conf_set_read(&before, &from, &diag), 0);
	for (int change = 0; change < 2; change++) {
		if (change)
			put("g.conf", GOOD "# other\n");
		ck_assert_int_eq(conf_set_reread(&after, &before, &from, &diag), 0);
		ck_assert_uint_eq(after.n, 2);
		ck_assert_int_eq(after.v[1] == before.v[1], !change);
		ck_assert(after.v[1]->switches.gate && !after.v[0]->switches.gate);
		conf_set_clear_but(&after, &before);
	}
	ck_assert_int_eq(unlink("g.conf"), 0);
	ck_assert_int_eq(conf_set_reread(&after, &before, &from, &diag), 0);
	ck_assert_uint_eq(after.n, 1);
	conf_set_clear_but(&after, &before);
	conf_set_clear(&before);
	diag_clear(&diag);
}
END_TEST

static const struct {
	const char *path, *said;
} broken[] = {
	{ "n/wg0.CONF", "the file's name doesn't end in .conf; expected NAME.conf" },
	{ "n/conf", "the file's name doesn't end in .conf; expected NAME.conf" },
	{ "n/my vpn.conf",
	  "there is a blank in the file's name, which is the tunnel's too; expected A-Z a-z 0-9 _ = + . - and then .conf: rename it" },
	{ "n/a(1).conf",
	  "there is '(' in the file's name, which is the tunnel's too; expected A-Z a-z 0-9 _ = + . - and then .conf: rename it" },
	{ "n/z\xc3\xbcrich-and-more-than-15.conf",
	  "there is a character beyond ASCII (U+00FC) in the file's name, which is the tunnel's too; expected A-Z a-z 0-9 _ = + . - and then .conf: rename it" },
	{ "n/sixteen-letters-.conf",
	  "the file's name has 16 characters before .conf, but an interface's name has at most 15: rename it" },
	{ "n/all.conf",
	  "no interface can have the name \"all\", which stands before .conf: rename the file" },
	{ "n/.conf",
	  "no interface can have the name \"\", which stands before .conf: rename the file" },
};

/* Each rule that a name can break is named. */
START_TEST(wrong_names)
{
	ck_assert_int_eq(mkdir("n", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		char said[400];

		put(broken[i].path, "[Interface]\nPostUp = true\n");
		snprintf(said, sizeof(said), "%s: %s\n", broken[i].path, broken[i].said);
		CHECK_SET(-EINVAL, said, broken[i].path);
	}
}
END_TEST

START_TEST(nothing_to_read)
{
	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("d/readme", "x");
	CHECK_SET(-EINVAL, "d: has no tunnel files; expected some NAME.conf\n", "d");
	CHECK_SET(
		-EINVAL,
		"d/readme: the file's name doesn't end in .conf; expected NAME.conf\n"
		"d/readme:1: this is neither [Interface] nor [Peer] nor a key; expected KEY = VALUE\n",
		"d/readme");
	check_set(-EINVAL,
	          "tunion: no tunnel files are given; expected files or directories\n",
	          NULL, 0);
}
END_TEST

/* What is said of a path that isn't there; NAMEs are looked up in d. */
static const struct {
	const char *path, *said;
	bool names;
} missing[] = {
	{ "no.conf", "there is no such file; this folder has no tunnel files", false },
	{ "d/no.conf",
	  "there is no such file; d has a.conf, b.conf, c.conf, d.conf, e.conf and 1 more",
	  false },
	{ "/no/no.conf", "there is no such file; /no is not there", false },
	{ "d/a.conf/no.conf", "there is no such file; d/a.conf is not there", false },
	{ "d/no.conf",
	  "there is no such file; d has a.conf, b.conf, c.conf, d.conf, e.conf and 1 more (a NAME without .conf means the file of that name in d)",
	  true },
	{ "a.conf",
	  "there is no such file, but there is d/a.conf: write its NAME, which is a, or its path",
	  true },
	{ "no",
	  "there is no such file or folder; expected the path of a tunnel file, or of a folder that has some",
	  false },
	{ "no",
	  "there is no such file or folder here, nor no.conf in d, where a NAME is looked up: that folder has a.conf, b.conf, c.conf, d.conf, e.conf and 1 more",
	  true },
	{ "d/a", "there is no such file or folder; do you mean d/a.conf?", true },
	{ "d/a", "there is no such file or folder; do you mean d/a.conf?", false },
	{ "d/no",
	  "there is no such file or folder; expected the path of a tunnel file, or of a folder that has some",
	  true },
	{ "README.md",
	  "there is no such file or folder; expected the path of a tunnel file, or of a folder that has some",
	  true },
	{ "x y",
	  "there is no such file or folder; expected the path of a tunnel file, or of a folder that has some",
	  true },
};

START_TEST(what_is_not_there)
{
	const struct conf_paths no_folder = { .v = &(const char *){ "gone" },
		                              .n = 1,
		                              .names_folder = "gone" };

	ck_assert_int_eq(mkdir("d", 0700), 0);
	for (char path[] = "d/a.conf"; path[2] <= 'f'; path[2]++)
		put(path, GOOD);
	put("d/.hidden.conf", GOOD);
	put("d/not\na.conf", GOOD);
	put("d/readme", "x");
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		const struct conf_paths from = { .v = &missing[i].path,
			                         .n = 1,
			                         .names_folder =
			                                 missing[i].names ? "d" : NULL };
		char said[400];

		snprintf(said, sizeof(said), "%s: %s\n", missing[i].path,
		         missing[i].said);
		check_paths(-EINVAL, said, &from);
	}
	if (geteuid() != 0)
		return;
	check_paths(
		-EINVAL,
		"gone: there is no such folder, and it is where files are looked for if none are named: make it and put NAME.conf files into it, or name files or a folder\n",
		&no_folder);
}
END_TEST

/* Root may read all, so root becomes an ordinary user for this. */
START_TEST(what_may_not_be_read)
{
	const struct conf_paths named = { .v = &(const char *){ "vpn" },
		                          .n = 1,
		                          .names_folder = "d" };
	const uid_t root = geteuid();

	if (root != 0)
		return;
	ck_assert_int_eq(chmod(".", 0755), 0);
	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("d/a.conf", GOOD);
	put("of-root.conf", GOOD);
	put("of-other.conf", GOOD);
	put("own.conf", GOOD);
	ck_assert_int_eq(chown("of-other.conf", 65533, 65533), 0);
	ck_assert_int_eq(chown("own.conf", 65534, 65534), 0);
	ck_assert_int_eq(chmod("own.conf", 0), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	CHECK_SET(
		-EINVAL,
		"of-other of-other.conf\nof-root of-root.conf\nown own.conf\n"
		"d: this needs root: it belongs to root and is closed to others\n"
		"d/a.conf: this needs root: its folder is closed to this user\n"
		"of-root.conf: this needs root: it belongs to root and is closed to others\n"
		"of-other.conf: this needs root: it belongs to user 65533 and is closed to others\n"
		"own.conf: can't be read: Permission denied; it is yours: chmod u+r opens it\n",
		"d", "d/a.conf", "of-root.conf", "of-other.conf", "own.conf");
	check_paths(
		-EINVAL,
		"vpn: this needs root: there is no such file or folder here, and d, where a NAME is looked up, is closed to this user\n",
		&named);
	ck_assert_int_eq(seteuid(root), 0);
}
END_TEST

static const struct {
	const char *name;
	bool valid;
} names[] = {
	{ "a", true },
	{ "fifteen-letters", true },
	{ "sixteen--letters", false },
	{ "A_=+.-0", true },
	{ "wg0.conf", true }, /* wg0.conf.conf is this */
	{ "", false },
	{ ".", false },
	{ "..", false },
	{ "...", true },
	{ "all", false },
	{ "lo", true }, /* no interface of the host, here */
	{ "a b", false },
	{ "a/b", false },
	{ "a%i", false },
	{ "\xc3\xa4", false },
	{ "a\n", false },
};

START_TEST(names_as_wg_quick_takes_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(ifname_valid(names[i].name) == names[i].valid, "%s",
		              names[i].name);
}
END_TEST

START_TEST(a_link_has_its_own_name)
{
	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("long-name-of-a-file.txt", GOOD);
	ck_assert_int_eq(symlink("../long-name-of-a-file.txt", "d/home.conf"), 0);
	CHECK_SET(0, "home d/home.conf\n", "d");
}
END_TEST

START_TEST(every_error_of_every_file)
{
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(mkdir("e", 0700), 0);
	ck_assert_int_eq(mkdir("d/folder.conf", 0700), 0);
	ck_assert_int_eq(mkfifo("d/pipe.conf", 0600), 0);
	put("d/a.conf", GOOD "MTU = 1\nTable = on\n");
	put("d/b.conf", GOOD "ListenPort = x\n");
	put("d/too-long-a-name-for-wg.conf", GOOD "MTU = 2\n");
	put("d/good.conf", GOOD);
	put("e/good.conf", GOOD);
	CHECK_SET(
		-EINVAL,
		"a d/a.conf\nb d/b.conf\nfolder d/folder.conf\ngood d/good.conf\n"
		"pipe d/pipe.conf\n"
		"d/a.conf:3: MTU \"1\" is wrong; expected 68 to 65535\n"
		"d/a.conf:4: Table \"on\" is wrong; expected auto or off, in lower "
		"case, a "
		"number to 4294967295, or the name of a routing table such as main\n"
		"d/b.conf:3: ListenPort \"x\" is wrong; expected 0 to 65535, or a "
		"service "
		"name\n"
		"d/folder.conf: is no regular file; expected a tunnel file\n"
		"d/pipe.conf: is no regular file; expected a tunnel file\n"
		"d/too-long-a-name-for-wg.conf: the file's name has 22 characters before .conf, but an interface's name has at most 15: rename it\n"
		"d/too-long-a-name-for-wg.conf:3: MTU \"2\" is wrong; expected 68 to "
		"65535\n"
		"e/good.conf: is a second file for NAME good, besides d/good.conf; expected only one\n",
		"d", "e");
	CHECK_SET(
		-EINVAL,
		"good d/good.conf\nd/good.conf: is a second file for NAME good, besides d/good.conf; expected only one\n",
		"d/good.conf", "d/good.conf");
}
END_TEST

/* wg-quick-behaviour 4: file and directory must share a bit of 007 */
static const struct {
	mode_t directory, file;
	bool warned;
} modes[] = {
	{ 0755, 0644, true },  { 0700, 0644, false }, { 0755, 0640, false },
	{ 0711, 0604, false }, { 0701, 0605, true },  { 0755, 0600, false },
	{ 0777, 0602, true },
};

START_TEST(a_file_that_everybody_can_get_at)
{
	char expected[200];

	ck_assert_int_eq(mkdir("d", 0700), 0);
	put("d/a.conf",
	    "[Interface]\nPrivateKey = GNuGMdHZgoDeUqz7rY5uJzbV4M3d7DPgX0NsXJ1lPGk=\n");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		ck_assert_int_eq(chmod("d/a.conf", modes[i].file), 0);
		ck_assert_int_eq(chmod("d", modes[i].directory), 0);
		snprintf(
			expected, sizeof(expected),
			"a d/a.conf\nd/a.conf: warning: is world accessible and contains keys; expected mode 0600 (chmod 600), but it has %04o\n",
			(unsigned)modes[i].file);
		if (!modes[i].warned)
			*(strchr(expected, '\n') + 1) = '\0';
		CHECK_SET(0, expected, "d/a.conf");
	}
}
END_TEST

START_TEST(the_key_of_an_example_is_no_secret)
{
	ck_assert_int_eq(mkdir("d", 0755), 0);
	put("d/a.conf",
	    "[Interface]\nPrivateKey = EXAMPLE/home/private/key/replace/xxxxx/homA=\n");
	ck_assert_int_eq(chmod("d/a.conf", 0644), 0);
	CHECK_SET(0, "a d/a.conf\n", "d/a.conf");
}
END_TEST

START_TEST(half_a_conf_is_none)
{
	struct diag diag = { 0 };
	struct conf *conf;

	put("a.conf", GOOD "MTU = 1\n");
	ck_assert_int_eq(conf_read(&conf, "a.conf", &diag), -EINVAL);
	ck_assert_ptr_null(conf);
	ck_assert_int_eq(conf_read(&conf, "b.conf", &diag), -ENOENT);
	ck_assert_ptr_null(conf);
	put("a.conf", GOOD);
	ck_assert_int_eq(conf_read(&conf, "a.conf", &diag), 0);
	ck_assert_str_eq(conf->name, "a");
	ck_assert_uint_eq(diag.errors, 2);
	conf_free(conf);
	conf_free(NULL);
	diag_clear(&diag);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf/set");

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, a_directory_in_byte_order);
	tcase_add_test(tc, a_file_that_is_a_gate);
	tcase_add_test(tc, a_gate_that_is_read_again);
	tcase_add_test(tc, wrong_names);
	tcase_add_test(tc, files_that_are_left_out);
	tcase_add_test(tc, a_second_file_of_a_name_that_comes_later);
	tcase_add_test(tc, nothing_to_read);
	tcase_add_test(tc, what_is_not_there);
	tcase_add_test(tc, what_may_not_be_read);
	tcase_add_test(tc, names_as_wg_quick_takes_them);
	tcase_add_test(tc, a_link_has_its_own_name);
	tcase_add_test(tc, every_error_of_every_file);
	tcase_add_test(tc, a_file_that_everybody_can_get_at);
	tcase_add_test(tc, the_key_of_an_example_is_no_secret);
	tcase_add_test(tc, half_a_conf_is_none);
	return tc;
}
