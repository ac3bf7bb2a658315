/* tests/sim/test_scenes.c - what should happen in some networks that were thought out */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define SECOND NS_PER_SEC
#define MANY   200000 /* events: a storm */

/* A client with a device per server, as a table says it. */
struct scene_device {
	const char *name;
	const char *allowed[4]; /* of its one peer */
	const char *endpoint;   /* NULL: the server's IPv4 address */
	const char *via;        /* a device, or "network" */
	uint16_t keepalive_s;
};

struct scene {
	struct world *w;
	struct node *client, *server[NODE_DEVICES];
	struct device *device[NODE_DEVICES], *server_device[NODE_DEVICES];
	struct wg_peer *peer[NODE_DEVICES];
	struct ip_addr address4[NODE_DEVICES], address6[NODE_DEVICES]; /* the devices' */
	struct ip_addr lan4[NODE_DEVICES],
		lan6[NODE_DEVICES]; /* a host behind each server */
	size_t n;
	uint16_t next_probe;
};

static struct ip_addr address(const char *format, size_t i)
{
	char text[IP_ADDR_STRLEN];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, i);
#pragma GCC diagnostic pop
	return sim_addr(text);
}

static void add_server(struct scene *s, size_t i)
{
	char public4[IP_ADDR_STRLEN], public6[IP_ADDR_STRLEN];
	struct device_settings settings = { .mtu_bytes = 1420, .port = 51820 };

	snprintf(public4, sizeof(public4), "100.64.%zu.1", i);
	snprintf(public6, sizeof(public6), "2001:db8:%zu::1", i);
	s->server[i] = world_node(s->w, public4, public6, true);
	s->server_device[i] = node_device(s->server[i], "wg0", &settings);
	s->lan4[i] = address("172.16.%zu.9", i);
	s->lan6[i] = address("fd16:%zu::9", i);
	node_own(s->server[i], &s->lan4[i]);
	node_own(s->server[i], &s->lan6[i]);
}

static void add_device(struct scene *s, const struct scene_device *from)
{
	size_t i = s->n++;
	char endpoint[ENDPOINT_STRLEN], text[IP_PREFIX_STRLEN];
	struct ip_addr addresses[2] = { address("10.%zu.0.2", i),
		                        address("fd10:%zu::2", i) };
	struct device_settings settings = {
		.addresses = addresses,
		.address_count = 2,
		.mtu_bytes = 1420,
		.port = (uint16_t)(20000 + i),
		.via_name = from->via,
	};
	struct wg_peer *back;

	if (from->via)
		settings.via = strcmp(from->via, "network") == 0 ? WAY_VIA_NETWORK
		                                                 : WAY_VIA_DEVICE;
	add_server(s, i);
	s->address4[i] = addresses[0];
	s->address6[i] = addresses[1];
	s->device[i] = node_device(s->client, from->name, &settings);
	snprintf(endpoint, sizeof(endpoint), "100.64.%zu.1:51820", i);
	s->peer[i] = world_peer(s->device[i], s->server_device[i],
	                        from->endpoint ? from->endpoint : endpoint);
	for (size_t k = 0; k < ARRAY_SIZE(from->allowed) && from->allowed[k]; k++)
		peer_allow(s->peer[i], from->allowed[k]);
	back = wg_device_first_peer(device_wg(s->server_device[i]));
	for (size_t k = 0; k < 2; k++) {
		node_behind_tun(s->server[i], &addresses[k]);
		snprintf(text, sizeof(text), "%s/%d",
		         ip_addr_format(&addresses[k], endpoint),
		         ip_addr_bits(&addresses[k]));
		peer_allow(back, text);
	}
}

static void scene_start(struct scene *s, const struct scene_device *devices, size_t n)
{
	*s = (struct scene){ .w = world_new(unit_seed()) };
	s->client = world_node(s->w, "198.51.100.7", "2001:db8:c::7", false);
	for (size_t i = 0; i < n; i++)
		add_device(s, &devices[i]);
	for (size_t i = 0; i < n; i++)
		wg_peer_set_keepalive(s->peer[i], devices[i].keepalive_s, s->w->now_ns);
}

static void scene_end(struct scene *s)
{
	ck_assert_uint_eq(s->w->corrupt, 0);
	ck_assert_uint_eq(s->w->strays, 0);
	world_free(s->w);
}

