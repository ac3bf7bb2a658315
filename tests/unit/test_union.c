/* tests/unit/test_union.c - who has a destination, and who carries to it (R1, R3, R4) */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "net.h"

static struct net net;

static void start(void)
{
	memset(&net, 0, sizeof(net));
	net_init(&net);
}

static void stop(void)
{
	net_clear(&net);
}

static const char *taker(const char *dst)
{
	struct ip_addr addr = net_addr(dst);
	const struct way_peer *peer = union_lookup(&net.table, &addr);

	return peer ? peer->device->name : "nobody";
}

static const char *carrier(const struct way_peer *from, const char *dst)
{
	struct endpoint to = { .addr = net_addr(dst), .port = 51820 };
	const struct way_peer *peer = union_lookup_outer(&net.table, from, &to);

	return peer ? peer->device->name : "network";
}

START_TEST(r4_longest_prefix_wins_across_devices)
{
	net_peer(&net, net_device(&net, "vpn"), "198.51.100.1", "0.0.0.0/0 ::/0");
	net_peer(&net, net_device(&net, "home"), "203.0.113.1",
	         "192.168.1.0/24 fd01::/64");
	net_compute(&net);
	ck_assert_str_eq(taker("192.168.1.7"), "home");
	ck_assert_str_eq(taker("192.168.2.7"), "vpn");
	ck_assert_str_eq(taker("fd01::7"), "home");
	ck_assert_str_eq(taker("fd02::7"), "vpn");
	ck_assert_uint_eq(union_count(&net.table), 4);
}
END_TEST

START_TEST(nobody_without_a_match)
{
	net_peer(&net, net_device(&net, "home"), "203.0.113.1", "192.168.1.0/24");
	net_compute(&net);
	ck_assert_str_eq(taker("192.168.0.255"), "nobody");
	ck_assert_str_eq(taker("::1"), "nobody");
}
END_TEST

START_TEST(r1_own_entries_do_not_capture)
{
	struct way_device *vpn = net_device(&net, "vpn");
	struct way_peer *a = net_peer(&net, vpn, "198.51.100.1", "0.0.0.0/0");
	struct way_peer *b =
		net_peer(&net, vpn, "10.0.0.1", "10.0.0.0/8 198.51.100.0/24");

	net_compute(&net);
	ck_assert_str_eq(carrier(a, "198.51.100.1"),
	                 "network"); /* b's neither: same device */
	ck_assert_str_eq(carrier(b, "10.0.0.1"), "network");
}
END_TEST

START_TEST(a_fwmark_leads_past_default_routes)
{
	struct way_device *vpn = net_device(&net, "vpn"),
			  *home = net_device(&net, "home");
	struct way_peer *h = net_peer(&net, home, "203.0.113.1", "192.168.1.0/24");

	net_peer(&net, vpn, "198.51.100.1",
	         "0.0.0.0/0 128.0.0.0/1 2000::/3 ::/0 192.0.2.0/24");
	net_compute(&net);
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "vpn");
	ck_assert_str_eq(carrier(h, "2001:db8::1"), "vpn");
	home->has_fwmark = true;
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "network");
	ck_assert_str_eq(carrier(h, "2001:db8::1"), "network");
	ck_assert_str_eq(carrier(h, "192.0.2.1"), "vpn");
	net_via(home, vpn);
	net_compute(&net);
	ck_assert_str_eq(h->next->device->name, "vpn");
}
END_TEST

START_TEST(r1_skips_to_the_next_longest)
{
	struct way_device *home = net_device(&net, "home");
	struct way_peer *h = net_peer(&net, home, "192.168.1.1", "192.168.1.0/24");

	net_peer(&net, net_device(&net, "vpn"), "198.51.100.1", "0.0.0.0/0");
	net_peer(&net, net_device(&net, "work"), "198.51.100.2", "192.168.0.0/16");
	net_compute(&net);
	ck_assert_str_eq(carrier(h, "192.168.1.1"), "work");
	ck_assert_str_eq(carrier(h, "192.0.2.1"), "vpn");
}
END_TEST

/* wide's second peer stands by for the /24, so the /8 leads to wide; but wide would let
 * no answer from there in by the peer of the /8. */
