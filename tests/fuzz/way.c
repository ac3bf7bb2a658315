/* tests/fuzz/way.c - what can an application, or a hostile peer, send into the engine?
 * The input is a script for a client with two devices, where vpn carries home, and for
 * the server of vpn. It has packets for the client's tun, inner packets from the server
 * of vpn (datagrams for home, fragments, answers for the resolver and so on), datagrams
 * from the network, and time.
 *
 * Whatever the input is: what comes out at a tun is a whole packet. What vpn's server has sent,
 * as the client's host puts it together, has no source of home's, and is no error about a
 * packet to home (design R12). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aead_turn.h"
#include "base/iphdr.h"
#include "base/reader.h"
#include "engine/engine.h"
#include "engine/fragment.h"
#include "script.h"

#define MAIL_MAX     64U
#define TOGETHER_MAX 20U /* the most packets in one batch */
#define JOINED_MAX   8U  /* packets in pieces that a host puts together at once */

/* A datagram on the network between the two engines. */
struct mail {
	struct device *to;
	size_t n;
	uint8_t bytes[PIECE_MAX];
};

/* A packet that a host puts together. */
struct joined {
	struct ip_view key;
	bool have[PIECE_MAX];
	uint32_t end; /* 0: the last piece hasn't come */
	uint8_t bytes[40 + PIECE_MAX];
};

struct host {
	struct engine *engine;
	struct tun_link tun;
	struct udp_link udp;
	struct world *world;
	struct device *to; /* the device whose socket gets its datagrams */
	struct endpoint address;
	struct buffer pending[TOGETHER_MAX]; /* of the next batch from its tun */
	size_t pending_count;
};

struct world {
	struct script script;
	const struct aead_impl *aead;
	struct host client, server;
	struct device *vpn, *home;
	struct mail mail[MAIL_MAX];
	size_t mail_count;
	bool server_sends; /* what comes out at the client's tun is from vpn's server */
	struct joined joined[JOINED_MAX];
	size_t next_joined;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* ---- what the client's host makes of what vpn's server has sent */

/* Has home this address, or a prefix with it? */
static bool is_of_home(const struct ip_addr *a)
{
	static const struct ip_addr own[] = {
		{ IP_V4, { 10, 1, 0, 2 } },
		{ IP_V6, { 0xfd, 0x10, 0, 1, [15] = 2 } },
	};

	if (ip_addr_equal(a, &own[a->family == IP_V6]))
		return true;
	return a->family == IP_V4 ? a->b[0] == 172 && a->b[1] == 16
	                          : a->b[0] == 0 && a->b[1] == 0;
}

static void check_whole(const uint8_t *bytes, size_t n)
{
	struct ip_addr to;
	struct ip_view v;
	const uint8_t *icmp;
	size_t header;

	if (!ip_view_parse(&v, bytes, n) || v.total_bytes - v.payload_at < 8)
		return;
	icmp = bytes + v.payload_at;
	header = v.family == IP_V4 ? 20 : 40;
	if (v.total_bytes - v.payload_at < 8 + header + 8 ||
	    icmp[8] >> 4 != (int)v.family)
		return;
	if (v.family == IP_V4 && (v.protocol != PROTO_ICMP || (icmp[8] & 15) != 5 ||
	                          (icmp[0] != 3 && icmp[0] != 11 && icmp[0] != 12)))
		return;
	if (v.family == IP_V6 && (v.protocol != PROTO_ICMPV6 || icmp[0] > 127))
		return;
	to = ip_addr_from_bytes(v.family, icmp + 8 + (v.family == IP_V4 ? 16 : 24));
	if (is_of_home(&to))
		abort();
}

static struct joined *joined_for(struct world *w, const struct ip_view *v)
{
	struct joined *j;

