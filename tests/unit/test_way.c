/* tests/unit/test_way.c - design R2, R3, R5, R7: ranks and ways */
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

static void expect(const struct way_peer *peer, enum way_state state, const char *way)
{
	char text[256];

	ck_assert_str_eq(way_format(peer, text, sizeof(text)), way);
	ck_assert_str_eq(way_state_name(peer->state), way_state_name(state));
}

START_TEST(r2_home_inside_vpn)
{
	struct way_peer *v =
		net_peer(&net, net_device(&net, "vpn"), "198.51.100.1", "0.0.0.0/0");
	struct way_peer *h =
		net_peer(&net, net_device(&net, "home"), "203.0.113.1", "192.168.1.0/24");

	net_compute(&net);
	expect(v, WAY_OK, "vpn > network");
	expect(h, WAY_OK, "home > vpn > network");
	ck_assert_uint_eq(v->hops, 1);
	ck_assert_uint_eq(h->hops, 2);
}
END_TEST

START_TEST(r2_loop_of_two_and_who_leads_into_it)
{
	struct way_peer *a =
		net_peer(&net, net_device(&net, "a"), "10.2.0.1", "10.1.0.0/16");
	struct way_peer *b =
		net_peer(&net, net_device(&net, "b"), "10.1.0.1", "10.2.0.0/16");
	struct way_peer *c =
		net_peer(&net, net_device(&net, "c"), "10.1.0.2", "10.3.0.0/16");
	struct way_peer *d =
		net_peer(&net, net_device(&net, "d"), "203.0.113.1", "10.4.0.0/16");

	net_compute(&net);
	expect(a, WAY_LOOP, "a > b > a ... (loop)");
	expect(b, WAY_LOOP, "b > a > b ... (loop)");
	expect(c, WAY_LOOP, "c > a > b > a ... (loop)");
	expect(d, WAY_OK, "d > network");
	ck_assert_int_eq(way_drop(a->state), DROP_LOOP);
}
END_TEST

/* The graph is over peers: a device may come twice, by different peers. */
START_TEST(r2_a_device_twice_is_no_loop)
{
	struct way_device *a = net_device(&net, "a");
	struct way_peer *a1 = net_peer(&net, a, "10.2.0.1", "10.1.0.0/16");

	net_peer(&net, a, "203.0.113.1", "10.9.0.0/16");
	net_peer(&net, net_device(&net, "b"), "10.9.0.1", "10.2.0.0/16");
	net_compute(&net);
	expect(a1, WAY_OK, "a > b > a > network");
}
END_TEST

START_TEST(r2_eight_peers_are_the_most)
{
	static const char *const names[] = { "a", "b", "c", "d", "e",
		                             "f", "g", "h", "i", "j" };
	struct way_peer *peers[ARRAY_SIZE(names)];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char endpoint[32], allowed[32];

		snprintf(endpoint, sizeof(endpoint), "10.%zu.0.1", i);
		snprintf(allowed, sizeof(allowed), "10.%zu.0.0/16", i + 1);
		peers[i] = net_peer(&net, net_device(&net, names[i]), endpoint, allowed);
	}
	net_compute(&net); /* j > i > ... > a > network */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_int_eq(peers[i]->state, i < WAY_MAX ? WAY_OK : WAY_TOO_LONG);
	expect(peers[8], WAY_TOO_LONG,
	       "i > h > g > f > e > d > c > b > a > network (too long)");
	ck_assert_int_eq(way_drop(WAY_TOO_LONG), DROP_WAY_TOO_LONG);
}
END_TEST

START_TEST(r3_a_device_before_its_carrier)
{
	struct way_device *a = net_device(&net, "a"), *b = net_device(&net, "b"),
			  *c = net_device(&net, "c"), *d = net_device(&net, "d");

	d->metric = 9;
	net_via(d, a); /* d's metric and name say: after a */
	net_peer(&net, c, NULL, NULL);
	c->peers->via = WAY_VIA_DEVICE;
	c->peers->via_device = b; /* a peer's Via counts as well */
	way_rank(net.devices);
	ck_assert_uint_eq(c->rank, 0);
	ck_assert_uint_eq(b->rank, 1);
	ck_assert_uint_eq(d->rank, 2);
	ck_assert_uint_eq(a->rank, 3);
}
END_TEST

START_TEST(r3_chain_of_two_full_tunnels_enters_at_its_inner_end)
{
	struct way_device *a = net_device(&net, "a"), *b = net_device(&net, "b");
	struct way_peer *pa = net_peer(&net, a, "198.51.100.1", "0.0.0.0/0");
	struct way_peer *pb = net_peer(&net, b, "198.51.100.2", "0.0.0.0/0");
	struct ip_addr anywhere = net_addr("8.8.8.8");

	net_via(b, a);
	net_compute(&net);
	expect(pb, WAY_OK, "b > a > network");
	expect(pa, WAY_OK, "a > network");
	ck_assert_ptr_eq(union_lookup(&net.table, &anywhere), pb);
}
END_TEST

