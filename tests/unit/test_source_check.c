/* tests/unit/test_source_check.c - one tunnel doesn't speak for another one (design R12):
 * what vpn, which takes everything, and home may say */
#include "unit.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine_hosts.h"
#include "ipbytes.h"

#define VIRTUAL4 "198.18.0.53"
#define VIRTUAL6 "fd99::53"

enum through {
	VPN,
	HOME,
};

static void begin(void)
{
	start();
	peer_allow(peer[VPN], "0.0.0.0/0");
	peer_allow(peer[VPN], "::/0");
	peer_allow(peer[VPN], "9.9.9.0/24");
	peer_allow(peer[HOME], "9.9.9.0/24");
	for (size_t i = 0; i < 2; i++) {
		const char *const here[] = { "10.0.0.2", "10.0.0.3",  "fd10::2",
			                     "10.1.0.2", "fd10:1::2", "10.9.9.9" };

		for (size_t k = 0; k < ARRAY_SIZE(here); k++) {
			struct ip_addr addr = sim_addr(here[k]);

			node_behind_tun(server[i], &addr);
		}
	}
	engine_touch(vpn);
	engine_touch(home);
	warm_up();
	client->on_tun = take_tun;
	seen_count = 0;
}

/* The server of that tunnel sends it; the client's engine gets it in a batch of its own. */
static void comes(enum through tunnel, const struct craft *c)
{
	node_inject(server[tunnel], c);
	run(SECOND / 10);
}

static const struct {
	enum through tunnel;
	const char *src, *dst;
	enum drop drop;
} packets[] = {
	{ VPN, "172.16.0.9", "10.0.0.2", DROP_NONE },
	{ VPN, "8.8.8.8", "10.0.0.2", DROP_NONE },
	{ VPN, "172.16.1.9", "10.0.0.2", DROP_FORGED_SOURCE },
	{ VPN, "172.16.1.9", "10.1.0.2", DROP_FORGED_SOURCE },
	{ VPN, "10.1.0.2", "10.0.0.2", DROP_FORGED_SOURCE }, /* home's Address */
	{ VPN, "10.0.0.3", "10.0.0.2", DROP_NONE },          /* its own */
	{ VPN, "8.8.8.8", "10.1.0.2", DROP_NONE }, /* home has no default route */
	{ VPN, "fd16::9", "fd10::2", DROP_NONE },
	{ VPN, "fd16:1::9", "fd10::2", DROP_FORGED_SOURCE },
	{ VPN, "fd10:1::2", "fd10::2", DROP_FORGED_SOURCE },
	{ VPN, "2001:db8:99::1", "fd10:1::2", DROP_NONE },
	{ HOME, "172.16.1.9", "10.1.0.2", DROP_NONE },
	{ HOME, "172.16.1.9", "10.0.0.2", DROP_GUARDED_ADDRESS },
	{ HOME, "172.16.1.9", "10.0.0.3", DROP_GUARDED_ADDRESS },
	{ HOME, "172.16.1.9", "10.9.9.9", DROP_NONE }, /* for somebody behind us */
	{ HOME, "fd16:1::9", "fd10:1::2", DROP_NONE },
	{ HOME, "fd16:1::9", "fd10::2", DROP_GUARDED_ADDRESS },
	/* an equal prefix */
	{ VPN, "9.9.9.9", "10.0.0.2", DROP_NONE },
	{ HOME, "9.9.9.9", "10.1.0.2", DROP_NONE },
};

static struct device *device_of(enum through tunnel)
{
	return tunnel == VPN ? vpn : home;
}

static void check_packet(size_t i, enum drop expected)
{
	uint64_t before = drops_of(device_of(packets[i].tunnel), expected);
	uint64_t all = all_drops();
	bool passes = expected == DROP_NONE;
	struct craft c;

	craft_udp(&c, packets[i].src, 7, packets[i].dst, 7, "abc", 3);
	seen_count = 0;
	comes(packets[i].tunnel, &c);
	ck_assert_msg(seen_count == passes && all_drops() == all + !passes,
	              "%s > %s: %zu came, %s", packets[i].src, packets[i].dst, seen_count,
	              drop_name(expected));
	ck_assert_uint_eq(drops_of(device_of(packets[i].tunnel), expected),
	                  before + !passes);
	ck_assert(!passes || craft_valid(seen.packet.data, seen.packet.len_bytes));
}

START_TEST(who_may_say_what)
{
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++)
		check_packet(i, packets[i].drop);
}
END_TEST