	for (size_t i = 0; i < JOINED_MAX; i++) {
		j = &w->joined[i];
		if (j->key.family == v->family && j->key.fragment_id == v->fragment_id &&
		    (v->family == IP_V6 || j->key.protocol == v->protocol) &&
		    ip_addr_equal(&j->key.src, &v->src) &&
		    ip_addr_equal(&j->key.dst, &v->dst))
			return j;
	}
	j = &w->joined[w->next_joined++ % JOINED_MAX];
	*j = (struct joined){ .key = *v };
	return j;
}

/* Bytes that came before stay, as with most hosts. */
static void add_piece(struct joined *j, const uint8_t *bytes, size_t n, size_t at,
                      bool more)
{
	size_t header = j->key.family == IP_V4 ? 20 : 40, have = 0;

	if (at + n > PIECE_MAX)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!j->have[at + i])
			j->bytes[header + at + i] = bytes[i];
		j->have[at + i] = true;
	}
	if (!more)
		j->end = (uint32_t)(at + n);
	while (have < j->end && j->have[have])
		have++;
	if (j->end == 0 || have < j->end)
		return;
	j->bytes[header == 20 ? 2 : 4] =
		(uint8_t)((header == 20 ? 20 + have : have) >> 8);
	j->bytes[header == 20 ? 3 : 5] = (uint8_t)(header == 20 ? 20 + have : have);
	check_whole(j->bytes, header + have);
}

static void take_piece(struct world *w, const struct ip_view *v, const uint8_t *b)
{
	struct joined *j = joined_for(w, v);
	struct ipv6_fragment_header f;
	uint32_t at = (uint32_t)(b[6] << 8 | b[7]);

	if (v->family == IP_V4) {
		j->bytes[0] = 0x45;
		j->bytes[9] = b[9];
		add_piece(j, b + v->payload_at, v->total_bytes - v->payload_at,
		          8U * (at & IPV4_OFFSET_MASK), at & IPV4_MF);
		return;
	}
	if (b[6] != PROTO_IPV6_FRAGMENT || v->total_bytes < 48)
		return;
	memcpy(&f, b + 40, sizeof(f));
	at = be16_get(f.offset_more);
	j->bytes[0] = 0x60;
	if ((at & 0xfff8U) == 0 && !j->have[0])
		j->bytes[6] = f.next_header;
	add_piece(j, b + 48, v->total_bytes - 48, at & 0xfff8U, at & 1);
}

static void check_of_server(struct world *w, const uint8_t *bytes, size_t n)
{
	struct ip_view v;

	if (!ip_view_parse(&v, bytes, n) || is_of_home(&v.src))
		abort();
	if (v.fragment)
		take_piece(w, &v, bytes);
	else
		check_whole(bytes, n);
}

/* ---- links */

/* Checks what must hold for everything that goes to a host: it is one IP
 * packet, not more. */
static size_t tun_write(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct host *h = CONTAINER_OF(link, struct host, tun);

	for (size_t i = 0; i < n; i++) {
		const uint8_t *b = packets[i]->data;
		uint32_t bytes = packets[i]->len_bytes;

		if (h == &h->world->client && h->world->server_sends)
			check_of_server(h->world, b, bytes);
		if (bytes >= 20 && b[0] >> 4 == 4 &&
		    (uint32_t)(b[2] << 8 | b[3]) == bytes)
			continue;
		if (bytes < 40 || b[0] >> 4 != 6 ||
		    (uint32_t)(b[4] << 8 | b[5]) + 40 != bytes)
			abort();
	}
	return n;
}

static size_t udp_send(struct udp_link *link, const struct endpoint *to,
                       struct packet *const *packets, size_t n)
{
	struct host *from = CONTAINER_OF(link, struct host, udp);
	struct world *w = from->world;

	if (to->addr.family == IP_NONE)
		abort();
	for (size_t i = 0; i < n && w->mail_count < MAIL_MAX; i++) {
		struct mail *m = &w->mail[w->mail_count];

		if (packets[i]->len_bytes > sizeof(m->bytes))
			continue;
		m->to = from->to;
		m->n = packets[i]->len_bytes;
		memcpy(m->bytes, packets[i]->data, m->n);
		w->mail_count++;
	}
	return n;
}

