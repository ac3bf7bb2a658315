/* tests/sim/test_hours.c - what happens in the networks of scene.h as time passes, and
 * when a server disappears */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

/* ---- hours */

/* For three hours a packet is sent every 7 s through nested tunnels. Sessions are
 * replaced meanwhile, and no packet is lost. */
START_TEST(rekeying_for_hours)
{
	struct scene s;
	uint64_t handshakes = 0, last = 0;

	scene_start(&s, scene_vpn_and_home, 2);
	for (int i = 0; i < 3 * 3600 / 7; i++) {
		uint16_t id = scene_probe(&s, 1, &s.lan4[1], 100);
		struct wg_peer_stats stats;

		scene_run(&s, 7 * SECOND);
		scene_check_way(&s, id, "1>2", "2>1");
		wg_peer_stats(s.peer[1], &stats, s.w->now_ns);
		ck_assert(stats.session);
		handshakes += stats.last_handshake_ns != last;
		last = stats.last_handshake_ns;
	}
	ck_assert_uint_ge(handshakes, 3 * 3600 / 130);
	ck_assert_uint_le(handshakes, 3 * 3600 / 115);
	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++)
		ck_assert_uint_eq(node_drops(s.client, reason), 0);
	scene_run(&s, 900 * SECOND);
	ck_assert(world_idle(s.w));
	scene_end(&s);
}
END_TEST

static uint64_t bursts_of_an_hour(size_t devices)
{
	struct scene s;
	struct scene_device all[8] = { { .name = NULL } };
	uint64_t before;

	for (size_t i = 0; i < devices; i++)
		all[i] = (struct scene_device){
			.name = (const char *[]){ "a", "b", "c", "d", "e", "f", "g",
			                          "h" }[i],
			.allowed = { "172.31.0.0/16" },
			.keepalive_s = 25,
		};
	scene_start(&s, all, devices);
	for (size_t i = 0; i < devices; i++) { /* not all at the same moment */
		wg_peer_set_keepalive(s.peer[i], 0, s.w->now_ns);
		scene_run(&s, SECOND / 9);
		wg_peer_set_keepalive(s.peer[i], 25, s.w->now_ns);
	}
	scene_run(&s, 60 * SECOND);
	before = s.client->bursts;
	scene_run(&s, 3600 * SECOND);
	before = s.client->bursts - before;
	scene_end(&s);
	return before;
}

START_TEST(keepalives_of_all_devices_go_together)
{
	uint64_t one = bursts_of_an_hour(1), eight = bursts_of_an_hour(8);

	ck_assert_msg(eight <= one + one / 10, "%u bursts with 8 devices, %u with one",
	              (unsigned)eight, (unsigned)one);
}
END_TEST

START_TEST(idle_costs_nothing)
{
	struct scene s;
	uint64_t wakeups, handled;

	scene_start(&s, scene_vpn_and_home, 2);
	ck_assert(world_idle(s.w)); /* configured, but never used */
	scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, 900 * SECOND);
	ck_assert(world_idle(s.w));
	wakeups = s.client->wakeups;
	handled = s.w->handled;
	scene_run(&s, 24 * 3600 * SECOND);
	ck_assert_uint_eq(s.client->wakeups, wakeups);
	ck_assert_uint_eq(s.w->handled, handled);
	scene_end(&s);
}
END_TEST

/* ---- R3 */

static const struct scene_device two_full_tunnels[] = {
	{ .name = "a", .allowed = { "0.0.0.0/0" }, .metric = -1 },
	{ .name = "b", .allowed = { "0.0.0.0/0" }, .metric = 1 },
	{ .name = "inner", .allowed = { "172.16.2.0/24" } },
};

/* Sends a probe each second until one comes back that took this way. Returns how many
 * seconds it took. */
