/* tests/unit/test_settle.c - peers and devices that go away while timers know of them,
 * also when there is no memory to settle */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_hosts.h"

/* The linker gives us every calloc of the engine. */
static bool no_memory;

void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes)
{
	return no_memory ? NULL : __real_calloc(n, bytes);
}

static bool lose(struct node *node, const struct endpoint *to, const struct packet *p)
{
	(void)node, (void)to, (void)p;
	return true;
}

/* vpn and home have sent an initiation each that nobody answers. */
static void begin(void)
{
	start();
	client->on_udp = lose;
	probe(1, "10.0.0.2", "172.16.0.9", 10);
	probe(2, "10.1.0.2", "172.16.1.9", 10);
	run(SECOND);
}

static void end(void)
{
	no_memory = false;
	stop();
}

START_TEST(unanswered_peers_are_found_failing)
{
	run(20 * SECOND);
	ck_assert_uint_eq(client->failures, 2);
}
END_TEST

START_TEST(a_removed_peer_is_not_judged)
{
	wg_device_remove_peer(peer[1]);
	run(20 * SECOND);
	ck_assert_uint_eq(client->failures, 1);
}
END_TEST

START_TEST(a_removed_device_is_not_judged)
{
	engine_remove_device(client->engine, home);
	run(20 * SECOND);
	ck_assert_uint_eq(client->failures, 1);
}
END_TEST

/* It was failing already, and was about to be tried again. */
START_TEST(a_removed_peer_is_not_tried_again)
{
	run(20 * SECOND);
	wg_device_remove_peer(peer[1]);
	wg_device_remove_peer(peer[0]);
	run(60 * SECOND);
	ck_assert_uint_eq(client->failures, 2);
	ck_assert_uint_eq(engine_next_deadline_ns(client->engine), NEVER_NS);
}
END_TEST

/* A peer that is new to wg can't get its shadow, so nothing can be settled; the one that
 * was removed in the same change is not to be read. Later all is well. */
START_TEST(after_a_failed_settle)
{
	uint8_t key[KEY_BYTES] = { 9 }, back[KEY_BYTES];
	struct endpoint to = *wg_peer_endpoint(peer[1]);
	struct wg_peer *fresh;

	ck_assert_int_eq(wg_device_add_peer(device_wg(home), key, &fresh), 0);
	memcpy(back, wg_peer_public_key(peer[1]), sizeof(back));
	wg_device_remove_peer(peer[1]);
	engine_touch(home);
	no_memory = true;
	ck_assert_int_eq(engine_settle(client->engine), -ENOMEM);
	run(120 * SECOND);
	probe(3, "10.0.0.2", "172.16.0.9", 10);
	ck_assert_uint_gt(node_drops(client, DROP_NO_ROUTE), 0);
	no_memory = false;
	client->on_udp = NULL;
	ck_assert_int_eq(wg_device_add_peer(device_wg(home), back, &peer[1]), 0);
	wg_peer_set_endpoint(peer[1], &to);
	peer_allow(peer[1], "172.16.1.0/24");
	engine_touch(home);
	probe(4, "10.1.0.2", "172.16.1.9", 10);
	probe(5, "10.0.0.2", "172.16.0.9", 10);
	run(10 * SECOND);
	ck_assert_uint_eq(w->probes[4].returned, 1);
	ck_assert_uint_eq(w->probes[5].returned, 1);
}
END_TEST

/* Peers are removed and added while time goes by, with and without memory. */
START_TEST(random_removals)
{
	uint64_t state = unit_seed();
	struct endpoint nowhere = { .addr = sim_addr("100.64.7.7"), .port = 51820 };

	for (uint8_t i = 0; i < 200; i++) {
		struct device *d = unit_random(&state) % 2 ? home : vpn;
		struct wg_peer *p = wg_device_first_peer(device_wg(d));
		uint8_t key[KEY_BYTES] = { 9, i };

		no_memory = false;
		if (p && unit_random(&state) % 2) {
			wg_device_remove_peer(p);
		} else {
			ck_assert_int_eq(wg_device_add_peer(device_wg(d), key, &p), 0);
			wg_peer_set_endpoint(p, &nowhere);
			peer_allow(p, "172.16.0.0/15");
			engine_touch(d);
		}
		probe(i, "10.0.0.2", "172.16.1.9", 10);
		no_memory = unit_random(&state) % 4 == 0;
		run(unit_random(&state) % 20 * SECOND);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/settle");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, unanswered_peers_are_found_failing);
	tcase_add_test(tc, a_removed_peer_is_not_judged);
	tcase_add_test(tc, a_removed_device_is_not_judged);
	tcase_add_test(tc, a_removed_peer_is_not_tried_again);
	tcase_add_test(tc, after_a_failed_settle);
	tcase_add_test(tc, random_removals);
	return tc;
}