START_TEST(r5_via_network_forbids_nesting)
{
	struct way_device *home = net_device(&net, "home");
	struct way_peer *h = net_peer(&net, home, "203.0.113.1", "192.168.1.0/24");

	net_peer(&net, net_device(&net, "vpn"), "198.51.100.1", "0.0.0.0/0");
	home->via = WAY_VIA_NETWORK;
	net_compute(&net);
	expect(h, WAY_OK, "home > network");
}
END_TEST

START_TEST(r5_via_beats_the_prefixes_and_table_off)
{
	struct way_device *home = net_device(&net, "home"),
			  *off = net_device(&net, "off"), *vpn = net_device(&net, "vpn");
	struct way_peer *h = net_peer(&net, home, "203.0.113.1", "192.168.1.0/24");

	net_peer(&net, off, "198.51.100.1", "0.0.0.0/0");
	net_peer(&net, vpn, "198.51.100.2", "203.0.113.0/24");
	off->table_off = true;
	net_via(home, off);
	net_compute(&net);
	expect(h, WAY_OK, "home > off > network");
}
END_TEST

START_TEST(r5_via_of_a_peer_beats_that_of_the_device)
{
	struct way_device *home = net_device(&net, "home"),
			  *vpn = net_device(&net, "vpn");
	struct way_peer *h1 = net_peer(&net, home, "203.0.113.1", "192.168.1.0/24");
	struct way_peer *h2 = net_peer(&net, home, "203.0.113.2", "192.168.2.0/24");

	net_peer(&net, vpn, "198.51.100.1", "0.0.0.0/0");
	net_via(home, vpn);
	h2->via = WAY_VIA_NETWORK;
	net_compute(&net);
	expect(h1, WAY_OK, "home > vpn > network");
	expect(h2, WAY_OK, "home > network");
}
END_TEST

START_TEST(r5_the_carriers_peer_that_has_the_endpoint)
{
	struct way_device *home = net_device(&net, "home"),
			  *vpn = net_device(&net, "vpn");
	struct way_peer *h = net_peer(&net, home, "203.0.113.1", "192.168.1.0/24");
	struct way_peer *v;

	net_peer(&net, vpn, "198.51.100.1", "203.0.0.0/16");
	v = net_peer(&net, vpn, "198.51.100.2", "203.0.113.0/24");
	net_via(home, vpn);
	net_compute(&net);
	ck_assert_ptr_eq(h->next, v);
	h->endpoint.addr = net_addr("9.9.9.9");
	net_compute(&net);
	expect(h, WAY_NO_CARRIER_PEER,
	       "home > ? (no peer of the carrier has the endpoint)");
	ck_assert_int_eq(way_drop(h->state), DROP_NO_CARRIER_PEER);
}
END_TEST

START_TEST(r5_a_cycle_of_via_is_found)
{
	struct way_device *a = net_device(&net, "a"), *b = net_device(&net, "b"),
			  *c = net_device(&net, "c"), *d = net_device(&net, "d");
	const struct way_device *on;

	net_via(a, b);
	net_peer(&net, b, NULL, NULL);
	b->peers->via = WAY_VIA_DEVICE;
	b->peers->via_device = c;
	net_via(d, a);
	ck_assert_ptr_null(way_via_cycle(net.devices));
	net_via(c, a);
	on = way_via_cycle(net.devices);
	ck_assert_ptr_nonnull(on);
	ck_assert_ptr_ne(on, d); /* leads into the cycle, is not on it */
	ck_assert_ptr_eq(a->via_next, b);
	ck_assert_ptr_eq(b->via_next, c);
	ck_assert_ptr_eq(c->via_next, a);
	net_via(c, c);
	on = way_via_cycle(net.devices);
	ck_assert_ptr_eq(on, c);
	ck_assert_ptr_eq(on->via_next, c);
	net_compute(&net); /* ends, whatever it says */
}
END_TEST

