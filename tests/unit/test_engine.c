/* tests/unit/test_engine.c - the packet's way rule by rule and header by header, between
 * a client with a few devices and its servers, over links that can be looked into */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/icmp.h"
#include "world.h"

#define SECOND NS_PER_SEC

/* vpn: 10.0.0.2, fd10::2, everything; home: 10.1.0.2, fd10:1::2, port 20001, its LAN.
 * Each has a server with a LAN host. */
static struct world *w;
static struct node *client, *server[2];
static struct device *vpn, *home;
static struct wg_peer *peer[2];

/* The last packet or message that a hook has seen. */
static struct craft seen;
static size_t seen_count;
static struct endpoint seen_to;

static bool see_tun(struct node *node, const uint8_t *ip, size_t n)
{
	(void)node;
	craft_bytes(&seen, ip, n);
	seen_count++;
	return false;
}

static bool take_tun(struct node *node, const uint8_t *ip, size_t n)
{
	see_tun(node, ip, n);
	return true;
}

static bool take_udp(struct node *node, const struct endpoint *to, const struct packet *p)
{
	(void)node;
	craft_bytes(&seen, p->data, p->len_bytes);
	seen.packet.tos = p->tos;
	seen_to = *to;
	seen_count++;
	return true;
}

static void add_server(size_t i, struct device *d, const char *endpoint, const char *lan4,
                       const char *lan6)
{
	const char *const public4[] = { "100.64.0.1", "100.64.1.1" };
	const char *const public6[] = { "2001:db8:0::1", "2001:db8:1::1" };
	const char *const tunnel4[] = { "10.0.0.2", "10.1.0.2" };
	const char *const tunnel6[] = { "fd10::2", "fd10:1::2" };
	struct device_settings settings = { .mtu_bytes = 1420, .port = 51820 };
	struct ip_addr a4 = sim_addr(lan4), a6 = sim_addr(lan6);
	struct ip_addr t4 = sim_addr(tunnel4[i]), t6 = sim_addr(tunnel6[i]);
	struct device *far;
	struct wg_peer *back;

	server[i] = world_node(w, public4[i], public6[i], true);
	node_own(server[i], &a4);
	node_own(server[i], &a6);
	node_behind_tun(server[i], &t4);
	node_behind_tun(server[i], &t6);
	far = node_device(server[i], "wg0", &settings);
	peer[i] = world_peer(d, far, endpoint);
	back = wg_device_first_peer(device_wg(far));
	peer_allow(back, "10.0.0.0/8");
	peer_allow(back, "fd10::/16");
}

static void start(void)
{
	struct ip_addr vpn_addresses[] = { sim_addr("10.0.0.2"), sim_addr("fd10::2"),
		                           sim_addr("10.0.0.3") };
	struct ip_addr home_addresses[] = { sim_addr("10.1.0.2"), sim_addr("fd10:1::2") };
	struct device_settings of_vpn = {
		.addresses = vpn_addresses,
		.address_count = 3,
		.mtu_bytes = 1420,
		.port = 20000,
	};
	struct device_settings of_home = {
		.addresses = home_addresses,
		.address_count = 2,
		.mtu_bytes = 1340,
		.port = 20001,
	};

	w = world_new(unit_seed());
	client = world_node(w, "198.51.100.7", "2001:db8:c::7", false);
	vpn = node_device(client, "vpn", &of_vpn);
	home = node_device(client, "home", &of_home);
	add_server(0, vpn, "100.64.0.1:51820", "172.16.0.9", "fd16::9");
	add_server(1, home, "100.64.1.1:51820", "172.16.1.9", "fd16:1::9");
	peer_allow(peer[0], "100.64.0.0/10");
	peer_allow(peer[0], "172.16.0.0/24");
	peer_allow(peer[0], "2001:db8::/32");
	peer_allow(peer[0], "fd16::/32");
	peer_allow(peer[1], "172.16.1.0/24");
	peer_allow(peer[1], "fd16:1::/32");
	seen_count = 0;
}

static void stop(void)
{
	ck_assert_uint_eq(w->corrupt, 0);
	world_free(w);
}

static void run(uint64_t ns)
{
	ck_assert(world_run(w, w->now_ns + ns, 100000));
}

static void probe(uint16_t id, const char *src, const char *dst, size_t n)
{
	struct ip_addr from = sim_addr(src), to = sim_addr(dst);

	node_probe(client, id, &from, &to, n, 0);
}