static void run(struct scene *s, uint64_t ns)
{
	ck_assert_msg(world_run(s->w, s->w->now_ns + ns, MANY), "a packet storm");
}

/* From device i's address to dst. */
static uint16_t probe_from(struct scene *s, size_t i, const struct ip_addr *dst, size_t n)
{
	const struct ip_addr *src =
		dst->family == IP_V4 ? &s->address4[i] : &s->address6[i];

	node_probe(s->client, s->next_probe, src, dst, n, 0);
	return s->next_probe++;
}

/* The trail as text, "2>0>1". */
static const char *trail_text(const struct trail *t, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->n && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%u", i ? ">" : "",
		                      t->node[i]);
	return out;
}

static void check_trail(const struct trail *t, const char *expected)
{
	char text[100];

	ck_assert_str_eq(trail_text(t, text, sizeof(text)), expected);
}

/* There and back by these servers. Node 0 is the client; server i is node i + 1. */
static void check_way(struct scene *s, uint16_t probe, const char *there,
                      const char *back)
{
	const struct probe *p = &s->w->probes[probe];

	ck_assert_uint_eq(p->arrived, 1);
	ck_assert_uint_eq(p->returned, 1);
	check_trail(&p->there, there);
	check_trail(&p->back, back);
}

/* ---- */

static const struct scene_device vpn_and_home[] = {
	{ .name = "vpn", .allowed = { "0.0.0.0/0", "::/0" } },
	{ .name = "home", .allowed = { "172.16.1.0/24", "fd16:1::/64" } },
};

START_TEST(home_travels_inside_vpn)
{
	struct scene s;
	uint16_t to_home, to_home6, to_vpn;
	uint64_t direct;

	scene_start(&s, vpn_and_home, 2);
	to_home = probe_from(&s, 1, &s.lan4[1], 700);
	to_home6 = probe_from(&s, 1, &s.lan6[1], 700);
	to_vpn = probe_from(&s, 0, &s.lan4[0], 700);
	run(&s, SECOND);
	check_way(&s, to_home, "1>2", "2>1");
	check_way(&s, to_home6, "1>2", "2>1");
	check_way(&s, to_vpn, "1", "1");
	ck_assert_uint_gt(s.client->sent[1], 0);
	direct = s.client->sent[2];
	ck_assert_msg(direct == 0, "%u datagrams went to home directly",
	              (unsigned)direct);
	scene_end(&s);
}
END_TEST

/* ---- deep */

/* Device i carries device i + 1: the first is the outermost. */
static void scene_chain(struct scene *s, size_t levels)
{
	static const char *const names[] = { "l0", "l1", "l2", "l3", "l4",
		                             "l5", "l6", "l7", "l8" };
	static char endpoints[9][IP_PREFIX_STRLEN], lans[9][IP_PREFIX_STRLEN];
	struct scene_device devices[9] = { { .name = NULL } };

	for (size_t i = 0; i < levels; i++) {
		snprintf(endpoints[i], sizeof(endpoints[i]), "100.64.%zu.1/32", i + 1);
		snprintf(lans[i], sizeof(lans[i]), "172.16.%zu.0/24", i);
		devices[i] =
			(struct scene_device){ .name = names[i],
			                       .allowed = { lans[i], endpoints[i] } };
	}
	scene_start(s, devices, levels);
}

START_TEST(eight_levels)
{
	struct scene s;
	uint16_t id;

	scene_chain(&s, 8);
	id = probe_from(&s, 7, &s.lan4[7], 1300);
	run(&s, 4 * SECOND);
	check_way(&s, id, "1>2>3>4>5>6>7>8", "8>7>6>5>4>3>2>1");
	ck_assert_uint_ge(s.server[0]->fragments,
	                  2); /* R10: too big for the outer ones */
	for (size_t i = 2; i <= 8; i++)
		ck_assert_uint_eq(s.client->sent[i], 0);
	scene_end(&s);
}
END_TEST

START_TEST(nine_levels_are_too_many)
{
	struct scene s;
	uint16_t id;

	scene_chain(&s, 9);
	id = probe_from(&s, 8, &s.lan4[8], 100);
	run(&s, 4 * SECOND);
	ck_assert_uint_eq(s.w->probes[id].arrived, 0);
	ck_assert_uint_eq(node_drops(s.client, DROP_WAY_TOO_LONG), 1);
	ck_assert_uint_eq(s.client->icmp_errors, 1);
	id = probe_from(&s, 7, &s.lan4[7], 100);
	run(&s, 4 * SECOND);
	check_way(&s, id, "1>2>3>4>5>6>7>8", "8>7>6>5>4>3>2>1");
	scene_end(&s);
}
END_TEST

