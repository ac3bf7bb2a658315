/* tests/fuzz/state.c - can any order of changes break the state of an engine, also where
 * memory runs out in the middle of one?
 *
 * The input is a list of steps. They add, change and remove devices, peers, keys, prefixes
 * and endpoints, let time pass, send packets, ask DNS servers outside of the tunnels, and let
 * one of the next allocations fail. All
 * devices are in one engine and know each other's keys, so their handshakes succeed, and
 * their packets nest.
 *
 * Whatever the order: nothing is read that is gone (ASan watches), all memory is given
 * back, what comes out at a tun is a whole packet, and what was computed step by step is
 * the same as if all had been computed anew. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "aead_turn.h"
#include "base/iphdr.h"
#include "base/reader.h"
#include "engine/engine.h"
#include "failing.h"
#include "script.h"
#include "wrap.h"

#define DEVICES   6
#define MAIL_MAX  64U
#define BURST_MAX 64U
#define ROUNDS    3 /* an initiation, its answer, and data */

struct mail {
	int to;
	struct endpoint from;
	size_t n;
	uint8_t bytes[PIECE_MAX];
};

struct place {
	struct world *world;
	struct device *device; /* NULL: there is none now */
	struct udp_link udp;
	struct tun_link tun;
	struct endpoint address;
	uint8_t public_key[KEY_BYTES];
};

struct world {
	struct script script;
	struct engine *engine;
	struct tun_link tun;
	struct place places[DEVICES];
	struct mail mail[MAIL_MAX];
	size_t mail_count;
	struct ip_addr asked; /* the DNS server outside; family IP_NONE: none was asked */
	uint8_t asked_id[2];
	uint16_t meeting_port; /* of the last connection to it; 0: none */
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* ---- the pools from which steps choose */

static const char *const names[DEVICES] = { "a", "b", "c", "d", "e", "f" };

static const char *const prefixes[] = {
	"0.0.0.0/0",    "::/0",        "10.0.0.0/8",    "10.1.0.0/16",
	"10.1.0.2/32",  "10.2.0.0/24", "192.0.2.0/24",  "192.0.2.2/32",
	"192.0.2.3/32", "fd10::/16",   "fd10:1::2/128", "198.18.0.0/15",
	"0.0.0.0/1",    "128.0.0.0/1", "2001:db8::/32", "172.16.0.0/12",
};

static const char *const addresses[] = {
	"10.0.0.2",   "10.1.0.2",    "10.2.0.2",    "10.3.0.9",
	"192.0.2.1",  "192.0.2.2",   "fd10::2",     "fd10:1::2",
	"198.18.0.1", "172.16.0.53", "2001:db8::2", "203.0.113.9",
	"fe80::1",    "224.0.0.1",   "127.0.0.1",   "0.0.0.0",
};

static struct ip_addr addr(unsigned i)
{
	struct ip_addr a;

	if (!ip_addr_parse(&a, addresses[i % ARRAY_SIZE(addresses)]))
		abort();
	return a;
}

static struct ip_prefix prefix(unsigned i)
{
	struct ip_prefix p;

	if (!ip_prefix_parse(&p, prefixes[i % ARRAY_SIZE(prefixes)]))
		abort();
	return p;
}

static void private_key_of(int i, uint8_t out[static KEY_BYTES])
{
	memset(out, 0, KEY_BYTES);
	out[0] = (uint8_t)(8 * (i + 1));
	out[31] = 64;
}

/* ---- DNS servers outside */

static void ask_outside(void *context, const struct ip_addr *server, const void *query,
                        size_t n)
{
	struct world *w = context;

	if (n < 12)
		abort();
	w->asked = *server;
	memcpy(w->asked_id, query, 2);
}

static void connect_outside(void *context, const struct ip_addr *server, uint16_t port)
{
	struct world *w = context;

	if (port == 0)
		abort();
	w->asked = *server;
	w->meeting_port = port;
}

/* ---- what comes out */

static void post(struct world *w, const struct endpoint *from, const struct endpoint *to,
                 const uint8_t *bytes, size_t n)
{
	struct mail *m = &w->mail[w->mail_count];
	int at = 0;

	while (at < DEVICES && !endpoint_equal(&w->places[at].address, to))
		at++;
	if (at == DEVICES || w->mail_count == MAIL_MAX || n > sizeof(m->bytes))
		return;
	m->to = at;
	m->from = *from;
	m->n = n;
	memcpy(m->bytes, bytes, n);
	w->mail_count++;
}

/* The host delivers a datagram for one of the devices to its socket, so that a device is
 * reached inside another one, too. */
static void arrive(struct world *w, struct packet *const *packets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *b = packets[i]->data;
		struct endpoint from, to;
		struct ip_view v;

		if (!ip_view_parse(&v, b, packets[i]->len_bytes) ||
		    v.total_bytes != packets[i]->len_bytes)
			abort();
		if (v.fragment || v.protocol != PROTO_UDP ||
		    v.total_bytes - v.payload_at < 8)
			continue;
		b += v.payload_at;
		from = (struct endpoint){ .addr = v.src,
			                  .port = (uint16_t)(b[0] << 8 | b[1]) };
		to = (struct endpoint){ .addr = v.dst,
			                .port = (uint16_t)(b[2] << 8 | b[3]) };
		post(w, &from, &to, b + 8, v.total_bytes - v.payload_at - 8);
	}
}

