/* tests/unit/test_own_tun.c - a device with a tun of its own beside the shared one
 * (design R14) */
#include "unit.h"

#include "base/iphdr.h"
#include "engine/core.h"
#include "engine_hosts.h"

/* home has 10.1.0.2 and fd10:1::2 as in engine_hosts.h, and now a tun of its own. */
static const struct device_settings *own_settings(struct ip_addr addresses[static 2])
{
	static struct device_settings settings;

	addresses[0] = sim_addr("10.1.0.2");
	addresses[1] = sim_addr("fd10:1::2");
	settings = (struct device_settings){
		.addresses = addresses,
		.address_count = 2,
		.mtu_bytes = 1340,
		.port = 20001,
		.own_tun = true,
		.dns_servers = &addresses[0],
		.dns_server_count = 1,
	};
	return &settings;
}

static void begin(void)
{
	struct ip_addr addresses[2];

	start();
	ck_assert_int_eq(device_set(home, own_settings(addresses)), 0);
}

static void probe_own(uint16_t id, const char *src, const char *dst, size_t n)
{
	struct ip_addr from = sim_addr(src), to = sim_addr(dst);

	node_probe_own(client, home, id, &from, &to, n);
}

static void check_by(uint16_t id, size_t i)
{
	ck_assert_uint_eq(w->probes[id].arrived, 1);
	ck_assert_uint_eq(w->probes[id].returned, 1);
	ck_assert_uint_eq(w->probes[id].final_node, server[i]->id);
}

/* ---- there and back */

/* The world checks that each answer comes out of the tun of its question. */
START_TEST(each_tun_has_its_own_answers)
{
	probe_own(0, "10.1.0.2", "172.16.1.9", 100);
	probe_own(1, "fd10:1::2", "fd16:1::9", 100);
	probe(2, "10.0.0.2", "172.16.0.9", 100);
	run(SECOND);
	check_by(0, 1);
	check_by(1, 1);
	check_by(2, 0);
}
END_TEST

