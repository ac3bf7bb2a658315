/* tests/sim/world.c */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aead_turn.h"
#include "craft.h"
#include "ipbytes.h"
#include "nat.h"
#include "network.h"
#include "probe.h"
#include "unit.h"

#define WALL_START_NS (UINT64_C(1700000000) * NS_PER_SEC)
#define BATCH_EVENTS  16

/* ---- small things */

struct ip_addr sim_addr(const char *text)
{
	struct ip_addr addr;

	must(ip_addr_parse(&addr, text));
	return addr;
}

struct ip_prefix sim_prefix(const char *text)
{
	char addr[IP_ADDR_STRLEN];
	const char *slash = strchr(text, '/');

	must(slash);
	snprintf(addr, sizeof(addr), "%.*s", (int)(slash - text), text);
	return ip_prefix_mask((struct ip_prefix){
		sim_addr(addr), (uint8_t)strtoul(slash + 1, NULL, 10) });
}

static void fill_random(void *context, void *bytes, size_t n)
{
	struct node *node = context;
	uint8_t *at = bytes;

	while (n > 0) {
		uint64_t word = unit_random(&node->random);
		size_t some = n < sizeof(word) ? n : sizeof(word);

		memcpy(at, &word, some);
		at += some;
		n -= some;
	}
}

static uint64_t wall_clock(void *context)
{
	const struct node *node = context;

	return WALL_START_NS + node->world->now_ns;
}

static void count_change(void *context, struct device *device, struct wg_peer *peer)
{
	struct node *node = context;

	(void)device;
	(void)peer;
	node->endpoint_changes++;
}

static void count_complaint(void *context, struct device *device, struct wg_peer *peer,
                            const struct endpoint *tried)
{
	struct node *node = context;

	(void)device;
	(void)peer;
	node->complaints++;
	node->complained_of = *tried;
}

static void keep_line(void *context, enum log_level level, const char *line)
{
	struct node *node = context;

	node->failures += strstr(line, "does not answer") != NULL;
	if (level > LOG_LEVEL_WARN)
		return;
	if (node->log_count < SIM_LOG_LINES)
		snprintf(node->log_lines[node->log_count], sizeof(node->log_lines[0]),
		         "%s", line);
	node->log_count++;
}

/* ---- the network */

static size_t udp_send(struct udp_link *link, const struct endpoint *to,
                       struct packet *const *packets, size_t n)
{
	struct node_udp *udp = CONTAINER_OF(link, struct node_udp, link);
	struct node *node = udp->node;
	const struct ip_addr *own =
		to->addr.family == IP_V4 ? &node->public4 : &node->public6;
	char src[IP_ADDR_STRLEN], dst[IP_ADDR_STRLEN];
	struct node *owner = network_owner(node->world, &to->addr);

	if (own->family == IP_NONE)
		return 0;
	if (to->local.family != IP_NONE && network_is_local(node, &to->local))
		own = &to->local;
	if (node->bursts == 0 || node->world->now_ns - node->last_burst_ns >= NS_PER_SEC)
		node->bursts++;
	node->last_burst_ns = node->world->now_ns;
	node->sends++;
	ip_addr_format(own, src);
	ip_addr_format(&to->addr, dst);
	for (size_t i = 0; i < n; i++) {
		struct craft c;

		if (node->on_udp && node->on_udp(node, to, packets[i]))
			continue;

		craft_udp(&c, src, udp->port, dst, to->port, packets[i]->data,
		          packets[i]->len_bytes);
		craft_set_tos(&c, packets[i]->tos);
		if (owner)
			node->sent[owner->id]++;
		network_route(node, &node->world->udp_trail, c.packet.data,
		              c.packet.len_bytes);
	}
	return n;
}

/* ---- tuns */

static bool is_icmp_error(const uint8_t *ip)
{
	return ip[0] >> 4 == 6 ? ip[6] == 58 && ip[40] < 128
	                       : ip[9] == 1 && ip[20] != 0 && ip[20] != 8;
}