static const struct scene_device mixed[] = {
	{ .name = "v4", .allowed = { "::/0", "172.16.0.0/24" } },
	{ .name = "v6",
	  .allowed = { "fd16:1::/64", "100.64.2.1/32" },
	  .endpoint = "[2001:db8:1::1]:51820" },
	{ .name = "in", .allowed = { "172.16.2.0/24", "fd16:2::/64" } },
};

START_TEST(ipv4_inside_ipv6_inside_ipv4)
{
	struct scene s;
	uint16_t a, b;

	scene_start(&s, mixed, 3);
	a = probe_from(&s, 2, &s.lan4[2], 600);
	b = probe_from(&s, 2, &s.lan6[2], 600);
	run(&s, 2 * SECOND);
	check_way(&s, a, "1>2>3", "3>2>1");
	check_way(&s, b, "1>2>3", "3>2>1");
	ck_assert_uint_eq(s.client->sent[2] + s.client->sent[3], 0);
	scene_end(&s);
}
END_TEST

/* ---- R1, R2, R5 */

/* An endpoint inside the device's own prefixes leads nowhere but out. */
START_TEST(r1_own_endpoint_inside_own_prefix)
{
	static const struct scene_device devices[] = {
		{ .name = "a",
		  .allowed = { "0.0.0.0/1", "128.0.0.0/1", "100.64.0.1/32" } },
	};
	struct scene s;
	uint16_t id, to_endpoint;

	scene_start(&s, devices, 1);
	id = probe_from(&s, 0, &s.lan4[0], 100);
	to_endpoint = probe_from(&s, 0, &s.server[0]->public4, 100);
	run(&s, SECOND);
	check_way(&s, id, "1", "1");
	check_way(&s, to_endpoint, "1", "1");
	scene_end(&s);
}
END_TEST

static const struct scene_device loop[] = {
	{ .name = "a",
	  .allowed = { "172.16.0.0/24", "100.64.1.0/24" },
	  .keepalive_s = 25 },
	{ .name = "b", .allowed = { "172.16.1.0/24", "100.64.0.0/24" } },
	{ .name = "into", .allowed = { "172.16.2.0/24" }, .via = "a" },
	{ .name = "other", .allowed = { "172.16.3.0/24" } },
};

START_TEST(r2_a_loop_is_cut_counted_and_logged_once)
{
	struct scene s;
	struct drop_counts a, b, into;
	uint16_t id;

	scene_start(&s, loop, 4);
	for (int i = 0; i < 10; i++) {
		probe_from(&s, 0, &s.lan4[0], 100);
		probe_from(&s, 1, &s.lan4[1], 100);
		id = probe_from(&s, 3, &s.lan4[3], 100);
		run(&s, SECOND);
		check_way(&s, id, "4", "4");
	}
	device_drops(s.device[0], &a);
	device_drops(s.device[1], &b);
	device_drops(s.device[2], &into);
	/* a's keepalive asked for handshakes, from the start */
	ck_assert_uint_gt(a.by[DROP_LOOP], 10);
	ck_assert_uint_eq(b.by[DROP_LOOP], 10);
	ck_assert_uint_eq(into.by[DROP_LOOP], 0);
	ck_assert_uint_eq(s.client->sent[1] + s.client->sent[2], 0);
	ck_assert_uint_eq(s.client->icmp_errors, 20);
	ck_assert_uint_eq(s.client->log_count, 1);
	ck_assert_ptr_nonnull(strstr(s.client->log_lines[0], "b > a > b"));
	run(&s, 3600 * SECOND); /* it goes on trying, and says so now and then */
	ck_assert_uint_le(s.client->log_count, 7);
	scene_end(&s);
}
END_TEST

