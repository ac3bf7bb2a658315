#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

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
	int err = outward_look(NULL, &to, 0, &out);

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

/* A socket that is used again and again gives the same answers, and stays unconnected. */
START_TEST(with_given_sockets)
{
	const struct endpoint to = at("127.0.0.1"), other = at("127.0.0.9");
	struct outward_sockets by = { socket(AF_INET, SOCK_DGRAM, 0), -1 };
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	struct outward out;
	struct endpoint six = { .addr.family = IP_V6 };

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(outward_look(&by, i == 1 ? &other : &to, 0, &out), 0);
		ck_assert_int_eq(out.source.family, IP_V4);
		ck_assert_uint_ge(out.mtu_bytes, 16384);
		ck_assert_int_lt(getpeername(by.ipv4, (struct sockaddr *)&peer, &len), 0);
	}
	ck_assert_int_eq(outward_look(&by, &six, 0, &out), -EAGAIN);
	close(by.ipv4);
}
END_TEST

START_TEST(no_address_has_no_way)
{
	const struct endpoint none = { 0 };
	struct outward out;

	ck_assert_int_lt(outward_look(NULL, &none, 0, &out), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("io/outward");

	tcase_add_loop_test(tc, source_and_mtu, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, with_given_sockets);
	tcase_add_test(tc, no_address_has_no_way);
	return tc;
}