START_TEST(r7_the_carriers_address_of_the_endpoints_family)
{
	struct way_device *home = net_device(&net, "home"),
			  *vpn = net_device(&net, "vpn"),
			  *inner = net_device(&net, "inner");
	struct way_peer *h4 = net_peer(&net, home, "203.0.113.1", "192.168.1.0/24");
	struct way_peer *h6 = net_peer(&net, home, "2001:db8::1", "192.168.2.0/24");
	struct way_peer *i = net_peer(&net, inner, "192.168.2.1", "10.0.0.0/8");

	net_peer(&net, vpn, "198.51.100.1", "0.0.0.0/0 ::/0");
	vpn->address4 = net_addr("10.5.0.2");
	vpn->address6 = (struct ip_addr){ 0 };
	net_compute(&net);
	expect(h4, WAY_OK, "home > vpn > network");
	ck_assert(ip_addr_equal(way_source(h4), &vpn->address4));
	expect(h6, WAY_NO_CARRIER_ADDRESS,
	       "home > ? (the carrier has no Address of the family)");
	ck_assert_ptr_null(way_source(h6));
	expect(i, WAY_NO_CARRIER_ADDRESS,
	       "inner > home > ? (the carrier has no Address of the family)");
	ck_assert_int_eq(way_drop(i->state), DROP_NO_CARRIER_ADDRESS);
}
END_TEST

START_TEST(a_way_ends_where_the_endpoint_is_not_known)
{
	struct way_peer *v = net_peer(&net, net_device(&net, "vpn"), NULL, "0.0.0.0/0");
	struct way_peer *h =
		net_peer(&net, net_device(&net, "home"), "203.0.113.1", "192.168.1.0/24");

	net_compute(&net);
	expect(v, WAY_NO_ENDPOINT, "vpn > ? (no address)");
	expect(h, WAY_NO_ENDPOINT, "home > vpn > ? (no address)");
	ck_assert_ptr_eq(h->next, v);
	v->by_arrival = true; /* it has to call */
	expect(h, WAY_NO_ENDPOINT, "home > vpn > ? (waiting)");
	ck_assert_int_eq(way_drop(v->state), DROP_NO_ENDPOINT);
	ck_assert_int_eq(way_drop(WAY_OK), DROP_NONE);
}
END_TEST

START_TEST(text_is_cut_to_size)
{
	struct way_peer *v =
		net_peer(&net, net_device(&net, "vpn"), "203.0.113.1", "0.0.0.0/0");
	char text[8] = "xxxxxxx";

	net_compute(&net);
	ck_assert_str_eq(way_format(v, text, sizeof(text)), "vpn > n");
	ck_assert_str_eq(way_format(v, text, 1), "");
	way_format(v, text, 0);
}
END_TEST

/* ---- random topologies against a slow model: every rule by a scan over everything */

/* The longest prefix that holds dst, among those that `may` have it. */
static struct way_peer *
model_longest(const struct ip_addr *dst,
              bool (*may)(const struct net_prefix *, const void *), const void *context)
{
	struct net_prefix *best = NULL;

	for (size_t i = 0; i < net.peer_count; i++) {
		for (struct net_prefix *p = net.peers[i].prefixes; p; p = p->next) {
			if (ip_prefix_contains(&p->trie.prefix, dst) && may(p, context) &&
			    (!best || p->trie.prefix.len > best->trie.prefix.len))
				best = p;
		}
	}
	return best ? &best->peer->way : NULL;
}

static bool is_of_device(const struct net_prefix *p, const void *device)
{
	return p->peer->way.device == device;
}

/* The random networks say Via per device only, so it doesn't matter which peer of it. */
static bool model_carried(const struct way_peer *p, const struct way_device *d)
{
	const struct way_device *at = p->device;

	while (at && at->via == WAY_VIA_DEVICE && at->via_device != d)
		at = at->via_device;
	return at && at->via == WAY_VIA_DEVICE;
}

static bool is_active(const struct net_prefix *p)
{
	for (size_t i = 0; i < net.peer_count; i++) {
		for (struct net_prefix *q = net.peers[i].prefixes; q; q = q->next) {
			const struct way_device *a = p->peer->way.device,
						*b = q->peer->way.device;

			if (a != b && ip_prefix_equal(&p->trie.prefix, &q->trie.prefix) &&
			    (a->table_off > b->table_off ||
			     (a->table_off == b->table_off && b->rank < a->rank)))
				return false;
		}
	}
	return true;
}

/* R13: the device's cryptokey routing says which of its peers would carry. */
static bool is_at(const struct way_device *d, const struct endpoint *to)
{
	return endpoint_equal(&model_longest(&to->addr, is_of_device, d)->endpoint, to);
}

static bool may_carry(const struct net_prefix *p, const void *context)
{
	const struct way_peer *peer = &p->peer->way, *from = context;

	return is_active(p) && peer->device != from->device && !peer->device->table_off &&
	       !model_carried(peer, from->device) &&
	       !is_at(peer->device, &from->endpoint);
}

static struct way_peer *model_next(const struct way_peer *p, enum way_state *state)
{
	struct way_peer *next;

