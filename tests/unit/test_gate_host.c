/* tests/unit/test_gate_host.c - with a tun, a gate's clients reach the host and what the
 * host reaches, and it reaches them (design R11, R15) */
#include "unit.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine/core.h"
#include "gate_hosts.h"

START_TEST(the_host_reaches_clients)
{
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	run(SECOND);
	phone[0]->on_tun = take_tun;
	seen_count = 0;
	probe(1, "192.168.5.5", "10.9.9.2", 100);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 1);
}
END_TEST

/* They get to the host, and not to where the union would lead them. */
START_TEST(clients_reach_the_address_of_the_gate)
{
	struct ip_addr own = sim_addr("10.9.9.1");
	struct device_settings settings = gate_settings;

	settings.addresses = &own;
	settings.address_count = 1;
	peer_allow(peer[0], "0.0.0.0/0");
	ck_assert_int_eq(device_set(gate, &settings), 0);
	client->on_tun = take_tun;
	seen_count = 0;
	probe_from(0, 0, "10.9.9.2", "10.9.9.1", 100);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 1);
	engine_set_tun(client->engine, NULL);
	probe_from(0, 1, "10.9.9.2", "10.9.9.1", 100);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert_uint_eq(phone[0]->icmp_errors, 1);
}
END_TEST

/* ---- what goes to the host */

static const struct {
	const char *dst;
	bool without_a_tun; /* it goes into a tunnel if there is no tun */
} for_host[] = {
	{ "9.9.9.9", false },      /* in no file */
	{ "2001:4860::1", false }, /* the same in IPv6 */
	{ "172.16.0.200", true },  /* the host's own network is the longer prefix */
	{ "172.16.1.77", true },   /* an equal one */
	{ "fd16::7:7", true },     /* the longer one in IPv6 */
	{ "10.0.0.2", true },      /* vpn's Address */
	{ "fd10:1::2", true },     /* home's Address */
	{ "224.0.0.251", false },  /* no router passes these on */
	{ "255.255.255.255", false }, { "127.0.0.1", false }, { "169.254.3.4", false },
	{ "0.0.0.0", false },         { "240.0.0.1", false }, { "ff02::fb", false },
	{ "fe80::1", false },         { "::1", false },       { "::", false },
};

static void set_host_prefixes(void)
{
	const struct ip_prefix own[] = { sim_prefix("172.16.0.128/25"),
		                         sim_prefix("172.16.1.0/24"),
		                         sim_prefix("172.16.1.0/24"),
		                         sim_prefix("fd16:0:0:0::/64"),
		                         sim_prefix("172.16.0.0/16") };

	ck_assert_int_eq(engine_set_host_prefixes(client->engine, own, ARRAY_SIZE(own)),
	                 0);
}

static void give_vpn_everything(void)
{
	peer_allow(peer[0], "0.0.0.0/0");
	peer_allow(peer[0], "::/0");
}

static void send_from(size_t i, const char *src, const char *dst)
{
	struct craft c;

	craft_udp(&c, src, 4000, dst, 4001, "hello", 5);
	node_inject(phone[i], &c);
	run(SECOND);
}

static const char *source_for(size_t i, const char *dst)
{
	return sim_addr(dst).family == IP_V4 ? phone4[i] : phone6[i];
}

/* The first two only if vpn doesn't have everything else. */
START_TEST(clients_reach_the_host)
{
	const char *dst = for_host[_i].dst, *src = source_for(0, dst);
	struct ip_view view;
	struct ip_addr from = sim_addr(src), to = sim_addr(dst);

	if (_i > 1)
		give_vpn_everything();
	set_host_prefixes();
	client->on_tun = take_tun;
	send_from(0, src, dst);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert(ip_view_parse(&view, seen.packet.data, seen.packet.len_bytes));
	ck_assert(ip_addr_equal(&view.src, &from));
	ck_assert(ip_addr_equal(&view.dst, &to));
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* Without a tun there is no host. */
START_TEST(nothing_leaves_that_no_router_passes_on)
{
	const char *dst = for_host[_i].dst, *src = source_for(0, dst);
	const uint64_t *drops = engine_drops(client->engine)->by;
	bool passes = for_host[_i].without_a_tun || _i < 2;

	give_vpn_everything();
	set_host_prefixes();
	engine_set_tun(client->engine, NULL);
	if (!passes)
		server[0]->on_tun = take_tun;
	send_from(0, src, dst);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_uint_eq(drops[DROP_NO_ROUTE] + drops[DROP_MULTICAST], !passes);
}
END_TEST

/* What a file has with a longer prefix stays there. */
START_TEST(the_union_before_shorter_networks_of_the_host)
{
	set_host_prefixes();
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	run(SECOND);
	check_came_back(0, "10.0.0.2");
	/* and when the host has lost all of them */
	ck_assert_int_eq(engine_set_host_prefixes(client->engine, NULL, 0), 0);
	probe_from(0, 1, "10.9.9.2", "172.16.1.9", 100);
	run(SECOND);
	check_came_back(1, "10.1.0.2");
}
END_TEST

/* The host forwards it back to us, because its own routes say so. */
START_TEST(a_client_whose_packet_the_host_sends_back)
{
	struct craft c;
	uint16_t port;

	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100); /* so that there is a session */
	run(SECOND);
	server[0]->on_tun = take_tun;
	craft_udp(&c, "10.9.9.2", 4000, "172.16.0.9", 4001, "hello", 5);
	into_tun(&c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert_int_eq(memcmp(seen.packet.data + 12, "\x0a\x00\x00\x02", 4), 0);
	/* the answer goes to the client itself */
	port = (uint16_t)(seen.packet.data[20] << 8 | seen.packet.data[21]);
	phone[0]->on_tun = take_tun;
	server[0]->on_tun = NULL;
	craft_udp(&c, "172.16.0.9", 4001, "10.0.0.2", port, "hello", 5);
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 2);
	ck_assert_int_eq(memcmp(seen.packet.data + 16, "\x0a\x09\x09\x02", 4), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/gate, host");

	tcase_add_checked_fixture(tc, begin, stop);
	tcase_add_test(tc, the_host_reaches_clients);
	tcase_add_test(tc, clients_reach_the_address_of_the_gate);
	tcase_add_loop_test(tc, clients_reach_the_host, 0, ARRAY_SIZE(for_host));
	tcase_add_loop_test(tc, nothing_leaves_that_no_router_passes_on, 0,
	                    ARRAY_SIZE(for_host));
	tcase_add_test(tc, the_union_before_shorter_networks_of_the_host);
	tcase_add_test(tc, a_client_whose_packet_the_host_sends_back);
	return tc;
}
