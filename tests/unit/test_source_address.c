/* Which of a file's own addresses: what a kernel chose that had these Addresses. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/source_address.h"

static const struct {
	const char *addresses, *dst, *source; /* NULL: none */
} choices[] = {
	/* label */
	{ "fd42::2/64 2001:db8:900::2/64", "::/0", "2001:db8:900::2" },
	{ "fd42::2/64 2001:db8:900::2/64", "fc00::/7", "fd42::2" },
	{ "2001:db8:900::2/64 fd42::2/64", "::/0", "2001:db8:900::2" },
	{ "2001:db8:900::2/64 fd42::2/64", "fd99::/16", "fd42::2" },
	{ "2001:db8:900::2/64 fd42::2/64", "2606:4700::/32", "2001:db8:900::2" },
	{ "2002:c633::2/64 2001:db8:900::2/64", "::/0", "2001:db8:900::2" },
	{ "2002:c633::2/64 2001:db8:900::2/64", "2002::/16", "2002:c633::2" },
	{ "2001:0:53aa::2/64 2001:db8:900::2/64 fd42::2/64", "::/0", "2001:db8:900::2" },
	{ "fd42::2/64", "::/0", "fd42::2" },
	/* scope */
	{ "fe80::8:2/64 2001:db8:900::2/64", "::/0", "2001:db8:900::2" },
	{ "2001:db8:900::2/64 fe80::8:2/64", "::/0", "2001:db8:900::2" },
	{ "fe80::8:2/64 fd42::2/128", "::/0", "fd42::2" },
	{ "fe80::8:2/64", "::/0", NULL },
	{ "fe80::8:2/64", "2001:db8::/32", NULL },
	{ "fd42::2/64 fe80::8:2/64", "fe80::/64", "fe80::8:2" },
	{ "fe80::8:2/64 fd42::2/64", "fe80::/10", "fe80::8:2" },
	{ "fd42::2/64", "fe80::/10", "fd42::2" },
	{ "fec0::2/64 fd42::2/64", "::/0", "fd42::2" },
	{ "fd42::2/64 fec0::2/64", "fec0::/10", "fec0::2" },
	/* longest match, never longer than the subnet; of equal ones the last */
	{ "2001:db8:900::2/64 2001:db8:a00::2/64", "2001:db8:910::/48",
	  "2001:db8:900::2" },
	{ "2001:db8:900::2/64 2001:db8:a00::2/64", "2001:db8:a01::/48",
	  "2001:db8:a00::2" },
	{ "2001:db8:900::2/64 2001:db8:a00::2/64", "::/0", "2001:db8:a00::2" },
	{ "2001:db8:a00::2/64 2001:db8:900::2/64", "::/0", "2001:db8:900::2" },
	{ "2001:db8:900::2/16 2001:db8:a00::2/16", "2001:db8:910::/48",
	  "2001:db8:a00::2" },
	{ "fd42:1::2/64 fd42:2::2/64", "fd42:1::/32", "fd42:1::2" },
	{ "fd42:1::2/64 fd42:2::2/64", "fd42::/16", "fd42:2::2" },
	{ "2002:c633::2/64 fd42::2/64", "::/0", "2002:c633::2" },
	{ "fd42::2/64 2002:c633::2/64", "fc00::/7", "fd42::2" },
	/* by IPv4 the first */
	{ "10.1.0.2/32 192.168.5.2/32", "0.0.0.0/0", "10.1.0.2" },
	{ "10.1.0.2/32 192.168.5.2/32", "192.168.5.0/24", "10.1.0.2" },
	{ "192.168.5.2/32 10.1.0.2/32", "10.0.0.0/8", "192.168.5.2" },
	{ "169.254.7.2/30", "10.9.0.0/16", "169.254.7.2" }, /* as clouds give them */
	/* never */
	{ "127.0.0.5/32", "0.0.0.0/0", NULL },
	{ "127.0.0.5/32 10.1.0.2/32", "10.9.0.0/16", "10.1.0.2" },
	{ "::1/128", "::/0", NULL },
	{ "::1/128 fd42::2/64", "fd99::/16", "fd42::2" },
	{ "0.0.0.0/32 224.0.0.5/32 10.1.0.2/32", "0.0.0.0/0", "10.1.0.2" },
	{ "::/128 ff02::5/128", "::/0", NULL },
	{ "10.1.0.2/32", "::/0", NULL },
	{ "fd42::2/64", "0.0.0.0/0", NULL },
	{ "", "::/0", NULL },
};

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;
	char addr[IP_ADDR_STRLEN];
	int len;

	ck_assert_int_eq(sscanf(text, "%45[^/]/%d", addr, &len), 2);
	ck_assert_msg(ip_addr_parse(&p.addr, addr), "%s", text);
	p.len = (uint8_t)len;
	return p;
}

START_TEST(as_the_kernel_chooses)
{
	char text[200], *rest = text, *one;
	struct ip_prefix best = { 0 }, dst = prefix(choices[_i].dst);
	char found[IP_ADDR_STRLEN];

	snprintf(text, sizeof(text), "%s", choices[_i].addresses);
	while ((one = strsep(&rest, " ")) && *one) {
		struct ip_prefix candidate = prefix(one);

		if (source_address_is_better(&candidate, &best, &dst))
			best = candidate;
	}
	if (!choices[_i].source)
		ck_assert_uint_eq(best.addr.family, IP_NONE);
	else
		ck_assert_str_eq(ip_addr_format(&best.addr, found), choices[_i].source);
}
END_TEST

START_TEST(the_ula_part)
{
	struct ip_prefix ula = source_address_ula(), all = source_address_all(IP_V6);
	struct ip_prefix in = prefix("fdff::1/128"), out = prefix("fe00::1/128");

	ck_assert(source_address_is_ula(&in.addr) && ip_prefix_contains(&ula, &in.addr));
	ck_assert(!source_address_is_ula(&out.addr) &&
	          !ip_prefix_contains(&ula, &out.addr));
	ck_assert(ip_prefix_contains(&all, &in.addr));
	ck_assert_uint_eq(source_address_all(IP_V4).addr.family, IP_V4);
	out.addr.family = IP_V4;
	out.addr.b[0] = 0xfc;
	ck_assert(!source_address_is_ula(&out.addr));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/source_address");

	tcase_add_loop_test(tc, as_the_kernel_chooses, 0, (int)ARRAY_SIZE(choices));
	tcase_add_test(tc, the_ula_part);
	return tc;
}
