/* tests/unit/test_inbound.c - batches from the network in which datagrams for a carried
 * device are mixed with fragments of others (R10) */
#include "unit.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine_hosts.h"

#define MESSAGES 16

/* Datagrams for vpn's socket, in the order in which they are given to it. */
static struct craft batch[4 * MESSAGES];
static size_t batch_count;
static struct endpoint vpn_server;

/* What server i makes of the packet: the message is left in `seen`. */
static void seal_at(size_t i, const struct craft *c)
{
	server[i]->on_udp = take_udp;
	node_inject(server[i], c);
	run(0);
	server[i]->on_udp = NULL;
	ck_assert_uint_eq(seen.packet.data[0], 4);
}

/* The inner packet of a datagram on its way from vpn's server to vpn. */
static void add_to_batch(const struct craft *c)
{
	ck_assert_uint_lt(batch_count, ARRAY_SIZE(batch));
	seal_at(0, c);
	craft_bytes(&batch[batch_count], seen.packet.data, seen.packet.len_bytes);
	batch[batch_count++].packet.from = &vpn_server;
}

/* A packet of home's LAN that bears `id`, as home's server sends it into vpn. */
static void make_nested(struct craft *c, uint8_t id)
{
	craft_udp(c, "172.16.1.9", 9, "10.1.0.2", 9, &id, 1);
	seal_at(1, c);
	craft_udp(c, "100.64.1.1", 51820, "10.0.0.2", 20001, seen.packet.data,
	          seen.packet.len_bytes);
}

static void add_whole(uint8_t id)
{
	struct craft c;

	make_nested(&c, id);
	add_to_batch(&c);
}

/* Piece i of 2 of an IPv4 packet with a header of 20 bytes. */
static void cut_piece(struct craft *out, const struct craft *whole, size_t i, uint8_t id)
{
	const uint8_t *payload = whole->packet.data + 20;
	size_t n = whole->packet.len_bytes - 20, at = i * 32;
	struct be16 ip_id = be16_put(id);

	craft_ip(out, "100.64.1.1", "10.0.0.2", PROTO_UDP, payload + at,
	         i == 0 ? 32 : n - 32);
	memcpy(out->packet.data + 4, &ip_id, 2);
	craft_set_fragment(out, i == 0 ? IPV4_MF : 32 / 8);
}

static void add_in_pieces(uint8_t id, bool last_first)
{
	struct craft whole, piece;

	make_nested(&whole, id);
	for (size_t i = 0; i < 2; i++) {
		cut_piece(&piece, &whole, i ^ last_first, id);
		add_to_batch(&piece);
	}
}

static void give_batch(void)
{
	struct packet *packets[ARRAY_SIZE(batch)];

	for (size_t i = 0; i < batch_count; i++)
		packets[i] = &batch[i].packet;
	engine_udp_input(vpn, packets, batch_count, w->now_ns);
	batch_count = 0;
}

static uint8_t arrived[256];
static size_t arrived_count;

static bool note_arrival(struct node *node, const uint8_t *ip, size_t n)
{
	(void)node;
	ck_assert_uint_eq(n, 29);
	ck_assert_uint_lt(arrived_count, ARRAY_SIZE(arrived));
	arrived[arrived_count++] = ip[28];
	return true;
}

static void begin(void)
{
	start();
	warm_up();
	vpn_server = (struct endpoint){ .addr = sim_addr("100.64.0.1"), .port = 51820 };
	client->on_tun = note_arrival;
	arrived_count = batch_count = 0;
}

static void end(void)
{
	ck_assert_uint_eq(all_drops(), 0);
	stop();
}

static void check_arrivals(size_t n)
{
	ck_assert_uint_eq(arrived_count, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(arrived[i], i);
}

/* Each letter is a datagram of home's: w as it is, p in pieces, r in pieces whose last
 * one comes first. */
static const char *const mixtures[] = { "w",  "p",   "wp",   "pw",       "wpw",
	                                "rw", "wrw", "pppp", "wwpprrww", "prpwprpw" };

START_TEST(fragments_and_datagrams_in_one_batch)
{
	const char *mixture = mixtures[_i];

	for (uint8_t i = 0; mixture[i]; i++) {
		if (mixture[i] == 'w')
			add_whole(i);
		else
			add_in_pieces(i, mixture[i] == 'r');
	}
	give_batch();
	check_arrivals(strlen(mixture));
}
END_TEST

/* The last piece of a datagram comes with the next batch. */
START_TEST(a_datagram_completed_by_a_later_batch)
{
	add_in_pieces(0, false);
	batch_count--;
	give_batch();
	ck_assert_uint_eq(arrived_count, 0);
	batch[0] = batch[1];
	batch[0].packet.data = batch[0].buffer + PACKET_HEADROOM_BYTES;
	batch_count = 1;
	add_whole(1);
	add_in_pieces(2, false);
	give_batch();
	check_arrivals(3);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/inbound");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, fragments_and_datagrams_in_one_batch, 0,
	                    ARRAY_SIZE(mixtures));
	tcase_add_test(tc, a_datagram_completed_by_a_later_batch);
	return tc;
}