static void set_checks(bool off_in_vpn, bool off_in_home)
{
	struct ip_addr of_vpn[] = { sim_addr("10.0.0.2"), sim_addr("fd10::2"),
		                    sim_addr("10.0.0.3") };
	struct ip_addr of_home[] = { sim_addr("10.1.0.2"), sim_addr("fd10:1::2") };
	struct device_settings v = { .addresses = of_vpn,
		                     .address_count = 3,
		                     .mtu_bytes = 1420,
		                     .port = 20000,
		                     .source_check_off = off_in_vpn };
	struct device_settings h = { .addresses = of_home,
		                     .address_count = 2,
		                     .mtu_bytes = 1340,
		                     .port = 20001,
		                     .source_check_off = off_in_home };

	ck_assert_int_eq(device_set(vpn, &v), 0);
	ck_assert_int_eq(device_set(home, &h), 0);
}

/* It is the file whose tunnel the packet came through that counts. */
START_TEST(a_file_may_lift_it)
{
	for (int set = 0; set < 4; set++) {
		bool off[] = { [VPN] = set & 1, [HOME] = set & 2 };

		set_checks(off[VPN], off[HOME]);
		for (size_t i = 0; i < ARRAY_SIZE(packets); i++)
			check_packet(i, off[packets[i].tunnel] ? DROP_NONE
			                                       : packets[i].drop);
	}
}
END_TEST

/* What home has goes nowhere else while home doesn't answer, so nobody else may speak for
 * it either: a provider that carries home can make it fail. */
START_TEST(also_while_the_other_one_fails)
{
	struct craft c;

	wg_device_stop(device_wg(engine_first_device(server[HOME]->engine)));
	for (int i = 0; i < 12; i++) {
		craft_udp(&c, "10.1.0.2", 7, "172.16.1.9", 7, "abc", 3);
		into_tun(&c);
		run(10 * SECOND);
	}
	ck_assert(peer_way(peer[HOME])->unusable);
	check_packet(2, DROP_FORGED_SOURCE);
	check_packet(0, DROP_NONE);
}
END_TEST

START_TEST(when_the_other_one_has_gone)
{
	engine_remove_device(client->engine, home);
	home = NULL;
	check_packet(2, DROP_NONE);
	check_packet(4, DROP_NONE);
}
END_TEST

/* ---- errors */

/* An error of `router` about a packet that had these addresses. */
static void make_error(struct craft *c, const char *router, const char *to,
                       const char *quoted_src, const char *quoted_dst)
{
	struct craft quoted;
	uint8_t b[8 + 48] = { 0 };
	bool v6 = strchr(router, ':') != NULL;
	size_t n = 8 + (v6 ? 48 : 28);
	uint16_t sum;

	craft_udp(&quoted, quoted_src, 7, quoted_dst, 7, "abc", 3);
	memcpy(b + 8, quoted.packet.data, n - 8);
	b[0] = v6 ? 1 : 3;
	if (v6) {
		struct ip_addr s = sim_addr(router), d = sim_addr(to);
		uint8_t pseudo[40 + sizeof(b)] = { 0 };

		memcpy(pseudo, s.b, 16);
		memcpy(pseudo + 16, d.b, 16);
		pseudo[35] = (uint8_t)n;
		pseudo[39] = PROTO_ICMPV6;
		memcpy(pseudo + 40, b, n);
		sum = craft_sum(pseudo, 40 + n);
	} else {
		sum = craft_sum(b, n);
	}
	b[2] = (uint8_t)(~sum >> 8);
	b[3] = (uint8_t)~sum;
	craft_ip(c, router, to, v6 ? PROTO_ICMPV6 : PROTO_ICMP, b, n);
}

static const struct {
	const char *router, *to, *quoted_dst;
	bool passes;
} errors[] = {
	{ "172.16.0.9", "10.0.0.2", "8.8.8.8", true },
	{ "172.16.0.9", "10.0.0.2", "172.16.1.9", false },
	{ "172.16.0.9", "10.1.0.2", "172.16.1.9", false },
	{ "fd16::9", "fd10::2", "2001:db8:99::1", true },
	{ "fd16::9", "fd10:1::2", "fd16:1::9", false },
};