START_TEST(r2_who_leads_into_a_loop_is_cut_too)
{
	struct scene s;
	struct drop_counts into;

	scene_start(&s, loop, 4);
	wg_peer_remove_allowed_ip(s.peer[0], sim_prefix("100.64.1.0/24"));
	peer_allow(s.peer[0], "100.64.0.0/16"); /* b's endpoint, and into's */
	probe_from(&s, 2, &s.lan4[2], 100);
	run(&s, SECOND);
	device_drops(s.device[2], &into);
	ck_assert_uint_eq(into.by[DROP_LOOP], 1);
	ck_assert_uint_eq(s.client->log_count, 1);
	/* the line names the loop only */
	ck_assert_str_eq(s.client->log_lines[0],
	                 "routing loop, packets dropped: b > a > b ... (loop)");
	scene_end(&s);
}
END_TEST

/* A loop ends when an endpoint goes elsewhere, and what waited goes on. */
START_TEST(r2_a_loop_can_be_mended)
{
	struct scene s;
	uint16_t id;

	scene_start(&s, loop, 2);
	probe_from(&s, 0, &s.lan4[0], 100);
	run(&s, SECOND);
	wg_peer_remove_allowed_ip(s.peer[1], sim_prefix("100.64.0.0/24"));
	engine_touch(s.device[1]);
	id = probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, 6 * SECOND); /* a may not handshake again before 5 s */
	check_way(&s, id, "1>2", "2>1");
	scene_end(&s);
}
END_TEST

START_TEST(r3_two_full_tunnels_in_a_chain)
{
	static const struct scene_device devices[] = {
		{ .name = "a", .allowed = { "0.0.0.0/0" } },
		{ .name = "z", .allowed = { "0.0.0.0/0" }, .via = "a" },
	};
	struct scene s;
	uint16_t id;

	scene_start(&s, devices, 2);
	id = probe_from(&s, 1, &s.lan4[0], 100); /* enters at the inner end */
	run(&s, SECOND);
	check_way(&s, id, "1>2", "2>1");
	ck_assert_uint_eq(s.w->probes[id].final_node, 1);
	scene_end(&s);
}
END_TEST

START_TEST(r5_via_network_forbids_nesting)
{
	struct scene_device devices[2] = { vpn_and_home[0], vpn_and_home[1] };
	struct scene s;
	uint16_t id;

	devices[1].via = "network";
	scene_start(&s, devices, 2);
	id = probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	check_way(&s, id, "2", "2");
	ck_assert_uint_eq(s.client->sent[1], 0);
	scene_end(&s);
}
END_TEST

START_TEST(r5_via_of_a_peer)
{
	struct scene s;
	uint16_t id;
	const uint8_t *key;

	scene_start(&s, vpn_and_home, 2);
	key = wg_peer_public_key(s.peer[1]);
	ck_assert_int_eq(device_set_peer_via(s.device[1], key, WAY_VIA_NETWORK, NULL), 0);
	id = probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	check_way(&s, id, "2", "2");
	ck_assert_int_eq(device_set_peer_via(s.device[1], key, WAY_VIA_DEVICE, "vpn"), 0);
	id = probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	check_way(&s, id, "1>2", "2>1");
	ck_assert_int_eq(device_set_peer_via(s.device[1], key, WAY_VIA_DEVICE, "nobody"),
	                 0);
	probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	ck_assert_uint_eq(node_drops(s.client, DROP_NO_CARRIER_PEER), 1);
	scene_end(&s);
}
END_TEST

/* ---- R8 */

START_TEST(r8_home_moves_into_vpn_and_out_again)
{
	struct scene_device devices[2] = { vpn_and_home[0], vpn_and_home[1] };
	struct endpoint direct;
	struct scene s;
	uint16_t id;

	devices[0].allowed[0] = "203.0.113.0/24";
	devices[0].allowed[1] = NULL;
	scene_start(&s, devices, 2);
	direct = *wg_peer_endpoint(s.peer[1]);
	for (unsigned turn = 0; turn < 2; turn++) {
		probe_from(&s, 1, &s.lan4[1], 100);
		run(&s, SECOND);
		id = probe_from(&s, 1, &s.lan4[1], 100);
		run(&s, SECOND);
		check_way(&s, id, "2", "2");
		/* home has another address now, and says so: it sends something */
		node_move(s.server[1], "203.0.113.5");
		wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[1])),
		                      5, s.w->now_ns);
		run(&s, SECOND);
		id = probe_from(&s, 1, &s.lan4[1], 100);
		run(&s, SECOND);
		check_way(&s, id, "1>2", "2>1");
		ck_assert_uint_eq(peer_way(s.peer[1])->hops, 2);
		ck_assert_uint_eq(s.client->endpoint_changes, turn + 1);
		/* back again; this the client has from its DNS */
		wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[1])),
		                      0, s.w->now_ns);
		node_move(s.server[1], "100.64.1.1");
		wg_peer_set_endpoint(s.peer[1], &direct);
		engine_touch(s.device[1]);
	}
	scene_end(&s);
}
END_TEST

