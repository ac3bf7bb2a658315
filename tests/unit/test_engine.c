/* tests/unit/test_engine.c - the packet's way rule by rule and header by header, between
 * a client with a few devices and its servers, over links that can be looked into */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/icmp.h"
#include "engine_hosts.h"

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
	{ "10.0.0.2", "224.0.0.251", 100, false, DROP_MULTICAST,
	  0 }, /* no error to groups */
	{ "fd10::2", "ff02::2", 100, false, DROP_MULTICAST, 0 },
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

/* vpn has three IPv6 Addresses, the worst one first. */
static void give_vpn_many_addresses(void)
{
	struct ip_addr addresses[] = { sim_addr("10.0.0.2"), sim_addr("fe80::2"),
		                       sim_addr("fd10::2"), sim_addr("2001:db8:c9::2") };
	struct device_settings s = { .addresses = addresses,
		                     .address_count = 4,
		                     .mtu_bytes = 1420,
		                     .port = 20000 };

	ck_assert_int_eq(device_set(vpn, &s), 0);
	peer_allow(
		wg_device_first_peer(device_wg(engine_first_device(server[0]->engine))),
		"2001:db8:c9::/48");
}

static void see_source(const char *expected)
{
	struct ip_addr src = sim_addr(expected);

	run(SECOND);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert_mem_eq(seen.packet.data + 8, src.b, 16);
	seen_count = 0;
}

/* Design section 4: each destination the one that RFC 6724 picks. */
START_TEST(the_source_of_several_addresses)
{
	struct endpoint to;

	give_vpn_many_addresses();
	warm_up();
	server[0]->on_tun = take_tun;
	probe(1, "fd10:1::2", "2001:db8:80::80", 100); /* home's address: translated */
	see_source("2001:db8:c9::2");
	probe(2, "fd10:1::2", "fd16::9", 100);
	see_source("fd10::2");
	ck_assert(endpoint_parse(&to, "[2001:db8:1::1]:51820"));
	wg_peer_set_endpoint(peer[1], &to);
	engine_touch(home);
	probe(3, "10.1.0.2", "172.16.1.9", 100); /* an outer packet */
	see_source("2001:db8:c9::2");
	ck_assert(endpoint_parse(&to, "[fd16::1]:51820"));
	wg_peer_set_endpoint(peer[1], &to);
	engine_touch(home);
	probe(4, "10.1.0.2", "172.16.1.9", 100);
	see_source("fd10::2");
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

static struct endpoint seen_to;

static bool see_to(struct node *node, const struct endpoint *to, const struct packet *p)
{
	(void)node;
	(void)p;
	seen_to = *to;
	return false;
}

static const struct {
	const char *local;
	bool kept;
} locals[] = {
	{ "192.0.2.9", true }, /* the host's */
	{ "10.0.0.3", false }, /* the device's own */
	{ "10.1.0.2", false }, /* another device's */
};

/* A datagram may come to a tunnel's address out of the tun. An answer from there would
 * lead the server to send to us through the tunnel itself, and so for ever. */
START_TEST(no_tunnels_address_is_a_source_in_the_network)
{
	struct endpoint to;

	warm_up();
	to = *wg_peer_endpoint(peer[0]);
	ck_assert(ip_addr_parse(&to.local, locals[_i].local));
	to.ifindex = 7;
	wg_peer_set_endpoint(peer[0], &to);
	client->on_udp = see_to;
	probe(1, "10.0.0.2", "172.16.0.9", 10);
	run(0);
	ck_assert(endpoint_equal(&seen_to, &to));
	ck_assert_int_eq(seen_to.local.family, locals[_i].kept ? IP_V4 : IP_NONE);
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
	tcase_add_test(tc, the_source_of_several_addresses);
	tcase_add_test(tc, r7_sticky_source);
	tcase_add_loop_test(tc, no_tunnels_address_is_a_source_in_the_network, 0,
	                    ARRAY_SIZE(locals));
	tcase_add_loop_test(tc, r7_return_packets_are_told_apart, 0,
	                    (int)ARRAY_SIZE(arrivals));
	tcase_add_test(tc, r1_not_inside_itself);
	tcase_add_test(tc, r7_malformed_datagrams_are_the_tuns);
	tcase_add_test(tc, inbound_nesting_is_bounded);
	tcase_add_test(tc, r11_no_forwarding_inside);
	return tc;
}
