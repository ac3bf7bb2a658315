/* tests/fuzz/gate.c - what can a hostile client of a gate do to the others?
 *
 * The input is a script for a client host with a gate and a device vpn that has
 * everything, for two phones that are the clients of the gate, and for the server of vpn.
 * The attacker's phone and the server send whatever the input says, in batches, also pieces of
 * packets; the victim sends datagrams; the host sends what the input says.
 *
 * Whatever the input is: what leaves through vpn has an address of vpn as its source, unless
 * the host sends, too. What comes out at the victim was not
 * sent by the attacker. What comes out at the host is a whole IP packet. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aead_turn.h"
#include "base/iphdr.h"
#include "base/reader.h"
#include "engine/engine.h"
#include "script.h"
#include "wrap.h"

#define MAIL_MAX     96U
#define TOGETHER_MAX 24U /* the most packets in one batch */

enum { CLIENT, SERVER, VICTIM, ATTACKER, HOSTS };
enum { VPN, WG0, PHONE0, PHONE1, GATE, DEVICES };

/* A datagram on the network. */
struct mail {
	int to;                      /* which device */
	const struct endpoint *from; /* borrowed: from the world */
	size_t n;
	uint8_t bytes[PIECE_MAX];
};

struct host {
	struct world *world;
	struct engine *engine;
	struct tun_link tun;
};

struct socket {
	struct world *world;
	struct udp_link udp;
	struct device *device;
	struct endpoint address;
};

/* What goes into a tun together. */
struct batch {
	struct buffer buffers[TOGETHER_MAX];
	size_t n;
};

struct world {
	struct script script;
	const struct aead_impl *aead;
	struct host hosts[HOSTS];
	struct socket sockets[DEVICES];
	bool tight; /* datagrams have no room around them */
	bool together;
	bool others_send;   /* not a phone, and perhaps with the address of one */
	bool host_has_sent; /* any source; it may be staged */
	struct mail mail[MAIL_MAX];
	size_t mail_count;
	struct batch pending, of_server; /* the attacker's next one, and the server's */
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *const addresses[DEVICES][2] = {
	[VPN] = { "10.0.0.2", "fd10::2" },
	[PHONE0] = { "10.9.9.2", "fd99::2" },
	[PHONE1] = { "10.9.9.3", "fd99::3" },
	[GATE] = { "10.9.9.1", "fd99::1" },
};
static const char *const sockets[DEVICES] = {
	[VPN] = "198.51.100.7:20000",     [WG0] = "100.64.0.1:51820",
	[PHONE0] = "198.51.100.20:30000", [PHONE1] = "198.51.100.21:30000",
	[GATE] = "198.51.100.7:21000",
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(&a, text))
		abort();
	return a;
}

/* Is it an address of the device? */
static bool is_of(int device, const struct ip_addr *a)
{
	struct ip_addr own = addr(addresses[device][a->family == IP_V6]);

	return ip_addr_equal(a, &own);
}

/* ---- what comes out */

static void whole_packet(struct ip_view *v, const struct packet *p)
{
	if (!ip_view_parse(v, p->data, p->len_bytes) || v->total_bytes != p->len_bytes)
		abort();
}

static size_t at_host(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct ip_view v;

	(void)link;
	for (size_t i = 0; i < n; i++)
		whole_packet(&v, packets[i]);
	return n;
}

/* The source address is the client's own, also in pieces. */
static size_t at_server(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct host *h = CONTAINER_OF(link, struct host, tun);
	struct ip_view v;

	for (size_t i = 0; i < n; i++) {
		whole_packet(&v, packets[i]);
		if (!h->world->host_has_sent && !is_of(VPN, &v.src))
			abort();
		if (is_of(PHONE0, &v.src) || is_of(PHONE1, &v.src) || is_of(GATE, &v.src))
			abort();
	}
	return n;
}

