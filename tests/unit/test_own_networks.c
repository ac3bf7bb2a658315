#include "host/own_networks.h"

#include <linux/rtnetlink.h>

#include "planned.h"
#include "unit.h"

#define TUN 7U

static const char *const texts[] = {
	"home",
	"[Peer]\nPublicKey = AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	"AllowedIPs = 192.168.1.0/24, 10.5.0.0/16, 10.5.6.0/24\n",
	"vpn",
	"[Peer]\nPublicKey = AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	"AllowedIPs = ::/0\n",
	NULL
};

static const struct {
	const char *dst;
	uint32_t table, ifindex;
	uint8_t type;
	bool expected;
} routes[] = {
	/* equal to a prefix, and longer ones */
	{ "192.168.1.0/24", RT_TABLE_MAIN, 2, RTN_UNICAST, true },
	{ "192.168.1.128/25", RT_TABLE_MAIN, 2, RTN_UNICAST, true },
	{ "192.168.1.7/32", RT_TABLE_LOCAL, 2, RTN_LOCAL, true },
	{ "10.5.0.0/20", RT_TABLE_MAIN, 2, RTN_UNICAST, true },
	{ "fd00:1::/64", RT_TABLE_MAIN, 0, RTN_UNICAST, true }, /* several next hops */
	/* what has no longer prefix around it goes to the host anyway */
	{ "192.168.0.0/16", RT_TABLE_MAIN, 2, RTN_UNICAST, false },
	{ "10.5.0.0/15", RT_TABLE_MAIN, 2, RTN_UNICAST, false },
	{ "172.16.0.0/12", RT_TABLE_MAIN, 2, RTN_UNICAST, false },
	{ "0.0.0.0/0", RT_TABLE_MAIN, 2, RTN_UNICAST, false },
	{ "::/0", RT_TABLE_MAIN, 2, RTN_UNICAST, false },
	/* ours */
	{ "192.168.1.0/24", RT_TABLE_MAIN, TUN, RTN_UNICAST, false },
	{ "10.5.0.2/32", RT_TABLE_LOCAL, TUN, RTN_LOCAL, false },
	/* these lead nowhere, or aren't looked at by everybody */
	{ "10.5.0.0/16", RT_TABLE_MAIN, 1, RTN_UNREACHABLE, false },
	{ "10.5.0.0/16", RT_TABLE_MAIN, 1, RTN_BLACKHOLE, false },
	{ "10.5.0.255/32", RT_TABLE_LOCAL, 2, RTN_BROADCAST, false },
	{ "10.5.0.0/20", 100, 2, RTN_UNICAST, false },
};

START_TEST(which_routes_are_the_hosts_own)
{
	struct planned p;

	planned_init(&p, texts);
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct netlink_route r = { .table = routes[i].table,
			                   .ifindex = routes[i].ifindex,
			                   .type = routes[i].type };

		ck_assert(ip_prefix_parse(&r.dst, routes[i].dst));
		ck_assert_msg(own_networks_has(&r, TUN, &p.plan.table) ==
		                      routes[i].expected,
		              "%s in line %zu", routes[i].dst, i);
	}
	planned_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/own_networks");

	tcase_add_test(tc, which_routes_are_the_hosts_own);
	return tc;
}
