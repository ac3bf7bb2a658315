#include "unit.h"

#include "engine/moves.h"
#include "engine_hosts.h"

#define FLIPS 8

/* vpn's server sends from two ports by turns. All of it comes in one batch; the last
 * packet came from the second port. */
static void flip(void)
{
	static struct craft batch[FLIPS];
	struct endpoint from[2] = { { .addr = sim_addr("100.64.0.1"), .port = 1 },
		                    { .addr = sim_addr("100.64.0.1"), .port = 2 } };
	struct packet *packets[FLIPS];
	struct craft inner;

	server[0]->on_udp = take_udp;
	for (size_t i = 0; i < FLIPS; i++) {
		craft_udp(&inner, "172.16.0.9", 9, "10.0.0.2", 9, "x", 1);
		node_inject(server[0], &inner);
		run(0);
		craft_bytes(&batch[i], seen.packet.data, seen.packet.len_bytes);
		batch[i].packet.from = &from[i % 2];
		packets[i] = &batch[i].packet;
	}
	server[0]->on_udp = NULL;
	engine_udp_input(vpn, packets, FLIPS, w->now_ns);
	ck_assert_uint_eq(wg_peer_endpoint(peer[0])->port, 2);
}

static void begin(void)
{
	start();
	warm_up();
	client->on_tun = take_tun;
	client->on_udp = take_udp;
	ck_assert_uint_eq(client->endpoint_changes, 0);
}

START_TEST(many_moves_are_told_once)
{
	flip();
	run(MOVES_PAUSE_NS / 2);
	ck_assert_uint_eq(client->endpoint_changes, 1);
	flip();
	flip();
	run(MOVES_PAUSE_NS / 4);
	ck_assert_uint_eq(client->endpoint_changes, 1);
	run(MOVES_PAUSE_NS);
	ck_assert_uint_eq(client->endpoint_changes, 2);
	run(10 * MOVES_PAUSE_NS);
	ck_assert_uint_eq(client->endpoint_changes, 2);
	flip();
	run(1);
	ck_assert_uint_eq(client->endpoint_changes, 3);
}
END_TEST

START_TEST(a_peer_that_is_removed_has_not_moved)
{
	flip();
	wg_device_remove_peer(peer[0]);
	run(SECOND);
	ck_assert_uint_eq(client->endpoint_changes, 0);
}
END_TEST

START_TEST(a_device_that_is_removed_has_not_moved)
{
	flip();
	engine_remove_device(client->engine, vpn);
	run(SECOND);
	ck_assert_uint_eq(client->endpoint_changes, 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/moves");

	tcase_add_checked_fixture(tc, begin, stop);
	tcase_add_test(tc, many_moves_are_told_once);
	tcase_add_test(tc, a_peer_that_is_removed_has_not_moved);
	tcase_add_test(tc, a_device_that_is_removed_has_not_moved);
	return tc;
}