static size_t at_phone(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct host *h = CONTAINER_OF(link, struct host, tun);
	bool victim = h == &h->world->hosts[VICTIM];
	struct ip_view v;

	for (size_t i = 0; i < n; i++) {
		whole_packet(&v, packets[i]);
		if (!is_of(victim ? PHONE0 : PHONE1, &v.dst))
			abort();
		/* errors about what the victim has sent to the attacker come from there */
		if (victim && is_of(PHONE1, &v.src) && v.protocol != PROTO_ICMP &&
		    v.protocol != PROTO_ICMPV6 && !h->world->together &&
		    !h->world->others_send)
			abort();
	}
	return n;
}

/* ---- the network */

static int device_at(const struct endpoint *to)
{
	struct endpoint e;

	for (int i = 0; i < DEVICES; i++) {
		if (endpoint_parse(&e, sockets[i]) && endpoint_equal(&e, to))
			return i;
	}
	return DEVICES;
}

static size_t udp_send(struct udp_link *link, const struct endpoint *to,
                       struct packet *const *packets, size_t n)
{
	struct socket *from = CONTAINER_OF(link, struct socket, udp);
	struct world *w = from->world;
	int device = device_at(to);

	for (size_t i = 0; i < n && w->mail_count < MAIL_MAX && device < DEVICES; i++) {
		struct mail *m = &w->mail[w->mail_count];

		if (packets[i]->len_bytes > sizeof(m->bytes))
			continue;
		m->to = device;
		m->from = &from->address;
		m->n = packets[i]->len_bytes;
		memcpy(m->bytes, packets[i]->data, m->n);
		w->mail_count++;
	}
	return n;
}

static void deliver_once(struct world *w)
{
	static struct mail mail[MAIL_MAX];
	static struct buffer buffers[TOGETHER_MAX];
	struct packet *batch[TOGETHER_MAX];
	size_t count = w->mail_count, n;

	memcpy(mail, w->mail, count * sizeof(*mail));
	w->mail_count = 0;
	for (size_t i = 0; i < count; i += n) {
		for (n = 0; n < TOGETHER_MAX && i + n < count; n++) {
			const struct mail *m = &mail[i + n];

			if (m->to != mail[i].to)
				break;
			buffer_set(&buffers[n], m->bytes, m->n, m->from);
			if (w->tight)
				buffers[n].packet.headroom_bytes =
					buffers[n].packet.tailroom_bytes = 0;
			batch[n] = &buffers[n].packet;
		}
		if (w->sockets[mail[i].to].device)
			engine_udp_input(w->sockets[mail[i].to].device, batch, n,
			                 w->script.now_ns);
	}
}

/* A packet, through the gate, and its answer; with a handshake before. */
static void deliver(struct world *w)
{
	for (int i = 0; i < 6 && w->mail_count > 0; i++)
		deliver_once(w);
}

/* ---- the hosts */

static void start_host(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	struct engine_env env = { .rng = { script_fill, w },
		                  .aead = w->aead,
		                  .wall_clock_ns = script_wall_clock_ns,
		                  .context = w };

	h->world = w;
	h->tun.write = host == CLIENT ? at_host : host == SERVER ? at_server : at_phone;
	if (engine_new(&h->engine, &env) != 0)
		abort();
	engine_set_tun(h->engine, &h->tun);
}

static struct device_settings settings_of(int device, struct ip_addr own[static 2])
{
	struct device_settings s = { .addresses = own, .mtu_bytes = 1420 };

	for (int i = 0; i < 2 && addresses[device][i]; i++)
		own[s.address_count++] = addr(addresses[device][i]);
	if (device == PHONE0 || device == PHONE1)
		s.mtu_bytes = 0; /* anything goes */
	if (device == WG0)
		s.mtu_bytes = 2000;
	s.gate = device == GATE;
	return s;
}