START_TEST(r1_the_carriers_own_table_names_the_peer)
{
	struct way_device *home = net_device(&net, "home"),
			  *wide = net_device(&net, "wide");
	struct way_peer *h = net_peer(&net, home, "10.1.1.1", "10.1.1.0/24");
	struct way_peer *second;
	struct endpoint dst = { .addr = net_addr("10.1.1.1"), .port = 51820 };

	net_peer(&net, wide, "198.51.100.1", "10.0.0.0/8");
	second = net_peer(&net, wide, "198.51.100.2", "10.1.1.0/24");
	net_compute(&net);
	ck_assert_str_eq(taker("10.1.1.1"), "home");
	ck_assert_ptr_eq(union_lookup_outer(&net.table, h, &dst), second);
}
END_TEST

/* full and home are two files for one server; half is for another one. */
START_TEST(r13_a_carrier_at_the_very_endpoint_is_passed_over)
{
	struct way_device *home = net_device(&net, "home");
	struct way_peer *h = net_peer(&net, home, "203.0.113.1", "192.168.1.0/24");
	struct way_peer *full =
		net_peer(&net, net_device(&net, "full"), "203.0.113.1", "0.0.0.0/0");
	struct way_peer *half;

	net_compute(&net);
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "network");
	ck_assert_str_eq(carrier(h, "203.0.113.2"), "full");
	ck_assert_ptr_eq(union_lookup_passed_over(&net.table, h, &h->endpoint), full);
	ck_assert(full->passed_over && !h->passed_over);
	full->endpoint.port++; /* another server there, or none */
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "full");
	ck_assert_ptr_null(union_lookup_passed_over(&net.table, h, &h->endpoint));
	net_compute(&net);
	ck_assert(!full->passed_over);

	/* the next longest is asked then */
	full->endpoint.port--;
	half = net_peer(&net, net_device(&net, "half"), "198.51.100.1", "128.0.0.0/1");
	net_compute(&net);
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "half");
	ck_assert_ptr_null(union_lookup_passed_over(&net.table, h, &h->endpoint));
	half->endpoint = h->endpoint;
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "network");
	full->endpoint = net_peer(&net, home, "198.51.100.2", NULL)->endpoint;
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "full");
	ck_assert_ptr_eq(union_lookup_passed_over(&net.table, h, &h->endpoint), half);
}
END_TEST

START_TEST(r1_carried_through_via_does_not_capture)
{
	struct way_device *vpn = net_device(&net, "vpn"), *mid = net_device(&net, "mid"),
			  *home = net_device(&net, "home"),
			  *other = net_device(&net, "other");
	struct way_peer *v = net_peer(&net, vpn, "198.51.100.1", "0.0.0.0/0");

	net_peer(&net, mid, "198.51.100.2", "0.0.0.0/1");
	net_peer(&net, home, NULL, "128.0.0.0/1"); /* endpoint not known yet */
	net_peer(&net, other, "198.51.100.4", "198.51.0.0/16");
	net_via(mid, vpn);
	net_via(home, mid); /* so vpn carries home too */
	net_compute(&net);
	ck_assert_str_eq(carrier(v, "198.51.100.1"), "other");
	ck_assert_str_eq(carrier(v, "198.52.100.1"), "network");
	ck_assert_str_eq(carrier(v, "1.2.3.4"), "network");
}
END_TEST

START_TEST(r1_only_the_peer_with_via_is_skipped)
{
	struct way_device *vpn = net_device(&net, "vpn"),
			  *home = net_device(&net, "home");
	struct way_peer *v = net_peer(&net, vpn, "198.51.100.1", "0.0.0.0/0"), *p;

	p = net_peer(&net, home, "203.0.113.1", "10.1.0.0/16");
	p->via = WAY_VIA_DEVICE;
	p->via_device = vpn;
	net_peer(&net, home, "203.0.113.2", "10.2.0.0/16");
	net_compute(&net);
	ck_assert_str_eq(carrier(v, "10.1.0.1"), "network");
	ck_assert_str_eq(carrier(v, "10.2.0.1"), "home");
}
END_TEST