static unsigned seconds_until(struct scene *s, const struct ip_addr *dst,
                              const char *there, unsigned limit)
{
	char text[100];

	for (unsigned i = 0; i < limit; i++) {
		uint16_t probe = scene_probe(s, 0, dst, 200);
		const struct probe *p = &s->w->probes[probe];

		scene_run(s, SECOND);
		if (p->returned &&
		    strcmp(scene_trail_text(&p->there, text, sizeof(text)), there) == 0)
			return i;
	}
	return limit;
}

static void stop_server(struct scene *s, size_t i)
{
	wg_device_stop(device_wg(s->server_device[i]));
}

static void start_server(struct scene *s, size_t i)
{
	wg_device_start(device_wg(s->server_device[i]), s->w->now_ns);
}

/* _i is for how many seconds the session was used before its server stops. */
START_TEST(a_standby_takes_over_and_gives_back)
{
	struct scene s;

	scene_start(&s, two_full_tunnels, 3);
	/* the inner tunnel follows its carrier */
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[2], "1>3", 5), 0);
	for (int i = 0; i < _i; i++)
		ck_assert_uint_eq(seconds_until(&s, &s.lan4[0], "1", 5), 0);
	stop_server(&s, 0);
	ck_assert_uint_lt(seconds_until(&s, &s.lan4[1], "2", 60), 20);
	ck_assert_uint_lt(seconds_until(&s, &s.lan4[2], "2>3", 60), 20);
	scene_run(&s, 300 * SECOND);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "2", 60), 0);
	start_server(&s, 0);
	ck_assert_uint_lt(seconds_until(&s, &s.lan4[0], "1", 60), 20);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[2], "1>3", 60), 0);
	scene_end(&s);
}
END_TEST

/* a carries b by its default route, for which b doesn't stand by: `check` warns of that. _i: b
 * has Via = network. */
START_TEST(a_standby_inside_the_first_one_takes_over_only_by_via)
{
	const struct scene_device devices[] = {
		{ .name = "a",
		  .allowed = { "0.0.0.0/0", "172.16.1.0/24" },
		  .metric = -1 },
		{ .name = "b",
		  .allowed = { "172.16.1.0/24" },
		  .via = _i ? "network" : NULL,
		  .metric = 1 },
	};
	struct scene s;

	scene_start(&s, devices, 2);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[0], "1", 5), 0);
	stop_server(&s, 0);
	if (_i)
		ck_assert_uint_lt(seconds_until(&s, &s.lan4[1], "2", 60), 20);
	else
		ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "2", 90), 90);
	scene_end(&s);
}
END_TEST

/* Failover has to be asked for by both files. */
START_TEST(without_a_metric_nobody_takes_over)
{
	struct scene_device devices[3];
	struct scene s;

	memcpy(devices, two_full_tunnels, sizeof(devices));
	devices[_i].metric = 0; /* none is written; the order stays */
	scene_start(&s, devices, 3);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "1", 5), 0);
	stop_server(&s, 0);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "2", 90), 90);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[2], "2>3", 5), 5);
	ck_assert_uint_eq(s.client->sent[3], 0); /* what it carried doesn't leave */
	start_server(&s, 0);
	ck_assert_uint_lt(seconds_until(&s, &s.lan4[1], "1", 20), 20);
	scene_end(&s);
}
END_TEST

/* The context is the address to which the network lets nothing through. */
static bool is_blocked(struct node *node, const struct endpoint *to,
                       const struct packet *p)
{
	(void)p;
	return ip_addr_equal(&to->addr, node->context);
}

/* The network lets nothing through to a's server, but b's server would. That a handshake
 * through b would succeed doesn't show that a works. */
