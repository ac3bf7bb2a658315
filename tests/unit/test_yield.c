#include "host/yield.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_difference.h"
#include "unit.h"

static struct ip_prefix prefix_of(const char *text)
{
	char addr[IP_ADDR_STRLEN];
	struct ip_prefix p = { 0 };
	const char *slash = strchr(text, '/');

	ck_assert_ptr_nonnull(slash);
	snprintf(addr, sizeof(addr), "%.*s", (int)(slash - text), text);
	ck_assert_msg(ip_addr_parse(&p.addr, addr), "%s", text);
	p.len = (uint8_t)atoi(slash + 1);
	return p;
}

/* Another link's route, and whether our route or Address yields to it. */
static const struct {
	enum netlink_kind kind;
	const char *ours, *theirs;
	uint32_t table; /* of ours */
	uint32_t metric;
	const char *gateway;
	uint8_t type;
	bool yields;
} cases[] = {
	/* a LAN, as the kernel, NetworkManager and dhcpcd make it */
	{ NETLINK_KIND_ROUTE, "192.168.7.0/24", "192.168.7.0/24", 254, 0, NULL, 0, true },
	{ NETLINK_KIND_ROUTE, "192.168.7.0/24", "192.168.7.0/24", 254, 100, NULL, 0,
	  true },
	{ NETLINK_KIND_ROUTE, "192.168.7.0/24", "192.168.7.0/24", 254, 600, NULL, 0,
	  true },
	{ NETLINK_KIND_ROUTE, "192.168.7.0/24", "192.168.7.0/24", 0, 3003, NULL, 0,
	  true },
	{ NETLINK_KIND_ROUTE, "fd07::/64", "fd07::/64", 254, 256, NULL, 0, true },
	{ NETLINK_KIND_ROUTE, "fd07::/64", "fd07::/64", 254, 1024, NULL, 0, true },
	{ NETLINK_KIND_ROUTE, "fd07::/64", "fd07::/64", 254, 2000, NULL, 0, true },
	/* the network of an Address */
	{ NETLINK_KIND_ADDRESS, "192.168.7.201/24", "192.168.7.0/24", 0, 0, NULL, 0,
	  true },
	{ NETLINK_KIND_ADDRESS, "192.168.7.201/24", "192.168.7.0/24", 0, 600, NULL, 0,
	  true },
	{ NETLINK_KIND_ADDRESS, "fd07::9/64", "fd07::/64", 0, 256, NULL, 0, true },
	{ NETLINK_KIND_ADDRESS, "192.168.7.201/32", "192.168.7.201/32", 0, 0, NULL, 0,
	  false },
	/* a router: what the kernel refuses to have twice, but nobody's fallback */
	{ NETLINK_KIND_ROUTE, "10.0.0.0/8", "10.0.0.0/8", 254, 0, "192.168.1.1", 0,
	  true },
	{ NETLINK_KIND_ROUTE, "10.0.0.0/8", "10.0.0.0/8", 254, 50, "192.168.1.1", 0,
	  false },
	{ NETLINK_KIND_ROUTE, "fd07::/48", "fd07::/48", 254, 1024, "fe80::1", 0, true },
	{ NETLINK_KIND_ROUTE, "fd07::/48", "fd07::/48", 254, 1025, "fe80::1", 0, false },
	/* what only keeps packets back */
	{ NETLINK_KIND_ROUTE, "10.0.0.0/8", "10.0.0.0/8", 254, 0, NULL, RTN_UNREACHABLE,
	  true },
	{ NETLINK_KIND_ROUTE, "10.0.0.0/8", "10.0.0.0/8", 254, UINT32_MAX, NULL,
	  RTN_UNREACHABLE, false },
	/* that of another instance which yields itself */
	{ NETLINK_KIND_ROUTE, "10.0.0.0/8", "10.0.0.0/8", 254, YIELD_METRIC, NULL, 0,
	  false },
	/* others */
	{ NETLINK_KIND_ROUTE, "192.168.7.0/24", "192.168.0.0/16", 254, 0, NULL, 0,
	  false },
	{ NETLINK_KIND_ROUTE, "192.168.7.0/24", "192.168.7.0/25", 254, 0, NULL, 0,
	  false },
	{ NETLINK_KIND_ROUTE, "192.168.7.0/24", "192.168.7.0/24", 51821, 0, NULL, 0,
	  false },
	{ NETLINK_KIND_ROUTE, "0.0.0.0/0", "0.0.0.0/0", 254, 0, NULL, 0, false },
	{ NETLINK_KIND_ROUTE, "fe80::/64", "fe80::/64", 254, 256, NULL, 0, false },
	{ NETLINK_KIND_ADDRESS, "fe80::9/64", "fe80::/64", 0, 256, NULL, 0, false },
};

START_TEST(each_route_of_another_link)
{
	struct netlink_item ours = { .kind = cases[_i].kind };
	struct netlink_route theirs = { .dst = prefix_of(cases[_i].theirs),
		                        .ifindex = 2,
		                        .table = NETLINK_TABLE_MAIN,
		                        .metric = cases[_i].metric,
		                        .type = cases[_i].type };

	if (ours.kind == NETLINK_KIND_ADDRESS) {
		ours.address.prefix = prefix_of(cases[_i].ours);
	} else {
		ours.route.dst = prefix_of(cases[_i].ours);
		ours.route.table = cases[_i].table;
	}
	if (cases[_i].gateway)
		ck_assert(ip_addr_parse(&theirs.gateway, cases[_i].gateway));
	ck_assert_msg(yield_to_route(&ours, &theirs) == cases[_i].yields,
	              "case %d: %s, %s metric %u", _i, cases[_i].ours, cases[_i].theirs,
	              cases[_i].metric);
}
END_TEST

/* Two configurations that differ in the metric of an Address's network and of a route:
 * the address is exchanged, the new route is there before the old one goes. */
START_TEST(a_metric_comes_without_a_gap)
{
	struct netlink_item v[] = {
		{ .kind = NETLINK_KIND_ADDRESS,
		  .address = { .ifindex = 7, .prefix = prefix_of("192.168.7.9/24") } },
		{ .kind = NETLINK_KIND_ROUTE,
		  .route = { .dst = prefix_of("10.7.0.0/16"),
		             .ifindex = 7,
		             .table = 254 } },
	};
	struct netlink_item w[2];
	struct host_config from = { .items = { v, 2, 2 } }, to = { .items = { w, 2, 2 } };
	struct host_difference d;

	memcpy(w, v, sizeof(w));
	w[0].address.metric = w[1].route.metric = YIELD_METRIC;
	ck_assert_int_eq(host_config_compare(&d, &from, &to), 0);
	ck_assert_uint_eq(d.replace.n, 1);
	ck_assert_uint_eq(d.replace.v[0].address.metric, YIELD_METRIC);
	ck_assert_uint_eq(d.add.n, 1);
	ck_assert_uint_eq(d.add.v[0].route.metric, YIELD_METRIC);
	ck_assert_uint_eq(d.remove.n, 1);
	ck_assert_uint_eq(d.remove.v[0].route.metric, 0);
	host_difference_clear(&d);
	ck_assert_int_eq(host_config_compare(&d, &to, &to), 0);
	ck_assert_uint_eq(d.add.n + d.replace.n + d.remove.n, 0);
	host_difference_clear(&d);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/yield");

	tcase_add_loop_test(tc, each_route_of_another_link, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, a_metric_comes_without_a_gap);
	return tc;
}