static size_t shared_tun_write(struct tun_link *link, struct packet *const *packets,
                               size_t n)
{
	arrive(CONTAINER_OF(link, struct world, tun), packets, n);
	return n;
}

static size_t own_tun_write(struct tun_link *link, struct packet *const *packets,
                            size_t n)
{
	arrive(CONTAINER_OF(link, struct place, tun)->world, packets, n);
	return n;
}

static size_t udp_send(struct udp_link *link, const struct endpoint *to,
                       struct packet *const *packets, size_t n)
{
	struct place *from = CONTAINER_OF(link, struct place, udp);

	for (size_t i = 0; i < n; i++)
		post(from->world, &from->address, to, packets[i]->data,
		     packets[i]->len_bytes);
	return n;
}

static void deliver_once(struct world *w)
{
	static struct mail mail[MAIL_MAX];
	static struct buffer buffers[MAIL_MAX];
	struct packet *batch[MAIL_MAX];
	size_t count = w->mail_count, n;

	memcpy(mail, w->mail, count * sizeof(*mail));
	w->mail_count = 0;
	for (size_t i = 0; i < count; i += n) {
		struct device *d = w->places[mail[i].to].device;

		for (n = 0; i + n < count && mail[i + n].to == mail[i].to; n++) {
			buffer_set(&buffers[n], mail[i + n].bytes, mail[i + n].n,
			           &mail[i + n].from);
			batch[n] = &buffers[n].packet;
		}
		if (d)
			engine_udp_input(d, batch, n, w->script.now_ns);
	}
}

static void deliver(struct world *w)
{
	for (int i = 0; i < ROUNDS && w->mail_count > 0; i++)
		deliver_once(w);
}

/* ---- steps about devices */

static void set_device(struct world *w, int i, uint8_t s, uint8_t t)
{
	static const char *const domains[] = { "home", "lan.example" };
	struct ip_addr own[2] = { addr(s), addr(s / 16U + 5U) }, dns[] = { addr(9) };
	struct device_settings set = { .addresses = own,
		                       .address_count = t % 3,
		                       .mtu_bytes = t & 4 ? 1280 : 1420,
		                       .port = (uint16_t)(20000 + i),
		                       .metric = s % 3,
		                       .has_metric = t & 8,
		                       .has_fwmark = (s & 15) == 3,
		                       .table_off = (s & 15) == 4,
		                       .left_out = (s & 15) == 5,
		                       .source_fix_off = (s & 15) == 6,
		                       .source_check_off = (s & 15) == 7,
		                       .gate = (s & 15) == 8,
		                       .isolate_off = s & 16,
		                       .own_tun = (s & 15) == 9,
		                       .dns_servers = dns,
		                       .dns_server_count = t & 16 ? 1 : 0,
		                       .dns_domains = domains,
		                       .dns_domain_count = t / 32U % 3U };

	/* a device may only name an earlier one: circles are refused before the engine */
	if ((s & 15) > 11 && i > 0) {
		set.via = (s & 15) == 12 ? WAY_VIA_NETWORK : WAY_VIA_DEVICE;
		set.via_name = names[t % i];
	}
	(void)!device_set(w->places[i].device, &set);
	device_set_tun(w->places[i].device, t & 64 ? NULL : &w->places[i].tun);
}

static void add_device(struct world *w, int i, uint8_t s, uint8_t t)
{
	struct place *p = &w->places[i];
	uint8_t key[KEY_BYTES];

	if (p->device || engine_add_device(w->engine, names[i], &p->device) != 0)
		return;
	private_key_of(i, key);
	set_device(w, i, s, t);
	device_set_udp(p->device, &p->udp);
	wg_device_set_private_key(device_wg(p->device), key);
	wg_device_start(device_wg(p->device), w->script.now_ns);
}