static void from_tun(struct node *node, uint8_t *ip, size_t n)
{
	struct trail trail = node->world->tun_trail;

	if (!craft_valid(ip, n))
		node->world->corrupt++;
	if (is_icmp_error(ip)) {
		node->icmp_errors++;
		return;
	}
	if (!node->server) {
		probe_input(node, ip, n);
		return;
	}
	if (trail.n < TRAIL_MAX)
		trail.node[trail.n++] = node->id;
	network_route(node, &trail, ip, n);
}

static size_t tun_write(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct node *node = CONTAINER_OF(link, struct node, tun);
	uint8_t whole[CRAFT_MAX_BYTES];
	size_t bytes;

	for (size_t i = 0; i < n; i++) {
		if (node->on_tun &&
		    node->on_tun(node, packets[i]->data, packets[i]->len_bytes))
			continue;
		if (!defrag_is_fragment(packets[i]->data)) {
			from_tun(node, packets[i]->data, packets[i]->len_bytes);
			continue;
		}
		node->fragments++;
		bytes = defrag_add(&node->defrag, packets[i]->data, packets[i]->len_bytes,
		                   whole);
		if (bytes > 0)
			from_tun(node, whole, bytes);
	}
	return n;
}

static size_t own_tun_write(struct tun_link *link, struct packet *const *packets,
                            size_t n)
{
	struct node_tun *tun = CONTAINER_OF(link, struct node_tun, link);

	tun->node->world->out_of = tun->device;
	for (size_t i = 0; i < n; i++) {
		if (!tun->node->on_own_tun ||
		    !tun->node->on_own_tun(tun->node, packets[i]->data,
		                           packets[i]->len_bytes))
			from_tun(tun->node, packets[i]->data, packets[i]->len_bytes);
	}
	tun->node->world->out_of = NULL;
	return n;
}

/* ---- making */

struct world *world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	must(w);
	w->seed = w->random = seed;
	w->now_ns = NS_PER_SEC * (1 + unit_random(&w->random) % 1000000);
	w->conditions.delay_us = 10000;
	return w;
}

void world_free(struct world *w)
{
	events_clear(&w->queue);
	for (size_t i = 0; i < w->node_count; i++)
		engine_free(w->nodes[i].engine);
	free(w);
}

void node_local(struct node *node, const struct ip_addr *addr)
{
	must(node->local_count < ARRAY_SIZE(node->local));
	node->local[node->local_count++] = *addr;
}

void node_own(struct node *node, const struct ip_addr *addr)
{
	struct world *w = node->world;

	must(w->owner_count < OWNER_MAX);
	w->owners[w->owner_count++] = (struct owner){ *addr, node };
	node_local(node, addr);
}

void node_behind_tun(struct node *node, const struct ip_addr *addr)
{
	must(node->behind_count < ARRAY_SIZE(node->behind_tun));
	node->behind_tun[node->behind_count++] = *addr;
}

static void disown(struct node *node, const struct ip_addr *addr)
{
	struct world *w = node->world;

	for (size_t i = 0; i < w->owner_count; i++) {
		if (ip_addr_equal(&w->owners[i].addr, addr))
			w->owners[i] = w->owners[--w->owner_count];
	}
	for (size_t i = 0; i < node->local_count; i++) {
		if (ip_addr_equal(&node->local[i], addr))
			node->local[i] = node->local[--node->local_count];
	}
}

void node_move(struct node *node, const char *text)
{
	struct ip_addr addr = sim_addr(text);
	struct ip_addr *own = addr.family == IP_V4 ? &node->public4 : &node->public6;

	if (own->family != IP_NONE)
		disown(node, own);
	*own = addr;
	node_own(node, own);
}

struct node *world_node(struct world *w, const char *public4, const char *public6,
                        bool server)
{
	struct node *node = &w->nodes[w->node_count];
	struct engine_env env = {
		.rng = { fill_random, node },
		.aead = aead_turn(w->seed + w->node_count),
		.log = &node->log,
		.wall_clock_ns = wall_clock,
		.endpoint_changed = count_change,
		.unanswered = count_complaint,
		.context = node,
	};

	must(w->node_count < NODE_MAX);
	node->world = w;
	node->id = (uint8_t)w->node_count++;
	node->random = unit_random(&w->random);
	node->server = server;
	node->tun.write = tun_write;
	node->log = (struct log){ LOG_LEVEL_INFO, keep_line, node };
	if (public4)
		node_move(node, public4);
	if (public6)
		node_move(node, public6);
	must(engine_new(&node->engine, &env) == 0);
	engine_set_tun(node->engine, &node->tun);
	return node;
}