START_TEST(an_error_is_about_a_packet_through_this_tunnel)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		uint64_t before = drops_of(vpn, DROP_FORGED_SOURCE);
		struct craft c;

		make_error(&c, errors[i].router, errors[i].to, errors[i].to,
		           errors[i].quoted_dst);
		ck_assert(craft_valid(c.packet.data, c.packet.len_bytes));
		seen_count = 0;
		comes(VPN, &c);
		ck_assert_uint_eq(seen_count, errors[i].passes);
		ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE),
		                  before + !errors[i].passes);
	}
}
END_TEST

/* The first piece of an error, with n bytes of ICMP; before them, in IPv6, options of which
 * only the first 8 bytes are in this piece. */
static void make_first_piece(struct craft *c, size_t i, size_t n, bool options)
{
	const char *router = errors[i].router, *to = errors[i].to;
	uint8_t b[8 + 8 + 16] = { PROTO_ICMPV6, 0, 0, 1, 0, 0, 0, 7 };
	bool v6 = strchr(router, ':') != NULL;
	struct craft whole;

	make_error(&whole, router, to, to, errors[i].quoted_dst);
	memcpy(b + 8, whole.packet.data + (v6 ? 40 : 20), n);
	if (options) {
		b[0] = 60;
		b[8] = PROTO_ICMPV6;
		b[9] = 1;
	}
	craft_ip(c, router, to, v6 ? PROTO_IPV6_FRAGMENT : PROTO_ICMP, v6 ? b : b + 8,
	         v6 ? 8 + n : n);
	if (!v6)
		craft_set_fragment(c, IPV4_MF);
}

/* The host would put it together with the other pieces, which nobody recognizes. */
START_TEST(an_error_does_not_hide_what_it_is_about)
{
	static const struct {
		size_t n;
		bool options;
	} kinds[] = { { 8, false }, { 16, false }, { 8, true } };
	struct craft c;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		bool v6 = strchr(errors[i].router, ':') != NULL;

		for (size_t k = 0; k < (v6 ? 3U : 2U); k++) {
			uint64_t before = drops_of(vpn, DROP_FORGED_SOURCE);

			make_first_piece(&c, i, kinds[k].n, kinds[k].options);
			seen_count = 0;
			comes(VPN, &c);
			ck_assert_uint_eq(seen_count, 0);
			ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), before + 1);
		}
	}
}
END_TEST

/* ---- one batch */

static struct craft batch[40];
static struct endpoint vpn_server;

static bool keep_message(struct node *node, const struct endpoint *to,
                         const struct packet *p)
{
	(void)node;
	(void)to;
	must(seen_count < ARRAY_SIZE(batch));
	craft_bytes(&batch[seen_count], p->data, p->len_bytes);
	batch[seen_count++].packet.from = &vpn_server;
	return true;
}

/* What is found out for one packet must not count for another one. */
START_TEST(mixed_in_one_batch)
{
	static const char *const sources[] = { "172.16.0.9", "172.16.0.9", "172.16.1.9",
		                               "172.16.1.9", "172.16.0.9" };
	struct packet *messages[ARRAY_SIZE(batch)];
	uint64_t random = unit_seed();
	size_t expected = 0, n = 0;
	struct craft c;

	vpn_server = (struct endpoint){ .addr = sim_addr("100.64.0.1"), .port = 51820 };
	server[VPN]->on_udp = keep_message;
	for (size_t i = 0; i < ARRAY_SIZE(batch); i++) {
		const char *src = sources[unit_below(&random, ARRAY_SIZE(sources))];

		if (unit_below(&random, 3) == 0)
			make_error(&c, src, "10.0.0.2", "10.0.0.2", "172.16.1.9");
		else
			craft_udp(&c, src, 7, "10.0.0.2", 7, "abc", 3);
		if (craft_valid(c.packet.data, c.packet.len_bytes) &&
		    c.packet.data[9] == PROTO_UDP)
			expected += strcmp(src, "172.16.0.9") == 0;
		node_inject(server[VPN], &c);
	}
	run(0);
	n = seen_count;
	ck_assert_uint_eq(n, ARRAY_SIZE(batch));
	for (size_t i = 0; i < n; i++)
		messages[i] = &batch[i].packet;
	seen_count = 0;
	engine_udp_input(vpn, messages, n, w->now_ns);
	ck_assert_uint_eq(seen_count, expected);
	ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), n - expected);
}
END_TEST

/* ---- DNS */