START_TEST(a_device_is_not_judged_through_its_own_standby)
{
	struct scene s;

	scene_start(&s, two_full_tunnels, 2);
	s.client->context = &s.server[0]->public4;
	s.client->on_udp = is_blocked;
	ck_assert_uint_lt(seconds_until(&s, &s.lan4[1], "2", 60), 20);
	for (int i = 0; i < 300; i++)
		ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "2", 5), 0);
	ck_assert_uint_eq(s.client->failures, 1);
	s.client->on_udp = NULL;
	ck_assert_uint_lt(seconds_until(&s, &s.lan4[1], "1", 60), 20);
	scene_end(&s);
}
END_TEST

/* Returns after how many seconds a has its prefix back, if its server was gone for 20 s. */
static unsigned outage(struct scene *s)
{
	stop_server(s, 0);
	ck_assert_uint_lt(seconds_until(s, &s->lan4[1], "2", 60), 20);
	start_server(s, 0);
	return seconds_until(s, &s->lan4[1], "1", 900);
}

/* Each time it takes longer until a device has its prefixes back, but not without end; a
 * device that worked for long is trusted again. */
START_TEST(who_fails_again_and_again_has_to_wait)
{
	static const unsigned wait_s[] = { 0, 60, 120, 240, 480, 600, 600 };
	struct scene s;

	scene_start(&s, two_full_tunnels, 2);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "1", 5), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wait_s); i++) {
		unsigned took_s = outage(&s);

		ck_assert_msg(took_s + 3 >= wait_s[i] && took_s <= wait_s[i] + 20,
		              "outage %zu: %u s", i, took_s);
	}
	for (int i = 0; i < 620; i++)
		ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "1", 5), 0);
	ck_assert_uint_le(outage(&s), 20);
	scene_end(&s);
}
END_TEST

/* Nothing stands by for it, so nothing is tried except what packets ask for. */
START_TEST(a_vanished_client_is_given_up)
{
	struct scene s;
	struct craft c;

	scene_start(&s, scene_vpn_and_home, 1);
	scene_probe(&s, 0, &s.lan4[0], 100);
	scene_run(&s, SECOND);
	wg_device_stop(device_wg(s.device[0]));
	for (int i = 0; i < 60; i++) {
		craft_udp(&c, "172.16.0.9", 9, "10.0.0.2", 9, "are you there?", 14);
		node_inject(s.server[0], &c);
		scene_run(&s, SECOND);
	}
	ck_assert_uint_eq(s.server[0]->failures, 1);
	scene_run(&s, 900 * SECOND);
	ck_assert(world_idle(s.w));
	scene_end(&s);
}
END_TEST

/* With _i = 1 there was a session before. */
START_TEST(who_owes_an_answer_is_complained_of_again_and_again)
{
	struct scene s;
	uint64_t complaints;

	scene_start(&s, two_full_tunnels, 1);
	for (int i = 0; i < 60 * _i; i++) {
		scene_probe(&s, 0, &s.lan4[0], 100);
		scene_run(&s, SECOND);
	}
	ck_assert_uint_eq(s.client->complaints, 0);
	stop_server(&s, 0);
	for (int i = 0; i < (_i ? 22 : 7); i++) {
		scene_probe(&s, 0, &s.lan4[0], 100);
		scene_run(&s, SECOND);
	}
	ck_assert_uint_ge(s.client->complaints, 1);
	complaints = s.client->complaints;
	for (int i = 0; i < 60; i++) {
		scene_probe(&s, 0, &s.lan4[0], 100);
		scene_run(&s, SECOND);
	}
	ck_assert_uint_ge(s.client->complaints, complaints + 9);
	ck_assert_uint_le(s.client->complaints, complaints + 13);
	scene_end(&s);
}
END_TEST

/* ---- a name with two addresses */

static bool is_sent(struct node *node, const struct endpoint *to, const struct packet *p)
{
	size_t *initiations = node->context;

	(void)to;
	*initiations += p->len_bytes > 0 && p->data[0] == 1;
	return false;
}

/* As the supervisor does, a millisecond after it was told: the address that was tried is
 * exchanged for the other one. True if there was a complaint. */