/* vpn's endpoint goes where only home leads, and home lies in vpn: a loop, by roaming. */
START_TEST(r8_roaming_into_a_loop)
{
	struct scene s;

	scene_start(&s, vpn_and_home, 2);
	probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	node_move(s.server[0], "172.16.1.50");
	wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[0])), 5,
	                      s.w->now_ns);
	run(&s, SECOND);
	probe_from(&s, 1, &s.lan4[1], 100);
	ck_assert_str_eq(way_state_name(peer_way(s.peer[0])->state), "loop");
	ck_assert_str_eq(way_state_name(peer_way(s.peer[1])->state), "loop");
	ck_assert_uint_eq(node_drops(s.client, DROP_LOOP), 1);
	scene_end(&s);
}
END_TEST

/* A peer that roams into a carrier fares as this one does. */
START_TEST(r8_roaming_into_a_way_without_end)
{
	struct endpoint none = { .port = 0 };
	struct scene s;

	scene_start(&s, vpn_and_home, 2);
	probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	wg_peer_set_endpoint(s.peer[0], &none);
	engine_touch(s.device[0]);
	ck_assert_int_eq(engine_settle(s.client->engine, s.w->now_ns), 0);
	ck_assert_str_eq(way_state_name(peer_way(s.peer[1])->state), "no-endpoint");
	/* home's server says that it has moved, to the client directly */
	node_move(s.server[1], "100.64.9.1");
	wg_peer_set_endpoint(
		wg_device_first_peer(device_wg(s.server_device[1])),
		&(struct endpoint){ .addr = s.client->public4, .port = 20001 });
	wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[1])), 5,
	                      s.w->now_ns);
	run(&s, SECOND);
	ck_assert(ip_addr_equal(&peer_way(s.peer[1])->endpoint.addr,
	                        &s.server[1]->public4));
	ck_assert_str_eq(way_state_name(peer_way(s.peer[1])->state), "no-endpoint");
	scene_end(&s);
}
END_TEST

START_TEST(r8_the_client_moves)
{
	struct scene s;
	uint16_t id;

	scene_start(&s, vpn_and_home, 2);
	for (int i = 0; i < 4; i++) {
		probe_from(&s, 1, &s.lan4[1], 100);
		probe_from(&s, 0, &s.lan4[0], 100);
		run(&s, SECOND);
		node_move(s.client, i % 2 ? "198.51.100.7" : "198.51.100.99");
		id = probe_from(&s, 1, &s.lan4[1], 100);
		run(&s, SECOND);
		check_way(&s, id, "1>2", "2>1");
	}
	scene_end(&s);
}
END_TEST

/* vpn goes: home leaves directly. vpn comes back: inside again. */
START_TEST(devices_come_and_go)
{
	struct scene s;
	uint16_t id;

	scene_start(&s, vpn_and_home, 2);
	id = probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	check_way(&s, id, "1>2", "2>1");
	engine_remove_device(s.client->engine, s.device[0]);
	s.client->udp[0].port = 0;
	id = probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	check_way(&s, id, "2", "2");
	probe_from(&s, 0, &s.lan4[0], 100);
	ck_assert_uint_eq(node_drops(s.client, DROP_NO_ROUTE), 1);
	ck_assert_uint_eq(s.client->icmp_errors, 1);
	scene_end(&s);
}
END_TEST

/* ---- R9 */

static const struct {
	uint8_t tos;
	bool marked;
	uint8_t there;
} ecn[] = {
	{ 0x00, false, 0x00 }, { 0x02, false, 0x02 }, { 0x01, false, 0x01 },
	{ 0x03, false, 0x03 }, { 0xba, false, 0xba }, /* DSCP stays as it was, inside */
	{ 0x02, true, 0x03 },  { 0x01, true, 0x03 },  { 0xba, true, 0xbb },
	{ 0x00, true, 0x00 }, /* not ECT: nothing to mark */
};

/* A mark that home's server's datagram got between the servers comes out of home at the
 * client: the carrier hands on the TOS of the packet that it carried. */
