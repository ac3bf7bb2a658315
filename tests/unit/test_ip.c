/* tests/unit/test_ip.c */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"

static const struct {
	const char *text;
	const char *canonical; /* NULL: refused */
} addresses[] = {
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "192.168.1.20", "192.168.1.20" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
	{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
	{ "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "", NULL },
	{ "1.2.3", NULL },
	{ "1.2.3.4.5", NULL },
	{ "1.2.3.256", NULL },
	{ "01.2.3.4", NULL }, /* octal to some, so to nobody */
	{ "0x1.2.3.4", NULL },
	{ " 1.2.3.4", NULL },
	{ "1.2.3.4 ", NULL },
	{ "1.2.3.4/32", NULL },
	{ "fe80::1%eth0", NULL },
	{ "[::1]", NULL },
	{ "1::2::3", NULL },
	{ "12345::", NULL },
};

START_TEST(addresses_are_read_strictly_and_written_shortest)
{
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct ip_addr a;
		bool ok = ip_addr_parse(&a, addresses[i].text);

		ck_assert_msg(ok == (addresses[i].canonical != NULL), "%s",
		              addresses[i].text);
		if (ok)
			ck_assert_str_eq(ip_addr_format(&a, text),
			                 addresses[i].canonical);
	}
	ck_assert_str_eq(ip_addr_format(&(struct ip_addr){ 0 }, text), "(none)");
}
END_TEST

static const struct {
	const char *text;
	bool loopback, unspecified, multicast;
} kinds[] = {
	{ "127.0.0.1", true, false, false },
	{ "127.255.255.255", true, false, false },
	{ "128.0.0.0", false, false, false },
	{ "0.0.0.0", false, true, false },
	{ "0.0.0.1", false, false, false },
	{ "224.0.0.1", false, false, true },
	{ "239.255.255.255", false, false, true },
	{ "240.0.0.0", false, false, false },
	{ "::1", true, false, false },
	{ "::", false, true, false },
	{ "ff02::1", false, false, true },
	{ "fe80::1", false, false, false },
	{ "7f00::1", false, false, false },
};

static const struct {
	const char *text;
	bool here;
} machines[] = {
	{ "127.1.2.3", true },        { "0.0.0.0", true },   { "::1", true },
	{ "::ffff:127.0.0.1", true }, { "::", true },        { "::ffff:0.0.0.0", true },
	{ "::ffff:10.0.0.1", false }, { "10.0.0.1", false }, { "::ffff:0:1", false },
};

START_TEST(this_machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct ip_addr a;

		ck_assert(ip_addr_parse(&a, machines[i].text));
		ck_assert_msg(ip_addr_is_this_machine(&a) == machines[i].here, "%s",
		              machines[i].text);
	}
}
END_TEST

START_TEST(kinds_of_addresses)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct ip_addr a;

		ck_assert(ip_addr_parse(&a, kinds[i].text));
		ck_assert_msg(ip_addr_is_loopback(&a) == kinds[i].loopback, "%s",
		              kinds[i].text);
		ck_assert_msg(ip_addr_is_unspecified(&a) == kinds[i].unspecified, "%s",
		              kinds[i].text);
		ck_assert_msg(ip_addr_is_multicast(&a) == kinds[i].multicast, "%s",
		              kinds[i].text);
	}
}
END_TEST

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;
	char addr[64];
	unsigned len;

	ck_assert_int_eq(sscanf(text, "%63[^/]/%u", addr, &len), 2);
	ck_assert(ip_addr_parse(&p.addr, addr));
	p.len = (uint8_t)len;
	return p;
}

static const struct {
	const char *text, *masked;
} masks[] = {
	{ "255.255.255.255/0", "0.0.0.0/0" },
	{ "255.255.255.255/1", "128.0.0.0/1" },
	{ "10.1.2.3/8", "10.0.0.0/8" },
	{ "10.255.2.3/9", "10.128.0.0/9" },
	{ "10.1.2.3/31", "10.1.2.2/31" },
	{ "10.1.2.3/32", "10.1.2.3/32" },
	{ "ffff::ffff/0", "::/0" },
	{ "2001:db8:1:2:3::/35", "2001:db8::/35" },
	{ "2001:db8::ff/127", "2001:db8::fe/127" },
	{ "2001:db8::ff/128", "2001:db8::ff/128" },
};

START_TEST(masks_and_text_of_prefixes)
{
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		struct ip_prefix p = prefix(masks[i].text);

		ck_assert_str_eq(ip_prefix_format(&p, text), masks[i].text);
		p = ip_prefix_mask(p);
		ck_assert_str_eq(ip_prefix_format(&p, text), masks[i].masked);
		ck_assert(ip_prefix_parse(&p, masks[i].text));
		ck_assert_str_eq(ip_prefix_format(&p, text), masks[i].masked);
	}
}
END_TEST