START_TEST(table_off_carries_nobody_but_has_what_comes)
{
	struct way_device *off = net_device(&net, "a"), *home = net_device(&net, "home");
	struct way_peer *h = net_peer(&net, home, "203.0.113.1", "10.0.0.0/8");

	net_peer(&net, off, "198.51.100.1", "0.0.0.0/0");
	off->table_off = true;
	net_compute(&net);
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "network");
	ck_assert_str_eq(taker("203.0.113.1"), "a");
}
END_TEST

START_TEST(table_off_does_not_push_others_aside)
{
	struct way_device *off = net_device(&net, "a"), *vpn = net_device(&net, "vpn"),
			  *home = net_device(&net, "home");
	struct way_peer *h = net_peer(&net, home, "203.0.113.1", "10.0.0.0/8");

	net_peer(&net, off, "198.51.100.1", "0.0.0.0/0");
	net_peer(&net, vpn, "198.51.100.2", "0.0.0.0/0");
	off->table_off = true;
	net_compute(&net);
	ck_assert_str_eq(taker("203.0.113.1"), "vpn");
	ck_assert_str_eq(carrier(h, "203.0.113.1"), "vpn");
}
END_TEST

START_TEST(r3_standbys_capture_nothing)
{
	struct way_device *a = net_device(&net, "a"), *b = net_device(&net, "b");
	struct way_peer *pa = net_peer(&net, a, "198.51.100.1", "0.0.0.0/0");
	struct way_peer *pb = net_peer(&net, b, "198.51.100.2", "0.0.0.0/0");

	net_compute(&net);
	ck_assert_str_eq(taker("1.1.1.1"), "a");
	ck_assert_str_eq(carrier(pa, "198.51.100.1"), "network");
	ck_assert_str_eq(carrier(pb, "198.51.100.2"), "a");
}
END_TEST

START_TEST(r3_metric_then_name)
{
	struct way_device *a = net_device(&net, "a"), *b = net_device(&net, "b"),
			  *c = net_device(&net, "c");

	net_peer(&net, c, "198.51.100.3", "10.0.0.0/8");
	net_peer(&net, a, "198.51.100.1", "10.0.0.0/8");
	net_peer(&net, b, "198.51.100.2", "10.0.0.0/8");
	net_compute(&net);
	ck_assert_str_eq(taker("10.1.1.1"), "a");
	b->metric = -1;
	way_rank(net.devices);
	union_sort(&net.table);
	ck_assert_str_eq(taker("10.1.1.1"), "b");
	union_remove_device(&net.table, b);
	ck_assert_str_eq(taker("10.1.1.1"), "a");
	union_remove_device(&net.table, a);
	ck_assert_str_eq(taker("10.1.1.1"), "c");
	union_remove_device(&net.table, c);
	ck_assert_str_eq(taker("10.1.1.1"), "nobody");
	ck_assert_uint_eq(union_count(&net.table), 0);
}
END_TEST

static void set_unusable(struct way_peer *p, bool unusable)
{
	p->unusable = unusable;
	union_choose(&net.table);
}

static struct way_device *with_metric(const char *name, int32_t metric)
{
	struct way_device *d = net_device(&net, name);

	d->metric = metric;
	d->has_metric = true;
	return d;
}

START_TEST(r3_only_those_with_a_metric_stand_by)
{
	struct way_peer *a = net_peer(&net, with_metric("a", -5), "198.51.100.1",
	                              "10.0.0.0/8"),
			*c = net_peer(&net, with_metric("c", 5), "198.51.100.3",
	                              "10.0.0.0/8");

	net_peer(&net, net_device(&net, "b"), "198.51.100.2", "10.0.0.0/8");
	net_compute(&net);
	ck_assert_str_eq(taker("10.1.1.1"), "a");
	set_unusable(a, true);
	ck_assert_str_eq(taker("10.1.1.1"), "c");
	set_unusable(c, true);
	ck_assert_str_eq(taker("10.1.1.1"), "a");
	set_unusable(c, false);
	ck_assert_str_eq(taker("10.1.1.1"), "c");
	a->device->has_metric = false;
	union_sort(&net.table);
	ck_assert_str_eq(taker("10.1.1.1"), "a");
}
END_TEST

