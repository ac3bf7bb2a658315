/* Floods of initiations with a right mac1, from the network and inside a carrier; and of packets
 * for peers that don't answer. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/iphdr.h"
#include "engine_hosts.h"
#include "wg/cookie.h"
#include "wg/intake.h"

#define BATCH 32

static struct cookie_maker forger;
static struct endpoint senders[BATCH];

static void forge(const struct device *d, struct message_initiation *m)
{
	static uint64_t state = 1;

	for (size_t i = 0; i < sizeof(*m); i++)
		((uint8_t *)m)[i] = (uint8_t)unit_random(&state);
	m->type = le32_put(MESSAGE_INITIATION);
	cookie_maker_init(&forger, wg_device_public_key(device_wg(d)));
	cookie_maker_sign(&forger, m, sizeof(*m), w->now_ns);
}

/* From the network, at vpn's socket. */
static void flood_vpn(struct craft *batch, size_t n)
{
	struct message_initiation m;

	for (size_t i = 0; i < n; i++) {
		forge(vpn, &m);
		craft_bytes(&batch[i], (const uint8_t *)&m, sizeof(m));
		senders[i] = (struct endpoint){ .addr = sim_addr("203.0.113.1"),
			                        .port = (uint16_t)(1000 + i),
			                        .local = sim_addr("198.51.100.7"),
			                        .ifindex = 1 };
		batch[i].packet.from = &senders[i];
	}
}

/* Inside vpn, for home's port. */
static void flood_home(struct craft *batch, size_t n)
{
	static const struct endpoint from = { .port = 51820,
		                              .addr = { IP_V4, { 100, 64, 0, 1 } } };
	struct message_initiation m;
	struct craft inner;

	for (size_t i = 0; i < n; i++) {
		forge(home, &m);
		craft_udp(&inner, "100.64.5.5", (uint16_t)(1000 + i), "10.0.0.2", 20001,
		          (const uint8_t *)&m, sizeof(m));
		server[0]->on_udp = take_udp;
		node_inject(server[0], &inner);
		run(0);
		server[0]->on_udp = NULL;
		ck_assert_uint_eq(seen.packet.data[0], MESSAGE_DATA);
		craft_bytes(&batch[i], seen.packet.data, seen.packet.len_bytes);
		batch[i].packet.from = &from;
	}
}

static void give(struct craft *batch, size_t n)
{
	struct packet *packets[BATCH];

	for (size_t i = 0; i < n; i++)
		packets[i] = &batch[i].packet;
	engine_udp_input(vpn, packets, n, w->now_ns);
}

/* What a hook has seen of cookie replies. */
static bool replied[BATCH];
static size_t replies;

static void note_reply(uint16_t port)
{
	ck_assert_uint_ge(port, 1000);
	ck_assert_uint_lt(port, 1000 + BATCH);
	replied[port - 1000] = true;
	replies++;
}

/* On the client's way to the network. */
static bool see_network(struct node *node, const struct endpoint *to,
                        const struct packet *p)
{
	(void)node;
	if (p->data[0] != MESSAGE_COOKIE_REPLY)
		return false;
	ck_assert_uint_eq(p->len_bytes, sizeof(struct message_cookie_reply));
	note_reply(to->port);
	return true;
}

static bool refuse_on_network(struct node *node, const struct endpoint *to,
                              const struct packet *p)
{
	(void)node;
	(void)to;
	ck_assert_uint_ne(p->data[0], MESSAGE_COOKIE_REPLY);
	return false;
}

/* What comes out of the tun of vpn's server. */
static bool see_inside(struct node *node, const uint8_t *ip, size_t n)
{
	struct udp_header udp;

	(void)node;
	memcpy(&udp, ip + 20, sizeof(udp));
	ck_assert_uint_eq(n, 20 + sizeof(udp) + sizeof(struct message_cookie_reply));
	ck_assert_uint_eq(ip[28], MESSAGE_COOKIE_REPLY);
	ck_assert_uint_eq(be16_get(udp.src_port), 20001);
	note_reply(be16_get(udp.dst_port));
	return true;
}

static void begin(void)
{
	start();
	warm_up();
	memset(replied, 0, sizeof(replied));
	replies = 0;
	client->on_udp = see_network;
}

/* INTAKE_LOAD of them at once bring the engine under load; those of one more batch are
 * answered by cookie replies, too. */
static void flood(void (*make)(struct craft *, size_t))
{
	static struct craft batch[BATCH];

	for (size_t i = 0; i < INTAKE_LOAD / BATCH + 2; i++) {
		make(batch, BATCH);
		give(batch, BATCH);
	}
	run(SECOND / 2);
	for (size_t i = 0; i < BATCH; i++)
		ck_assert_msg(replied[i], "sender %zu got no cookie", i);
	ck_assert_uint_ge(replies, INTAKE_LOAD);
}

