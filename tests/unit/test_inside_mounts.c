/* tests/unit/test_inside_mounts.c - the mounts themselves need a mount namespace: see
 * tests/integration/test_exec_dns.py */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside/mounts.h"

static const struct {
	const char *before, *after;
} cases[] = {
	{ "", "hosts: files dns\n" },
	{ "passwd: files systemd\nhosts: files resolve [!UNAVAIL=return] dns\nnetworks: files\n",
	  "hosts: files dns\npasswd: files systemd\nnetworks: files\n" },
	{ "  hosts \t: mdns4_minimal\n", "hosts: files dns\n" },
	{ "hosts:nis", "hosts: files dns\n" },
	{ "# hosts: files\nhosts_x: files\nhost: files\nhosts files\n",
	  "hosts: files dns\n# hosts: files\nhosts_x: files\nhost: files\nhosts files\n" },
	{ "hosts: a\nhosts: b\n", "hosts: files dns\n" },
};

START_TEST(only_hosts_change)
{
	char *got = NULL;
	size_t size;
	FILE *in = tmpfile(), *out = open_memstream(&got, &size);

	ck_assert(in && out);
	fputs(cases[_i].before, in);
	rewind(in);
	inside_mounts_nsswitch(in, out);
	fclose(in);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, cases[_i].after);
	free(got);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("inside/mounts");

	tcase_add_loop_test(tc, only_hosts_change, 0, ARRAY_SIZE(cases));
	return tc;
}