static void start_resolver(struct device *d, const char *server4)
{
	struct ip_addr addresses[] = { sim_addr(d == vpn ? "10.0.0.2" : "10.1.0.2") };
	struct ip_addr servers[] = { sim_addr(server4) };
	struct ip_addr r4 = sim_addr(VIRTUAL4), r6 = sim_addr(VIRTUAL6);
	struct device_settings s = { .addresses = addresses,
		                     .address_count = 1,
		                     .mtu_bytes = 1420,
		                     .port = d == vpn ? 20000 : 20001,
		                     .dns_servers = servers,
		                     .dns_server_count = 1 };

	ck_assert_int_eq(device_set(d, &s), 0);
	engine_set_resolver(client->engine, &r4, &r6);
}

static void ask(uint16_t port, const char *from)
{
	uint8_t dns[17] = { 0, 1, 1, [5] = 1, [12] = 1, 'a', 0 };
	struct craft c;

	craft_udp(&c, from, port, VIRTUAL4, 53, dns, sizeof(dns));
	into_tun(&c);
	run(SECOND / 10);
}

/* Returns the source that the host sees; of family IP_NONE if nothing came. */
static struct ip_addr answer(enum through tunnel, const char *server4, uint16_t port)
{
	uint8_t dns[17] = { 0, 1, 0x81, [5] = 1, [12] = 1, 'a', 0 };
	struct craft c;

	craft_udp(&c, server4, 53, tunnel == VPN ? "10.0.0.2" : "10.1.0.2", port, dns,
	          sizeof(dns));
	seen_count = 0;
	comes(tunnel, &c);
	return seen_count > 0 ? address_at(seen.packet.data, false)
	                      : (struct ip_addr){ 0 };
}

static void check_answer(enum through tunnel, const char *server4, uint16_t port,
                         const char *as)
{
	struct ip_addr from = answer(tunnel, server4, port);
	struct ip_addr expected = as ? sim_addr(as) : (struct ip_addr){ 0 };

	ck_assert(ip_addr_equal(&from, &expected));
}

START_TEST(only_who_was_asked_answers)
{
	start_resolver(home, "172.16.1.9");
	ask(4321, "10.1.0.2");
	check_answer(VPN, "172.16.1.9", 4321, NULL);
	ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), 1);
	check_answer(VPN, VIRTUAL4, 4321, NULL);
	ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), 2);
	check_answer(HOME, "172.16.1.9", 4321, VIRTUAL4);
}
END_TEST

/* vpn's own server has an address that home has, too. It is asked through vpn, so its
 * answers come from there. */
START_TEST(a_server_whose_address_is_of_another)
{
	start_resolver(vpn, "172.16.1.9");
	check_answer(VPN, "172.16.1.9", 4321, NULL); /* it was not asked */
	ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), 1);
	ask(4321, "10.0.0.2");
	check_answer(VPN, "172.16.1.9", 4321, VIRTUAL4);
	check_answer(VPN, "172.16.1.9", 4322, NULL);
	ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), 2);
}
END_TEST

/* Fragment i of 2 of an answer. */
static void make_piece(struct craft *c, uint16_t port, size_t i)
{
	uint8_t udp[64] = { 0, 53, (uint8_t)(port >> 8), (uint8_t)port, 0, 96 };

	craft_ip(c, "172.16.1.9", "10.0.0.2", PROTO_UDP, udp, i == 0 ? 64 : 32);
	craft_set_fragment(c, i == 0 ? IPV4_MF : 64 / 8);
}

START_TEST(such_a_server_answers_in_pieces)
{
	bool asked = _i & 1, last_first = _i & 2;
	struct craft c;

	start_resolver(vpn, "172.16.1.9");
	if (asked)
		ask(4321, "10.0.0.2");
	seen_count = 0;
	for (size_t i = 0; i < 2; i++) {
		make_piece(&c, 4321, i ^ last_first);
		comes(VPN, &c);
	}
	run(3 * SECOND);
	ck_assert_uint_eq(seen_count, asked ? 2 : 0);
	ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), asked ? 0 : 2);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/source_check");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, stop);
	tcase_add_test(tc, who_may_say_what);
	tcase_add_test(tc, a_file_may_lift_it);
	tcase_add_test(tc, also_while_the_other_one_fails);
	tcase_add_test(tc, when_the_other_one_has_gone);
	tcase_add_test(tc, an_error_is_about_a_packet_through_this_tunnel);
	tcase_add_test(tc, an_error_does_not_hide_what_it_is_about);
	tcase_add_test(tc, mixed_in_one_batch);
	tcase_add_test(tc, only_who_was_asked_answers);
	tcase_add_test(tc, a_server_whose_address_is_of_another);
	tcase_add_loop_test(tc, such_a_server_answers_in_pieces, 0, 4);
	return tc;
}