static void remove_device(struct world *w, int i)
{
	engine_remove_device(w->engine, w->places[i].device);
	w->places[i].device = NULL;
}

/* ---- steps about peers */

static void add_peer(struct world *w, int i, int other, uint8_t s)
{
	struct device *d = w->places[i].device;
	struct wg_peer *p;

	if (wg_device_add_peer(device_wg(d), w->places[other].public_key, &p) != 0)
		return;
	(void)!wg_peer_add_allowed_ip(p, prefix(s));
	if (s & 64)
		wg_peer_set_endpoint(p, &w->places[other].address);
	engine_touch(d);
}

static void move_peer(const struct world *w, struct wg_peer *p, int other, uint8_t s)
{
	struct endpoint to = { .addr = addr(s), .port = 51820 };

	if (s & 16)
		to = w->places[other].address;
	if (s & 32)
		to = (struct endpoint){ 0 };
	wg_peer_set_endpoint(p, &to);
	wg_peer_set_by_arrival(p, s & 64);
}

enum peer_op {
	PEER_REMOVE,
	PEER_MOVE,
	PEER_ALLOW,
	PEER_ALLOW_TOO,
	PEER_FORBID,
	PEER_CLEAR,
	PEER_KEEPALIVE,
	PEER_PSK,
	PEER_VIA,
	PEER_TRY,
	PEER_ANEW,
	PEER_LOCAL,
	PEER_OP_COUNT,
};

static void change_peer(struct world *w, int i, int other, uint8_t s, uint8_t t)
{
	struct device *d = w->places[i].device;
	struct wg_peer *p =
		wg_device_find_peer(device_wg(d), w->places[other].public_key);
	uint8_t psk[KEY_BYTES] = { t & 3 };

	if (!p) {
		add_peer(w, i, other, t);
		return;
	}
	switch ((enum peer_op)(s % PEER_OP_COUNT)) {
	case PEER_REMOVE:
		wg_device_remove_peer(p);
		break;
	case PEER_MOVE:
		move_peer(w, p, other, t);
		break;
	case PEER_ALLOW:
	case PEER_ALLOW_TOO:
		(void)!wg_peer_add_allowed_ip(p, prefix(t));
		break;
	case PEER_FORBID:
		wg_peer_remove_allowed_ip(p, prefix(t));
		break;
	case PEER_CLEAR:
		wg_peer_clear_allowed_ips(p);
		break;
	case PEER_KEEPALIVE:
		wg_peer_set_keepalive(p, t, w->script.now_ns);
		break;
	case PEER_PSK:
		wg_peer_set_preshared_key(p, psk);
		break;
	case PEER_VIA:
		(void)!device_set_peer_via(d, w->places[other].public_key,
		                           t & 1 && i > 0 ? WAY_VIA_DEVICE
		                           : t & 2        ? WAY_VIA_NETWORK
		                                          : WAY_VIA_UNION,
		                           i > 0 ? names[t / 4 % i] : NULL);
		break;
	case PEER_TRY:
		wg_peer_try_endpoint(p, w->script.now_ns);
		break;
	case PEER_ANEW:
		wg_peer_handshake_anew(p, w->script.now_ns);
		break;
	case PEER_LOCAL:
		wg_peer_clear_local(p);
		break;
	case PEER_OP_COUNT:
		break;
	}
	engine_touch(d);
}

/* ---- steps about packets */

/* So many datagrams that differ in their ports: flows, queries, staged packets. */
static void burst(struct world *w, struct device *own_tun, uint8_t s, uint8_t t)
{
	static struct buffer buffers[BURST_MAX];
	struct packet *batch[BURST_MAX];
	size_t n = 1 + t % BURST_MAX;
	struct endpoint from = { .addr = addr(s) }, to = { .addr = addr(s / 16U) };

	if (from.addr.family != to.addr.family)
		to.addr = from.addr;
	for (size_t i = 0; i < n; i++) {
		from.port = (uint16_t)(4000 + i);
		to.port = t & 128 ? 53 : 9;
		buffer_set(&buffers[i], "\0\1\1\0\0\1\0\0\0\0\0\0\4home\0\0\1\0\1", 22,
		           NULL);
		wrap_udp(&buffers[i], &from, &to);
		batch[i] = &buffers[i].packet;
	}
	if (own_tun)
		device_tun_input(own_tun, batch, n, w->script.now_ns);
	else
		engine_tun_input(w->engine, batch, n, w->script.now_ns);
}