START_TEST(r9_ce_inside_a_carrier)
{
	struct ip_addr *src, *dst;
	struct scene s;
	uint16_t id;

	scene_start(&s, vpn_and_home, 2);
	probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	s.w->ce_marks = true;
	s.w->ce_from = s.server[1];
	s.w->ce_to = s.server[0];
	src = _i ? &s.address6[1] : &s.address4[1];
	dst = _i ? &s.lan6[1] : &s.lan4[1];
	id = s.next_probe++;
	node_probe(s.client, id, src, dst, 100, 0x02);
	run(&s, SECOND);
	check_way(&s, id, "1>2", "2>1");
	ck_assert_uint_eq(s.w->probes[id].tos_there, 0x02);
	ck_assert_uint_eq(s.w->probes[id].tos_back, 0x03);
	scene_end(&s);
}
END_TEST

START_TEST(r9_ecn_through_two_levels)
{
	struct scene s;
	uint16_t id4, id6;

	scene_start(&s, vpn_and_home, 2);
	probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, SECOND);
	s.w->ce_marks = ecn[_i].marked;
	id4 = s.next_probe++;
	node_probe(s.client, id4, &s.address4[1], &s.lan4[1], 100, ecn[_i].tos);
	id6 = s.next_probe++;
	node_probe(s.client, id6, &s.address6[1], &s.lan6[1], 100, ecn[_i].tos);
	run(&s, SECOND);
	check_way(&s, id4, "1>2", "2>1");
	ck_assert_uint_eq(s.w->probes[id4].tos_there, ecn[_i].there);
	ck_assert_uint_eq(s.w->probes[id6].tos_there, ecn[_i].there);
	scene_end(&s);
}
END_TEST

/* ---- time */

/* Three hours of a packet every 7 s, nested: sessions change under way, and none is lost.
 */
START_TEST(rekeying_for_hours)
{
	struct scene s;
	uint64_t handshakes = 0, last = 0;

	scene_start(&s, vpn_and_home, 2);
	for (int i = 0; i < 3 * 3600 / 7; i++) {
		uint16_t id = probe_from(&s, 1, &s.lan4[1], 100);
		struct wg_peer_stats stats;

		run(&s, 7 * SECOND);
		check_way(&s, id, "1>2", "2>1");
		wg_peer_stats(s.peer[1], &stats, s.w->now_ns);
		ck_assert(stats.session);
		handshakes += stats.last_handshake_ns != last;
		last = stats.last_handshake_ns;
	}
	ck_assert_uint_ge(handshakes, 3 * 3600 / 130);
	ck_assert_uint_le(handshakes, 3 * 3600 / 115);
	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++)
		ck_assert_uint_eq(node_drops(s.client, reason), 0);
	run(&s, 900 * SECOND);
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
		run(&s, SECOND / 9);
		wg_peer_set_keepalive(s.peer[i], 25, s.w->now_ns);
	}
	run(&s, 60 * SECOND);
	before = s.client->bursts;
	run(&s, 3600 * SECOND);
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

	scene_start(&s, vpn_and_home, 2);
	ck_assert(world_idle(s.w)); /* configured, never used */
	probe_from(&s, 1, &s.lan4[1], 100);
	run(&s, 900 * SECOND);
	ck_assert(world_idle(s.w));
	wakeups = s.client->wakeups;
	handled = s.w->handled;
	run(&s, 24 * 3600 * SECOND);
	ck_assert_uint_eq(s.client->wakeups, wakeups);
	ck_assert_uint_eq(s.w->handled, handled);
	scene_end(&s);
}
END_TEST

/* ---- R3 */

static const struct scene_device two_full_tunnels[] = {
	{ .name = "a", .allowed = { "0.0.0.0/0" } },
	{ .name = "b", .allowed = { "0.0.0.0/0" } },
	{ .name = "inner", .allowed = { "172.16.2.0/24" } },
};

/* A probe each second until one comes back by that way; returns how many seconds that
 * took. */
