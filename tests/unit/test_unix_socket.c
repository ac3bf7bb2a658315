#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unix_socket.h"

static char folder[64], path[128], abstract[128];

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/unix_socket.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(abstract, sizeof(abstract), "@%s", folder);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(folder);
}

static const char *name_of(int i)
{
	return i == 0 ? path : abstract;
}

START_TEST(who_connects_is_heard)
{
	const char *name = name_of(_i);
	int listener, client, server;
	char text[4] = "";

	ck_assert_int_lt(unix_connect(name), 0);
	listener = unix_listen(name);
	ck_assert_int_ge(listener, 0);
	client = unix_connect(name);
	ck_assert_int_ge(client, 0);
	server = accept(listener, NULL, NULL);
	ck_assert_int_ge(server, 0);
	ck_assert(unix_peer_is_trusted(name, client));
	ck_assert(unix_peer_is_trusted(name, server));
	ck_assert_int_eq(write(client, "abc", 3), 3);
	ck_assert_int_eq(read(server, text, 3), 3);
	ck_assert_str_eq(text, "abc");
	ck_assert_int_eq(unix_listen(name), -EADDRINUSE);
	close(listener);
	close(client);
	close(server);
	/* the path is still there, but nobody serves it */
	listener = unix_listen(name);
	ck_assert_int_ge(listener, 0);
	unix_unlink(name);
	close(listener);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(only_the_user_may_connect)
{
	int listener = unix_listen(path);
	struct stat st;

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 077, 0);
	close(listener);
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert_int_eq(unix_listen(path), -EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(names)
{
	char text[110];

	memset(text, 'x', sizeof(text));
	text[108] = '\0';
	ck_assert(!unix_name_valid(text));
	ck_assert_int_eq(unix_listen(text), -ENAMETOOLONG);
	ck_assert_int_eq(unix_connect(text), -ENAMETOOLONG);
	text[107] = '\0';
	ck_assert(unix_name_valid(text));
	ck_assert(!unix_name_valid(""));
	ck_assert(!unix_name_valid("@"));
	ck_assert(unix_name_valid("@a"));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/unix_socket");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, who_connects_is_heard, 0, 2);
	tcase_add_test(tc, only_the_user_may_connect);
	tcase_add_test(tc, what_is_no_socket_stays);
	tcase_add_test(tc, names);
	return tc;
}
