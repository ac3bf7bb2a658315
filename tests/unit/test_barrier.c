/* tests/unit/test_barrier.c - which routes get an unreachable one behind them? */
#include "unit.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/barrier.h"

#define IFINDEX 7U

static const char given[] = "address 10.77.0.2/24\n"
			    "address 10.66.0.2/32\n"
			    "address fd66::2/128\n"
			    "address fd77::2/64\n"
			    "route 0.0.0.0/0 table 51820\n"
			    "route 192.168.77.0/24 table 0\n"
			    "route 192.168.77.0/24 table 254\n"
			    "route fd77::/64 table 254\n"
			    "route fd80::/16 table 51821\n"
			    "route 172.16.0.0/12 table 1000\n"; /* a file has named it */

static const char expected[] = "0.0.0.0/0 table 51820\n"
			       "10.77.0.0/24 table 254\n"
			       "192.168.77.0/24 table 254\n"
			       "fd77::/64 table 254\n"
			       "fd80::/16 table 51821\n";

static struct ip_prefix prefix_of(const char *text)
{
	char addr[IP_ADDR_STRLEN];
	const char *slash = strchr(text, '/');
	struct ip_prefix p;

	snprintf(addr, sizeof(addr), "%.*s", (int)(slash - text), text);
	ck_assert(ip_addr_parse(&p.addr, addr));
	p.len = (uint8_t)atoi(slash + 1);
	return p;
}

static void add_line(struct host_items *items, const char *line)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ADDRESS };
	char prefix[64];
	unsigned table;

	if (sscanf(line, "route %63s table %u", prefix, &table) == 2) {
		item.kind = NETLINK_KIND_ROUTE;
		item.route.dst = prefix_of(prefix);
		item.route.table = table;
		item.route.ifindex = IFINDEX;
	} else {
		ck_assert_int_eq(sscanf(line, "address %63s", prefix), 1);
		item.address.prefix = prefix_of(prefix);
	}
	ck_assert_int_eq(host_items_add(items, &item), 0);
}

START_TEST(behind_every_route_of_ours)
{
	const struct host_numbers numbers = { .table = { [0] = 51820, [16] = 51821 } };
	struct netlink_item rule = { .kind = NETLINK_KIND_RULE };
	struct host_items items = { 0 }, barriers;
	char text[1000] = "", prefix[IP_PREFIX_STRLEN];

	for (const char *line = given; *line; line = strchr(line, '\n') + 1)
		add_line(&items, line);
	ck_assert_int_eq(host_items_add(&items, &rule), 0);
	ck_assert_int_eq(barriers_make(&barriers, &items, &numbers, IFINDEX), 0);
	for (size_t i = 0; i < barriers.n; i++) {
		const struct netlink_route *r = &barriers.v[i].route;
		size_t at = strlen(text);

		ck_assert_int_eq(barriers.v[i].kind, NETLINK_KIND_ROUTE);
		ck_assert_uint_eq(r->type, RTN_UNREACHABLE);
		ck_assert_uint_eq(r->metric, UINT32_MAX - IFINDEX);
		ck_assert_uint_eq(r->ifindex, 0); /* it outlives the tun */
		snprintf(text + at, sizeof(text) - at, "%s table %u\n",
		         ip_prefix_format(&r->dst, prefix), r->table);
	}
	ck_assert_str_eq(text, expected);
	host_items_clear(&barriers);
	host_items_clear(&items);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/barrier");

	tcase_add_test(tc, behind_every_route_of_ours);
	return tc;
}