static unsigned seconds_until(struct scene *s, const struct ip_addr *dst,
                              const char *there, unsigned limit)
{
	char text[100];

	for (unsigned i = 0; i < limit; i++) {
		uint16_t probe = probe_from(s, 0, dst, 200);
		const struct probe *p = &s->w->probes[probe];

		run(s, SECOND);
		if (p->returned &&
		    strcmp(trail_text(&p->there, text, sizeof(text)), there) == 0)
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

/* _i: seconds for which the session has been used before its server stops. */
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
	run(&s, 300 * SECOND);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[1], "2", 60), 0);
	start_server(&s, 0);
	ck_assert_uint_lt(seconds_until(&s, &s.lan4[0], "1", 60), 20);
	ck_assert_uint_eq(seconds_until(&s, &s.lan4[2], "1>3", 60), 0);
	scene_end(&s);
}
END_TEST

/* Nobody stands in for it, so nothing is tried but what packets ask for. */
START_TEST(a_vanished_client_is_given_up)
{
	struct scene s;
	struct craft c;

	scene_start(&s, vpn_and_home, 1);
	probe_from(&s, 0, &s.lan4[0], 100);
	run(&s, SECOND);
	wg_device_stop(device_wg(s.device[0]));
	for (int i = 0; i < 60; i++) {
		craft_udp(&c, "172.16.0.9", 9, "10.0.0.2", 9, "are you there?", 14);
		node_inject(s.server[0], &c);
		run(&s, SECOND);
	}
	ck_assert_uint_eq(s.server[0]->failures, 1);
	run(&s, 900 * SECOND);
	ck_assert(world_idle(s.w));
	scene_end(&s);
}
END_TEST

/* _i: 1: there was a session before. */
START_TEST(who_owes_an_answer_is_complained_of_again_and_again)
{
	struct scene s;
	size_t complaints;

	scene_start(&s, two_full_tunnels, 1);
	for (int i = 0; i < 60 * _i; i++) {
		probe_from(&s, 0, &s.lan4[0], 100);
		run(&s, SECOND);
	}
	ck_assert_uint_eq(s.client->complaints, 0);
	stop_server(&s, 0);
	for (int i = 0; i < (_i ? 17 : 7); i++) {
		probe_from(&s, 0, &s.lan4[0], 100);
		run(&s, SECOND);
	}
	ck_assert_uint_ge(s.client->complaints, 1);
	complaints = s.client->complaints;
	for (int i = 0; i < 60; i++) {
		probe_from(&s, 0, &s.lan4[0], 100);
		run(&s, SECOND);
	}
	ck_assert_uint_ge(s.client->complaints, complaints + 9);
	ck_assert_uint_le(s.client->complaints, complaints + 13);
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
	TCase *tc = tcase_create("sim/scenes");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, home_travels_inside_vpn);
	tcase_add_test(tc, eight_levels);
	tcase_add_test(tc, nine_levels_are_too_many);
	tcase_add_test(tc, ipv4_inside_ipv6_inside_ipv4);
	tcase_add_test(tc, r1_own_endpoint_inside_own_prefix);
	tcase_add_test(tc, r2_a_loop_is_cut_counted_and_logged_once);
	tcase_add_test(tc, r2_who_leads_into_a_loop_is_cut_too);
	tcase_add_test(tc, r2_a_loop_can_be_mended);
	tcase_add_test(tc, r3_two_full_tunnels_in_a_chain);
	tcase_add_test(tc, r5_via_network_forbids_nesting);
	tcase_add_test(tc, r5_via_of_a_peer);
	tcase_add_test(tc, r8_home_moves_into_vpn_and_out_again);
	tcase_add_test(tc, r8_roaming_into_a_loop);
	tcase_add_test(tc, r8_roaming_into_a_way_without_end);
	tcase_add_test(tc, r8_the_client_moves);
	tcase_add_test(tc, devices_come_and_go);
	tcase_add_loop_test(tc, r9_ecn_through_two_levels, 0, (int)ARRAY_SIZE(ecn));
	tcase_add_loop_test(tc, r9_ce_inside_a_carrier, 0, 2);
	tcase_add_test(tc, rekeying_for_hours);
	tcase_add_test(tc, keepalives_of_all_devices_go_together);
	tcase_add_test(tc, idle_costs_nothing);
	tcase_add_loop_test(tc, a_standby_takes_over_and_gives_back, 0, 3);
	tcase_add_test(tc, a_vanished_client_is_given_up);
	tcase_add_loop_test(tc, who_owes_an_answer_is_complained_of_again_and_again, 0,
	                    2);
	tcase_add_test(tc, without_a_standby_a_dead_tunnel_still_captures);
	return tc;
}
