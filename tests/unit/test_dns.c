#include "host/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "planned.h"
#include "unit.h"

static const struct {
	const char *texts[2 * PLANNED_FILES + 1];
	const char *expected;
} cases[] = {
	{ { "a", "[Interface]\n" }, "" },
	{ { "a", "[Interface]\nDNS = home.lan\n" }, "" }, /* domains alone are nothing */
	{ { "a", "[Interface]\nDNS = 10.8.0.1, home.lan\nDNS = fd08::1 b.lan\n" },
	  "nameserver 10.8.0.1\nnameserver fd08::1\nsearch home.lan b.lan\n" },
	{ { "a", "[Interface]\nDNS = 10.8.0.1\n", "b", "[Interface]\nDNS = b.lan\n" },
	  "nameserver 10.8.0.1\n" },
	{ { "a",
	    "[Interface]\nDNS = 10.8.0.1, a.lan\n" PEER("D") "AllowedIPs = 10.8.0.0/24\n",
	    "b", "[Interface]\nDNS = 10.9.0.1, 10.9.0.2, b.lan, A.lan\n", "c",
	    "[Interface]\nDNS = c.lan\n" },
	  "nameserver 192.0.0.53\nsearch a.lan b.lan\n" },
	{ { "a", "[Interface]\nDNS = 10.8.0.1\n", "b",
	    "[Interface]\nDNS = fd09::1\n" PEER("D") "AllowedIPs = ::/0\n" },
	  "nameserver 192.0.0.53\nnameserver fd2b:915e:3ca7::53\n" },
	/* in no prefix of any file: the host asks them itself */
	{ { "a",
	    "[Interface]\nDNS = 9.9.9.9, 192.168.1.1, a.lan\n" PEER(
		    "D") "AllowedIPs = 10.8.0.0/24\n",
	    "b", "[Interface]\nDNS = fd09::1, 9.9.9.9, b.lan\n" },
	  "nameserver 9.9.9.9\nnameserver 192.168.1.1\nnameserver fd09::1\nsearch a.lan b.lan\n" },
	{ { "a", "[Interface]\nDNS = 9.9.9.9\n", "b",
	    "[Interface]\nDNS = 9.9.9.9\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n" },
	  "nameserver 192.0.0.53\n" },
};

START_TEST(resolvconf_is_given_servers_or_the_virtual_one)
{
	struct planned p;
	char *text;

	planned_init(&p, cases[_i].texts);
	text = dns_text(&p.plan);
	ck_assert_str_eq(text, cases[_i].expected);
	free(text);
	planned_clear(&p);
}
END_TEST

/* They stay what they are when another file gets servers. */
START_TEST(lasting_addresses_need_one_file)
{
	static const char *const one[] = { "a", "[Interface]\nDNS = 10.8.0.1\n", "b",
		                           "[Interface]\nDNS = b.lan\n", NULL };
	static const char *const none[] = { "a", "[Interface]\n", NULL };
	char text[IP_ADDR_STRLEN];
	struct ip_addr ipv4, ipv6;
	struct planned p;

	planned_init(&p, one);
	dns_lasting_addresses(&p.plan, &ipv4, &ipv6);
	ck_assert_str_eq(ip_addr_format(&ipv4, text), "192.0.0.53");
	ck_assert_int_eq(ipv6.family, IP_NONE);
	dns_virtual_addresses(&p.plan, &ipv4, &ipv6);
	ck_assert_int_eq(ipv4.family, IP_NONE);
	planned_clear(&p);
	planned_init(&p, none);
	dns_lasting_addresses(&p.plan, &ipv4, &ipv6);
	ck_assert_int_eq(ipv4.family, IP_NONE);
	planned_clear(&p);
}
END_TEST

