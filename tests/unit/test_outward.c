#include "unit.h"

#include "io/outward.h"

/* Every host can send to itself, and nobody to the broadcast address without asking for it. */
static const struct {
	const char *to, *source;
} cases[] = {
	{ "127.0.0.1", "127.0.0.1" },
	{ "127.0.0.77", "127.0.0.1" },
	{ "255.255.255.255", NULL },
};

static struct endpoint at(const char *address)
{
	struct endpoint e = { .port = 51820 };

	ck_assert(ip_addr_parse(&e.addr, address));
	return e;
}

START_TEST(source_and_mtu)
{
	struct endpoint to = at(cases[_i].to);
	char text[IP_ADDR_STRLEN];
	struct outward out;
	int err = outward_look(&to, 0, &out);

	if (!cases[_i].source) {
		ck_assert_int_lt(err, 0);
		ck_assert_int_eq(out.source.family, IP_NONE);
		return;
	}
	ck_assert_int_eq(err, 0);
	ck_assert_str_eq(ip_addr_format(&out.source, text), cases[_i].source);
	ck_assert_uint_ge(out.mtu_bytes, 16384);
}
END_TEST

START_TEST(no_address_has_no_way)
{
	const struct endpoint none = { 0 };
	struct outward out;

	ck_assert_int_lt(outward_look(&none, 0, &out), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("io/outward");

	tcase_add_loop_test(tc, source_and_mtu, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, no_address_has_no_way);
	return tc;
}