static bool use_other_address(struct scene *s, const struct endpoint both[static 2],
                              size_t *present, uint64_t seen)
{
	if (s->client->complaints == seen)
		return false;
	if (!endpoint_equal(&s->client->complained_of, &both[*present]))
		return true;
	*present = !*present;
	wg_peer_set_endpoint(s->peer[0], &both[*present]);
	engine_touch(s->device[0]);
	ck_assert_int_eq(engine_settle(s->client->engine), 0);
	wg_peer_try_endpoint(s->peer[0], s->w->now_ns);
	return true;
}

/* _i: which addresses are dead: 0: none, 1: the first, 2: the second. The server forgets
 * its sessions, and each second there is something to say. So the silence is noticed
 * after 15.3 s, the other address is tried 5 s later, or 10 where the next initiation
 * was faster than the millisecond, and the next probe gets through. */
START_TEST(a_server_with_two_addresses_is_found_again)
{
	struct scene s;
	struct endpoint both[2];
	size_t initiations = 0, before = 0, present = 0;
	uint64_t seen = 0;
	unsigned ms = 0, initiated_ms = 0;
	uint16_t probe = 0;

	scene_start(&s, two_full_tunnels, 1);
	ck_assert(endpoint_parse(&both[0],
	                         _i == 1 ? "100.64.99.1:51820" : "100.64.0.1:51820"));
	ck_assert(endpoint_parse(&both[1], _i == 2 ? "[2001:db8:99::1]:51820"
	                                           : "[2001:db8:0::1]:51820"));
	scene_probe(&s, 0, &s.lan4[0], 100);
	scene_run(&s, SECOND);
	wg_peer_set_endpoint(s.peer[0], &both[0]);
	engine_touch(s.device[0]);
	stop_server(&s, 0);
	start_server(&s, 0);
	s.client->on_udp = is_sent;
	s.client->context = &initiations;
	for (; ms < 60000; ms++) {
		if (ms % 1000 == 0)
			probe = scene_probe(&s, 0, &s.lan4[0], 200);
		scene_run(&s, NS_PER_MS);
		if (use_other_address(&s, both, &present, seen))
			seen = s.client->complaints;
		if (initiations != before) {
			ck_assert_uint_eq(initiations, before + 1);
			ck_assert(before == 0 || ms - initiated_ms >= 4999);
			before = initiations;
			initiated_ms = ms;
		}
		if (s.w->probes[probe].returned)
			break;
	}
	ck_assert_uint_le(ms, 27000);
	scene_end(&s);
}
END_TEST

START_TEST(without_a_standby_a_dead_tunnel_still_captures)
{
	struct scene s;

	scene_start(&s, two_full_tunnels, 1);
	stop_server(&s, 0);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[0], "1", 60), 60);
	ck_assert_uint_eq(node_drops(s.client, DROP_NO_ROUTE), 0);
	scene_end(&s);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sim/hours");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, rekeying_for_hours);
	tcase_add_test(tc, keepalives_of_all_devices_go_together);
	tcase_add_test(tc, idle_costs_nothing);
	tcase_add_loop_test(tc, a_standby_takes_over_and_gives_back, 0, 3);
	tcase_add_loop_test(tc, a_standby_inside_the_first_one_takes_over_only_by_via, 0,
	                    2);
	tcase_add_loop_test(tc, without_a_metric_nobody_takes_over, 0, 2);
	tcase_add_test(tc, a_device_is_not_judged_through_its_own_standby);
	tcase_add_test(tc, who_fails_again_and_again_has_to_wait);
	tcase_add_test(tc, a_vanished_client_is_given_up);
	tcase_add_loop_test(tc, who_owes_an_answer_is_complained_of_again_and_again, 0,
	                    2);
	tcase_add_loop_test(tc, a_server_with_two_addresses_is_found_again, 0, 3);
	tcase_add_test(tc, without_a_standby_a_dead_tunnel_still_captures);
	return tc;
}