	*state = WAY_NO_ENDPOINT;
	if (p->endpoint.addr.family == IP_NONE)
		return NULL;
	*state = WAY_OK;
	if (p->device->via == WAY_VIA_NETWORK)
		return NULL;
	if (p->device->via == WAY_VIA_DEVICE) {
		next = model_longest(&p->endpoint.addr, is_of_device,
		                     p->device->via_device);
		*state = next ? WAY_OK : WAY_NO_CARRIER_PEER;
	} else {
		next = model_longest(&p->endpoint.addr, may_carry, p);
		if (next) /* and of its peers, the one that cryptokey routing says */
			next = model_longest(&p->endpoint.addr, is_of_device,
			                     next->device);
	}
	if (next && next->device->address4.family == IP_NONE)
		*state = WAY_NO_CARRIER_ADDRESS;
	return next;
}

static enum way_state model_state(const struct way_peer *p, unsigned *hops)
{
	enum way_state state;

	for (*hops = 1; *hops <= net.peer_count; *hops += 1) {
		p = model_next(p, &state);
		if (state != WAY_OK)
			return state;
		if (!p)
			return *hops > WAY_MAX ? WAY_TOO_LONG : WAY_OK;
	}
	return WAY_LOOP;
}

static void random_network(uint64_t *seed)
{
	static char names[16][8];
	unsigned devices = 2 + (unsigned)(unit_random(seed) % 14);

	for (unsigned i = 0; i < devices; i++) {
		struct way_device *d;

		snprintf(names[i], sizeof(names[i]), "d%u", i);
		d = net_device(&net, names[i]);
		d->metric = (int32_t)(unit_random(seed) % 3);
		d->table_off = unit_random(seed) % 8 == 0;
		if (unit_random(seed) % 8 == 0)
			d->address4 = (struct ip_addr){ 0 };
		if (i > 0 && unit_random(seed) % 4 == 0)
			net_via(d, &net.devices[unit_random(seed) % i]);
		else if (unit_random(seed) % 8 == 0)
			d->via = WAY_VIA_NETWORK;
	}
	for (unsigned i = 0; i < 3 * devices; i++) {
		struct way_device *d = &net.devices[unit_random(seed) % devices];
		struct way_peer *p = net_peer(&net, d, NULL, NULL);

		for (unsigned n = (unsigned)(unit_random(seed) % 4); n > 0; n--) {
			struct ip_addr addr = {
				IP_V4, { (uint8_t)(unit_random(seed) % 8 << 5) }
			};

			net_allow((struct net_peer *)p,
			          ip_prefix_mask((struct ip_prefix){
					  addr, (uint8_t)(unit_random(seed) % 4) }));
		}
		if (unit_random(seed) % 8 != 0)
			p->endpoint.addr = (struct ip_addr){
				IP_V4, { (uint8_t)(unit_random(seed) % 8 << 5), 1 }
			};
	}
}

START_TEST(random_networks_agree_with_the_model)
{
	uint64_t seed = unit_seed() + (uint64_t)_i;
	unsigned hops;

	random_network(&seed);
	net_compute(&net);
	for (size_t i = 0; i < net.peer_count; i++) {
		const struct way_peer *p = &net.peers[i].way;
		enum way_state state;
		struct way_peer *next = model_next(p, &state);

		ck_assert_msg(p->next == next, "round %d, peer %zu: next", _i, i);
		state = model_state(p, &hops);
		ck_assert_msg(p->state == state, "round %d, peer %zu: %s instead of %s",
		              _i, i, way_state_name(p->state), way_state_name(state));
		if (state == WAY_OK)
			ck_assert_uint_eq(p->hops, hops);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/way");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, r2_home_inside_vpn);
	tcase_add_test(tc, r2_loop_of_two_and_who_leads_into_it);
	tcase_add_test(tc, r2_a_device_twice_is_no_loop);
	tcase_add_test(tc, r2_eight_peers_are_the_most);
	tcase_add_test(tc, r3_a_device_before_its_carrier);
	tcase_add_test(tc, r3_chain_of_two_full_tunnels_enters_at_its_inner_end);
	tcase_add_test(tc, r5_via_network_forbids_nesting);
	tcase_add_test(tc, r5_via_beats_the_prefixes_and_table_off);
	tcase_add_test(tc, r5_via_of_a_peer_beats_that_of_the_device);
	tcase_add_test(tc, r5_the_carriers_peer_that_has_the_endpoint);
	tcase_add_test(tc, r5_a_cycle_of_via_is_found);
	tcase_add_test(tc, r7_the_carriers_address_of_the_endpoints_family);
	tcase_add_test(tc, a_way_ends_where_the_endpoint_is_not_known);
	tcase_add_test(tc, text_is_cut_to_size);
	tcase_add_loop_test(tc, random_networks_agree_with_the_model, 0, 200);
	return tc;
}