struct device *node_device(struct node *node, const char *name,
                           const struct device_settings *settings)
{
	struct node_udp *udp = &node->udp[node->udp_count];
	struct node_tun *tun = &node->own_tuns[node->udp_count];
	uint8_t key[KEY_BYTES];
	struct device *d;

	must(node->udp_count++ < NODE_DEVICES);
	must(engine_add_device(node->engine, name, &d) == 0);
	must(device_set(d, settings) == 0);
	*udp = (struct node_udp){ { udp_send }, node, d, settings->port };
	device_set_udp(d, &udp->link);
	*tun = (struct node_tun){ { own_tun_write }, node, d };
	device_set_tun(d, &tun->link);
	fill_random(node, key, sizeof(key));
	wg_device_set_private_key(device_wg(d), key);
	for (size_t i = 0; i < settings->address_count; i++)
		node_local(node, &settings->addresses[i]);
	wg_device_start(device_wg(d), node->world->now_ns);
	engine_touch(d);
	return d;
}

struct wg_peer *world_peer(struct device *a, struct device *b, const char *endpoint_of_b)
{
	struct wg_peer *pa, *pb;
	struct endpoint to;

	ck_assert_int_eq(
		wg_device_add_peer(device_wg(a), wg_device_public_key(device_wg(b)), &pa),
		0);
	ck_assert_int_eq(
		wg_device_add_peer(device_wg(b), wg_device_public_key(device_wg(a)), &pb),
		0);
	if (endpoint_of_b) {
		must(endpoint_parse(&to, endpoint_of_b));
		wg_peer_set_endpoint(pa, &to);
	}
	engine_touch(a);
	engine_touch(b);
	return pa;
}

void peer_allow(struct wg_peer *p, const char *prefix)
{
	must(wg_peer_add_allowed_ip(p, sim_prefix(prefix)) == 0);
	engine_touch(wg_device_context(wg_peer_device(p)));
}

/* ---- running */

void node_inject(struct node *node, const struct craft *c)
{
	struct trail none = { .n = 0 };

	events_add(&node->world->queue, node->world->now_ns, EVENT_TUN, node, &none,
	           c->packet.data, c->packet.len_bytes);
}

static struct node_udp *udp_at(struct node *node, const uint8_t *ip)
{
	for (size_t i = 0; i < node->udp_count; i++) {
		if (node->udp[i].port == port_of(ip, 2))
			return &node->udp[i];
	}
	return NULL;
}

/* What a socket returns for datagrams that were coalesced: one lies behind the other,
 * without any room before or behind it. */
struct received {
	uint8_t bytes[BATCH_EVENTS * CRAFT_MAX_BYTES];
	size_t used;
	struct packet packets[BATCH_EVENTS];
	struct endpoint from[BATCH_EVENTS];
	size_t n;
};

static void receive(struct received *r, const uint8_t *ip, size_t n)
{
	size_t header = header_of(ip) + 8;
	struct endpoint *from = &r->from[r->n];

	*from = (struct endpoint){
		.addr = address_at(ip, false),
		.port = port_of(ip, 0),
		.local = address_at(ip, true),
		.ifindex = 1,
	};
	r->packets[r->n++] = (struct packet){
		.data = r->bytes + r->used,
		.len_bytes = (uint32_t)(n - header),
		.tos = tos_of(ip),
		.from = from,
	};
	must(n - header <= sizeof(r->bytes) - r->used);
	memcpy(r->bytes + r->used, ip + header, n - header);
	r->used += n - header;
}

/* May this event be handled in one batch with the first one? */
static bool same_batch(const struct event *first, const struct node_udp *udp,
                       const struct event *e)
{
	return e && !first->node->server && e->at_ns <= first->at_ns &&
	       e->kind == EVENT_PACKET && e->node == first->node &&
	       udp_at(e->node, e->bytes) == udp && e->trail.n == first->trail.n &&
	       memcmp(e->trail.node, first->trail.node, e->trail.n) == 0;
}