/* Bytes of the script, from the tun or from the network. */
static void raw(struct world *w, struct device *d, int from, struct reader *r, uint8_t n)
{
	size_t bytes = n < r->left_bytes ? n : r->left_bytes;
	struct buffer b;
	struct packet *one = &b.packet;

	buffer_set(&b, reader_take(r, bytes), bytes, &w->places[from].address);
	if (d)
		engine_udp_input(d, &one, 1, w->script.now_ns);
	else
		engine_tun_input(w->engine, &one, 1, w->script.now_ns);
}

/* A SYN, or a later segment: from a client to the virtual resolver, or from a relay to where it
 * meets a client. */
static void segment(struct world *w, uint8_t s, uint8_t t)
{
	struct ip_addr from = addr(s), to = addr(8);
	uint16_t src = (uint16_t)(4000 + t % 4), dst = s & 16 ? w->meeting_port : 53;
	uint8_t tcp[24] = { (uint8_t)(src >> 8),   (uint8_t)src, (uint8_t)(dst >> 8),
		            (uint8_t)dst,          [12] = 0x60,  [13] = t & 8 ? 0x10 : 2,
		            [20] = t & 16 ? 2 : 8, [21] = 4,     [22] = 5 };
	struct buffer b;
	struct packet *one = &b.packet;

	if (from.family != to.family)
		return;
	buffer_set(&b, tcp, sizeof(tcp), NULL);
	wrap_ip(&b, &from, &to, PROTO_TCP);
	engine_tun_input(w->engine, &one, 1, w->script.now_ns);
}

/* What the server has answered, or whether there is a relay. */
static void hear_from_outside(struct world *w, uint8_t s, uint8_t t)
{
	struct endpoint relay = { .addr = addr(s), .port = (uint16_t)(4000 + t % 4) };
	uint8_t answer[12 + 255 * 8] = { w->asked_id[0], w->asked_id[1], 0x81, t };

	memset(answer + 12, s & 63, sizeof(answer) - 12);
	if (t & 32)
		engine_outside_relay(w->engine, w->meeting_port, t & 64 ? &relay : NULL);
	else if (w->asked.family != IP_NONE)
		engine_outside_answer(w->engine, &w->asked, answer,
		                      (size_t)(s & 16 ? 8 : 12) + t * 8U,
		                      w->script.now_ns);
}

static void outside(struct world *w, uint8_t way, uint8_t s, uint8_t t)
{
	if (way % 4 == 0)
		engine_set_outside(w->engine, s & 1);
	else if (way % 4 == 1)
		hear_from_outside(w, s, t);
	else
		segment(w, s, t);
}

static void pass_time(struct world *w, uint64_t ns)
{
	w->script.now_ns += ns;
	engine_run_timers(w->engine, w->script.now_ns);
}

/* ---- is all as if it had been computed anew? */

struct way_now {
	const struct way_peer *next;
	enum way_state state;
	unsigned hops;
};

struct picture {
	const struct way_peer *found[ARRAY_SIZE(addresses)];
	struct way_now ways[DEVICES * DEVICES];
	size_t n;
};

static void take_picture(const struct world *w, struct picture *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct ip_addr a = addr(i);

		p->found[i] = union_lookup(engine_union(w->engine), &a);
	}
	for (int i = 0; i < DEVICES; i++) {
		struct wg_peer *peer =
			w->places[i].device
				? wg_device_first_peer(device_wg(w->places[i].device))
				: NULL;

		for (; peer; peer = wg_peer_next(peer)) {
			const struct way_peer *way = peer_way(peer);
			struct way_now *now = &p->ways[p->n++];

			now->state = way->state;
			if (way->state == WAY_OK) { /* else they mean nothing */
				now->next = way->next;
				now->hops = way->hops;
			}
		}
	}
}

static void compare_with_new(struct world *w)
{
	struct picture before, after;

	failing_in(0);
	if (engine_settle(w->engine) != 0)
		abort();
	take_picture(w, &before);
	for (int i = DEVICES - 1; i >= 0; i--)
		if (w->places[i].device)
			engine_touch(w->places[i].device);
	if (engine_settle(w->engine) != 0)
		abort();
	take_picture(w, &after);
	if (memcmp(&before, &after, sizeof(before)) != 0)
		abort();
}

/* ---- the script */

enum op {
	OP_DEVICE,
	OP_PEER,
	OP_PEER_TOO, /* so that it is drawn most often */
	OP_PEER_AGAIN,
	OP_BURST,
	OP_DELIVER,
	OP_RAW,
	OP_TIME,
	OP_KEY,
	OP_UP_OR_DOWN,
	OP_ENGINE,
	OP_FAIL,
	OP_COMPARE,
	OP_OUTSIDE,
	OP_COUNT,
};

