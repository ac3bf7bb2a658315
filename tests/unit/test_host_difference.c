#include "host/host_difference.h"

#include <stdlib.h>
#include <string.h>

#include "host_world.h"
#include "unit.h"

static const struct {
	const char *what;
	const char *from[2 * PLANNED_FILES + 1], *to[2 * PLANNED_FILES + 1];
	const char *add, *replace, *remove;
} changes[] = {
	{ "nothing",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32\n" PEER(
			 "D") "AllowedIPs = 10.20.0.0/16\n" },
	  { "a", "[Interface]\nAddress = 10.8.0.2/32\n" PEER(
			 "D") "AllowedIPs = 10.20.0.0/16\n" },
	  "",
	  "",
	  "" },
	{ "another MTU and source: the routes get them at once",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = 10.20.0.0/16\n" },
	  { "a", "[Interface]\nAddress = 10.8.0.3/32\nMTU = 1300\n" PEER(
			 "D") "AllowedIPs = 10.20.0.0/16\n" },
	  "address 10.8.0.3/32\n",
	  "route 10.20.0.0/16 table 254 src 10.8.0.3 mtu 1300\n",
	  "address 10.8.0.2/32\n" },
	{ "an endpoint moves into a prefix: the new table is there before the old route "
	  "goes",
	  { "a", "[Interface]\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = 10.20.0.0/16\nEndpoint = 203.0.113.1:1\n" },
	  { "a", "[Interface]\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = 10.20.0.0/16\nEndpoint = 10.20.0.1:1\n" },
	  "route 10.20.0.0/16 table 51821 mtu 1400\n"
	  "IPv4 rule 32732: table 254 suppress_prefixlength 16\n"
	  "IPv4 rule 32733: not fwmark 51820 table 51821\n",
	  "",
	  "route 10.20.0.0/16 table 254 mtu 1400\n" },
	{ "a file less: rules go first, addresses last",
	  { "a",
	    "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1400\n" PEER(
		    "D") "AllowedIPs = 0.0.0.0/0\n",
	    "b", "[Interface]\nAddress = 10.9.0.2/32\nMTU = 1400\n" },
	  { "b", "[Interface]\nAddress = 10.9.0.2/32\nMTU = 1400\n" },
	  "",
	  "",
	  "IPv4 rule 32765: not fwmark 51820 table 51820\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "route 0.0.0.0/0 table 51820 src 10.8.0.2 mtu 1400\naddress 10.8.0.2/32\n" },
};

static void check_list(const char *what, const char *list, const struct host_items *items,
                       const char *expected)
{
	char *text = host_world_format(items);

	ck_assert_msg(strcmp(text, expected) == 0, "%s, %s: got\n%s", what, list, text);
	free(text);
}

START_TEST(only_the_difference_is_done)
{
	struct host_numbers numbers = { 0 };
	struct host_config from, to;
	struct host_difference d;
	struct host_world w1, w2;

	host_world_make(&w1, changes[_i].from, &numbers, &from);
	host_world_make(&w2, changes[_i].to, &numbers, &to);
	ck_assert_int_eq(host_config_compare(&d, &from, &to), 0);
	check_list(changes[_i].what, "add", &d.add, changes[_i].add);
	check_list(changes[_i].what, "replace", &d.replace, changes[_i].replace);
	check_list(changes[_i].what, "remove", &d.remove, changes[_i].remove);
	host_difference_clear(&d);
	host_config_clear(&from);
	host_config_clear(&to);
	host_world_clear(&w1);
	host_world_clear(&w2);
}
END_TEST

/* Rules that share a priority stand in the order in which they were added. So if one comes
 * between, all are added again before the old ones go. */
START_TEST(shared_rules_are_renewed_together)
{
#define RULE(f, t)                                                                       \
	{                                                                                \
		.kind = NETLINK_KIND_RULE, .rule = {                                     \
			.family = (f),                                                   \
			.priority = 32765,                                               \
			.table = (t),                                                    \
			.shared = true                                                   \
		}                                                                        \
	}
	struct netlink_item v[] = { RULE(IP_V4, 1), RULE(IP_V4, 3), RULE(IP_V6, 1) };
	struct netlink_item w[] = { RULE(IP_V4, 1), RULE(IP_V4, 2), RULE(IP_V4, 3),
		                    RULE(IP_V6, 1) };
	struct host_config from = { .items = { v, 3, 3 } }, to = { .items = { w, 4, 4 } };
	struct host_difference d;

	ck_assert_int_eq(host_config_compare(&d, &from, &to), 0);
	check_list("one more", "add", &d.add,
	           "IPv4 rule 32765: table 1\nIPv4 rule 32765: table 2\n"
	           "IPv4 rule 32765: table 3\n");
	check_list("one more", "remove", &d.remove,
	           "IPv4 rule 32765: table 3\nIPv4 rule 32765: table 1\n");
	host_difference_clear(&d);
	ck_assert_int_eq(host_config_compare(&d, &to, &to), 0);
	ck_assert_uint_eq(d.add.n + d.remove.n, 0);
	host_difference_clear(&d);
	to.renew6 = true; /* the kernel has them in another order */
	ck_assert_int_eq(host_config_compare(&d, &to, &to), 0);
	check_list("renew", "add", &d.add, "IPv6 rule 32765: table 1\n");
	check_list("renew", "remove", &d.remove, "IPv6 rule 32765: table 1\n");
	host_difference_clear(&d);
#undef RULE
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/host_difference");

	tcase_add_loop_test(tc, only_the_difference_is_done, 0, ARRAY_SIZE(changes));
	tcase_add_test(tc, shared_rules_are_renewed_together);
	return tc;
}