static void deliver(struct world *w)
{
	static struct buffer buffers[TOGETHER_MAX];
	struct packet *batch[TOGETHER_MAX];
	size_t n;

	for (size_t i = 0; i < w->mail_count; i += n) {
		struct device *to = w->mail[i].to;

		for (n = 0; n < TOGETHER_MAX && i + n < w->mail_count; n++) {
			const struct mail *m = &w->mail[i + n];

			if (m->to != to)
				break;
			buffer_set(&buffers[n], m->bytes, m->n,
			           to == w->vpn ? &w->server.address
			                        : &w->client.address);
			batch[n] = &buffers[n].packet;
		}
		engine_udp_input(to, batch, n, w->script.now_ns);
	}
	w->mail_count = 0;
}

/* ---- two hosts */

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(&a, text))
		abort();
	return a;
}

static void start_host(struct world *w, struct host *h, const char *endpoint)
{
	struct engine_env env = { .rng = { script_fill, w },
		                  .aead = w->aead,
		                  .wall_clock_ns = script_wall_clock_ns,
		                  .context = w };

	h->world = w;
	h->tun.write = tun_write;
	h->udp.send = udp_send;
	if (!endpoint_parse(&h->address, endpoint) || engine_new(&h->engine, &env) != 0)
		abort();
	engine_set_tun(h->engine, &h->tun);
}

static struct device *add_device(struct host *h, const char *name,
                                 const struct device_settings *s, uint8_t key)
{
	uint8_t private_key[KEY_BYTES] = { key, 1 };
	struct device *d;

	if (engine_add_device(h->engine, name, &d) != 0 || device_set(d, s) != 0)
		abort();
	device_set_udp(d, &h->udp);
	wg_device_set_private_key(device_wg(d), private_key);
	return d;
}

static void add_peer(struct device *d, const uint8_t *key, const char *endpoint,
                     struct ip_prefix prefix)
{
	struct wg_peer *p;
	struct endpoint to;

	if (wg_device_add_peer(device_wg(d), key, &p) != 0 ||
	    wg_peer_add_allowed_ip(p, prefix) != 0)
		abort();
	prefix.addr = addr("::");
	if (wg_peer_add_allowed_ip(p, prefix) != 0)
		abort();
	if (endpoint && endpoint_parse(&to, endpoint))
		wg_peer_set_endpoint(p, &to);
	engine_touch(d);
	wg_device_start(device_wg(d), 1);
}

static void set_up(struct world *w)
{
	struct ip_addr of_vpn[] = { addr("10.0.0.2"), addr("fd10::2") };
	struct ip_addr of_home[] = { addr("10.1.0.2"), addr("fd10:1::2") };
	struct ip_addr dns[] = { addr("10.0.0.53"), addr("fd10::53") };
	struct ip_addr resolver4 = addr("198.18.0.1"), resolver6 = addr("fd99::1");
	struct device_settings vpn = { .addresses = of_vpn,
		                       .address_count = 2,
		                       .mtu_bytes = 1420,
		                       .port = 20000,
		                       .dns_servers = dns,
		                       .dns_server_count = 2 };
	struct device_settings home = {
		.addresses = of_home, .address_count = 2, .mtu_bytes = 1340, .port = 20001
	};
	struct device_settings server = { .mtu_bytes = 2000, .port = 51820 };
	const uint8_t nobody[KEY_BYTES] = { 9 };

	w->script.now_ns = NS_PER_SEC;
	start_host(w, &w->client, "198.51.100.7:20000");
	start_host(w, &w->server, "100.64.0.1:51820");
	w->vpn = w->server.to = add_device(&w->client, "vpn", &vpn, 8);
	w->home = add_device(&w->client, "home", &home, 16);
	w->client.to = add_device(&w->server, "wg0", &server, 24);
	add_peer(w->vpn, wg_device_public_key(device_wg(w->client.to)),
	         "100.64.0.1:51820", (struct ip_prefix){ addr("0.0.0.0"), 0 });
	add_peer(w->home, nobody, "100.64.1.1:51820",
	         (struct ip_prefix){ addr("172.16.0.0"), 16 });
	add_peer(w->client.to, wg_device_public_key(device_wg(w->vpn)), NULL,
	         (struct ip_prefix){ addr("0.0.0.0"), 0 });
	engine_set_resolver(w->client.engine, &resolver4, &resolver6);
}