/* A device's own messages take the way that they would take if it were active. */
START_TEST(r3_nobody_travels_through_his_own_standby)
{
	struct way_device *a = with_metric("a", 0), *b = with_metric("b", 1),
			  *home = net_device(&net, "home");
	struct way_peer *pa = net_peer(&net, a, "198.51.100.1", "0.0.0.0/0"),
			*pb = net_peer(&net, b, "198.51.100.2", "0.0.0.0/0"),
			*h = net_peer(&net, home, "198.51.100.3", "192.168.1.0/24"),
			*outer = net_peer(&net, net_device(&net, "outer"), "198.51.100.4",
	                                  "10.0.0.0/8");

	net_via(a, outer->device);
	net_compute(&net);
	ck_assert_str_eq(carrier(h, "198.51.100.3"), "a");
	ck_assert_str_eq(carrier(pb, "198.51.100.2"), "a");
	set_unusable(pa, true);
	ck_assert_str_eq(carrier(h, "198.51.100.3"), "b");
	ck_assert_str_eq(carrier(pb, "198.51.100.2"), "network");
	ck_assert_str_eq(carrier(pa, "198.51.100.1"), "network");
	/* nor does what carries it, for a would travel there, too */
	ck_assert_str_eq(carrier(outer, "198.51.100.4"), "network");
}
END_TEST

/* A standby that can't carry home (R13; Via) doesn't send it to the network. */
START_TEST(r3_what_a_dead_device_carried_stays_there)
{
	struct way_device *a = with_metric("a", 0), *b = with_metric("b", 1),
			  *home = net_device(&net, "home");
	struct way_peer *pa = net_peer(&net, a, "198.51.100.1", "0.0.0.0/0"),
			*h = net_peer(&net, home, "198.51.100.3", "192.168.1.0/24");

	net_peer(&net, b, _i ? "198.51.100.2" : "198.51.100.3", "0.0.0.0/0");
	if (_i)
		net_via(b, home);
	net_compute(&net);
	ck_assert_str_eq(carrier(h, "198.51.100.3"), "a");
	set_unusable(pa, true);
	ck_assert_str_eq(taker("8.8.8.8"), "b");
	ck_assert_str_eq(carrier(h, "198.51.100.3"), "a");
}
END_TEST

START_TEST(r3_only_default_routes_come_first)
{
	struct way_device *home = net_device(&net, "a-home");

	net_peer(&net, home, "198.51.100.1", "192.168.178.0/24 0.0.0.0/0");
	home->names_networks = true;
	net_peer(&net, net_device(&net, "vpn"), "198.51.100.2", "0.0.0.0/0");
	net_compute(&net);
	ck_assert_str_eq(taker("8.8.8.8"), "vpn");
	ck_assert_str_eq(taker("192.168.178.9"), "a-home");
}
END_TEST

static const char *taker_for(const struct way_device *source, const char *dst)
{
	struct ip_addr addr = net_addr(dst);

	return union_active_for(union_lookup_node(&net.table, &addr), source)
	        ->device->name;
}

/* Of equal prefixes, that of the device which has the packet's source goes first. */
START_TEST(r14_the_source_goes_first)
{
	struct way_device *a = with_metric("a", 0), *b = with_metric("b", 1),
			  *c = net_device(&net, "c"), *d = net_device(&net, "d"),
			  *off = net_device(&net, "off");
	struct way_peer *pb;

	net_peer(&net, a, "198.51.100.1", "0.0.0.0/0");
	pb = net_peer(&net, b, "198.51.100.2", "0.0.0.0/0");
	net_peer(&net, c, "198.51.100.3", "0.0.0.0/0");
	net_peer(&net, d, "198.51.100.4", "10.0.0.0/8");
	net_peer(&net, off, "198.51.100.5", "0.0.0.0/0");
	off->table_off = true;
	net_compute(&net);
	ck_assert_str_eq(taker_for(a, "8.8.8.8"), "a");
	ck_assert_str_eq(taker_for(b, "8.8.8.8"), "b");
	ck_assert_str_eq(taker_for(c, "8.8.8.8"), "c");
	ck_assert_str_eq(taker_for(d, "8.8.8.8"), "a");
	ck_assert_str_eq(taker_for(off, "8.8.8.8"), "a");
	ck_assert_str_eq(taker_for(b, "10.1.1.1"), "d"); /* the longest one */
	set_unusable(pb, true); /* who stands by for others may also be stood in for */
	ck_assert_str_eq(taker_for(b, "8.8.8.8"), "a");
}
END_TEST