/* So that both have sessions. */
static void warm_up(void)
{
	probe(4000, "10.0.0.2", "172.16.0.9", 100);
	probe(4001, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[4000].returned, 1);
	ck_assert_uint_eq(w->probes[4001].returned, 1);
}

/* One packet of the client's own making into its tun. */
static void into_tun(struct craft *c)
{
	struct packet *p = &c->packet;

	engine_tun_input(client->engine, &p, 1, w->now_ns);
}

static uint64_t drops_of(const struct device *d, enum drop reason)
{
	struct drop_counts counts;

	device_drops(d, &counts);
	return counts.by[reason];
}

static uint64_t all_drops(void)
{
	uint64_t sum = 0;

	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++)
		sum += node_drops(client, reason);
	return sum;
}

/* ---- from the tun */

static const struct {
	const char *src, *dst;
	size_t payload_bytes;
	bool df;
	enum drop reason; /* DROP_NONE: sent */
	unsigned errors;  /* ICMP, back */
} sends[] = {
	{ "10.0.0.2", "172.16.0.9", 100, false, DROP_NONE, 0 },
	{ "10.1.0.2", "172.16.1.9", 100, false, DROP_NONE, 0 },
	{ "fd10:1::2", "fd16:1::9", 100, false, DROP_NONE, 0 },
	{ "10.0.0.2", "203.0.113.1", 100, false, DROP_NO_ROUTE, 1 },
	{ "fd10::2", "fd99::1", 100, false, DROP_NO_ROUTE, 1 },
	{ "10.0.0.2", "224.0.0.251", 100, false, DROP_NO_ROUTE,
	  0 }, /* no error to groups */
	{ "10.0.0.2", "172.16.0.9", 1420 - 28, true, DROP_NONE, 0 },
	{ "10.0.0.2", "172.16.0.9", 1421 - 28, true, DROP_TOO_BIG, 1 },
	{ "10.1.0.2", "172.16.1.9", 1340 - 28, true, DROP_NONE, 0 },
	{ "10.1.0.2", "172.16.1.9", 1341 - 28, true, DROP_TOO_BIG, 1 },
	{ "10.1.0.2", "172.16.1.9", 1341 - 28, false, DROP_NONE, 0 }, /* in pieces */
	{ "fd10:1::2", "fd16:1::9", 1340 - 48, false, DROP_NONE, 0 },
	{ "fd10:1::2", "fd16:1::9", 1341 - 48, false, DROP_TOO_BIG, 1 },
};

START_TEST(each_packet_is_sent_or_answered)
{
	uint8_t payload[1600] = { 0 };
	struct craft c;

	craft_udp(&c, sends[_i].src, 9, sends[_i].dst, 9, payload,
	          sends[_i].payload_bytes);
	if (sends[_i].df)
		craft_set_df(&c);
	into_tun(&c);
	ck_assert_uint_eq(all_drops(), sends[_i].reason != DROP_NONE);
	ck_assert_uint_eq(node_drops(client, sends[_i].reason),
	                  sends[_i].reason != DROP_NONE);
	ck_assert_uint_eq(client->icmp_errors, sends[_i].errors);
	run(0);
	ck_assert_uint_eq(client->sends, sends[_i].reason == DROP_NONE); /* a handshake */
}
END_TEST

START_TEST(too_big_tells_the_mtu_of_its_device)
{
	uint8_t payload[1500] = { 0 };
	struct craft c;

	client->on_tun = see_tun;
	craft_udp(&c, "10.1.0.2", 9, "172.16.1.9", 9, payload, sizeof(payload));
	craft_set_df(&c);
	into_tun(&c);
	ck_assert_int_eq(seen.packet.data[26] << 8 | seen.packet.data[27], 1340);
	craft_udp(&c, "fd10::2", 9, "fd16::9", 9, payload, sizeof(payload));
	into_tun(&c);
	ck_assert_int_eq(seen.packet.data[46] << 8 | seen.packet.data[47], 1420);
}
END_TEST

START_TEST(what_is_no_packet_is_dropped)
{
	static const uint8_t bad[][20] = {
		{ 0x00 },             /* version 0 */
		{ 0x44, 0, 0, 20 },   /* header of 16 bytes */
		{ 0x46, 0, 0, 24 },   /* longer than there is */
		{ 0x45, 0, 0, 21 },   /* the same */
		{ 0x60, 0, 0, 0, 0 }, /* half an IPv6 header */
	};
	struct craft c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		craft_bytes(&c, bad[i], sizeof(bad[i]));
		into_tun(&c);
		ck_assert_uint_eq(node_drops(client, DROP_MALFORMED), i + 1);
	}
	craft_bytes(&c, "", 0);
	into_tun(&c);
	ck_assert_uint_eq(node_drops(client, DROP_MALFORMED), ARRAY_SIZE(bad) + 1);
	ck_assert_uint_eq(client->icmp_errors, 0);
}
END_TEST