/* Handles the datagrams for one device of a client that are due now, as one batch. */
static void udp_input(struct world *w, struct event *first, struct node_udp *udp)
{
	struct received r = { .n = 0 };
	struct packet *batch[BATCH_EVENTS];
	struct event *e = first;

	for (;;) {
		batch[r.n] = &r.packets[r.n];
		receive(&r, e->bytes, e->n);
		if (e != first)
			free(e);
		if (r.n == BATCH_EVENTS ||
		    !same_batch(first, udp, events_first(&w->queue)))
			break;
		e = events_take(&w->queue);
		w->handled++;
	}
	engine_udp_input(udp->device, batch, r.n, w->now_ns);
}

static void arrive(struct world *w, struct event *e)
{
	struct ip_addr dst = address_at(e->bytes, true);
	struct node_udp *udp = udp_at(e->node, e->bytes);
	struct craft c;

	w->tun_trail = e->trail;
	w->udp_trail.n = 0;
	if (!network_is_local(e->node, &dst)) { /* the node has moved away */
		w->unroutable++;
	} else if (nat_in(e->node, &c, e->bytes, e->n)) {
		events_add(&w->queue, w->now_ns, EVENT_TUN, e->node, &e->trail,
		           c.packet.data, c.packet.len_bytes);
	} else if (!udp) {
		probe_input(e->node, e->bytes, e->n);
	} else {
		udp_input(w, e, udp);
	}
}

static void into_tun(struct world *w, struct event *e)
{
	struct craft c;
	struct packet *batch[1] = { &c.packet };

	craft_bytes(&c, e->bytes, e->n);
	w->udp_trail = e->trail;
	if (w->udp_trail.n < TRAIL_MAX)
		w->udp_trail.node[w->udp_trail.n++] = e->node->id;
	w->tun_trail.n = 0;
	engine_tun_input(e->node->engine, batch, 1, w->now_ns);
}

static struct node *next_to_wake(struct world *w, uint64_t *at_ns)
{
	struct node *next = NULL;

	*at_ns = NEVER_NS;
	for (size_t i = 0; i < w->node_count; i++) {
		uint64_t deadline_ns = engine_next_deadline_ns(w->nodes[i].engine);

		if (deadline_ns < *at_ns) {
			*at_ns = deadline_ns;
			next = &w->nodes[i];
		}
	}
	return next;
}

static void handle(struct world *w)
{
	struct event *e = events_take(&w->queue);

	w->handled++;
	switch (e->kind) {
	case EVENT_PACKET:
		arrive(w, e);
		break;
	case EVENT_TUN:
		into_tun(w, e);
		break;
	}
	free(e);
}

bool world_run(struct world *w, uint64_t until_ns, uint64_t max_events)
{
	uint64_t end = w->handled + max_events;

	while (w->handled < end) {
		const struct event *first = events_first(&w->queue);
		uint64_t event_ns = first ? first->at_ns : NEVER_NS, timer_ns;
		struct node *node = next_to_wake(w, &timer_ns);
		uint64_t at_ns = event_ns < timer_ns ? event_ns : timer_ns;

		if (at_ns > until_ns) {
			w->now_ns = until_ns > w->now_ns ? until_ns : w->now_ns;
			return true;
		}
		w->now_ns = at_ns > w->now_ns ? at_ns : w->now_ns;
		if (event_ns <= timer_ns) {
			handle(w);
		} else {
			w->handled++;
			node->wakeups++;
			w->udp_trail.n = w->tun_trail.n = 0;
			engine_run_timers(node->engine, w->now_ns);
		}
	}
	return false;
}

bool world_idle(const struct world *w)
{
	for (size_t i = 0; i < w->node_count; i++) {
		if (engine_next_deadline_ns(w->nodes[i].engine) != NEVER_NS)
			return false;
	}
	return !events_first(&w->queue);
}

uint64_t node_drops(const struct node *node, enum drop reason)
{
	uint64_t sum = engine_drops(node->engine)->by[reason];

	for (struct device *d = engine_first_device(node->engine); d;
	     d = engine_next_device(d)) {
		struct drop_counts counts;

		device_drops(d, &counts);
		sum += counts.by[reason];
	}
	return sum;
}
