/* Which addresses does the text of a hosts file give a name? */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names/hosts_file.h"

static const char text[] = "# comment nas 1.1.1.1\n"
			   "127.0.0.1\tlocalhost localhost.localdomain\n"
			   "::1 localhost ip6-localhost\r\n"
			   "\n"
			   "  192.0.2.7   nas.home.lan nas  # attic 10.0.0.1\n"
			   "192.0.2.8 NAS\n"
			   "192.0.2.8 nas\n"
			   "2001:db8::7 nas\n"
			   "0.0.0.0 ads.example.org\n"
			   "nonsense odd\n"
			   "192.0.2.300 odd\n"
			   "192.0.2.9 last";

static const struct {
	const char *name;
	bool found;
	const char *addresses[4];
} table[] = {
	{ "nas", true, { "192.0.2.7", "192.0.2.8", "2001:db8::7" } },
	{ "Nas.Home.LAN", true, { "192.0.2.7" } },
	{ "nas.", true, { "192.0.2.7", "192.0.2.8", "2001:db8::7" } },
	{ "localhost", true, { "127.0.0.1", "::1" } },
	{ "ip6-localhost", true, { "::1" } },
	{ "last", true, { "192.0.2.9" } },
	{ "ads.example.org", true, { NULL } },
	{ "na", false, { NULL } },
	{ "nass", false, { NULL } },
	{ "attic", false, { NULL } },
	{ "comment", false, { NULL } },
	{ "192.0.2.7", false, { NULL } },
	{ "odd", false, { NULL } },
	{ "", false, { NULL } },
	{ ".", false, { NULL } },
};

START_TEST(names_and_their_addresses)
{
	struct endpoint got[4];
	char word[IP_ADDR_STRLEN];
	size_t n, expected = 0;

	ck_assert_int_eq(hosts_file_find(text, table[_i].name, got, 4, &n),
	                 table[_i].found);
	while (table[_i].addresses[expected])
		expected++;
	ck_assert_uint_eq(n, expected);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(ip_addr_format(&got[i].addr, word),
		                 table[_i].addresses[i]);
}
END_TEST

START_TEST(there_is_no_room_for_all)
{
	struct endpoint got[2];
	size_t n;

	ck_assert(hosts_file_find(text, "nas", got, 2, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert(!hosts_file_find("", "nas", got, 2, &n));
	ck_assert_uint_eq(n, 0);
}
END_TEST

/* Longer than what is read at once. */
START_TEST(it_is_read_whole)
{
	char name[] = "/tmp/tunion-hosts-XXXXXX", *got;
	int fd = mkstemp(name);
	char line[] = "192.0.2.1 somebody-of-no-interest.example.org\n";
	struct endpoint at;
	size_t n;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(name), 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	got = hosts_file_read(fd);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(strlen(got), 1000 * strlen(line) + strlen(text));
	ck_assert(hosts_file_find(got, "last", &at, 1, &n));
	free(got);
	close(fd);
	ck_assert_ptr_null(hosts_file_read(fd));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("names/hosts_file");

	tcase_add_loop_test(tc, names_and_their_addresses, 0,
	                    (int)(sizeof(table) / sizeof(table[0])));
	tcase_add_test(tc, there_is_no_room_for_all);
	tcase_add_test(tc, it_is_read_whole);
	return tc;
}