static void change_device(struct world *w, int i, uint8_t s, uint8_t t)
{
	if (!w->places[i].device)
		add_device(w, i, s, t);
	else if (t % 4 == 0)
		remove_device(w, i);
	else if (t % 4 == 1)
		device_set_port(w->places[i].device, (uint16_t)(20000 + s % 8));
	else
		set_device(w, i, s, t);
}

static void change_engine(struct world *w, uint8_t s, uint8_t t)
{
	struct ip_addr v4 = addr(8), none = { 0 };
	struct ip_prefix networks[] = { prefix(t), prefix(t / 16U) };

	if (s & 1)
		engine_set_resolver(w->engine, s & 2 ? &v4 : &none, &none);
	else if (s & 2)
		(void)!engine_set_host_prefixes(w->engine, networks, s / 4U % 3U);
	else
		engine_set_tun(w->engine, s & 4 ? NULL : &w->tun);
}

static void change_key(struct world *w, int i, uint8_t s)
{
	uint8_t key[KEY_BYTES];

	private_key_of(i, key);
	wg_device_set_private_key(device_wg(w->places[i].device), s & 1 ? key : NULL);
	engine_touch(w->places[i].device);
}

static void start_or_stop(struct world *w, int i, uint8_t s)
{
	if (s & 1)
		wg_device_start(device_wg(w->places[i].device), w->script.now_ns);
	else
		wg_device_stop(device_wg(w->places[i].device));
}

/* These need no device. Returns false if it was none of them. */
static bool common_step(struct world *w, enum op op, int i, const uint8_t *s)
{
	if (op == OP_DEVICE)
		change_device(w, i, s[2], s[3]);
	else if (op == OP_DELIVER)
		deliver(w);
	else if (op == OP_TIME)
		pass_time(w, (uint64_t)s[2] * NS_PER_SEC / (s[3] ? s[3] : 1));
	else if (op == OP_ENGINE)
		change_engine(w, s[2], s[3]);
	else if (op == OP_FAIL)
		failing_in(s[2]);
	else if (op == OP_COMPARE)
		compare_with_new(w);
	else if (op == OP_OUTSIDE)
		outside(w, s[1], s[2], s[3]);
	else
		return false;
	return true;
}

static void step(struct world *w, const uint8_t *s, struct reader *r)
{
	enum op op = (enum op)(s[0] % OP_COUNT);
	int i = s[1] % DEVICES, other = s[1] / DEVICES % DEVICES;
	struct device *d = w->places[i].device;

	if (common_step(w, op, i, s))
		return;
	if (op == OP_BURST)
		burst(w, d && device_has_own_tun(d) ? d : NULL, s[2], s[3]);
	else if (op == OP_RAW)
		raw(w, s[2] & 1 ? d : NULL, other, r, s[3]);
	else if (d && op == OP_KEY)
		change_key(w, i, s[2]);
	else if (d && op == OP_UP_OR_DOWN)
		start_or_stop(w, i, s[2]);
	else if (d)
		change_peer(w, i, other, s[2], s[3]);
}

static bool set_up(struct world *w, size_t turn)
{
	struct engine_env env = { .rng = { script_fill, w },
		                  .aead = aead_turn(turn),
		                  .wall_clock_ns = script_wall_clock_ns,
		                  .ask_outside = ask_outside,
		                  .connect_outside = connect_outside,
		                  .context = w };

	w->script.now_ns = NS_PER_SEC;
	w->tun.write = shared_tun_write;
	for (int i = 0; i < DEVICES; i++) {
		struct place *p = &w->places[i];
		uint8_t key[KEY_BYTES];

		private_key_of(i, key);
		crypto_scalarmult_curve25519_base(p->public_key, key);
		p->world = w;
		p->udp.send = udp_send;
		p->tun.write = own_tun_write;
		p->address = (struct endpoint){ .addr = addr(i < 3 ? 4 : 10),
			                        .port = (uint16_t)(20000 + i) };
	}
	if (engine_new(&w->engine, &env) != 0)
		return false;
	engine_set_tun(w->engine, &w->tun);
	engine_set_outside(w->engine, true);
	return true;
}

/* The first byte says which allocation of the engine itself fails; steps of four bytes
 * follow. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct reader r = reader_of(bytes, n);
	const uint8_t *first = reader_take(&r, 1), *s;
	struct world *w = first ? calloc(1, sizeof(*w)) : NULL;

	if (!w || sodium_init() < 0)
		return 0;
	failing_in(*first);
	if (set_up(w, n)) {
		while ((s = reader_take(&r, 4)))
			step(w, s, &r);
		compare_with_new(w);
		engine_free(w->engine);
	}
	failing_in(0);
	free(w);
	return 0;
}
