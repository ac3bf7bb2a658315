#include "host/host_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_world.h"
#include "unit.h"

static const struct {
	const char *what;
	const char *texts[2 * PLANNED_FILES + 1];
	struct host_facts facts;
	const char *expected;
	uint32_t mark;
} cases[] = {
	{ "nothing but an address",
	  { "a", "[Interface]\nAddress = 10.8.0.2/24\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/24\n",
	  51820 },
	{ "a prefix in the main table, with the source of its family",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32, fd08::2/128\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = 192.168.7.0/24, fd77::/64\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/32\naddress fd08::2/128\n"
	  "route 192.168.7.0/24 table 254 src 10.8.0.2 mtu 1400\n"
	  "route fd77::/64 table 254 src fd08::2 mtu 1400\n",
	  51820 },
	{ "the clients of a gate",
	  { "gate",
	    "[Interface]\nAddress = 10.9.9.1/24\nMTU = 1400\n# tunion: Gate = on\n" PEER(
		    "D") "AllowedIPs = 10.9.9.2/32, 192.168.5.0/24\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.9.9.1/24\n"
	  "route 192.168.5.0/24 table 254 src 10.9.9.1 mtu 1400\n",
	  51820 },
	{ "no Address of the family: no source",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = fd77::/64\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/32\nroute fd77::/64 table 254 mtu 1400\n",
	  51820 },
	{ "equal to and inside the connected route: none; wider: one",
	  { "a", "[Interface]\nAddress = 10.8.0.2/24\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = 10.8.0.0/24, 10.8.0.7/32, 10.8.0.0/16\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/24\nroute 10.8.0.0/16 table 254 src 10.8.0.2 mtu 1400\n",
	  51820 },
	{ "a /32 Address has no connected route, a /128 has",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32, fd08::2/128\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = 10.8.0.2/32, fd08::2/128\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/32\naddress fd08::2/128\n"
	  "route 10.8.0.2/32 table 254 src 10.8.0.2 mtu 1400\n",
	  51820 },
	{ "the connected route of another device: equal is there already, inside is not",
	  { "a", "[Interface]\nAddress = 10.8.0.2/24\nMTU = 1400\n", "b",
	    "[Interface]\nAddress = 10.9.0.2/32\nMTU = 1300\n" PEER(
		    "D") "AllowedIPs = 10.8.0.0/24, 10.8.0.128/25\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/24\naddress 10.9.0.2/32\n"
	  "route 10.8.0.128/25 table 254 src 10.9.0.2 mtu 1300\n",
	  51820 },
	{ "equal Addresses once; IPv4 may differ in length, IPv6 gets the shortest",
	  { "a", "[Interface]\nAddress = 10.8.0.2/24, fd08::2/128\n", "b",
	    "[Interface]\nAddress = 10.8.0.2/24, 10.8.0.2/32, fd08::2/64\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/24\naddress fd08::2/64\naddress 10.8.0.2/32\n",
	  51820 },
	{ "the default route, as wg-quick",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1420\n" PEER(
			 "D") "AllowedIPs = 0.0.0.0/0\nEndpoint = 203.0.113.1:51820\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/32\nroute 0.0.0.0/0 table 51820 src 10.8.0.2 mtu 1420\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51820 table 51820\n",
	  51820 },
	{ "both default routes: one table, rules for each family; no endpoint needed",
	  { "a", "[Interface]\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0, ::/0\n" },
	  { .rules = { 32766, 32767 } },
	  "route 0.0.0.0/0 table 51820 mtu 1420\nroute ::/0 table 51820 mtu 1420\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51820 table 51820\n"
	  "IPv6 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv6 rule 32765: not fwmark 51820 table 51820\n",
	  51820 },
	{ "a standby's own endpoint: while it stands in, it is reached through the network",
	  { "a",
	    "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1420\n# tunion: Metric = 0\n" PEER(
		    "D") "AllowedIPs = 198.51.100.0/24\nEndpoint = 203.0.113.1:1\n",
	    "b",
	    "[Interface]\nMTU = 1340\n# tunion: Metric = 1\n" PEER(
		    "E") "AllowedIPs = 198.51.100.0/24\nEndpoint = 198.51.100.2:1\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/32\n"
	  "route 198.51.100.0/24 table 51821 src 10.8.0.2 mtu 1420\n"
	  "IPv4 rule 32716: table 254 suppress_prefixlength 24\n"
	  "IPv4 rule 32717: not fwmark 51820 table 51821\n",
	  51820 },
	{ "tables in use are passed over",
	  { "a", "[Interface]\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n", "b",
	    "[Interface]\nMTU = 1420\nTable = 51822\n" },
	  { .tables_used = { 51820, 51821 }, .rules = { 32766, 32767 } },
	  "route 0.0.0.0/0 table 51823 mtu 1420\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51823 table 51823\n",
	  51823 },
	{ "a mark to which a rule of Cilium applies is passed over",
	  { "a", "[Interface]\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n" },
	  { .rules = { 10, 32766 }, .mark = 0xa00, .mark_mask = 0xf00 },
	  "route 0.0.0.0/0 table 51968 mtu 1420\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51968 table 51968\n",
	  51968 },
	{ "a FwMark is mark and table, as in wg-quick",
	  { "a", "[Interface]\nMTU = 1420\nFwMark = 0x4321\n" PEER(
			 "D") "AllowedIPs = 0.0.0.0/0\n" },
	  { .tables_used = { 0x4321 }, .rules = { 32766, 32767 } },
	  "route 0.0.0.0/0 table 17185 mtu 1420\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 17185 table 17185\n",
	  0x4321 },
	{ "several FwMarks lead past our rules; a file without one has none of theirs",
	  { "a", "[Interface]\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n", "b",
	    "[Interface]\nFwMark = 51820\n", "c", "[Interface]\nFwMark = 7\n", "d",
	    "[Interface]\nFwMark = 7\n" },
	  { .rules = { 32766, 32767 } },
	  "route 0.0.0.0/0 table 51821 mtu 1420\n"
	  "IPv4 rule 32699: fwmark 51820 goto 32766\n"
	  "IPv4 rule 32699: fwmark 7 goto 32766\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51821 table 51821\n",
	  51821 },
	{ "if all have one, the first is the instance's",
	  { "a",
	    "[Interface]\nFwMark = 8\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n",
	    "b", "[Interface]\nFwMark = 9\n" },
	  { .rules = { 32765, 32766, 32767 } },
	  "route 0.0.0.0/0 table 8 mtu 1420\n"
	  "IPv4 rule 32765: fwmark 9 goto 32766\n"
	  "IPv4 rule 32765: not fwmark 8 table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 8 table 8\n",
	  8 },
	{ "a FwMark that is the number of the main table is no table",
	  { "a", "[Interface]\nMTU = 1420\nFwMark = 254\n" PEER(
			 "D") "AllowedIPs = 0.0.0.0/0\n" },
	  { .rules = { 32766, 32767 } },
	  "route 0.0.0.0/0 table 51820 mtu 1420\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 254 table 51820\n",
	  254 },
	{ "every prefix with a network endpoint inside, the longest first",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1420\n" PEER(
			 "D") "AllowedIPs = 203.0.113.0/24, 203.0.0.0/16, 128.0.0.0/1, "
	                      "0.0.0.0/1, "
	                      "203.1.0.0/16\nEndpoint = 203.0.113.1:51820\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/32\nroute 0.0.0.0/1 table 254 src 10.8.0.2 mtu 1420\n"
	  "route 128.0.0.0/1 table 51821 src 10.8.0.2 mtu 1420\n"
	  "route 203.0.0.0/16 table 51822 src 10.8.0.2 mtu 1420\n"
	  "route 203.0.113.0/24 table 51823 src 10.8.0.2 mtu 1420\n"
	  "route 203.1.0.0/16 table 254 src 10.8.0.2 mtu 1420\n"
	  "IPv4 rule 32716: table 254 suppress_prefixlength 24\n"
	  "IPv4 rule 32717: not fwmark 51820 table 51823\n"
	  "IPv4 rule 32732: table 254 suppress_prefixlength 16\n"
	  "IPv4 rule 32733: not fwmark 51820 table 51822\n"
	  "IPv4 rule 32762: table 254 suppress_prefixlength 1\n"
	  "IPv4 rule 32763: not fwmark 51820 table 51821\n",
	  51820 },
	{ "an endpoint inside another device's prefix is carried by it: no rules for "
	  "that",
	  { "home",
	    "[Interface]\nAddress = 10.9.0.2/32\nMTU = 1300\n" PEER(
		    "D") "AllowedIPs = 192.168.7.0/24\nEndpoint = 198.51.100.9:51820\n",
	    "vpn",
	    "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1420\n" PEER(
		    "B") "AllowedIPs = 198.51.100.0/24\nEndpoint = 203.0.113.1:51820\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.9.0.2/32\naddress 10.8.0.2/32\n"
	  "route 192.168.7.0/24 table 254 src 10.9.0.2 mtu 1300\n"
	  "route 198.51.100.0/24 table 254 src 10.8.0.2 mtu 1420\n",
	  51820 },
	/* after what is done for the shared tun comes what is done for each other one */
	{ "Table = off: no route; what another device has is routed",
	  { "a",
	    "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1420\nTable = off\n" PEER(
		    "D") "AllowedIPs = 0.0.0.0/0, 10.20.0.0/16\nEndpoint = "
	                 "203.0.113.1:51820\n",
	    "b",
	    "[Interface]\nAddress = 10.9.0.2/32\nMTU = 1300\n" PEER(
		    "B") "AllowedIPs = 10.20.0.0/16\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.9.0.2/32\nroute 10.20.0.0/16 table 254 src 10.9.0.2 mtu 1300\n"
	  "address 10.8.0.2/32\n",
	  51820 },
	{ "Table = NUMBER: all routes there, connected ones too, no rules",
	  { "a", "[Interface]\nAddress = 10.8.0.2/24\nMTU = 1420\nTable = 1234\n" PEER(
			 "D") "AllowedIPs = 0.0.0.0/0, 10.8.0.0/24\nEndpoint = "
	                      "203.0.113.1:51820\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/24\nroute 0.0.0.0/0 table 1234 src 10.8.0.2 mtu 1420\n"
	  "route 10.8.0.0/24 table 1234 src 10.8.0.2 mtu 1420\n",
	  51820 },
	{ "the same prefix in two files: the active one's source; and one for each tun",
	  { "a",
	    "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1420\n# tunion: Metric = 5\n" PEER(
		    "D") "AllowedIPs = 10.20.0.0/16\n",
	    "b",
	    "[Interface]\nAddress = 10.9.0.2/32\nMTU = 1300\n" PEER(
		    "B") "AllowedIPs = 10.20.0.0/16\n",
	    "c",
	    "[Interface]\nAddress = 10.10.0.2/32\nMTU = 1300\nTable = 99\n" PEER(
		    "C") "AllowedIPs = 10.20.0.0/16\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.8.0.2/32\naddress 10.9.0.2/32\n"
	  "route 10.20.0.0/16 table 254 src 10.9.0.2 mtu 1300\naddress 10.10.0.2/32\n"
	  "route 10.20.0.0/16 table 99 src 10.10.0.2 mtu 1300\n",
	  51820 },
	{ "a tun of its own has a table and rules; no tun catches another one's datagrams",
	  { "a",
	    "[Interface]\nMTU = 1420\n# tunion: Tun = own\n" PEER(
		    "D") "AllowedIPs = 0.0.0.0/0, 203.0.113.0/24\n",
	    "b",
	    "[Interface]\nMTU = 1300\n# tunion: Via = network\n" PEER(
		    "B") "AllowedIPs = 10.20.0.0/16\nEndpoint = 203.0.113.1:51820\n" },
	  { .rules = { 32766, 32767 } },
	  "route 10.20.0.0/16 table 254 mtu 1300\nroute 0.0.0.0/0 table 51821 mtu 1420\n"
	  "route 203.0.113.0/24 table 51822 mtu 1420\n"
	  "IPv4 rule 32716: table 254 suppress_prefixlength 24\n"
	  "IPv4 rule 32717: not fwmark 51820 table 51822\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51820 table 51821\n",
	  51820 },
	{ "behind all other rules there are, but before the one for main",
	  { "a", "[Interface]\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n" },
	  { .rules = { 100, 5210, 32766, 32767 } },
	  "route 0.0.0.0/0 table 51820 mtu 1420\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51820 table 51820\n",
	  51820 },
	{ "where these leave no room: all at one priority",
	  { "a", "[Interface]\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n" },
	  { .rules = { 5210, 32765, 32766, 32767 } },
	  "route 0.0.0.0/0 table 51820 mtu 1420\n"
	  "IPv4 rule 32765: not fwmark 51820 table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51820 table 51820\n",
	  51820 },
	{ "several files with DNS: the virtual resolver is behind the tun",
	  { "a",
	    "[Interface]\nDNS = 10.8.0.1\nMTU = 1400\n" PEER(
		    "D") "AllowedIPs = 10.8.0.1/32\n",
	    "b", "[Interface]\nAddress = 10.9.0.2/32\nDNS = fd09::1\nMTU = 1300\n" },
	  { .rules = { 32766, 32767 } },
	  "address 10.9.0.2/32\nroute 10.8.0.1/32 table 254 mtu 1400\n"
	  "route 192.0.0.53/32 table 254 src 10.9.0.2 mtu 1400\n"
	  "route fd2b:915e:3ca7::53/128 table 254 mtu 1400\n",
	  51820 },
	{ "of several Addresses each route's own; the ULA part of ::/0 has a route",
	  { "a",
	    "[Interface]\nAddress = fe80::7/128, fd42::2/128, 2001:db8:9::2/128, "
	    "127.0.0.5/32\nMTU = 1420\n" PEER(
		    "D") "AllowedIPs = ::/0, fd77::/64, 2001:db8::/32, fe80::/64, "
	                 "10.0.0.0/8\n",
	    "b", "[Interface]\nMTU = 1420\n" PEER("B") "AllowedIPs = fd78::/16\n" },
	  { .rules = { 32766, 32767 } },
	  "address fe80::7/128\naddress fd42::2/128\naddress 2001:db8:9::2/128\n"
	  "address 127.0.0.5/32\nroute 10.0.0.0/8 table 254 mtu 1420\n"
	  "route ::/0 table 51820 src 2001:db8:9::2 mtu 1420\n"
	  "route fc00::/7 table 51820 src fd42::2 mtu 1420\n"
	  "route 2001:db8::/32 table 254 src 2001:db8:9::2 mtu 1420\n"
	  "route fd77::/64 table 254 src fd42::2 mtu 1420\n"
	  "route fd78::/16 table 254 mtu 1420\n"
	  "route fe80::/64 table 254 src fe80::7 mtu 1420\n"
	  "IPv6 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv6 rule 32765: not fwmark 51820 table 51820\n",
	  51820 },
	{ "the ULA part of a prefix gives way to another entry",
	  { "a",
	    "[Interface]\nAddress = fd42::2/128, 2001:db8:9::2/128\nMTU = 1420\n" PEER(
		    "D") "AllowedIPs = 8000::/1\n",
	    "b",
	    "[Interface]\nAddress = fd43::2/128\nMTU = 1300\n" PEER(
		    "B") "AllowedIPs = f000::/4\n" },
	  { .rules = { 32766, 32767 } },
	  "address fd42::2/128\naddress 2001:db8:9::2/128\naddress fd43::2/128\n"
	  "route 8000::/1 table 254 src 2001:db8:9::2 mtu 1420\n"
	  "route f000::/4 table 254 src fd43::2 mtu 1300\n",
	  51820 },
	{ "and to one that is equal",
	  { "a",
	    "[Interface]\nAddress = fd42::2/128, 2001:db8:9::2/128\nMTU = 1420\n" PEER(
		    "D") "AllowedIPs = 8000::/1, fc00::/7\n" },
	  { .rules = { 32766, 32767 } },
	  "address fd42::2/128\naddress 2001:db8:9::2/128\n"
	  "route 8000::/1 table 254 src 2001:db8:9::2 mtu 1420\n"
	  "route fc00::/7 table 254 src fd42::2 mtu 1420\n",
	  51820 },
	{ "a multicast Address is no source",
	  { "a", "[Interface]\nAddress = 224.0.0.5/32\nMTU = 1420\n" PEER(
			 "D") "AllowedIPs = 10.20.0.0/16\n" },
	  { .rules = { 32766, 32767 } },
	  "address 224.0.0.5/32\nroute 10.20.0.0/16 table 254 mtu 1420\n",
	  51820 },
};

/* Appends what a part of the plan needs. */
static void add_part(struct host_world *w, struct host_numbers numbers,
                     const struct plan *part, char **text)
{
	struct host_config config;
	char *before = *text, *more;

	ck_assert_int_eq(
		host_config_make(&config, &numbers, part, &w->env, &w->planned.diag), 0);
	more = host_world_format(&config.items);
	ck_assert_int_eq(config.rules4, strstr(more, "IPv4 rule") != NULL);
	ck_assert_int_eq(config.rules6, strstr(more, "IPv6 rule") != NULL);
	for (size_t i = 0; i < config.items.n; i++) {
		if (config.items.v[i].kind == NETLINK_KIND_ROUTE)
			ck_assert_uint_eq(config.items.v[i].route.ifindex, 7);
	}
	ck_assert_int_ge(asprintf(text, "%s%s", before, more), 0);
	free(before);
	free(more);
	host_config_clear(&config);
}

START_TEST(each_plan_gives_its_list)
{
	struct host_numbers numbers = { 0 };
	char *text = strdup("");
	struct plan part;
	struct host_world w;

	host_world_init(&w, cases[_i].texts, &cases[_i].facts);
	part = plan_of_shared_tun(&w.planned.plan);
	ck_assert_int_eq(
		host_numbers_choose_mark(&numbers, &part, &w.env, &w.planned.diag), 0);
	ck_assert_uint_eq(numbers.mark, cases[_i].mark);
	add_part(&w, numbers, &part, &text);
	for (size_t i = part.device_count; i < w.planned.plan.device_count; i++) {
		part = plan_of_own_tun(&w.planned.plan, i);
		add_part(&w, (struct host_numbers){ .mark = numbers.mark }, &part, &text);
	}
	ck_assert_msg(strcmp(text, cases[_i].expected) == 0, "%s: got\n%s",
	              cases[_i].what, text);
	free(text);
	host_world_clear(&w);
}
END_TEST

static const struct {
	const char *texts[2 * PLANNED_FILES + 1];
	const char *expected;
	bool left_out;
} without_ipv6[] = {
	{ { "a", "[Interface]\nAddress = 10.8.0.2/32, fd08::2/64\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = 0.0.0.0/0, ::/0, fd77::/64\n" },
	  "address 10.8.0.2/32\nroute 0.0.0.0/0 table 51820 src 10.8.0.2 mtu 1400\n"
	  "IPv4 rule 32764: table 254 suppress_prefixlength 0\n"
	  "IPv4 rule 32765: not fwmark 51820 table 51820\n",
	  true },
	{ { "a", "[Interface]\nAddress = fd08::2/64\nTable = 7\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = fd77::/64\n" },
	  "",
	  true },
	{ { "a",
	    "[Interface]\nDNS = 10.8.0.1\nMTU = 1400\n" PEER(
		    "D") "AllowedIPs = 10.8.0.1/32\n",
	    "b", "[Interface]\nDNS = fd09::1\nMTU = 1300\n" },
	  "route 10.8.0.1/32 table 254 mtu 1400\nroute 192.0.0.53/32 table 254 mtu 1400\n",
	  true },
	{ { "gate", "[Interface]\nMTU = 1400\n# tunion: Gate = on\n" PEER(
			    "D") "AllowedIPs = 10.9.9.2/32, fd99::2/128\n" },
	  "route 10.9.9.2/32 table 254 mtu 1400\n",
	  true },
	/* these would get nothing in any case */
	{ { "a", "[Interface]\nAddress = 10.8.0.2/32\nTable = off\nMTU = 1400\n" PEER(
			 "D") "AllowedIPs = ::/0\nEndpoint = [2001:db8::1]:1\n" },
	  "address 10.8.0.2/32\n",
	  false },
};

static void make_config(struct host_config *config, struct host_world *w)
{
	struct host_numbers numbers = { 0 };

	ck_assert_int_eq(host_numbers_choose_mark(&numbers, &w->planned.plan, &w->env,
	                                          &w->planned.diag),
	                 0);
	ck_assert_int_eq(host_config_make(config, &numbers, &w->planned.plan, &w->env,
	                                  &w->planned.diag),
	                 0);
}

START_TEST(ipv6_is_left_out_where_the_host_has_none)
{
	struct host_config config;
	struct host_world w;
	char *text;

	host_world_init(&w, without_ipv6[_i].texts, &host_facts_plain);
	w.env.without_ipv6 = true;
	make_config(&config, &w);
	text = host_world_format(&config.items);
	ck_assert_str_eq(text, without_ipv6[_i].expected);
	ck_assert_int_eq(config.ipv6_left_out, without_ipv6[_i].left_out);
	ck_assert(!config.rules6);
	free(text);
	host_config_clear(&config);
	host_world_clear(&w);
}
END_TEST

/* All files have a FwMark; then one comes that has none, and doesn't get that of another. */
static const struct {
	const char *what;
	const char *texts[2 * PLANNED_FILES + 1];
	const char *expected;
} guards[] = {
	{ "without a default route there is nothing to guard",
	  { "a", "[Interface]\nAddress = 10.8.0.2/32\n" PEER(
			 "D") "AllowedIPs = 10.9.0.0/16\n" },
	  "" },
	{ "only the addresses of the file with the default route, and of its family",
	  { "a",
	    "[Interface]\nAddress = 10.8.0.2/32, 10.8.0.3/24, fd08::2/64\n" PEER(
		    "D") "AllowedIPs = 0.0.0.0/0\n",
	    "b",
	    "[Interface]\nAddress = 10.9.0.2/32, fd09::2/64\nFwMark = 7\n" PEER(
		    "B") "AllowedIPs = 10.9.0.0/16, fd77::/64\n" },
	  "address 10.8.0.2/32\naddress 10.8.0.3/24\nIPv4 rule 32699: fwmark 7 goto 32766\n"
	  "IPv4 rule 32765: not fwmark 51820 table 51820\n" },
	{ "also of one whose default route is shadowed",
	  { "a", "[Interface]\nAddress = fd08::2/64\n" PEER("D") "AllowedIPs = ::/0\n",
	    "b",
	    "[Interface]\nAddress = 10.9.0.2/32, fd09::2/64\n" PEER(
		    "B") "AllowedIPs = ::/0\n" },
	  "address fd08::2/64\naddress fd09::2/64\n"
	  "IPv6 rule 32765: not fwmark 51820 table 51820\n" },
	{ "a network that contains its endpoint is no default route",
	  { "a",
	    "[Interface]\nAddress = 10.8.0.2/32\n" PEER(
		    "D") "AllowedIPs = 203.0.113.0/24\nEndpoint = 203.0.113.1:51820\n" },
	  "IPv4 rule 32717: not fwmark 51820 table 51821\n" },
	{ "two halves are one",
	  { "a",
	    "[Interface]\nAddress = 10.8.0.2/32\n" PEER(
		    "D") "AllowedIPs = 0.0.0.0/1, 128.0.0.0/1\nEndpoint = 203.0.113.1:51820\n" },
	  "address 10.8.0.2/32\nIPv4 rule 32763: not fwmark 51820 table 51821\n" },
};

START_TEST(addresses_of_default_routes_are_guarded)
{
	struct host_facts facts = { .rules = { 32766, 32767 } };
	struct host_config config;
	struct host_world w;
	char *text;

	host_world_init(&w, guards[_i].texts, &facts);
	make_config(&config, &w);
	text = host_world_format(&config.guard);
	ck_assert_msg(strcmp(text, guards[_i].expected) == 0, "%s: got\n%s",
	              guards[_i].what, text);
	free(text);
	host_config_clear(&config);
	host_world_clear(&w);
}
END_TEST

START_TEST(no_priority_is_free)
{
	static const char *const texts[] = {
		"a", "[Interface]\nMTU = 1420\n" PEER("D") "AllowedIPs = 0.0.0.0/0\n",
		NULL
	};
	static const struct host_facts crowded = { .rules = { 50, 66, 132, 198 } };
	struct host_numbers numbers = { .mark = 1, .table = { 1 } };
	struct host_config config;
	struct host_world w;

	host_world_init(&w, texts, &crowded);
	ck_assert_int_eq(host_config_make(&config, &numbers, &w.planned.plan, &w.env,
	                                  &w.planned.diag),
	                 -ENOSPC);
	ck_assert_uint_eq(w.planned.diag.errors, 1);
	host_world_clear(&w);
}
END_TEST

/* A slow model of the kernel's rules and route tables, which can be asked for
 * any address. */
static const struct netlink_route *lookup_table(const struct host_items *items,
                                                uint32_t table, const struct ip_addr *to,
                                                int suppress)
{
	const struct netlink_route *best = NULL;

	for (size_t i = 0; i < items->n; i++) {
		const struct netlink_route *r = &items->v[i].route;

		if (items->v[i].kind == NETLINK_KIND_ROUTE && r->table == table &&
		    ip_prefix_contains(&r->dst, to) && r->dst.len > suppress &&
		    (!best || best->dst.len < r->dst.len))
			best = r;
	}
	return best;
}

static const struct netlink_route *lookup(const struct host_items *items,
                                          const struct ip_addr *to, uint32_t mark)
{
	const struct netlink_route *r = NULL;
	uint32_t last = 0;

	for (size_t i = 0; i < items->n && !r; i++) {
		const struct netlink_rule *rule = &items->v[i].rule;

		if (items->v[i].kind != NETLINK_KIND_RULE || rule->family != to->family)
			continue;
		ck_assert_uint_gt(rule->priority, last);
		last = rule->priority;
		if (!rule->has_mark || rule->invert == (mark != rule->mark))
			r = lookup_table(items, rule->table, to,
			                 rule->has_suppress ? rule->suppress_len : -1);
	}
	return r ? r : lookup_table(items, NETLINK_TABLE_MAIN, to, -1);
}

static struct ip_prefix draw_prefix(uint64_t *seed, uint32_t *value)
{
	uint8_t len = (uint8_t)(unit_random(seed) % 9 + 4);
	struct ip_prefix p = { .addr = { .family = IP_V4 }, .len = len };

	*value = (uint32_t)unit_random(seed);
	for (int i = 0; i < 4; i++)
		p.addr.b[i] = (uint8_t)(*value >> (24 - 8 * i));
	return ip_prefix_mask(p);
}

/* A device with random, dense prefixes and an endpoint anywhere. */
static void draw_file(uint64_t *seed, char *text, size_t size, struct ip_addr *endpoint)
{
	char prefix[IP_PREFIX_STRLEN], addr[IP_ADDR_STRLEN];
	uint32_t value;
	size_t n = (size_t)snprintf(text, size, "[Interface]\nMTU = 1400\n" PEER("D"));

	for (int i = 0; i < 24; i++) {
		struct ip_prefix p = draw_prefix(seed, &value);

		n += (size_t)snprintf(text + n, size - n, "AllowedIPs = %s\n",
		                      ip_prefix_format(&p, prefix));
	}
	*endpoint = draw_prefix(seed, &value).addr;
	endpoint->b[3] = 9;
	snprintf(text + n, size - n, "Endpoint = %s:1\n", ip_addr_format(endpoint, addr));
}

/* Routes of another link in the main table; one that we put there would be refused. */
static void draw_lan(uint64_t *seed, const struct host_world *w, struct host_items *items)
{
	uint32_t value;

	for (int i = 0; i < 8; i++) {
		struct netlink_item lan = { .kind = NETLINK_KIND_ROUTE,
			                    .route = { .dst = draw_prefix(seed, &value),
			                               .ifindex = 1,
			                               .table = NETLINK_TABLE_MAIN } };

		if (!trie_find(w->planned.plan.table.trie, &lan.route.dst))
			ck_assert_int_eq(host_items_add(items, &lan), 0);
	}
}

/* The longest prefix of all tables together. */
static const struct netlink_route *longest(const struct host_items *items,
                                           const struct ip_addr *to)
{
	const struct netlink_route *best = NULL;

	for (size_t i = 0; i < items->n; i++) {
		const struct netlink_route *r = &items->v[i].route;

		if (items->v[i].kind == NETLINK_KIND_ROUTE &&
		    ip_prefix_contains(&r->dst, to) &&
		    (!best || best->dst.len < r->dst.len))
			best = r;
	}
	return best;
}

/* The host sends a packet where the longest prefix of the union and the LAN's routes
 * says, and one of ours for an endpoint in the network never to the tun. */
START_TEST(rules_are_one_longest_prefix_match)
{
	uint64_t seed = unit_seed() + (uint64_t)_i;
	char text[4096];
	const char *const texts[] = { "a", text, NULL };
	struct host_numbers numbers = { 0 };
	const struct netlink_route *got, *want;
	struct host_config config;
	struct ip_addr endpoint;
	struct host_world w;

	draw_file(&seed, text, sizeof(text), &endpoint);
	host_world_make(&w, texts, &numbers, &config);
	draw_lan(&seed, &w, &config.items);
	for (int i = 0; i < 2000; i++) {
		uint32_t value;
		struct ip_addr to = draw_prefix(&seed, &value).addr;

		to.b[3] = (uint8_t)value;
		got = lookup(&config.items, &to, 0);
		want = longest(&config.items, &to);
		ck_assert_msg(got == want, "%u.%u.%u.%u\n%s", to.b[0], to.b[1], to.b[2],
		              to.b[3], text);
	}
	got = lookup(&config.items, &endpoint, numbers.mark);
	ck_assert_msg(!got || got->ifindex == 1, "%s", text);
	host_config_clear(&config);
	host_world_clear(&w);
}
END_TEST

/* Alone: what would need rules is in the main table, and no socket needs a mark. */
static const struct {
	const char *texts[2 * PLANNED_FILES + 1];
	const char *expected;
	uint32_t mark;
} alone[] = {
	{ { "a",
	    "[Interface]\nAddress = 10.8.0.2/24, fd08::2/128\nMTU = 1400\n" PEER(
		    "D") "Endpoint = 192.0.2.1:1\n"
	                 "AllowedIPs = 0.0.0.0/0, 192.0.2.0/24, ::/0, 10.8.0.0/24\n" },
	  "address 10.8.0.2/24\naddress fd08::2/128\n"
	  "route 0.0.0.0/0 table 254 src 10.8.0.2 mtu 1400\n"
	  "route 192.0.2.0/24 table 254 src 10.8.0.2 mtu 1400\n"
	  "route ::/0 table 254 src fd08::2 mtu 1400\n",
	  0 },
	{ { "a", "[Interface]\nAddress = 10.8.0.2/32\nMTU = 1400\nFwMark = 7\n" PEER(
			 "D") "AllowedIPs = 0.0.0.0/0\n" },
	  "address 10.8.0.2/32\nroute 0.0.0.0/0 table 254 src 10.8.0.2 mtu 1400\n",
	  0 },
};

START_TEST(alone_there_is_only_the_main_table)
{
	struct host_numbers numbers = { 0 };
	struct host_config config;
	struct diag diag = { 0 };
	struct host_world w;
	char *text;

	host_world_init(&w, alone[_i].texts, &host_facts_plain);
	w.env.alone = true;
	ck_assert_int_eq(
		host_numbers_choose_mark(&numbers, &w.planned.plan, &w.env, &diag), 0);
	ck_assert_uint_eq(numbers.mark, alone[_i].mark);
	ck_assert_int_eq(
		host_config_make(&config, &numbers, &w.planned.plan, &w.env, &diag), 0);
	ck_assert_uint_eq(diag.count, 0);
	ck_assert(!config.rules4 && !config.rules6);
	text = host_world_format(&config.items);
	ck_assert_str_eq(text, alone[_i].expected);
	free(text);
	host_config_clear(&config);
	host_world_clear(&w);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/host_config");

	tcase_add_loop_test(tc, each_plan_gives_its_list, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(tc, ipv6_is_left_out_where_the_host_has_none, 0,
	                    ARRAY_SIZE(without_ipv6));
	tcase_add_test(tc, no_priority_is_free);
	tcase_add_loop_test(tc, addresses_of_default_routes_are_guarded, 0,
	                    ARRAY_SIZE(guards));
	tcase_add_loop_test(tc, alone_there_is_only_the_main_table, 0, ARRAY_SIZE(alone));
	tcase_add_loop_test(tc, rules_are_one_longest_prefix_match, 0, 20);
	return tc;
}