static void add_device(struct world *w, int host, int device, const char *name)
{
	struct socket *x = &w->sockets[device];
	uint8_t private_key[KEY_BYTES] = { (uint8_t)(8 * (device + 1)), 1 };
	struct ip_addr own[2], dns[] = { addr("172.16.0.53"), addr("fd16::53") };
	struct device_settings s = settings_of(device, own);

	x->world = w;
	x->udp.send = udp_send;
	if (!endpoint_parse(&x->address, sockets[device]) ||
	    engine_add_device(w->hosts[host].engine, name, &x->device) != 0)
		abort();
	s.port = x->address.port;
	if (device == VPN) {
		s.dns_servers = dns;
		s.dns_server_count = 2;
	}
	if (device_set(x->device, &s) != 0)
		abort();
	device_set_udp(x->device, &x->udp);
	wg_device_set_private_key(device_wg(x->device), private_key);
}

/* Makes `to` a peer of `at`, with these prefixes. */
static void introduce(struct world *w, int at, int to, const char *p4, const char *p6)
{
	struct device *d = w->sockets[at].device;
	struct ip_prefix prefix;
	struct wg_peer *p;

	if (wg_device_add_peer(device_wg(d),
	                       wg_device_public_key(device_wg(w->sockets[to].device)),
	                       &p) != 0)
		abort();
	for (int i = 0; i < 2; i++) {
		if (!ip_prefix_parse(&prefix, i ? p6 : p4) ||
		    wg_peer_add_allowed_ip(p, prefix) != 0)
			abort();
	}
	if (at == VPN || at == PHONE0 || at == PHONE1)
		wg_peer_set_endpoint(p, &w->sockets[to].address);
	engine_touch(d);
	wg_device_start(device_wg(d), w->script.now_ns);
}

static void set_up(struct world *w)
{
	struct ip_addr resolver4 = addr("192.0.0.53"), resolver6 = addr("fd2b::53");

	w->script.now_ns = NS_PER_SEC;
	for (int i = 0; i < HOSTS; i++)
		start_host(w, i);
	add_device(w, CLIENT, VPN, "vpn");
	add_device(w, CLIENT, GATE, "gate");
	add_device(w, SERVER, WG0, "wg0");
	add_device(w, VICTIM, PHONE0, "wg");
	add_device(w, ATTACKER, PHONE1, "wg");
	introduce(w, VPN, WG0, "0.0.0.0/0", "::/0");
	introduce(w, WG0, VPN, "0.0.0.0/0", "::/0");
	introduce(w, PHONE0, GATE, "0.0.0.0/0", "::/0");
	introduce(w, PHONE1, GATE, "0.0.0.0/0", "::/0");
	introduce(w, GATE, PHONE0, "10.9.9.2/32", "fd99::2/128");
	introduce(w, GATE, PHONE1, "10.9.9.3/32", "fd99::3/128");
	engine_set_resolver(w->hosts[CLIENT].engine, &resolver4, &resolver6);
}

/* ---- steps */

static void into_tun(struct world *w, int host, struct buffer *buffers, size_t n)
{
	struct packet *batch[TOGETHER_MAX];

	for (size_t i = 0; i < n; i++)
		batch[i] = &buffers[i].packet;
	engine_tun_input(w->hosts[host].engine, batch, n, w->script.now_ns);
	deliver(w);
}

static void flush(struct world *w)
{
	if (w->pending.n > 0)
		into_tun(w, ATTACKER, w->pending.buffers, w->pending.n);
	w->pending.n = 0;
}

/* Not before more comes, if s says so. */
static void server_sends(struct world *w, uint8_t s, const uint8_t *piece, size_t n)
{
	struct batch *b = &w->of_server;

	buffer_set(&b->buffers[b->n++], piece, n, NULL);
	if (s & 128 && b->n < TOGETHER_MAX)
		return;
	w->others_send = true;
	into_tun(w, SERVER, b->buffers, b->n);
	w->others_send = false;
	b->n = 0;
}

