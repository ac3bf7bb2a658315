/* tests/unit/test_paths.c - the folder of a command that is given none */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/paths.h"

#define ORDINARY 54321

static char top[64];

static void make_folder(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", top, name);
	for (char *slash = path + strlen(top) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		(void)!mkdir(path, 0755);
		*slash = '/';
	}
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void set(const char *variable, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", top, name);
	ck_assert_int_eq(setenv(variable, path, 1), 0);
}

static void expect(const char *name)
{
	char out[PATH_MAX];
	const char *found = paths_default(out);
	size_t n = strlen(top);

	if (!name)
		ck_assert_str_eq(found, PATHS_DEFAULT_DIR);
	else
		ck_assert_msg(strncmp(found, top, n) == 0 && strcmp(found + n, name) == 0,
		              "%s instead of %s%s", found, top, name);
}

static void begin(void)
{
	snprintf(top, sizeof(top), "/tmp/tunion-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0777), 0);
	ck_assert_int_eq(unsetenv("PREFIX"), 0);
	ck_assert_int_eq(unsetenv("XDG_CONFIG_HOME"), 0);
	set("HOME", "/home");
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	ck_assert_int_eq(system(command), 0);
}

static bool has_default(void)
{
	return access(PATHS_DEFAULT_DIR, R_OK | X_OK) == 0;
}

/* The tests run in a child of their own, which may become somebody else. */
START_TEST(an_ordinary_user_has_a_folder_at_home)
{
	if (geteuid() == 0)
		ck_assert_int_eq(setuid(ORDINARY), 0);
	begin();
	expect(NULL);
	make_folder("/home/.config/tunion");
	expect(has_default() ? NULL : "/home/.config/tunion");
	set("XDG_CONFIG_HOME", "/config");
	expect(has_default() ? NULL : "/home/.config/tunion");
	make_folder("/config/tunion");
	expect(has_default() ? NULL : "/config/tunion");
	ck_assert_int_eq(setenv("XDG_CONFIG_HOME", "config", 1), 0);
	expect(has_default() ? NULL : "/home/.config/tunion");
	ck_assert_int_eq(unsetenv("HOME"), 0);
	expect(NULL);
	end();
}
END_TEST

START_TEST(root_has_none)
{
	begin();
	make_folder("/home/.config/tunion");
	if (geteuid() == 0)
		expect(NULL);
	end();
}
END_TEST

START_TEST(termux_has_its_own)
{
	if (geteuid() == 0 && _i == 0)
		ck_assert_int_eq(setuid(ORDINARY), 0);
	begin();
	set("PREFIX", "/com.termux/usr");
	if (!has_default() && geteuid() != 0)
		expect("/com.termux/usr/etc/tunion"); /* where it should be made */
	make_folder("/home/.config/tunion");
	if (!has_default() && geteuid() != 0)
		expect("/home/.config/tunion");
	make_folder("/com.termux/usr/etc/tunion");
	expect("/com.termux/usr/etc/tunion");
	/* a variable that makefiles use */
	make_folder("/usr/etc/tunion");
	set("PREFIX", "/usr");
	expect(has_default() || geteuid() == 0 ? NULL : "/home/.config/tunion");
	end();
}
END_TEST

static void make_file(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", top, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
}

/* In the working directory, and with the default folder in Termux, which root has, too. */
START_TEST(words_are_paths_or_names)
{
	char home[] = "home", dot[] = "./both", conf[] = "home.conf", both[] = "both",
	     path[128];
	char *const one[] = { home }, *const mixed[] = { home, dot, conf },
		    *const unclear[] = { both };
	struct paths p;

	begin();
	set("PREFIX", "/com.termux/usr");
	make_folder("/com.termux/usr/etc/tunion");
	make_file("/com.termux/usr/etc/tunion/home.conf");
	make_file("/com.termux/usr/etc/tunion/both.conf");
	make_folder("/both");
	ck_assert_int_eq(chdir(top), 0);
	snprintf(path, sizeof(path), "%s/com.termux/usr/etc/tunion/home.conf", top);
	ck_assert(paths_take(&p, one, 1));
	ck_assert(p.all_names && p.n == 1);
	ck_assert_str_eq(p.v[0], path);
	paths_clear(&p);
	ck_assert(paths_take(&p, mixed, 3));
	ck_assert(!p.all_names && p.n == 3);
	ck_assert_str_eq(p.v[0], path);
	ck_assert_str_eq(p.v[1], dot);
	ck_assert_str_eq(p.v[2], conf); /* is not there; the one that reads it says so */
	paths_clear(&p);
	ck_assert(!paths_take(&p, unclear, 1));
	paths_clear(&p);
	ck_assert(paths_take(&p, one, 0));
	ck_assert(!p.all_names && p.n == 1);
	ck_assert_str_eq(p.v[0], p.folder);
	paths_clear(&p);
	ck_assert_int_eq(chdir("/"), 0);
	end();
}
END_TEST

START_TEST(absolute_paths_are_as_people_write_them)
{
	static const char *const given[] = { "a",  "./a",    ".//./a/b", ".",
		                             "./", "/a/./b", "../a",     ".a" };
	static const char *const in_usr[] = {
		"/usr/a", "/usr/a", "/usr/a/b",  "/usr",
		"/usr",   "/a/./b", "/usr/../a", "/usr/.a"
	};
	static const char *const in_root[] = { "/a", "/a",     "/a/b",  "/",
		                               "/",  "/a/./b", "/../a", "/.a" };
	const char *const *expected = _i ? in_usr : in_root;
	size_t n = sizeof(given) / sizeof(*given);
	char **out;

	ck_assert_int_eq(chdir(_i ? "/usr" : "/"), 0);
	out = paths_absolute(given, n);
	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(out[i], expected[i]);
	ck_assert_ptr_null(out[n]);
	paths_free(out);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/paths");

	tcase_add_test(tc, an_ordinary_user_has_a_folder_at_home);
	tcase_add_test(tc, root_has_none);
	tcase_add_test(tc, words_are_paths_or_names);
	tcase_add_loop_test(tc, termux_has_its_own, 0, 2);
	tcase_add_loop_test(tc, absolute_paths_are_as_people_write_them, 0, 2);
	return tc;
}