static const char *const no_prefixes[] = {
	"",      "/",           "10.0.0.0",     "10.0.0.0/",          "10.0.0.0/33",
	"/8",    "10.0.0.0/-1", "10.0/8",       "10.0.0.0/8 ",        "::/129",
	"::/1x", "x/1",         "10.0.0.0/8/8", "1.1.1.1/4294967304",
};

START_TEST(texts_that_are_no_prefixes)
{
	struct ip_prefix p;

	for (size_t i = 0; i < ARRAY_SIZE(no_prefixes); i++)
		ck_assert_msg(!ip_prefix_parse(&p, no_prefixes[i]), "%s", no_prefixes[i]);
}
END_TEST

static const struct {
	const char *prefix, *addr;
	bool contains;
} contents[] = {
	{ "0.0.0.0/0", "255.1.2.3", true },
	{ "0.0.0.0/0", "::", false },
	{ "::/0", "0.0.0.0", false },
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.128.0.0/9", "10.127.255.255", false },
	{ "10.128.0.0/9", "10.128.0.0", true },
	{ "10.1.2.3/9", "10.127.0.0", true }, /* host bits do not matter */
	{ "192.168.1.0/31", "192.168.1.1", true },
	{ "192.168.1.0/31", "192.168.1.2", false },
	{ "192.168.1.1/32", "192.168.1.1", true },
	{ "192.168.1.1/32", "192.168.1.0", false },
	{ "2001:db8::/35", "2001:db8:1fff::", true },
	{ "2001:db8::/35", "2001:db8:2000::", false },
	{ "2001:db8::1/128", "2001:db8::1", true },
	{ "2001:db8::1/128", "2001:db8::", false },
};

START_TEST(what_a_prefix_contains)
{
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		struct ip_prefix p = prefix(contents[i].prefix);
		struct ip_addr a;

		ck_assert(ip_addr_parse(&a, contents[i].addr));
		ck_assert_msg(ip_prefix_contains(&p, &a) == contents[i].contains, "%s %s",
		              contents[i].prefix, contents[i].addr);
	}
}
END_TEST

START_TEST(prefixes_inside_one_another)
{
	static const struct {
		const char *outer, *inner;
		bool covers, overlaps;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true, true },
		{ "10.1.0.0/16", "10.0.0.0/8", false, true },
		{ "10.0.0.0/16", "10.0.0.0/8", false, true },
		{ "10.0.0.0/8", "10.0.0.0/8", true, true },
		{ "10.0.0.0/8", "11.0.0.0/8", false, false },
		{ "0.0.0.0/0", "128.0.0.0/1", true, true },
		{ "0.0.0.0/0", "::/0", false, false },
		{ "fd00::/8", "fd00::1/128", true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_prefix a = prefix(cases[i].outer), b = prefix(cases[i].inner);

		ck_assert_msg(ip_prefix_covers(&a, &b) == cases[i].covers, "%s %s",
		              cases[i].outer, cases[i].inner);
		ck_assert_msg(ip_prefix_overlaps(&a, &b) == cases[i].overlaps, "%s %s",
		              cases[i].outer, cases[i].inner);
		ck_assert(ip_prefix_overlaps(&b, &a) == cases[i].overlaps);
	}
}
END_TEST

/* contains, bit by bit */
START_TEST(random_contains)
{
	uint64_t seed = unit_seed();

	for (unsigned round = 0; round < 20000; round++) {
		struct ip_prefix p = { .addr.family = round % 2 ? IP_V4 : IP_V6 };
		struct ip_addr a;
		unsigned same = 0, bits = ip_addr_bits(&p.addr);

		p.len = (uint8_t)(unit_random(&seed) % (bits + 1));
		for (unsigned i = 0; i < bits / 8; i++)
			p.addr.b[i] = (uint8_t)unit_random(&seed);
		a = p.addr;
		if (bits > 0)
			a.b[unit_random(&seed) % (bits / 8)] ^=
				(uint8_t)(1U << unit_random(&seed) % 8);
		while (same < bits && ip_addr_bit(&a, same) == ip_addr_bit(&p.addr, same))
			same++;
		ck_assert(ip_prefix_contains(&p, &a) == (same >= p.len));
	}
}
END_TEST

static const struct {
	const char *less, *more;
} order[] = {
	{ "0.0.0.0", "0.0.0.1" },
	{ "1.255.255.255", "2.0.0.0" },
	{ "127.0.0.1", "128.0.0.1" },
	{ "255.255.255.255", "::" },
	{ "::", "::1" },
	{ "7fff::", "8000::" },
};

START_TEST(total_order)
{
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		struct ip_addr a, b;

		ck_assert(ip_addr_parse(&a, order[i].less) &&
		          ip_addr_parse(&b, order[i].more));
		ck_assert_int_lt(ip_addr_compare(&a, &b), 0);
		ck_assert_int_gt(ip_addr_compare(&b, &a), 0);
		ck_assert_int_eq(ip_addr_compare(&a, &a), 0);
		ck_assert(!ip_addr_equal(&a, &b) && ip_addr_equal(&b, &b));
	}
}
END_TEST