static void add_to_batch(struct host *h, const uint8_t *piece, size_t n, size_t copies)
{
	for (; copies > 0 && h->pending_count < TOGETHER_MAX; copies--)
		buffer_set(&h->pending[h->pending_count++], piece, n, NULL);
}

static void into_tun(struct world *w, struct host *h, const uint8_t *piece, size_t n,
                     size_t copies)
{
	struct packet *batch[TOGETHER_MAX];

	add_to_batch(h, piece, n, copies);
	for (size_t i = 0; i < h->pending_count; i++)
		batch[i] = &h->pending[i].packet;
	w->server_sends = h == &w->server;
	engine_tun_input(h->engine, batch, h->pending_count, w->script.now_ns);
	h->pending_count = 0;
	deliver(w);
	deliver(w); /* a handshake, and then what waited for it */
	deliver(w);
	w->server_sends = false;
}

enum op {
	OP_TUN,
	OP_INNER,
	OP_NETWORK,
	OP_TIME,
	OP_TUN_TOO,   /* in one batch with the next one */
	OP_INNER_TOO, /* the same */
	OP_COUNT
};

static void step(struct world *w, enum op op, size_t copies, const uint8_t *piece,
                 size_t n)
{
	struct buffer b;
	struct packet *batch[1] = { &b.packet };

	switch (op) {
	case OP_TUN:
		into_tun(w, &w->client, piece, n, copies);
		break;
	case OP_INNER:
		into_tun(w, &w->server, piece, n, copies);
		break;
	case OP_NETWORK:
		buffer_set(&b, piece, n, &w->server.address);
		engine_udp_input(n % 2 ? w->home : w->vpn, batch, 1, w->script.now_ns);
		deliver(w);
		break;
	case OP_TIME:
		w->script.now_ns += (n > 0 ? piece[0] : 1) * NS_PER_SEC / 10;
		engine_run_timers(w->client.engine, w->script.now_ns);
		engine_run_timers(w->server.engine, w->script.now_ns);
		deliver(w);
		break;
	case OP_TUN_TOO:
		add_to_batch(&w->client, piece, n, copies);
		break;
	case OP_INNER_TOO:
		add_to_batch(&w->server, piece, n, copies);
		break;
	case OP_COUNT:
		break;
	}
}

/* Each step: what to do and how often at once, two bytes of length, the piece. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const uint8_t ping[] = {
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0,    0, 10, 0,
		0,    2, 8, 8,  8, 8, 8, 0, 0,  0, 0x12, 0, 0,  1
	};
	struct reader r = reader_of(bytes, n);
	struct world *w = calloc(1, sizeof(*w));
	const uint8_t *head;

	if (!w)
		return 0;
	w->aead = aead_turn(n);
	set_up(w);
	into_tun(w, &w->client, ping, sizeof(ping), 1); /* so that there is a session */
	while ((head = reader_take(&r, 3))) {
		size_t want = (size_t)(head[1] << 8 | head[2]);
		size_t have = want < r.left_bytes ? want : r.left_bytes;
		const uint8_t *piece = reader_take(&r, have);

		if (piece)
			step(w, (enum op)(head[0] % OP_COUNT),
			     1 + head[0] / OP_COUNT % TOGETHER_MAX, piece, have);
	}
	engine_free(w->client.engine);
	engine_free(w->server.engine);
	free(w);
	return 0;
}
