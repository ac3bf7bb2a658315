/* tests/sim/test_random.c - random topologies, compared with the oracle
 *
 * A client has up to 8 devices, and each peer has its own server. Prefixes, Via, metrics
 * and families are random, so that tunnels are inside each other, several levels deep, or
 * in loops. Every packet that arrives must be intact and must have taken exactly the
 * oracle's chain, there and back. In a clean network every packet that has a chain must
 * arrive, and nothing may be dropped except what the oracle says. TUNION_SEED=SEED runs a
 * failing seed first.
 *
 * Some devices have a tun of their own (R14). What is sent into it must go to their peers,
 * and the answers must come out of it.
 * Some clients have a gate, too (R15). Then phones send packets through it, and these take
 * the same chains as those from the client's own tun; except what the client's host knows
 * a better way for, or no device has: it comes out of the tun.
 *
 * At the end the servers send what nobody has asked for, also in the names of others
 * (R12). */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bad_network.h"
#include "base/iphdr.h"
#include "callers.h"
#include "draw_plan.h"
#include "forgers.h"
#include "oracle.h"
#include "probe.h"
#include "unusable.h"
#include "world.h"

#define SEEDS         500
#define STANDBY_SEEDS 100
#define EVENTS_MAX    100000 /* for one seed; more is a storm */
#define SERVER_MAX    (PLAN_DEVICES * PLAN_PEERS)
#define ROUNDS        3
#define SERVER_PORT   51820
#define CLIENT_PORT   20000
#define GATE_PORT     21000
#define PHONE_MAX     3
#define PHONE_MTU     1408
#define OWN_MAX       8
#define PAYLOAD_MAX   1300 /* with its headers too big for most carriers: R10 */

struct random_case {
	uint64_t seed, state;
	struct world *w;
	struct plan plan;
	struct node *client, *servers[SERVER_MAX], *phones[PHONE_MAX];
	struct device *devices[PLAN_DEVICES];
	size_t server_count, phone_count;
	bool clean; /* the network never loses, doubles or reorders */
	uint16_t probes;
	unsigned rounds;                     /* of sending */
	struct chain chains[PROBE_MAX];      /* the chain predicted for each probe */
	bool by_gate[PROBE_MAX];             /* was the probe sent by a phone? */
	uint64_t predicted[CHAIN_PHONE + 1]; /* number of drops */
	/* how many of these a bad network may lose on their way from a phone */
	uint64_t uncertain[CHAIN_PHONE + 1];
	struct ip_prefix own[OWN_MAX]; /* networks of the client's host */
	size_t own_count;
	uint64_t for_host, to_host; /* packets of phones: expected and seen there */
	bool together;              /* phones reach each other */
	uint64_t for_phones, to_phones;
	struct forgers forgers;
	uint64_t late; /* datagrams that were taken for forged packets in a bad network */
};