static const char *const endpoints[] = {
	"1.2.3.4:51820",       "1.2.3.4:0", "255.255.255.255:65535",
	"[2001:db8::1]:51820", "[::]:1",    "[fe80::1%3]:51820",
};

static const char *const bad_endpoints[] = {
	"",
	"1.2.3.4",
	"1.2.3.4:",
	"1.2.3.4:65536",
	"1.2.3.4:-1",
	":51820",
	"1.2.3.4:+1",
	"1.2.3.4: 1",
	"1.2.3.4:1x",
	"[1.2.3.4]:1",
	"[::1]",
	"::1:51820",
	"[::1:51820",
	"[::1]51820",
	"[::1]x:1",
	"[fe80::1%]:1",
	"[fe80::1%99999999999]:1",
	"[fe80::1%no-such-if]:1",
	"1.2.3.4%1:1",
	"example.com:1",
	"[]:1",
	"[:1",
};

START_TEST(endpoints_as_text_and_back)
{
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		struct endpoint e, back;
		struct sockaddr_storage sa;
		char text[ENDPOINT_STRLEN];

		ck_assert_msg(endpoint_parse(&e, endpoints[i]), "%s", endpoints[i]);
		ck_assert_str_eq(endpoint_format(&e, text), endpoints[i]);
		ck_assert_uint_ne(endpoint_to_sockaddr(&e, &sa), 0);
		ck_assert(endpoint_from_sockaddr(&back, (struct sockaddr *)&sa));
		ck_assert(endpoint_equal(&e, &back));
	}
}
END_TEST

/* lo always is the first interface. */
static const struct {
	const char *text, *named;
} named[] = {
	{ "[fe80::1%1]:51820", "[fe80::1%lo]:51820" },
	{ "[fe80::1%lo]:51820", "[fe80::1%lo]:51820" },
	{ "[fe80::1%4294967295]:1", "[fe80::1%4294967295]:1" }, /* no such interface */
	{ "[2001:db8::1]:51820", "[2001:db8::1]:51820" },
	{ "1.2.3.4:51820", "1.2.3.4:51820" },
};

START_TEST(an_interface_has_a_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		struct endpoint e, back;
		char text[ENDPOINT_STRLEN];

		ck_assert_msg(endpoint_parse(&e, named[i].text), "%s", named[i].text);
		ck_assert_str_eq(endpoint_format_named(&e, text), named[i].named);
		ck_assert(endpoint_parse(&back, text) && endpoint_equal(&e, &back));
	}
}
END_TEST

START_TEST(bad_endpoints_are_refused)
{
	struct endpoint e;
	char longest[400];

	for (size_t i = 0; i < ARRAY_SIZE(bad_endpoints); i++)
		ck_assert_msg(!endpoint_parse(&e, bad_endpoints[i]), "%s",
		              bad_endpoints[i]);
	memset(longest, '1', sizeof(longest));
	memcpy(longest + sizeof(longest) - 3, ":1", 3);
	ck_assert(!endpoint_parse(&e, longest));
}
END_TEST

START_TEST(no_endpoint)
{
	struct endpoint none = { 0 }, e;
	struct sockaddr_storage sa;
	char text[ENDPOINT_STRLEN];

	ck_assert_str_eq(endpoint_format(&none, text), "(none)");
	ck_assert_uint_eq(endpoint_to_sockaddr(&none, &sa), 0);
	sa.ss_family = AF_UNIX;
	ck_assert(!endpoint_from_sockaddr(&e, (struct sockaddr *)&sa));
}
END_TEST

START_TEST(equal_endpoints)
{
	struct endpoint a, b;

	ck_assert(endpoint_parse(&a, "[fe80::1%3]:51820"));
	b = a;
	b.local.family = IP_V6;
	b.ifindex = 7;
	ck_assert(endpoint_equal(&a, &b)); /* how it reached us does not count */
	b.scope_id = 4;
	ck_assert(!endpoint_equal(&a, &b));
	b = a;
	b.port++;
	ck_assert(!endpoint_equal(&a, &b));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/ip");

	tcase_add_test(tc, addresses_are_read_strictly_and_written_shortest);
	tcase_add_test(tc, kinds_of_addresses);
	tcase_add_test(tc, this_machine);
	tcase_add_test(tc, masks_and_text_of_prefixes);
	tcase_add_test(tc, texts_that_are_no_prefixes);
	tcase_add_test(tc, what_a_prefix_contains);
	tcase_add_test(tc, prefixes_inside_one_another);
	tcase_add_test(tc, random_contains);
	tcase_add_test(tc, total_order);
	tcase_add_test(tc, endpoints_as_text_and_back);
	tcase_add_test(tc, an_interface_has_a_name);
	tcase_add_test(tc, bad_endpoints_are_refused);
	tcase_add_test(tc, no_endpoint);
	tcase_add_test(tc, equal_endpoints);
	return tc;
}
