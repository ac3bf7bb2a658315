/* tests/unit/test_settle.c - peers and devices that go away while timers know of them,
 * also when there is no memory to settle */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"
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

/* ---- moves */

#define MORE_PEERS 6 /* of each device */

/* Some are in a prefix of vpn's or home's, some belong to two peers. */
static const char *const places[] = { "100.64.0.1:51820", "100.64.0.2:51820",
	                              "100.64.1.1:51820", "172.16.1.9:51820",
	                              "172.16.1.9:4",     "172.16.0.7:51820",
	                              "203.0.113.9:5",    "[2001:db8::1]:51820",
	                              "[fd16:1::9]:1",    "10.9.9.9:1" };
static const char *const prefixes[] = { "100.64.0.0/16", "100.64.1.0/24", "172.16.0.0/15",
	                                "203.0.113.0/24" };

static struct peer *peers[2 * (MORE_PEERS + 1)];

static void collect_peers(void)
{
	struct device *devices[] = { vpn, home };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		struct wg_peer *p = wg_device_first_peer(device_wg(devices[i]));

		for (; p; p = wg_peer_next(p))
			peers[n++] = wg_peer_context(p);
	}
	ck_assert_uint_eq(n, ARRAY_SIZE(peers));
}

static void add_peers(uint64_t *state)
{
	for (uint8_t i = 0; i < 2 * MORE_PEERS; i++) {
		struct device *d = i % 2 ? home : vpn;
		uint8_t key[KEY_BYTES] = { 9, i };
		struct wg_peer *p;

		ck_assert_int_eq(wg_device_add_peer(device_wg(d), key, &p), 0);
		peer_allow(p, prefixes[unit_below(state, ARRAY_SIZE(prefixes))]);
		engine_touch(d);
	}
	vpn->way.has_metric = home->way.has_metric = true; /* they stand by */
	ck_assert_int_eq(engine_settle(client->engine), 0);
	collect_peers();
}

static void move(struct peer *p, const char *to)
{
	struct endpoint e;

	ck_assert(endpoint_parse(&e, to));
	wg_peer_set_endpoint(p->wg, &e);
	settle_endpoint(p); /* as if learned from a packet */
}

static void toggle_failing(struct peer *p)
{
	p->failing = !p->failing;
	client->engine->failing_count += p->failing ? 1 : (size_t)-1;
	engine_need(client->engine, SETTLE_STANDBY);
}

static void snapshot(struct way_peer *out)
{
	ck_assert_int_eq(engine_settle(client->engine), 0);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		out[i] = peers[i]->way;
}

/* Whether a way was found alone or with all others, it is the same one. */
START_TEST(a_move_alone_is_as_all_ways_anew)
{
	struct way_peer alone[ARRAY_SIZE(peers)], anew[ARRAY_SIZE(peers)];
	uint64_t state = unit_seed();
	size_t quick = 0;

	add_peers(&state);
	for (int step = 0; step < 1000; step++) {
		struct peer *p = peers[unit_below(&state, ARRAY_SIZE(peers))];
		size_t failing = client->engine->failing_count;

		if (unit_below(&state, 8) == 0)
			toggle_failing(p);
		else
			move(p, places[unit_below(&state, ARRAY_SIZE(places))]);
		quick += failing > 0 && client->engine->need == SETTLE_NOTHING;
		snapshot(alone);
		engine_need(client->engine, SETTLE_WAYS);
		snapshot(anew);
		for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
			ck_assert_int_eq(alone[i].state, anew[i].state);
			ck_assert_ptr_eq(alone[i].next, anew[i].next);
			ck_assert_int_eq(alone[i].unusable, anew[i].unusable);
			if (anew[i].state == WAY_OK)
				ck_assert_uint_eq(alone[i].hops, anew[i].hops);
		}
	}
	ck_assert_uint_gt(quick, 0);
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
	tcase_add_test(tc, a_move_alone_is_as_all_ways_anew);
	return tc;
}
