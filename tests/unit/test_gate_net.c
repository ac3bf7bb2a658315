#include "gate/gate_net.h"

#include <string.h>

#include "planned.h"
#include "unit.h"

/* Gives the same byte always. */
static void fill_byte(void *context, void *bytes, size_t n)
{
	memset(bytes, *(const uint8_t *)context, n);
}

/* Gives 0, 1, 2 and so on. */
static void fill_counting(void *context, void *bytes, size_t n)
{
	uint8_t *next = context;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (*next)++;
}

static void expect(const struct ip_addr *a, const char *text)
{
	char found[IP_ADDR_STRLEN];

	ck_assert_str_eq(ip_addr_format(a, found), text);
}

#define FILE_WITH(allowed) "[Interface]\n" PEER("B") "AllowedIPs = " allowed "\n"

static const struct {
	const char *text, *ipv4;
	bool collides; /* the network of the first case */
} cases[] = {
	{ "[Interface]\n", "10.213.7.0", false },
	/* a default route, and parts of one, are in the way of all */
	{ FILE_WITH("0.0.0.0/0, ::/0"), "10.213.7.0", false },
	{ FILE_WITH("0.0.0.0/1, 128.0.0.0/1, 8.0.0.0/7"), "10.213.7.0", false },
	{ FILE_WITH("10.213.7.128/25"), "172.27.7.0", true },
	{ FILE_WITH("10.213.7.9/32, 172.16.0.0/12"), "192.168.7.0", true },
	{ FILE_WITH("10.0.0.0/8, 172.16.0.0/12"), "192.168.7.0", true },
	{ FILE_WITH("10.213.8.0/24"), "10.213.7.0", false },
	{ "[Interface]\nAddress = 10.213.7.3/16\n", "172.27.7.0", true },
	{ "[Interface]\nDNS = 10.213.7.3\n", "172.27.7.0", true },
	/* all that is private: the largest of them does the least harm */
	{ FILE_WITH("10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10"),
	  "10.213.7.0", true },
};

START_TEST(what_is_in_a_file_is_not_taken)
{
	uint8_t byte = 7;
	const struct rng rng = { fill_byte, &byte };
	const char *const texts[] = { "a", cases[_i].text, NULL };
	struct gate_net net, first = { .ipv4 = { .family = IP_V4, .b = { 10, 213, 7 } } };
	struct planned p;

	planned_init(&p, texts);
	gate_net_choose(&net, &p.plan, &rng);
	expect(&net.ipv4, cases[_i].ipv4);
	expect(&net.ipv6, "fd07:707:707::");
	first.ipv6 = net.ipv6;
	ck_assert(gate_net_collides(&first, &p.plan) == cases[_i].collides);
	planned_clear(&p);
}
END_TEST

START_TEST(another_network_of_the_same_block)
{
	uint8_t next = 0;
	const struct rng rng = { fill_counting, &next };
	const char *const texts[] = { "a", FILE_WITH("10.213.0.0/23"), NULL };
	struct gate_net net;
	struct planned p;

	planned_init(&p, texts);
	gate_net_choose(&net, &p.plan, &rng);
	expect(&net.ipv4, "10.213.2.0");
	planned_clear(&p);
}
END_TEST

START_TEST(networks_and_hosts_in_files)
{
	const char *const texts[] = {
		"a", "[Interface]\nAddress = 10.213.7.1/32, fd00:1:2:3::1/128\n",
		"b", "[Interface]\nAddress = fd00::5, 10.213.7.77/32\n",
		"c", "[Interface]\nAddress = fd00::5\n",
		NULL
	};
	struct gate_net net;
	struct ip_addr host;
	struct planned p;

	planned_init(&p, texts);
	ck_assert(gate_net_of(&net, p.confs[0]));
	expect(&net.ipv4, "10.213.7.0");
	expect(&net.ipv6, "fd00:1:2:3::");
	host = gate_net_host(&net.ipv4, 77);
	expect(&host, "10.213.7.77");
	host = gate_net_host(&net.ipv6, 77);
	expect(&host, "fd00:1:2:3::4d");
	ck_assert_uint_eq(gate_net_number(p.confs[1]), 77);
	ck_assert_uint_eq(gate_net_number(p.confs[2]), 0);
	ck_assert(!gate_net_of(&net, p.confs[2]));
	planned_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("gate/gate_net");

	tcase_add_loop_test(tc, what_is_in_a_file_is_not_taken, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, another_network_of_the_same_block);
	tcase_add_test(tc, networks_and_hosts_in_files);
	return tc;
}