/* The victim writes to the server, from the same few ports as the attacker. */
static void victim_sends(struct world *w, uint8_t s)
{
	struct endpoint from = { .addr = addr(addresses[PHONE0][s & 1]),
		                 .port = (uint16_t)(4000 + s / 2 % 4) };
	struct endpoint to = { .addr = addr(s & 1 ? "fd16::9" : "172.16.0.9"),
		               .port = 4001 };
	struct buffer b;

	buffer_set(&b, "hello", 5, NULL);
	wrap_udp(&b, &from, &to);
	into_tun(w, VICTIM, &b, 1);
}

static void set_gate(struct world *w, uint8_t s)
{
	static const char *const texts[] = { "172.16.0.0/12", "10.0.0.0/8", "fd16::/16" };
	struct ip_addr own[2];
	struct device_settings settings = settings_of(GATE, own);
	struct ip_prefix networks[3];
	struct host *h = &w->hosts[CLIENT];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!ip_prefix_parse(&networks[i], texts[i]))
			abort();
	}
	w->together = s & 1;
	settings.isolate_off = w->together;
	settings.port = w->sockets[GATE].address.port;
	settings.mtu_bytes = s & 2 ? 1280 : 1420;
	if (device_set(w->sockets[GATE].device, &settings) != 0 ||
	    engine_set_host_prefixes(h->engine, networks, s / 4 % 4) != 0)
		abort();
	engine_set_tun(h->engine, s & 16 ? NULL : &h->tun);
	w->tight = s & 32;
}

enum op {
	OP_ATTACKER,
	OP_ATTACKER_TOO, /* so that it is drawn most often */
	OP_VICTIM,
	OP_SERVER,
	OP_HOST,
	OP_TIME,
	OP_SET,
	OP_COUNT,
};

static void step(struct world *w, enum op op, uint8_t s, const uint8_t *piece, size_t n)
{
	struct buffer b;

	if (op != OP_ATTACKER && op != OP_ATTACKER_TOO)
		flush(w);
	buffer_set(&b, piece, n, NULL);
	switch (op) {
	case OP_ATTACKER:
	case OP_ATTACKER_TOO:
		buffer_set(&w->pending.buffers[w->pending.n++], piece, n, NULL);
		if (w->pending.n == TOGETHER_MAX)
			flush(w);
		break;
	case OP_VICTIM:
		victim_sends(w, s);
		break;
	case OP_SERVER:
		server_sends(w, s, piece, n);
		break;
	case OP_HOST:
		w->others_send = w->host_has_sent = true;
		into_tun(w, CLIENT, &b, 1);
		w->others_send = false;
		break;
	case OP_TIME:
		w->script.now_ns += (uint64_t)s * NS_PER_SEC / 10;
		for (int i = 0; i < HOSTS; i++)
			engine_run_timers(w->hosts[i].engine, w->script.now_ns);
		deliver(w);
		break;
	case OP_SET:
		set_gate(w, s);
		break;
	case OP_COUNT:
		break;
	}
}

/* Each step: what to do, a byte about how, two bytes of length, the piece. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct reader r = reader_of(bytes, n);
	struct world *w = calloc(1, sizeof(*w));
	const uint8_t *head;

	if (!w)
		return 0;
	w->aead = aead_turn(n);
	set_up(w);
	victim_sends(w, 0);
	while ((head = reader_take(&r, 4))) {
		size_t want = (size_t)(head[2] << 8 | head[3]);
		size_t have = want < r.left_bytes ? want : r.left_bytes;
		const uint8_t *piece = reader_take(&r, have);

		if (piece)
			step(w, (enum op)(head[0] % OP_COUNT), head[1], piece, have);
	}
	flush(w);
	for (int i = 0; i < HOSTS; i++)
		engine_free(w->hosts[i].engine);
	free(w);
	return 0;
}