START_TEST(r3_the_last_peer_of_a_device_has_it)
{
	struct way_device *a = net_device(&net, "a");
	struct way_peer *first = net_peer(&net, a, "198.51.100.1", NULL),
			*second = net_peer(&net, a, "198.51.100.2", NULL);
	struct ip_prefix p = net_prefix("10.0.0.0/8");
	struct ip_addr dst = net_addr("10.0.0.1");

	ck_assert_int_eq(union_add(&net.table, &p, first), 0);
	ck_assert_int_eq(union_add(&net.table, &p, second), 0);
	ck_assert_ptr_eq(union_lookup(&net.table, &dst), second);
	union_remove_device(&net.table, a);
	ck_assert_ptr_null(union_lookup(&net.table, &dst));
}
END_TEST

static bool in_order(void *context, const struct union_node *node)
{
	size_t *entries = context;

	*entries += 1;
	for (const struct union_entry *e = node->first; e->next; e = e->next) {
		const struct way_device *a = e->peer->device, *b = e->next->peer->device;

		ck_assert(!a->table_off || b->table_off);
		ck_assert(a->table_off != b->table_off || a->rank < b->rank);
		*entries += 1;
	}
	return true;
}

/* Devices leave, change their metric and come back: every node's list stays in order. */
START_TEST(lists_stay_sorted)
{
	const struct ip_prefix prefixes[] = { net_prefix("10.0.0.0/8"),
		                              net_prefix("10.0.0.0/9"),
		                              net_prefix("10.64.0.0/10") };
	static char names[NET_DEVICES][8];
	uint64_t seed = unit_seed();
	size_t expected = 0, found;

	for (unsigned i = 0; i < NET_DEVICES; i++) {
		snprintf(names[i], sizeof(names[i]), "d%u", i);
		net_peer(&net, net_device(&net, names[i]), NULL, NULL);
	}
	way_rank(net.devices);
	for (unsigned round = 0; round < 500; round++) {
		struct way_device *d = &net.devices[unit_random(&seed) % NET_DEVICES];

		expected -= d->entries ? ARRAY_SIZE(prefixes) : 0;
		union_remove_device(&net.table, d);
		if (round % 3 == 0) {
			d->metric = (int32_t)(unit_random(&seed) % 8);
			d->table_off = unit_random(&seed) % 4 == 0;
			way_rank(net.devices);
			union_sort(&net.table);
		}
		for (size_t i = 0; i < ARRAY_SIZE(prefixes) && round % 4 != 0;
		     i++, expected++)
			ck_assert_int_eq(union_add(&net.table, &prefixes[i], d->peers),
			                 0);
		found = 0;
		union_walk(&net.table, in_order, &found);
		ck_assert_uint_eq(found, expected);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/union");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, r4_longest_prefix_wins_across_devices);
	tcase_add_test(tc, nobody_without_a_match);
	tcase_add_test(tc, r1_own_entries_do_not_capture);
	tcase_add_test(tc, a_fwmark_leads_past_default_routes);
	tcase_add_test(tc, r1_skips_to_the_next_longest);
	tcase_add_test(tc, r1_the_carriers_own_table_names_the_peer);
	tcase_add_test(tc, r13_a_carrier_at_the_very_endpoint_is_passed_over);
	tcase_add_test(tc, r1_carried_through_via_does_not_capture);
	tcase_add_test(tc, r1_only_the_peer_with_via_is_skipped);
	tcase_add_test(tc, table_off_carries_nobody_but_has_what_comes);
	tcase_add_test(tc, table_off_does_not_push_others_aside);
	tcase_add_test(tc, r3_standbys_capture_nothing);
	tcase_add_test(tc, r3_metric_then_name);
	tcase_add_test(tc, r3_only_those_with_a_metric_stand_by);
	tcase_add_test(tc, r3_nobody_travels_through_his_own_standby);
	tcase_add_loop_test(tc, r3_what_a_dead_device_carried_stays_there, 0, 2);
	tcase_add_test(tc, r3_only_default_routes_come_first);
	tcase_add_test(tc, r14_the_source_goes_first);
	tcase_add_test(tc, r3_the_last_peer_of_a_device_has_it);
	tcase_add_test(tc, lists_stay_sorted);
	return tc;
}