/* ck_assert also reports what holds, and that takes longer than the test itself. */
#define check(c, condition)                                                              \
	do {                                                                             \
		if (!(condition))                                                        \
			ck_abort_msg("TUNION_SEED=%" PRIu64 ": %s", (c)->seed,           \
			             #condition);                                        \
	} while (0)

static size_t pick(struct random_case *c, size_t n)
{
	return unit_below(&c->state, n);
}

static bool chance(struct random_case *c, size_t percent)
{
	return pick(c, 100) < percent;
}

/* ---- building it */

static void build_server(struct random_case *c, size_t i)
{
	char public4[IP_ADDR_STRLEN], public6[IP_ADDR_STRLEN];
	struct ip_addr a4 = draw_public_of(IP_V4, i), a6 = draw_public_of(IP_V6, i);
	struct ip_addr lan4 = draw_lan_of(IP_V4, i), lan6 = draw_lan_of(IP_V6, i);
	/* The servers are not tested as carriers: what they carry is the host's
	 * business. */
	struct device_settings settings = { .mtu_bytes = 2000, .port = SERVER_PORT };

	c->servers[i] = world_node(c->w, ip_addr_format(&a4, public4),
	                           ip_addr_format(&a6, public6), true);
	node_own(c->servers[i], &lan4);
	node_own(c->servers[i], &lan6);
	(void)node_device(c->servers[i], "wg0", &settings);
}

static const char *via_name(const struct random_case *c, enum via_kind via, size_t device)
{
	return via == VIA_NAME ? c->plan.devices[device].name : NULL;
}

static void build_peer(struct random_case *c, size_t i, const struct plan_peer *from)
{
	struct node *server = c->servers[from->server];
	struct device *d = c->devices[i], *far = engine_first_device(server->engine);
	struct endpoint to = { .addr = from->endpoint, .port = SERVER_PORT };
	char text[ENDPOINT_STRLEN], prefix[IP_PREFIX_STRLEN];
	const char *via = via_name(c, from->via, from->via_device);
	struct wg_peer *near =
		world_peer(d, far, from->calls ? NULL : endpoint_format(&to, text));
	struct wg_peer *back =
		wg_device_find_peer(device_wg(far), wg_device_public_key(device_wg(d)));

	for (size_t k = 0; k < from->prefix_count; k++)
		peer_allow(near, ip_prefix_format(&from->prefixes[k], prefix));
	for (enum ip_family family = IP_V4; family <= IP_V6; family += IP_V6 - IP_V4) {
		struct ip_addr addr = draw_tunnel_of(family, i);
		struct ip_prefix whole = { addr, ip_addr_bits(&addr) };

		node_behind_tun(server, &addr);
		peer_allow(back, ip_prefix_format(&whole, prefix));
	}
	if (from->calls)
		callers_call(from, c->client, (uint16_t)(CLIENT_PORT + i), back);
	ck_assert_int_eq(device_set_peer_via(d, wg_peer_public_key(near),
	                                     draw_via_word(from->via), via),
	                 0);
}

static void build_device(struct random_case *c, size_t i)
{
	const struct plan_device *from = &c->plan.devices[i];
	struct ip_addr addresses[2];
	struct device_settings settings = {
		.addresses = addresses,
		.mtu_bytes = 1420,
		.port = (uint16_t)(CLIENT_PORT + i),
		.metric = from->metric,
		.has_metric = from->has_metric,
		.has_fwmark = from->has_fwmark,
		.table_off = from->table_off,
		.own_tun = from->own_tun,
		.via = draw_via_word(from->via),
		.via_name = via_name(c, from->via, from->via_device),
	};

	if (from->v4)
		addresses[settings.address_count++] = draw_tunnel_of(IP_V4, i);
	if (from->v6)
		addresses[settings.address_count++] = draw_tunnel_of(IP_V6, i);
	c->devices[i] = node_device(c->client, from->name, &settings);
	for (size_t p = 0; p < from->peer_count; p++)
		build_peer(c, i, &from->peers[p]);
}

static void build_phone(struct random_case *c, size_t i, struct device *gate)
{
	struct ip_addr public = draw_numbered(IP_V4, "203.0.113.%zu", NULL, i + 1);
	struct ip_addr addresses[] = { draw_phone_of(IP_V4, i), draw_phone_of(IP_V6, i) };
	struct device_settings settings = {
		.addresses = addresses,
		.address_count = 2,
		.mtu_bytes = PHONE_MTU,
		.port = CLIENT_PORT,
	};
	char text[IP_PREFIX_STRLEN];
	struct wg_peer *near, *back;
	struct device *d;

	c->phones[i] = world_node(c->w, ip_addr_format(&public, text), NULL, false);
	d = node_device(c->phones[i], "wg", &settings);
	near = world_peer(d, gate, "198.51.100.7:21000");
	peer_allow(near, "0.0.0.0/0");
	peer_allow(near, "::/0");
	back = wg_device_find_peer(device_wg(gate), wg_device_public_key(device_wg(d)));
	for (size_t k = 0; k < ARRAY_SIZE(addresses); k++) {
		struct ip_prefix whole = { addresses[k], ip_addr_bits(&addresses[k]) };

		peer_allow(back, ip_prefix_format(&whole, text));
	}
}

static void draw_own_networks(struct random_case *c)
{
	for (size_t n = pick(c, OWN_MAX); n > 0; n--) {
		enum ip_family family = chance(c, 50) ? IP_V4 : IP_V6;
		struct ip_addr lan = draw_lan_of(family, pick(c, c->server_count));
		size_t len = family == IP_V4 ? 10 + pick(c, 23) : 14 + pick(c, 115);

		c->own[c->own_count++] =
			ip_prefix_mask((struct ip_prefix){ lan, (uint8_t)len });
	}
	ck_assert_int_eq(
		engine_set_host_prefixes(c->client->engine, c->own, c->own_count), 0);
}

/* At the client this is a phone's packet for the host, and at a phone one of another
 * phone. */
static bool see_tun(struct node *node, const uint8_t *ip, size_t n)
{
	struct random_case *c = node->context;
	struct ip_view view;
	bool of_phone = false;

	if (node == c->client && forgers_see(&c->forgers, ip, n))
		return true;
	if (!ip_view_parse(&view, ip, n) || view.protocol != PROTO_UDP)
		return false; /* errors seem to come from the destination */
	for (size_t i = 0; i < c->phone_count; i++) {
		struct ip_addr addr = draw_phone_of(view.family, i);

		of_phone |= ip_addr_equal(&view.src, &addr);
	}
	if (of_phone)
		*(node == c->client ? &c->to_host : &c->to_phones) += 1;
	return of_phone;
}

static void build_gate(struct random_case *c)
{
	const struct device_settings settings = {
		.mtu_bytes = PHONE_MTU,
		.port = GATE_PORT,
		.gate = true,
		.isolate_off = c->together,
	};
	struct device *gate = node_device(c->client, "gate", &settings);

	for (size_t i = 0; i < c->phone_count; i++)
		build_phone(c, i, gate);
	draw_own_networks(c);
	for (size_t i = 0; i < c->phone_count; i++) {
		c->phones[i]->context = c;
		c->phones[i]->on_tun = see_tun;
	}
}

static void start_forgers(struct random_case *c)
{
	struct forgers *f = &c->forgers;

	f->plan = &c->plan;
	f->servers = c->servers;
	f->server_count = c->server_count;
	f->state = &c->state;
	f->phone_count = c->phone_count;
	forgers_allow(f);
	c->client->context = c;
	c->client->on_tun = c->client->on_own_tun = see_tun;
}

static struct random_case *case_new(uint64_t seed)
{
	struct random_case *c = calloc(1, sizeof(*c));

	ck_assert_ptr_nonnull(c);
	c->seed = c->state = seed;
	c->w = world_new(seed);
	c->clean = !bad_network_draw(&c->w->conditions, &c->state);
	draw_plan(&c->plan, &c->server_count, &c->state);
	if (c->clean)
		callers_draw(&c->plan, &c->state);
	c->client = world_node(c->w, "198.51.100.7", "2001:db8:ffff::7", false);
	for (size_t i = 0; i < c->server_count; i++)
		build_server(c, i);
	/* The order is arbitrary: Via may name devices that do not exist yet. */
	for (size_t i = c->plan.device_count; i-- > 0;)
		build_device(c, i);
	c->together = chance(c, 50);
	c->phone_count = chance(c, 40) ? 1 + pick(c, PHONE_MAX) : 0;
	if (c->phone_count > 0)
		build_gate(c);
	start_forgers(c);
	check(c, callers_run(&c->plan, c->servers, c->devices));
	return c;
}

static void case_free(struct random_case *c)
{
	world_free(c->w);
	free(c);
}

/* ---- sending */

/* A random device that has an Address of this family, or the given one. */
static size_t any_device_with(struct random_case *c, enum ip_family family, size_t device)
{
	size_t other = pick(c, c->plan.device_count);
	const struct plan_device *d = &c->plan.devices[other];

	return (family == IP_V4 ? d->v4 : d->v6) ? other : device;
}

/* Nothing is sent if the device that has the destination has no address to send from.
 * Sometimes the source address is another device's: design section 5. */
static bool send_probe(struct random_case *c, const struct ip_addr *dst)
{
	size_t device, from = NO_DEVICE, n = 8 + pick(c, PAYLOAD_MAX);
	const struct plan_device *d;
	struct chain chain;
	struct ip_addr src =
		sim_addr(dst->family == IP_V4 ? "192.0.2.1" : "2001:db8:aaaa::1");

	if (chance(c, 20))
		from = any_device_with(c, dst->family, NO_DEVICE);
	chain = oracle_chain(&c->plan, from, dst);
	device = chain.hops[0].device;
	d = &c->plan.devices[device];
	if (chain.n > 0) {
		if (!(dst->family == IP_V4 ? d->v4 : d->v6))
			return false;
		src = draw_tunnel_of(dst->family, from == NO_DEVICE ? device : from);
	}
	c->chains[c->probes] = chain;
	if (chain.end != CHAIN_NETWORK)
		c->predicted[chain.end]++;
	if (from == NO_DEVICE)
		node_probe(c->client, c->probes++, &src, dst, n, 0);
	else
		node_probe_translated(c->client, c->probes++, &src, dst, n);
	return true;
}

/* What goes into a tun of its own has the source that the host chooses for it. */
static void send_own_probe(struct random_case *c, size_t device,
                           const struct ip_addr *dst)
{
	const struct plan_device *d = &c->plan.devices[device];
	struct ip_addr src = draw_tunnel_of(dst->family, device);
	struct chain chain = oracle_chain_from(&c->plan, device, dst);

	if (!(dst->family == IP_V4 ? d->v4 : d->v6))
		return;
	c->chains[c->probes] = chain;
	if (chain.end != CHAIN_NETWORK)
		c->predicted[chain.end]++;
	node_probe_own(c->client, c->devices[device], c->probes++, &src, dst,
	               8 + pick(c, PAYLOAD_MAX));
}

static void send_into_own_tun(struct random_case *c, size_t device)
{
	node_batch_begin(c->client);
	for (size_t i = 0; i < c->server_count; i++) {
		for (enum ip_family f = IP_V4; f <= IP_V6; f += IP_V6 - IP_V4) {
			struct ip_addr lan = draw_lan_of(f, i),
				       public = draw_public_of(f, i);

			send_own_probe(c, device, &lan);
			send_own_probe(c, device, &public);
		}
	}
	node_batch_end(c->client);
}

static bool host_has(const struct random_case *c, const struct ip_addr *dst)
{
	int match = oracle_longest(&c->plan, dst);
	bool has = match < 0;

	for (size_t i = 0; i < c->own_count; i++)
		has |= ip_prefix_contains(&c->own[i], dst) && c->own[i].len >= match;
	return has;
}

static void send_phone_probe(struct random_case *c, size_t phone, size_t server)
{
	enum ip_family family = chance(c, 50) ? IP_V4 : IP_V6;
	struct ip_addr lan = draw_lan_of(family, server),
		       src = draw_phone_of(family, phone);
	struct chain chain = oracle_chain(&c->plan, NO_DEVICE, &lan);
	const struct plan_device *d = &c->plan.devices[chain.hops[0].device];

	/* a client's address is always translated, so the device must have one */
	if (host_has(c, &lan))
		chain.end = CHAIN_HOST;
	else if (chain.end == CHAIN_NETWORK && !(family == IP_V4 ? d->v4 : d->v6))
		chain.end = CHAIN_NO_ADDRESS;
	if (chain.end == CHAIN_HOST)
		c->for_host++;
	else if (chain.end != CHAIN_NETWORK)
		c->predicted[chain.end]++;
	c->uncertain[chain.end] += !c->clean;
	c->chains[c->probes] = chain;
	c->by_gate[c->probes] = true;
	node_probe_translated(c->phones[phone], c->probes++, &src, &lan,
	                      8 + pick(c, PAYLOAD_MAX));
}

/* In the first round, the gate doesn't know yet where the others are. */
static void send_to_phone(struct random_case *c, size_t from)
{
	enum ip_family family = chance(c, 50) ? IP_V4 : IP_V6;
	size_t other = pick(c, c->phone_count);
	struct ip_addr src = draw_phone_of(family, from),
		       dst = draw_phone_of(family, other);

	if (other == from || c->rounds == 0)
		return;
	if (c->together)
		c->for_phones++;
	else
		c->predicted[CHAIN_NO_ROUTE]++;
	c->uncertain[c->together ? CHAIN_PHONE : CHAIN_NO_ROUTE] += !c->clean;
	c->chains[c->probes] = (struct chain){ .end = CHAIN_PHONE };
	c->by_gate[c->probes] = true;
	node_probe_translated(c->phones[from], c->probes++, &src, &dst,
	                      8 + pick(c, PAYLOAD_MAX));
}

/* Sends a batch of a phone's to about half of the hosts, but to at least one, so that no
 * session of the phone reaches 180 s (see below). */
static void send_from_phone(struct random_case *c, size_t phone)
{
	node_batch_begin(c->phones[phone]);
	send_phone_probe(c, phone, pick(c, c->server_count));
	for (size_t i = 0; i < c->server_count; i++) {
		if (chance(c, 50))
			send_phone_probe(c, phone, i);
	}
	send_to_phone(c, phone);
	node_batch_end(c->phones[phone]);
}

/* Sends a mixed batch to every host there is, and to some of them several times. */
static void send_round(struct random_case *c)
{
	size_t room = BATCH_MAX;

	node_batch_begin(c->client);
	for (size_t i = 0; i < c->server_count; i++) {
		for (enum ip_family f = IP_V4; f <= IP_V6; f += IP_V6 - IP_V4) {
			struct ip_addr lan = draw_lan_of(f, i),
				       public = draw_public_of(f, i);

			for (size_t n = 1 + pick(c, 2); n > 0 && room > 1; n--) {
				room -= send_probe(c, &lan);
				room -= send_probe(c, &public);
			}
		}
	}
	node_batch_end(c->client);
	for (size_t i = 0; i < c->plan.device_count; i++) {
		if (c->plan.devices[i].own_tun)
			send_into_own_tun(c, i);
	}
	for (size_t i = 0; i < c->phone_count; i++)
		send_from_phone(c, i);
	c->rounds++;
}

/* ---- checking */

/* Node 0 is the client; server i is node i + 1. */
static struct trail servers_of(const struct random_case *c, const struct chain *chain,
                               bool outermost_first)
{
	struct trail t = { .n = chain->n };

	for (size_t i = 0; i < chain->n; i++) {
		const struct hop *h =
			&chain->hops[outermost_first ? chain->n - 1 - i : i];

		t.node[i] =
			(uint8_t)(1 + c->plan.devices[h->device].peers[h->peer].server);
	}
	return t;
}

/* In a bad network a peer may fail and a standby may take over for some time. The oracle
 * does not know about this. */
static bool took_over(const struct random_case *c)
{
	return c->client->failures > 0;
}

static void check_probe(struct random_case *c, uint16_t id, bool must_arrive)
{
	const struct probe *p = &c->w->probes[id];
	bool as_planned = must_arrive || !took_over(c);
	struct trail there = servers_of(c, &c->chains[id], true);
	struct trail back = servers_of(c, &c->chains[id], false);

	if (c->chains[id].end != CHAIN_NETWORK) {
		check(c, !as_planned || p->arrived == 0);
		return;
	}
	if (p->arrived > 0 && as_planned)
		check(c, p->there.n == there.n && trail_is_suffix(&p->there, &there));
	if (must_arrive)
		check(c, p->arrived == 1 && p->returned == 1);
	if (c->by_gate[id]) /* on the way to the phone the trail begins anew */
		return;
	/* An answer that had to wait for a handshake of a server on the way loses the
	 * beginning of its trail. */
	if (p->returned > 0 && as_planned)
		check(c, p->back.n > 0 && trail_is_suffix(&p->back, &back));
	if (must_arrive)
		check(c, p->back.n == back.n);
}

/* The client's uplink may only carry datagrams to the outermost servers of chains in use,
 * and to the phones. */
static void check_uplink(struct random_case *c)
{
	bool may[NODE_MAX] = { false };

	for (uint16_t id = 0; id < c->probes; id++) {
		struct trail t = servers_of(c, &c->chains[id], true);

		if (c->chains[id].end == CHAIN_NETWORK)
			may[t.node[0]] = true;
	}
	for (size_t i = 0; i < c->phone_count; i++)
		may[c->phones[i]->id] = true;
	callers_note(&c->plan, c->servers, may);
	for (size_t i = 0; i < c->w->node_count; i++)
		check(c, may[i] || took_over(c) || c->client->sent[i] == 0);
}

static void check_drops(struct random_case *c)
{
	static const enum chain_end ends[DROP_COUNT] = {
		[DROP_NO_ROUTE] = CHAIN_NO_ROUTE,
		[DROP_LOOP] = CHAIN_LOOP,
		[DROP_WAY_TOO_LONG] = CHAIN_TOO_LONG,
		[DROP_NO_CARRIER_PEER] = CHAIN_NO_CARRIER_PEER,
		[DROP_NO_CARRIER_ADDRESS] = CHAIN_NO_CARRIER_ADDRESS,
		[DROP_SOURCE] = CHAIN_NO_ADDRESS,
	};

	check(c, c->to_host <= c->for_host &&
	                 c->to_host + c->uncertain[CHAIN_HOST] >= c->for_host);
	check(c, c->to_phones <= c->for_phones &&
	                 c->to_phones + c->uncertain[CHAIN_PHONE] >= c->for_phones);
	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++) {
		uint64_t expected = c->forgers.dropped[reason] +
		                    (ends[reason] ? c->predicted[ends[reason]] : 0);
		uint64_t least =
			expected - (ends[reason] ? c->uncertain[ends[reason]] : 0);
		uint64_t dropped = node_drops(c->client, reason) -
		                   (reason == DROP_FORGED_SOURCE ? c->late : 0);
		bool excused =
			!c->clean && (bad_network_explains(reason) || took_over(c));

		if (!excused && (dropped < least || dropped > expected))
			ck_abort_msg("TUNION_SEED=%" PRIu64 ": %" PRIu64
			             " dropped: %s, not %" PRIu64,
			             c->seed, dropped, drop_name(reason), expected);
		for (size_t i = 0; i < c->server_count; i++)
			check(c, excused || node_drops(c->servers[i], reason) == 0);
	}
}