/* Both have the prefix of the other's LAN, too. */
START_TEST(the_tun_decides_and_not_the_union)
{
	peer_allow(peer[0], "172.16.1.9/32");
	peer_allow(peer[1], "172.16.0.0/16");
	probe_own(0, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	check_by(0, 1);
	/* vpn's server has no such host behind it */
	probe(1, "10.0.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[1].there.node[0], server[0]->id);
}
END_TEST

START_TEST(nothing_else_goes_to_it)
{
	probe(0, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[0].arrived, 0);
	ck_assert_uint_eq(engine_drops(client->engine)->by[DROP_NO_ROUTE], 1);
	ck_assert_uint_eq(client->icmp_errors, 1);
	ck_assert_uint_eq(union_count(engine_union(client->engine)), 4);
}
END_TEST

/* The host has chosen the source. So it stays as it is, even if it is vpn's. */
START_TEST(its_source_is_not_translated)
{
	struct ip_addr expected = sim_addr("10.0.0.2");

	probe_own(0, "10.0.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[0].arrived, 1);
	ck_assert(ip_addr_equal(&w->probes[0].src_there, &expected));
}
END_TEST

START_TEST(batches_of_all_kinds)
{
	uint16_t id = 0;

	for (int round = 0; round < 2; round++) {
		node_batch_begin(client);
		for (int i = 0; i < 40; i++)
			probe_own(id++, i % 2 ? "10.1.0.2" : "fd10:1::2",
			          i % 2 ? "172.16.1.9" : "fd16:1::9",
			          8 + 30U * (unsigned)i);
		node_batch_end(client);
		run(SECOND);
	}
	for (uint16_t i = 0; i < id; i++)
		check_by(i, 1);
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* As by `Table = off` in a file that changes. */
START_TEST(it_changes_there_and_back)
{
	struct ip_addr addresses[2];
	struct device_settings shared = *own_settings(addresses);

	for (uint16_t id = 0; id < 4; id += 2) {
		shared.own_tun = false;
		ck_assert_int_eq(device_set(home, &shared), 0);
		probe(id, "10.1.0.2", "172.16.1.9", 100);
		run(SECOND);
		check_by(id, 1);
		shared.own_tun = true;
		ck_assert_int_eq(device_set(home, &shared), 0);
		probe_own(id + 1, "10.1.0.2", "172.16.1.9", 100);
		run(SECOND);
		check_by(id + 1, 1);
	}
}
END_TEST

/* ---- what is refused */

START_TEST(errors_come_out_of_its_tun)
{
	struct craft c;
	struct packet *p = &c.packet;
	uint8_t payload[1400] = { 0 };

	client->on_tun = see_tun; /* sees only the shared one */
	probe_own(0, "10.1.0.2", "9.9.9.9", 100);
	craft_udp(&c, "10.1.0.2", APP_PORT, "172.16.1.9", APP_PORT, payload,
	          sizeof(payload));
	craft_set_df(&c);
	device_tun_input(home, &p, 1, w->now_ns);
	craft_bytes(&c, "\x45nothing", 8);
	p = &c.packet;
	device_tun_input(home, &p, 1, w->now_ns);
	run(SECOND);
	ck_assert_uint_eq(client->icmp_errors, 2);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_uint_eq(drops_of(home, DROP_NO_ROUTE), 1);
	ck_assert_uint_eq(drops_of(home, DROP_TOO_BIG), 1);
	ck_assert_uint_eq(drops_of(home, DROP_MALFORMED), 1);
	ck_assert_uint_eq(engine_drops(client->engine)->by[DROP_NO_ROUTE], 0);
}
END_TEST

START_TEST(without_its_tun_answers_are_dropped)
{
	device_set_tun(home, NULL);
	probe_own(0, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[0].arrived, 1);
	ck_assert_uint_eq(w->probes[0].returned, 0);
	ck_assert_uint_eq(drops_of(home, DROP_TUN), 1);
	ck_assert_uint_eq(engine_drops(client->engine)->by[DROP_TUN], 0);
}
END_TEST

/* The resolver would send queries from the shared tun to it. */
START_TEST(its_name_servers_are_the_hosts_business)
{
	struct ip_addr none = { 0 }, ipv4 = sim_addr("10.255.255.53");

	engine_set_resolver(client->engine, &ipv4, &none);
	ck_assert(!resolver_has_server(client->engine->resolver, home->id, IP_V4));
}
END_TEST

/* ---- carriers */

/* vpn's server is inside home's prefixes. */
START_TEST(it_carries_only_by_via)
{
	struct ip_addr address = sim_addr("10.0.0.2");
	struct device_settings inside = {
		.addresses = &address,
		.address_count = 1,
		.mtu_bytes = 1260,
		.port = 20000,
	};

	peer_allow(peer[1], "100.64.0.1/32");
	probe(0, "10.0.0.2", "172.16.0.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[0].there.n, 1);
	inside.via = WAY_VIA_DEVICE;
	inside.via_name = "home";
	ck_assert_int_eq(device_set(vpn, &inside), 0);
	probe(1, "10.0.0.2", "172.16.0.9", 100);
	run(SECOND);
	check_by(1, 0);
	ck_assert_uint_eq(w->probes[1].there.n, 2);
	ck_assert_uint_eq(w->probes[1].there.node[0], server[1]->id);
	/* and at the same time what is its own */
	probe_own(2, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	check_by(2, 1);
}
END_TEST

/* home's server is inside vpn's prefixes. */
START_TEST(it_is_carried_as_any_other)
{
	probe_own(0, "10.1.0.2", "172.16.1.9", 1000);
	run(SECOND);
	check_by(0, 1);
	ck_assert_uint_eq(w->probes[0].there.n, 2);
	ck_assert_uint_eq(w->probes[0].there.node[0], server[0]->id);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/own_tun");

	tcase_add_checked_fixture(tc, begin, stop);
	tcase_add_test(tc, each_tun_has_its_own_answers);
	tcase_add_test(tc, the_tun_decides_and_not_the_union);
	tcase_add_test(tc, nothing_else_goes_to_it);
	tcase_add_test(tc, its_source_is_not_translated);
	tcase_add_test(tc, batches_of_all_kinds);
	tcase_add_test(tc, it_changes_there_and_back);
	tcase_add_test(tc, errors_come_out_of_its_tun);
	tcase_add_test(tc, without_its_tun_answers_are_dropped);
	tcase_add_test(tc, its_name_servers_are_the_hosts_business);
	tcase_add_test(tc, it_carries_only_by_via);
	tcase_add_test(tc, it_is_carried_as_any_other);
	return tc;
}
