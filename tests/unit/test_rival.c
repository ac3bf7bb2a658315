/* tests/unit/test_rival.c - rules and routes of others with which our default route doesn't work */
#include "host/rival.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "unit.h"

#define OURS UINT32_C(51821)

static const struct {
	const char *what;
	struct netlink_rule rule;
	bool rival;
} rules[] = {
	{ "wg-quick or another instance",
	  { .has_mark = true,
	    .invert = true,
	    .mark = 51820,
	    .mask = UINT32_MAX,
	    .table = 51820 },
	  true },
	{ "with our mark",
	  { .has_mark = true,
	    .invert = true,
	    .mark = OURS,
	    .mask = UINT32_MAX,
	    .table = 51820 },
	  false },
	{ "its bits are in our mark",
	  { .has_mark = true, .invert = true, .mark = 1, .mask = 1, .table = 51820 },
	  false },
	{ "for what is marked",
	  { .has_mark = true, .mark = 51820, .mask = UINT32_MAX, .table = 51820 },
	  false },
	{ "for all, such as of a mesh VPN", { .table = 52 }, false },
	{ "the routes of main but the default one",
	  { .has_mark = true,
	    .invert = true,
	    .mark = 51820,
	    .mask = UINT32_MAX,
	    .table = NETLINK_TABLE_MAIN,
	    .has_suppress = true },
	  false },
	{ "only for some",
	  { .has_mark = true,
	    .invert = true,
	    .mark = 51820,
	    .mask = UINT32_MAX,
	    .table = 51820,
	    .narrow = true },
	  false },
	{ "it refuses",
	  { .has_mark = true,
	    .invert = true,
	    .mark = 51820,
	    .mask = UINT32_MAX,
	    .action = FR_ACT_UNREACHABLE },
	  false },
};

START_TEST(which_rules)
{
	ck_assert_msg(rival_rule(&rules[_i].rule, OURS) == rules[_i].rival, "%s",
	              rules[_i].what);
}
END_TEST

static const struct {
	const char *what;
	struct netlink_route route;
	bool rival;
} routes[] = {
	{ "a tunnel", { .table = 51820, .ifindex = 7 }, true },
	{ "ours", { .table = 51820, .ifindex = 5 }, false },
	{ "in another table", { .table = 51822, .ifindex = 7 }, false },
	{ "not a default route",
	  { .table = 51820, .ifindex = 7, .dst = { .len = 8 } },
	  false },
	{ "an uplink",
	  { .table = 51820, .ifindex = 7, .gateway = { .family = IP_V4 } },
	  false },
	{ "unreachable",
	  { .table = 51820, .ifindex = 1, .type = RTN_UNREACHABLE },
	  false },
};

START_TEST(which_routes)
{
	ck_assert_msg(rival_route(&routes[_i].route, 51820, 5) == routes[_i].rival, "%s",
	              routes[_i].what);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/rival");

	tcase_add_loop_test(tc, which_rules, 0, ARRAY_SIZE(rules));
	tcase_add_loop_test(tc, which_routes, 0, ARRAY_SIZE(routes));
	return tc;
}