static void run(struct random_case *c, uint64_t seconds)
{
	check(c, world_run(c->w, c->w->now_ns + seconds * NS_PER_SEC, EVENTS_MAX));
}

/* Seeds of cases that are too rare to come by themselves. They have the numbers below 0. */
static const uint64_t rare[] = {
	296959105739245, /* a late datagram inside a carrier */
};

static uint64_t seed_of(int i)
{
	return i < 0 ? rare[-i - 1] : unit_seed() + (uint64_t)i;
}

START_TEST(every_packet_by_its_chain)
{
	struct random_case *c = case_new(seed_of(_i));
	uint64_t state;
	uint16_t first;

	for (int i = 0; i < ROUNDS; i++) {
		send_round(c);
		run(c, 1 + pick(c, 12));
	}
	/* In a good network everything works again. Handshakes that crossed may have left
	 * the ends without a common session; data detects this within 15 s, in a deep chain
	 * for one level after the other. A session older than 120 s is replaced, and none
	 * reaches 180 s, if every way is used: all rounds have the same packets. */
	c->w->conditions.jitter_us = 0;
	c->w->conditions.loss_permille = c->w->conditions.duplicate_permille = 0;
	run(c, 120);
	state = c->state;
	for (int i = 0; i < 2; i++, c->state = state) {
		send_round(c);
		run(c, 45);
	}
	check(c, bad_network_late(&c->plan, c->devices, c->chains, c->probes, &c->late) ||
	                 took_over(c));
	check(c, !c->clean || c->late == 0);
	first = c->probes;
	send_round(c);
	run(c, 10);
	check(c, !unusable_any(c->devices, c->plan.device_count));
	check(c, !c->clean || !took_over(c));
	forgers_send(&c->forgers, c->chains + first, c->probes - first);
	run(c, 2);
	check(c, forgers_all_right(&c->forgers));
	for (uint16_t id = 0; id < c->probes; id++)
		check_probe(c, id, c->clean || id >= first);
	check_uplink(c);
	check_drops(c);
	check(c, c->w->corrupt == 0);
	check(c, !c->clean || c->w->strays == 0);
	run(c, 900); /* the last keys are wiped, and nothing is pending */
	check(c, world_idle(c->w));
	case_free(c);
}
END_TEST

