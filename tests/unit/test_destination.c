#include "proxy/destination.h"

#include <string.h>

#include "unit.h"

/* `to` is what destination_format makes of it; NULL: it is refused. */
static const struct {
	const char *text;
	uint16_t default_port;
	const char *to;
} cases[] = {
	{ "example.org:443", 0, "example.org:443" },
	{ "example.org", 80, "example.org:80" },
	{ "example.org", 0, NULL },
	{ "example.org:", 80, NULL },
	{ "my_nas-2.lan:1", 0, "my_nas-2.lan:1" },
	{ "192.168.1.1:80", 0, "192.168.1.1:80" },
	{ "[fd00::1]:80", 0, "[fd00::1]:80" },
	{ "[fd00::1]", 80, "[fd00::1]:80" },
	{ "fd00::1", 80, NULL },
	{ "[192.168.1.1]:80", 0, NULL },
	{ "[name]:80", 0, NULL },
	{ "[fd00::1", 80, NULL },
	{ "[fd00::1]x:80", 80, NULL },
	{ "[]:80", 0, NULL },
	{ "", 80, NULL },
	{ ":80", 80, NULL },
	{ ".lan:80", 0, NULL },
	{ "a b:80", 0, NULL },
	{ "a\nb:80", 0, NULL },
	{ "user@host:80", 0, NULL },
	{ "host:0", 0, NULL },
	{ "host:65535", 0, "host:65535" },
	{ "host:65536", 0, NULL },
	{ "host:000080", 0, NULL },
	{ "host:+80", 0, NULL },
	{ "host:80:80", 0, NULL },
};

START_TEST(text_to_destination)
{
	const char *text = cases[_i].text;
	char out[DESTINATION_STRLEN];
	struct destination d, again;
	bool ok = destination_parse(&d, text, strlen(text), cases[_i].default_port);

	ck_assert_msg(ok == (cases[_i].to != NULL), "%s", text);
	if (!ok)
		return;
	ck_assert_str_eq(destination_format(&d, out), cases[_i].to);
	ck_assert(destination_parse(&again, out, strlen(out), 0));
	ck_assert(destination_equal(&d, &again));
}
END_TEST

START_TEST(long_names)
{
	char name[DESTINATION_NAME_MAX + 2];
	struct destination d;

	memset(name, 'a', sizeof(name));
	ck_assert(destination_set_host(&d, name, DESTINATION_NAME_MAX));
	ck_assert(!destination_set_host(&d, name, DESTINATION_NAME_MAX + 1));
	ck_assert(!destination_set_host(&d, "a\0b", 3));
}
END_TEST

START_TEST(equal_ones)
{
	struct destination a, b;

	ck_assert(destination_parse(&a, "Example.org:1", 13, 0));
	ck_assert(destination_parse(&b, "example.ORG:1", 13, 0));
	ck_assert(destination_equal(&a, &b));
	b.port = 2;
	ck_assert(!destination_equal(&a, &b));
	ck_assert(destination_parse(&b, "192.0.2.1:1", 11, 0));
	ck_assert(!destination_equal(&a, &b));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/destination");

	tcase_add_loop_test(tc, text_to_destination, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, long_names);
	tcase_add_test(tc, equal_ones);
	return tc;
}