START_TEST(from_the_network)
{
	flood(flood_vpn);
	ck_assert_uint_eq(drops_of(vpn, DROP_UNDER_LOAD), replies);
	ck_assert_uint_eq(drops_of(home, DROP_UNDER_LOAD), 0);
}
END_TEST

START_TEST(inside_a_carrier)
{
	server[0]->on_tun = see_inside;
	client->on_udp = refuse_on_network;
	flood(flood_home);
	ck_assert_uint_eq(drops_of(home, DROP_UNDER_LOAD), replies);
	ck_assert_uint_eq(drops_of(vpn, DROP_UNDER_LOAD), 0);
}
END_TEST

START_TEST(inside_the_carrier_of_one_peer)
{
	struct ip_addr addresses[] = { sim_addr("10.1.0.2"), sim_addr("fd10:1::2") };
	const struct device_settings settings = {
		.addresses = addresses,
		.address_count = 2,
		.mtu_bytes = 1340,
		.port = 20001,
		.via = WAY_VIA_NETWORK,
	};

	ck_assert_int_eq(device_set(home, &settings), 0);
	ck_assert_int_eq(device_set_peer_via(home, wg_peer_public_key(peer[1]),
	                                     WAY_VIA_DEVICE, "vpn"),
	                 0);
	server[0]->on_tun = see_inside;
	client->on_udp = refuse_on_network;
	flood(flood_home);
	ck_assert_uint_eq(drops_of(home, DROP_UNDER_LOAD), replies);
}
END_TEST

/* A full queue, and then a batch that is half flood and half data. */
START_TEST(data_comes_in_between)
{
	static struct craft batch[BATCH];
	struct craft inner;

	for (size_t i = 0; i < INTAKE_UNPROVEN_MAX / BATCH + 2; i++) {
		flood_vpn(batch, BATCH);
		give(batch, BATCH);
	}
	flood_vpn(batch, BATCH / 2);
	craft_udp(&inner, "172.16.0.9", 9, "10.0.0.2", 9, "x", 1);
	server[0]->on_udp = take_udp;
	node_inject(server[0], &inner);
	run(0);
	server[0]->on_udp = NULL;
	craft_bytes(&batch[BATCH / 2], seen.packet.data, seen.packet.len_bytes);
	batch[BATCH / 2].packet.from = wg_peer_endpoint(peer[0]);
	client->on_tun = take_tun;
	seen_count = 0;
	give(batch, BATCH / 2 + 1);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert_uint_eq(seen.packet.data[28], 'x');
	run(SECOND / 2);
}
END_TEST

/* ---- dead peers */

#define DEAD 40 /* their queues are more than what may wait at the same time */

static void add_dead_peer(unsigned i)
{
	const uint8_t key[KEY_BYTES] = { (uint8_t)(100 + i), 1 };
	struct endpoint nowhere = { .addr = sim_addr("203.0.113.1"), .port = 9 };
	char prefix[IP_PREFIX_STRLEN];
	struct wg_peer *p;

	ck_assert_int_eq(wg_device_add_peer(device_wg(vpn), key, &p), 0);
	snprintf(prefix, sizeof(prefix), "10.200.%u.0/24", i);
	peer_allow(p, prefix);
	wg_peer_set_endpoint(p, &nowhere);
}

static void fill_queue(unsigned i)
{
	char to[IP_ADDR_STRLEN];
	struct craft c;

	snprintf(to, sizeof(to), "10.200.%u.9", i);
	for (unsigned n = 0; n < 128; n++) {
		craft_udp(&c, "10.0.0.2", 7, to, 7, "abc", 3);
		into_tun(&c);
	}
}

/* A packet that is too big for home has to be cut. */
START_TEST(what_waits_for_dead_peers_takes_nothing_from_others)
{
	uint8_t payload[1341 - 28] = { 0 };
	struct craft c;

	for (unsigned i = 0; i < DEAD; i++)
		add_dead_peer(i);
	engine_touch(vpn);
	for (unsigned i = 0; i < DEAD; i++)
		fill_queue(i);
	ck_assert_uint_gt(drops_of(vpn, DROP_STAGED_FULL), 0);
	server[1]->on_tun = take_tun;
	seen_count = 0;
	craft_udp(&c, "10.1.0.2", 9, "172.16.1.9", 9, payload, sizeof(payload));
	into_tun(&c);
	run(SECOND);
	ck_assert_uint_eq(drops_of(home, DROP_TOO_BIG), 0);
	ck_assert_uint_eq(seen_count, 2);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine under load");

	tcase_add_checked_fixture(tc, begin, stop);
	tcase_add_test(tc, from_the_network);
	tcase_add_test(tc, inside_a_carrier);
	tcase_add_test(tc, inside_the_carrier_of_one_peer);
	tcase_add_test(tc, data_comes_in_between);
	tcase_add_test(tc, what_waits_for_dead_peers_takes_nothing_from_others);
	return tc;
}