/* ---- servers that stop */

/* Is the way of the engine's packets to dst that of the oracle? */
static void check_way(struct random_case *c, const struct ip_addr *dst)
{
	struct chain chain = oracle_chain(&c->plan, NO_DEVICE, dst);
	const struct way_peer *list[2 * WAY_MAX],
		*way = union_lookup(engine_union(c->client->engine), dst);
	size_t n = way ? way_list(way, list, ARRAY_SIZE(list)) : 0;

	check(c, (chain.end == CHAIN_NO_ROUTE) == !way);
	if (!way || chain.end != CHAIN_NETWORK) {
		check(c, !way || way->state != WAY_OK);
		return;
	}
	check(c, way->state == WAY_OK && n == chain.n);
	for (size_t i = 0; i < n; i++) {
		const struct plan_device *d = &c->plan.devices[chain.hops[i].device];

		check(c, strcmp(list[i]->device->name, d->name) == 0);
		check(c, ip_addr_equal(&list[i]->endpoint.addr,
		                       &d->peers[chain.hops[i].peer].endpoint));
	}
}

/* Some servers stop. Whoever stands in then, all ways are those of the oracle. */
START_TEST(every_standby_as_the_oracle_says)
{
	struct random_case *c = case_new(unit_seed() + (uint64_t)_i);

	for (size_t i = 0; i < c->server_count; i++) {
		if (chance(c, 40))
			wg_device_stop(
				device_wg(engine_first_device(c->servers[i]->engine)));
	}
	for (int i = 0; i < 12; i++) {
		send_round(c);
		run(c, 4);
		ck_assert_int_eq(engine_settle(c->client->engine), 0);
		unusable_note(&c->plan, c->devices);
		for (size_t k = 0; k < c->server_count; k++) {
			struct ip_addr to[] = { draw_lan_of(IP_V4, k),
				                draw_lan_of(IP_V6, k),
				                draw_public_of(IP_V4, k),
				                draw_public_of(IP_V6, k) };

			for (size_t t = 0; t < ARRAY_SIZE(to); t++)
				check_way(c, &to[t]);
		}
	}
	case_free(c);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sim/random");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_packet_by_its_chain, -(int)ARRAY_SIZE(rare),
	                    (int)unit_number("TUNION_SIM_SEEDS", SEEDS));
	tcase_add_loop_test(tc, every_standby_as_the_oracle_says, 0,
	                    (int)unit_number("TUNION_SIM_SEEDS", STANDBY_SEEDS));
	return tc;
}
