#include "host/nameservers.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define FILES_MAX 4
#define TERMUX    "/data/data/com.termux/files/usr"

static const struct {
	const char *files[2 * FILES_MAX + 1]; /* path, text */
	const char *ours;
	const char *expected; /* blank-separated */
} cases[] = {
	{ { NULL }, NULL, "" },
	{ { "/etc/resolv.conf",
	    "# by hand\nnameserver 192.0.2.53\nsearch example\n nameserver 192.0.2.54\n"
	    "nameserver\t2001:db8::53  # x\nnameservers 192.0.2.55\nnameserver "
	    "192.0.2.53\n"
	    "nameserver fe80::1%eth0\nnameserver x\nnameserver\nnameserver 0.0.0.0" },
	  NULL,
	  "192.0.2.53 2001:db8::53" },
	/* a stub whose manager tells more */
	{ { "/etc/resolv.conf", "nameserver 127.0.0.53\n",
	    "/run/systemd/resolve/resolv.conf", "nameserver 192.0.2.53\n" },
	  NULL,
	  "192.0.2.53" },
	/* a stub of which no more is known */
	{ { "/etc/resolv.conf", "nameserver 127.0.0.1\n" }, NULL, "127.0.0.1" },
	/* ours have taken the place of the network's */
	{ { "/etc/resolv.conf", "nameserver 10.66.0.1\n",
	    "/run/resolvconf/interfaces/eth0", "nameserver 192.0.2.53\n",
	    "/run/resolvconf/interfaces/tun.tunion0", "nameserver 10.66.0.1\n" },
	  "nameserver 10.66.0.1\nsearch lan\n",
	  "192.0.2.53" },
	{ { "/etc/resolv.conf", "nameserver 10.66.0.1\nnameserver 192.0.2.1\n" },
	  "nameserver 10.66.0.1\n",
	  "192.0.2.1" },
	{ { "/etc/resolv.conf", "nameserver 10.66.0.1\n" },
	  "nameserver 10.66.0.1\n",
	  "" },
	/* Termux's file counts where there is no other */
	{ { TERMUX "/etc/resolv.conf", "nameserver 192.0.2.8\nnameserver 192.0.2.9\n" },
	  NULL,
	  "192.0.2.8 192.0.2.9" },
	{ { TERMUX "/etc/resolv.conf", "nameserver 192.0.2.8\n", "/etc/resolv.conf",
	    "nameserver 192.0.2.53\n" },
	  NULL,
	  "192.0.2.53" },
	{ { "/etc/resolv.conf",
	    "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n"
	    "nameserver 10.0.0.4\nnameserver 10.0.0.5\nnameserver 10.0.0.6\n"
	    "nameserver 10.0.0.7\nnameserver 10.0.0.8\nnameserver 10.0.0.9\n" },
	  NULL,
	  "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8" },
};

static void put_file(const char *root, const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		(void)!mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type,
                        struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

START_TEST(the_networks_servers_are_found)
{
	char root[] = "/tmp/tunion-test.XXXXXX", text[512] = "", one[IP_ADDR_STRLEN];
	struct ip_addr found[NAMESERVERS_MAX];
	size_t n;

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(setenv("PREFIX", TERMUX, 1), 0);
	for (const char *const *at = cases[_i].files; *at; at += 2)
		put_file(root, at[0], at[1]);
	n = nameservers_of_network(root, cases[_i].ours, found);
	ck_assert_uint_le(n, NAMESERVERS_MAX);
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
		         i ? " " : "", ip_addr_format(&found[i], one));
	ck_assert_str_eq(text, cases[_i].expected);
	ck_assert_int_eq(nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/nameservers");

	tcase_add_loop_test(tc, the_networks_servers_are_found, 0, ARRAY_SIZE(cases));
	return tc;
}