/* The whole file: a comment, and the network's servers only if no file has any. */
START_TEST(a_resolv_conf_has_servers)
{
	static const char *const first[] = {
		"nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ""
	};
	const struct ip_addr others[] = { { .family = IP_V4, .b = { 192, 0, 2, 1 } },
		                          { .family = IP_V6,
		                            .b = { 0x20, 1, 0xd, 0xb8, [15] = 1 } } };
	struct planned p;
	char *text, expected[256];

	planned_init(&p, cases[_i].texts);
	text = dns_resolv_conf(&p.plan, others, ARRAY_SIZE(others));
	snprintf(expected, sizeof(expected), "%s%s",
	         first[strstr(cases[_i].expected, "nameserver") != NULL],
	         cases[_i].expected);
	ck_assert_int_eq(text[0], '#');
	ck_assert_str_eq(strchr(text, '\n') + 1, expected);
	free(text);
	planned_clear(&p);
}
END_TEST

static const struct {
	const char *order, *expected;
} orders[] = {
	{ NULL, "tunion0" },
	{ "", "tunion0" },
	{ "lo.*\neth*\ntun*\n", "eth.tunion0" }, /* the first of that form */
	{ "lo.inet*\n# tun*\ntun*x\n*\ntap*\n", "tap.tunion0" },
	{ "tun* eth*\n wg* \n", "wg.tunion0" },
};

START_TEST(tunnels_may_have_a_prefix)
{
	char path[] = "/tmp/tunion-test.XXXXXX", out[DNS_INTERFACE_STRLEN];
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	if (orders[_i].order)
		ck_assert_int_ge(dprintf(fd, "%s", orders[_i].order), 0);
	else
		unlink(path);
	close(fd);
	ck_assert_str_eq(dns_interface(path, "tunion0", out), orders[_i].expected);
	unlink(path);
}
END_TEST

static const struct {
	const char *text;
	bool resolved;
} resolv_confs[] = {
	{ NULL, false },
	{ "", false },
	{ "nameserver 192.0.2.1\n", false },
	{ "# nameserver 127.0.0.53\nnameserver 127.0.0.1\n", false },
	{ "nameserver 127.0.0.53\noptions edns0\nsearch lan\n", true },
	{ "search lan\nnameserver\t127.0.0.54", true },
	{ "nameserver 127.0.0.530\n", false },
};

START_TEST(systemd_resolved_is_known_by_its_address)
{
	char path[] = "/tmp/tunion-test.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	if (resolv_confs[_i].text)
		ck_assert_int_ge(dprintf(fd, "%s", resolv_confs[_i].text), 0);
	else
		unlink(path);
	ck_assert(dns_is_resolved(path) == resolv_confs[_i].resolved);
	unlink(path);
	close(fd);
}
END_TEST

/* As if it weren't there. */
START_TEST(a_file_that_is_left_out_has_no_dns)
{
	const char *const texts[] = { "a",
		                      "[Interface]\nDNS = 10.0.0.53, fd00::53, a.lan\n",
		                      "b", "[Interface]\nDNS = 10.1.0.53, b.lan\n",
		                      NULL };
	struct ip_addr ipv4, ipv6;
	struct planned p;
	char *text;

	planned_init(&p, texts);
	p.plan.devices[0].left_out = true;
	text = dns_text(&p.plan);
	ck_assert_str_eq(text, "nameserver 10.1.0.53\nsearch b.lan\n");
	free(text);
	dns_virtual_addresses(&p.plan, &ipv4, &ipv6);
	ck_assert_int_eq(ipv4.family, IP_NONE);
	dns_lasting_addresses(&p.plan, &ipv4, &ipv6);
	ck_assert_int_eq(ipv4.family, IP_V4);
	ck_assert_int_eq(ipv6.family, IP_NONE);
	planned_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/dns");

	tcase_add_loop_test(tc, resolvconf_is_given_servers_or_the_virtual_one, 0,
	                    ARRAY_SIZE(cases));
	tcase_add_loop_test(tc, systemd_resolved_is_known_by_its_address, 0,
	                    ARRAY_SIZE(resolv_confs));
	tcase_add_loop_test(tc, a_resolv_conf_has_servers, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(tc, tunnels_may_have_a_prefix, 0, ARRAY_SIZE(orders));
	tcase_add_test(tc, a_file_that_is_left_out_has_no_dns);
	tcase_add_test(tc, lasting_addresses_need_one_file);
	return tc;
}