START_TEST(without_an_mtu_all_fits)
{
	struct device_settings none = { .port = 20000 };

	ck_assert_int_eq(device_set(vpn, &none), 0);
	probe(1, "10.0.0.2", "172.16.0.9", 1700);
	probe(2, "fd10::2", "fd16::9", 1700);
	run(SECOND);
	ck_assert_uint_eq(w->probes[1].arrived, 1);
	ck_assert_uint_eq(w->probes[2].arrived, 1);
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

START_TEST(what_lies_behind_the_packet_is_cut)
{
	struct craft c;

	warm_up();
	client->on_udp = take_udp;
	craft_udp(&c, "10.0.0.2", 9, "172.16.0.9", 9, "hello", 5);
	packet_set_len(&c.packet, 300);
	into_tun(&c);
	ck_assert_uint_eq(seen.packet.len_bytes, 48 + 32);
}
END_TEST

START_TEST(errors_are_limited_counts_are_not)
{
	struct craft c;

	for (int i = 0; i < 200; i++) {
		craft_udp(&c, "10.0.0.2", 9, "203.0.113.1", 9, "x", 1);
		into_tun(&c);
	}
	ck_assert_uint_eq(node_drops(client, DROP_NO_ROUTE), 200);
	ck_assert_uint_eq(client->icmp_errors, ICMP_BURST);
}
END_TEST

START_TEST(no_endpoint_is_unreachable)
{
	struct endpoint none = { .port = 0 };

	wg_peer_set_endpoint(peer[1], &none);
	engine_touch(home);
	probe(1, "10.1.0.2", "172.16.1.9", 10);
	ck_assert_uint_eq(drops_of(home, DROP_NO_ENDPOINT), 1);
	ck_assert_uint_eq(client->icmp_errors, 1);
}
END_TEST

START_TEST(without_links_packets_are_dropped_and_counted)
{
	warm_up();
	device_set_udp(vpn, NULL);
	probe(1, "10.0.0.2", "172.16.0.9", 10);
	ck_assert_uint_eq(drops_of(vpn, DROP_SEND), 1);
	probe(2, "10.1.0.2", "172.16.1.9", 10); /* it is vpn that can't send */
	ck_assert_uint_eq(drops_of(vpn, DROP_SEND), 2);
	ck_assert_uint_eq(drops_of(home, DROP_SEND), 0);
	engine_set_tun(client->engine, NULL);
	probe(3, "10.0.0.2", "203.0.113.1", 10);
	ck_assert_uint_eq(node_drops(client, DROP_TUN), 1);
}
END_TEST

START_TEST(a_stopped_device_drops)
{
	warm_up();
	wg_device_stop(device_wg(home));
	probe(1, "10.1.0.2", "172.16.1.9", 10);
	ck_assert_uint_eq(drops_of(home, DROP_DOWN), 1);
	wg_device_start(device_wg(home), w->now_ns);
	probe(2, "10.1.0.2", "172.16.1.9", 10);
	run(6 * SECOND);
	ck_assert_uint_eq(w->probes[2].returned, 1);
}
END_TEST

/* ---- batches */

/* Packets of two devices in turns: one send each, and each flow in its order. */
START_TEST(a_mixed_batch_is_one_send_per_peer)
{
	uint64_t before;

	warm_up();
	before = client->sends;
	node_batch_begin(client);
	for (uint16_t i = 0; i < 50; i++) {
		probe((uint16_t)(2 * i), "10.0.0.2", "172.16.0.9", 100);
		probe((uint16_t)(2 * i + 1), "10.1.0.2", "172.16.1.9", 100);
	}
	node_batch_end(client);
	ck_assert_uint_eq(client->sends - before, 2);
	run(SECOND);
	for (uint16_t i = 0; i < 100; i++)
		ck_assert_uint_eq(w->probes[i].returned, 1);
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

static uint16_t order[BATCH_MAX];
static size_t order_count;

static bool note_order(struct node *node, const uint8_t *ip, size_t n)
{
	(void)node;
	ck_assert_uint_ge(n, 32);
	order[order_count++] = (uint16_t)(ip[30] << 8 | ip[31]);
	return true;
}

START_TEST(a_flow_keeps_its_order_also_when_it_had_to_wait)
{
	server[1]->on_tun = note_order;
	order_count = 0;
	node_batch_begin(client);
	for (uint16_t i = 0; i < 40; i++) {
		probe(i, "10.1.0.2", "172.16.1.9", 100);
		probe((uint16_t)(i + 100), "10.0.0.2", "172.16.0.9", 100);
		probe((uint16_t)(i + 200), "10.0.0.2", "203.0.113.1", 100);
	}
	node_batch_end(client);
	run(SECOND);
	ck_assert_uint_eq(order_count, 40);
	for (uint16_t i = 0; i < 40; i++)
		ck_assert_uint_eq(order[i], i);
}
END_TEST

/* ---- outer headers */

START_TEST(r7_r9_outer_ipv4_header)
{
	static const uint8_t expected[] = {
		0x45, 0x00, 0x00, 0xbc, /* 128 of text, 32, 28 */
		0,    0,    0x00, 0x00, /* no DF, as the kernel's */
		0x40, 0x11, 0,    0,    /* TTL 64, UDP */
		10,   0,    0,    2,    /* vpn's first Address */
		100,  64,   1,    1,    /* home's endpoint */
		0x4e, 0x21, 0xca, 0x6c, /* 20001 to 51820 */
		0x00, 0xa8, 0,    0,    /* a checksum, always */
		0x04, 0x00, 0x00, 0x00, /* a data message */
	};
	uint16_t first_id;

	warm_up();
	server[0]->on_tun = see_tun;
	probe(1, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert(craft_valid(seen.packet.data, seen.packet.len_bytes));
	ck_assert_int_ne(seen.packet.data[26] << 8 | seen.packet.data[27], 0);
	first_id = (uint16_t)(seen.packet.data[4] << 8 | seen.packet.data[5]);
	memset(seen.packet.data + 4, 0, 2);
	memset(seen.packet.data + 10, 0, 2);
	memset(seen.packet.data + 26, 0, 2);
	ck_assert_mem_eq(seen.packet.data, expected, sizeof(expected));
	probe(2, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert_uint_eq((uint16_t)(seen.packet.data[4] << 8 | seen.packet.data[5]),
	                  (uint16_t)(first_id + 1)); /* RFC 6864: they differ */
}
END_TEST

START_TEST(r7_r9_outer_ipv6_header)
{
	static const uint8_t
		expected[] = {
			0x60, 0x20, 0x00, 0x00, 0x00, 0xa8, 0x11, 0x40, /* ECT(0), UDP,
		                                                           limit 64 */
			0xfd, 0x10, 0,    0,    0,    0,    0,    0,    0,    0,
			0,    0,    0,    0,    0,    2,    0x20, 0x01, 0x0d, 0xb8,
			0,    1,    0,    0,    0,    0,    0,    0,    0,    0,
			0,    1,    0x4e, 0x21, 0xca, 0x6c, 0x00, 0xa8, /* 20001 to 51820,
		                                                           168 */
		};
	struct ip_addr src = sim_addr("10.1.0.2"), dst = sim_addr("172.16.1.9");
	struct endpoint to;

	ck_assert(endpoint_parse(&to, "[2001:db8:1::1]:51820"));
	wg_peer_set_endpoint(peer[1], &to);
	engine_touch(home);
	warm_up();
	server[0]->on_tun = see_tun;
	node_probe(client, 1, &src, &dst, 100, 0x02);
	run(SECOND);
	ck_assert_uint_eq(w->probes[1].returned, 1);
	ck_assert(craft_valid(seen.packet.data, seen.packet.len_bytes));
	ck_assert_mem_eq(seen.packet.data, expected, sizeof(expected));
}
END_TEST

/* A handshake's DSCP is the kernel's, on the network and inside a carrier. */
START_TEST(r9_handshakes_bear_the_kernels_dscp)
{
	client->on_udp = take_udp;
	probe(1, "10.0.0.2", "172.16.0.9", 10);
	ck_assert_uint_eq(seen.packet.data[0], 1);
	ck_assert_uint_eq(seen.packet.tos, 0x88);
	client->on_udp = NULL;
	run(6 * SECOND);
	server[0]->on_tun = take_tun;
	seen_count = 0;
	probe(2, "10.1.0.2", "172.16.1.9", 10);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert_uint_eq(seen.packet.data[1], 0x88);
}
END_TEST

/* The peer that came to another of the carrier's addresses is answered from there. */
START_TEST(r7_sticky_source)
{
	struct craft c, message;

	warm_up();
	/* home's server has the client at vpn's second address, 10.0.0.3 */
	server[1]->on_udp = take_udp;
	craft_udp(&c, "172.16.1.9", 9, "10.1.0.2", 9, "hello", 5);
	node_inject(server[1], &c);
	run(0);
	ck_assert_uint_eq(seen_count, 1);
	server[1]->on_udp = NULL;
	craft_udp(&message, "100.64.1.1", 51820, "10.0.0.3", 20001, seen.packet.data,
	          seen.packet.len_bytes);
	node_inject(server[0], &message);
	client->on_tun = take_tun;
	run(SECOND);
	ck_assert_uint_eq(seen_count, 2);
	ck_assert_uint_eq(drops_of(home, DROP_BAD_AUTH), 0);
	server[0]->on_tun = take_tun;
	probe(1, "10.1.0.2", "172.16.1.9", 10);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 3);
	ck_assert_uint_eq(seen.packet.data[15], 3);
}
END_TEST

/* ---- R7: what comes inside a carrier */

enum delivery {
	TO_HOME, /* opened by home */
	TO_TUN,
};

static const struct {
	const char *src, *dst;
	uint16_t port;
	bool wireguard; /* a message for home, else something */
	enum way_via via;
	const char *via_name;
	bool stopped;
	enum delivery delivery;
} arrivals[] = {
	{ "100.64.1.1", "10.0.0.2", 20001, true, WAY_VIA_UNION, NULL, false, TO_HOME },
	{ "2001:db8:1::1", "fd10::2", 20001, true, WAY_VIA_UNION, NULL, false, TO_HOME },
	{ "100.64.9.9", "10.0.0.3", 20001, true, WAY_VIA_UNION, NULL, false, TO_HOME },
	{ "100.64.1.1", "10.0.0.2", 20001, false, WAY_VIA_UNION, NULL, false, TO_TUN },
	{ "100.64.1.1", "10.0.0.2", 20002, true, WAY_VIA_UNION, NULL, false, TO_TUN },
	{ "100.64.1.1", "10.0.0.2", 20000, true, WAY_VIA_UNION, NULL, false,
	  TO_TUN }, /* R1 */
	{ "100.64.1.1", "10.0.0.4", 20001, true, WAY_VIA_UNION, NULL, false, TO_TUN },
	{ "100.64.1.1", "10.1.0.2", 20001, true, WAY_VIA_UNION, NULL, false, TO_TUN },
	{ "100.64.1.1", "10.0.0.2", 20001, true, WAY_VIA_UNION, NULL, true, TO_TUN },
	{ "100.64.1.1", "10.0.0.2", 20001, true, WAY_VIA_NETWORK, NULL, false, TO_TUN },
	{ "100.64.1.1", "10.0.0.2", 20001, true, WAY_VIA_DEVICE, "vpn", false, TO_HOME },
	{ "100.64.1.1", "10.0.0.2", 20001, true, WAY_VIA_DEVICE, "other", false, TO_TUN },
};

/* A data message of home's server for the client, not sent but kept in `seen`. */
static void seal_at_home_server(void)
{
	struct craft c;

	server[1]->on_udp = take_udp;
	craft_udp(&c, "172.16.1.9", 9, "10.1.0.2", 9, "hello", 5);
	node_inject(server[1], &c);
	run(0);
	server[1]->on_udp = NULL;
	ck_assert_uint_eq(seen.packet.data[0], 4);
}

START_TEST(r7_return_packets_are_told_apart)
{
	struct craft c;
	size_t before;

	warm_up();
	if (arrivals[_i].via != WAY_VIA_UNION)
		ck_assert_int_eq(device_set_peer_via(home, wg_peer_public_key(peer[1]),
		                                     arrivals[_i].via,
		                                     arrivals[_i].via_name),
		                 0);
	if (arrivals[_i].via != WAY_VIA_UNION) { /* the device says the same */
		struct ip_addr address = sim_addr("10.1.0.2");
		struct device_settings s = { .addresses = &address,
			                     .address_count = 1,
			                     .mtu_bytes = 1340,
			                     .port = 20001,
			                     .via = arrivals[_i].via,
			                     .via_name = arrivals[_i].via_name };

		ck_assert_int_eq(device_set(home, &s), 0);
	}
	seal_at_home_server();
	if (!arrivals[_i].wireguard)
		memset(seen.packet.data, 0x55, 16);
	if (arrivals[_i].stopped)
		wg_device_stop(device_wg(home));
	craft_udp(&c, arrivals[_i].src, 51820, arrivals[_i].dst, arrivals[_i].port,
	          seen.packet.data, seen.packet.len_bytes);
	client->on_tun = take_tun;
	before = seen_count;
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, before + 1);
	if (arrivals[_i].delivery == TO_TUN) { /* just as it came */
		ck_assert_uint_eq(seen.packet.len_bytes, c.packet.len_bytes);
		ck_assert_mem_eq(seen.packet.data, c.packet.data, c.packet.len_bytes);
	} else {
		ck_assert_uint_eq(seen.packet.len_bytes, 33);
		ck_assert_mem_eq(seen.packet.data + 28, "hello", 5);
	}
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* R1: a device's own message is not taken from inside it. */
START_TEST(r1_not_inside_itself)
{
	struct craft c;

	warm_up();
	server[0]->on_udp = take_udp;
	craft_udp(&c, "172.16.0.9", 9, "10.0.0.2", 9, "hello", 5);
	node_inject(server[0], &c);
	run(0);
	server[0]->on_udp = NULL;
	craft_udp(&c, "100.64.0.1", 51820, "10.0.0.2", 20000, seen.packet.data,
	          seen.packet.len_bytes);
	client->on_tun = take_tun;
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 2);
	ck_assert_mem_eq(seen.packet.data, c.packet.data, c.packet.len_bytes);
}
END_TEST

/* Not UDP, cut off, lengths that lie: all the tun's. */
START_TEST(r7_malformed_datagrams_are_the_tuns)
{
	struct craft c;

	warm_up();
	client->on_tun = take_tun;
	craft_ip(&c, "100.64.1.1", "10.0.0.2", 6, "\x4e\x21\x4e\x21\0\x20\0\0", 8);
	node_inject(server[0], &c);
	craft_ip(&c, "100.64.1.1", "10.0.0.2", 17, "\x4e\x21\x4e", 3);
	node_inject(server[0], &c);
	craft_ip(&c, "100.64.1.1", "10.0.0.2", 17, "\x4e\x21\x4e\x21\0\x09\0\0", 8);
	node_inject(server[0], &c);
	craft_ip(&c, "100.64.1.1", "10.0.0.2", 17, "\x4e\x21\x4e\x21\0\x07\0\0", 8);
	node_inject(server[0], &c);
	craft_udp(&c, "100.64.1.1", 51820, "10.0.0.2", 20001, "", 0);
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 5);
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* vpn's server may nest at will, vpn in home in vpn ...: it is opened no deeper than a
 * way may be long. */
START_TEST(inbound_nesting_is_bounded)
{
	static const char *const inside[] = { "10.0.0.2", "10.1.0.2" };
	struct craft c;

	warm_up();
	craft_udp(&c, "172.16.1.9", 9, "10.1.0.2", 9, "hello", 5);
	for (size_t level = 0; level <= WAY_MAX; level++) {
		size_t i = level % 2 == 0; /* home's server first */

		server[i]->on_udp = take_udp;
		node_inject(server[i], &c);
		run(0);
		server[i]->on_udp = NULL;
		/* for device i, to be put into a packet for an address of the other */
		craft_udp(&c, i ? "100.64.1.1" : "172.16.1.9", 51820, inside[!i],
		          i ? 20001 : 20000, seen.packet.data, seen.packet.len_bytes);
	}
	client->on_tun = take_tun;
	seen_count = 0;
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_uint_eq(node_drops(client, DROP_WAY_TOO_LONG), 1);
}
END_TEST

/* R11: a packet from one device's peer to another's goes to the host, not on. */
START_TEST(r11_no_forwarding_inside)
{
	struct craft c;
	uint64_t before;

	warm_up();
	client->on_tun = take_tun;
	before = client->sends;
	craft_udp(&c, "172.16.0.9", 9, "172.16.1.9", 9, "hello", 5);
	node_behind_tun(server[0], &(struct ip_addr){ IP_V4, { 172, 16, 1, 9 } });
	peer_allow(
		wg_device_first_peer(device_wg(engine_first_device(server[0]->engine))),
		"172.16.1.9/32");
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert_mem_eq(seen.packet.data, c.packet.data, c.packet.len_bytes);
	ck_assert_uint_eq(client->sends, before);
}
END_TEST

/* ---- configuring */

START_TEST(devices_by_name_and_in_order)
{
	struct engine *e = client->engine;
	struct device *d;

	ck_assert_int_eq(engine_add_device(e, "home", &d), -EEXIST);
	ck_assert_ptr_null(d);
	ck_assert_int_eq(engine_add_device(e, "third", &d), 0);
	ck_assert_ptr_eq(engine_find_device(e, "third"), d);
	ck_assert_ptr_null(engine_find_device(e, "fourth"));
	ck_assert_ptr_eq(engine_first_device(e), vpn);
	ck_assert_ptr_eq(engine_next_device(vpn), home);
	ck_assert_ptr_eq(engine_next_device(home), d);
	ck_assert_ptr_null(engine_next_device(d));
	engine_remove_device(e, home);
	ck_assert_ptr_eq(engine_next_device(vpn), d);
	ck_assert_ptr_null(engine_find_device(e, "home"));
	engine_remove_device(e, vpn);
	ck_assert_ptr_eq(engine_first_device(e), d);
	ck_assert_int_eq(engine_add_device(e, "home", &home), 0);
	ck_assert_ptr_eq(engine_next_device(d), home);
}
END_TEST

/* Via may name a device that comes later; until then nothing leaks to the network. */
START_TEST(r5_via_of_a_device_that_comes_later)
{
	struct ip_addr address = sim_addr("10.9.0.2");
	struct device_settings s = { .addresses = &address,
		                     .address_count = 1,
		                     .mtu_bytes = 1420,
		                     .port = 20009 };
	struct device *later;

	ck_assert_int_eq(device_set_peer_via(home, wg_peer_public_key(peer[1]),
	                                     WAY_VIA_DEVICE, "later"),
	                 0);
	probe(1, "10.1.0.2", "172.16.1.9", 10);
	run(SECOND);
	ck_assert_uint_eq(drops_of(home, DROP_NO_CARRIER_PEER), 1);
	ck_assert_uint_eq(client->sends, 0);
	later = node_device(client, "later", &s);
	ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
	ck_assert_int_eq(peer_way(peer[1])->state, WAY_NO_CARRIER_PEER);
	engine_remove_device(client->engine, later);
	ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
	ck_assert_int_eq(peer_way(peer[1])->state, WAY_NO_CARRIER_PEER);
}
END_TEST

START_TEST(the_port_may_change)
{
	warm_up();
	device_set_port(home, 20077);
	ck_assert_uint_eq(device_port(home), 20077);
	probe(1, "10.1.0.2", "172.16.1.9", 10);
	run(SECOND);
	ck_assert_uint_eq(w->probes[1].returned, 1);
	ck_assert_uint_eq(w->strays, 0);
}
END_TEST

/* wg's side changes, engine_touch is told: peers and prefixes come and go. */
START_TEST(peers_and_prefixes_change)
{
	struct ip_addr dst = sim_addr("172.16.1.9"), other = sim_addr("192.168.7.7");
	uint8_t key[KEY_BYTES];
	struct wg_peer *p;

	ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
	ck_assert_ptr_eq(union_lookup(engine_union(client->engine), &dst),
	                 peer_way(peer[1]));
	memcpy(key, wg_peer_public_key(peer[1]), sizeof(key));
	wg_device_remove_peer(peer[1]);
	engine_touch(home);
	ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
	ck_assert_ptr_null(union_lookup(engine_union(client->engine), &dst));
	ck_assert_int_eq(wg_device_add_peer(device_wg(home), key, &p), 0);
	ck_assert_ptr_null(peer_way(p));
	peer_allow(p, "192.168.7.0/24");
	ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
	ck_assert_ptr_eq(union_lookup(engine_union(client->engine), &other), peer_way(p));
	ck_assert_int_eq(peer_way(p)->state, WAY_NO_ENDPOINT);
	wg_peer_clear_allowed_ips(p);
	engine_touch(home);
	engine_touch(home);
	ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
	ck_assert_ptr_null(union_lookup(engine_union(client->engine), &other));
}
END_TEST

/* A newcomer that names one of two others with Via turns their order round: a device
 * stands before its carrier, and the newcomer's metric is high. */
START_TEST(r3_order_follows_others)
{
	static const char *const names[] = { "ra", "rb", "rc" };
	struct ip_addr dst = sim_addr("192.168.9.9");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct device_settings s = { .mtu_bytes = 1420,
			                     .port = (uint16_t)(20010 + i),
			                     .metric = i == 2 ? 5 : 0,
			                     .via = i == 2 ? WAY_VIA_DEVICE
			                                   : WAY_VIA_UNION,
			                     .via_name = "ra" };
		uint8_t key[KEY_BYTES] = { 9, (uint8_t)i };
		struct device *d;
		struct wg_peer *p;

		ck_assert_int_eq(engine_add_device(client->engine, names[i], &d), 0);
		ck_assert_int_eq(device_set(d, &s), 0);
		if (i == 2)
			break;
		ck_assert_int_eq(wg_device_add_peer(device_wg(d), key, &p), 0);
		peer_allow(p, "192.168.9.0/24");
		ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
		ck_assert_str_eq(
			union_lookup(engine_union(client->engine), &dst)->device->name,
			"ra");
	}
	ck_assert_int_eq(engine_settle(client->engine, w->now_ns), 0);
	ck_assert_str_eq(union_lookup(engine_union(client->engine), &dst)->device->name,
	                 "rb");
}
END_TEST

/* One by one, each with a question between: must not take the square of it. */
START_TEST(a_thousand_devices)
{
	struct ip_addr dst = sim_addr("203.0.113.1");
	struct engine *e = client->engine;
	char name[16];

	for (uint16_t i = 0; i < 1000; i++) {
		struct device_settings s = { .mtu_bytes = 1420,
			                     .port = (uint16_t)(30000 + i) };
		uint8_t key[KEY_BYTES] = { (uint8_t)i, (uint8_t)(i >> 8), 9 };
		struct wg_peer *p;
		struct device *d;

		snprintf(name, sizeof(name), "d%u", i);
		ck_assert_int_eq(engine_add_device(e, name, &d), 0);
		ck_assert_int_eq(device_set(d, &s), 0);
		ck_assert_int_eq(wg_device_add_peer(device_wg(d), key, &p), 0);
		for (unsigned k = 0; k < 10; k++) {
			struct ip_prefix prefix = { { IP_V4,
				                      { 11, (uint8_t)(i >> 8), (uint8_t)i,
				                        (uint8_t)k } },
				                    32 };

			if (wg_peer_add_allowed_ip(p, prefix) != 0)
				ck_abort();
		}
		engine_touch(d);
		if (engine_settle(e, w->now_ns) != 0)
			ck_abort();
	}
	ck_assert_uint_eq(union_count(engine_union(e)), 6 + 10000);
	ck_assert_ptr_null(union_lookup(engine_union(e), &dst));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/engine");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, each_packet_is_sent_or_answered, 0,
	                    (int)ARRAY_SIZE(sends));
	tcase_add_test(tc, too_big_tells_the_mtu_of_its_device);
	tcase_add_test(tc, what_is_no_packet_is_dropped);
	tcase_add_test(tc, without_an_mtu_all_fits);
	tcase_add_test(tc, what_lies_behind_the_packet_is_cut);
	tcase_add_test(tc, errors_are_limited_counts_are_not);
	tcase_add_test(tc, no_endpoint_is_unreachable);
	tcase_add_test(tc, without_links_packets_are_dropped_and_counted);
	tcase_add_test(tc, a_stopped_device_drops);
	tcase_add_test(tc, a_mixed_batch_is_one_send_per_peer);
	tcase_add_test(tc, a_flow_keeps_its_order_also_when_it_had_to_wait);
	tcase_add_test(tc, r7_r9_outer_ipv4_header);
	tcase_add_test(tc, r7_r9_outer_ipv6_header);
	tcase_add_test(tc, r9_handshakes_bear_the_kernels_dscp);
	tcase_add_test(tc, r7_sticky_source);
	tcase_add_loop_test(tc, r7_return_packets_are_told_apart, 0,
	                    (int)ARRAY_SIZE(arrivals));
	tcase_add_test(tc, r1_not_inside_itself);
	tcase_add_test(tc, r7_malformed_datagrams_are_the_tuns);
	tcase_add_test(tc, inbound_nesting_is_bounded);
	tcase_add_test(tc, r11_no_forwarding_inside);
	tcase_add_test(tc, devices_by_name_and_in_order);
	tcase_add_test(tc, r5_via_of_a_device_that_comes_later);
	tcase_add_test(tc, the_port_may_change);
	tcase_add_test(tc, peers_and_prefixes_change);
	tcase_add_test(tc, r3_order_follows_others);
	tcase_add_test(tc, a_thousand_devices);
	return tc;
}
