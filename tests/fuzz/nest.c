/* tests/fuzz/nest.c - can a batch of nested datagrams and fragments, in any order and
 * depth, break the engine or lose a packet?
 *
 * A client has three devices: vpn, home and deep. Each is carried by the one before. Each
 * has a real server with a session. The input is a list of steps. A server sends a packet
 * of its network, or an answer of its DNS server. On its way through the servers of the
 * carriers the packet may be cut into fragments. The resulting datagrams are shuffled,
 * lost, doubled, and given to the client as one batch. The client sends packets too, so
 * that there are flows and queries whose answers have to be translated back.
 *
 * Each packet from a server's network has a number. It may arrive at the client's tun
 * only once, and unchanged. If the input has no losses, it must arrive. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aead_turn.h"
#include "base/iphdr.h"
#include "base/reader.h"
#include "engine/engine.h"
#include "script.h"
#include "wrap.h"

enum { VPN, HOME, DEEP, LEVELS };

#define QUEUE_MAX   BATCH_MAX
#define QUEUE_FEW   60U /* so many fragments are not too many for reassembly */
#define NUMBERS_MAX 4096U
#define LAN_PORT    9000U
#define FLOW_PORT   9001U
#define DATA_BYTES  8U /* the beginning of a payload: its number and its length */

struct host {
	struct engine *engine;
	struct tun_link tun;
	struct udp_link udp;
	struct world *world;
	struct device *device;
	int level;
	struct endpoint address; /* the endpoint of the client's peer */
};

struct client {
	struct engine *engine;
	struct tun_link tun;
	struct udp_link udp;
	struct world *world;
	struct device *device[LEVELS];
};

/* How the packets that one step sends are cut, by the level of the carrier that they
 * enter. */
struct cuts {
	uint8_t at[LEVELS]; /* 0: not cut; otherwise bytes of the first piece / 8 */
	bool last_first, twice;
};

struct datagram {
	size_t n;
	uint8_t bytes[PIECE_MAX];
};

struct world {
	struct script script;
	const struct aead_impl *aead;
	struct client client;
	struct host server[LEVELS];
	struct cuts cuts;
	bool ipv6;                        /* the family inside the carriers */
	bool lossless;                    /* no step may lose, double or hide a packet */
	struct datagram queue[QUEUE_MAX]; /* to be given to the socket of vpn */
	size_t queued;
	uint32_t fragment_id;
	uint32_t number; /* of the next packet of a server's network */
	uint8_t arrived[NUMBERS_MAX];
	bool expected[NUMBERS_MAX];
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *const device_names[LEVELS] = { "vpn", "home", "deep" };
static const char *const address4[LEVELS] = { "10.0.0.2", "10.1.0.2", "10.2.0.2" };
static const char *const address6[LEVELS] = { "fd10::2", "fd10:1::2", "fd10:2::2" };
static const char *const server4[LEVELS] = { "100.64.0.1", "100.64.1.1", "100.64.2.1" };
static const char *const server6[LEVELS] = { "2001:db8::1", "2001:db8:1::1",
	                                     "2001:db8:2::1" };
static const char *const lan4[LEVELS] = { "172.16.0.9", "172.17.0.9", "172.18.0.9" };
static const char *const lan6[LEVELS] = { "fd16::9", "fd17::9", "fd18::9" };
static const struct {
	const char *addr;
	uint8_t len;
} prefixes[LEVELS][4] = {
	{ { "0.0.0.0", 0 }, { "::", 0 } },
	{ { "172.17.0.0", 16 },
	  { "fd17::", 16 },
	  { "100.64.2.0", 24 },
	  { "2001:db8:2::", 48 } },
	{ { "172.18.0.0", 16 }, { "fd18::", 16 } },
};
static const char dns_server[] = "172.16.0.53", resolver4[] = "198.18.0.1";

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(&a, text))
		abort();
	return a;
}

/* ---- from a server to the client */

static void into_server(struct host *h, struct buffer *b)
{
	struct packet *one = &b->packet;

	engine_tun_input(h->engine, &one, 1, h->world->script.now_ns);
}

/* Sends a packet for the client into the server of this level, perhaps in pieces. */
static void send_inside(struct world *w, int level, struct buffer *whole)
{
	uint32_t first = w->cuts.at[level] * 8U, payload, id;
	struct buffer piece;
	struct ip_view v;

	if (!ip_view_parse(&v, whole->packet.data, whole->packet.len_bytes))
		return;
	payload = v.total_bytes - v.payload_at;
	if (first == 0 || first >= payload) {
		into_server(&w->server[level], whole);
		return;
	}
	id = ++w->fragment_id;
	for (uint32_t i = 0; i < (w->cuts.twice ? 3U : 2U); i++) {
		bool is_first = (i == 0) != w->cuts.last_first;

		wrap_piece(&piece, whole, is_first ? 0 : first,
		           is_first ? first : payload - first, id);
		into_server(&w->server[level], &piece);
	}
}

static size_t server_udp_send(struct udp_link *link, const struct endpoint *to,
                              struct packet *const *packets, size_t n)
{
	struct host *h = CONTAINER_OF(link, struct host, udp);
	struct world *w = h->world;
	struct buffer b;

	for (size_t i = 0; i < n; i++) {
		if (packets[i]->len_bytes > PIECE_MAX)
			continue;
		if (h->level > 0) {
			buffer_set(&b, packets[i]->data, packets[i]->len_bytes, NULL);
			wrap_udp(&b, &h->address, to);
			send_inside(w, h->level - 1, &b);
		} else if (w->queued < QUEUE_MAX) {
			struct datagram *d = &w->queue[w->queued++];

			d->n = packets[i]->len_bytes;
			memcpy(d->bytes, packets[i]->data, d->n);
		}
	}
	return n;
}

static void give_queue(struct world *w)
{
	static struct buffer buffers[QUEUE_MAX];
	struct packet *batch[QUEUE_MAX];
	size_t n = w->queued;

	for (size_t i = 0; i < n; i++) {
		buffer_set(&buffers[i], w->queue[i].bytes, w->queue[i].n,
		           &w->server[VPN].address);
		batch[i] = &buffers[i].packet;
	}
	w->queued = 0;
	engine_udp_input(w->client.device[VPN], batch, n, w->script.now_ns);
}

/* ---- from the client to a server */

static void into_device(struct host *h, const uint8_t *message, size_t n,
                        const struct endpoint *from)
{
	struct buffer b;
	struct packet *one = &b.packet;

	buffer_set(&b, message, n, from);
	engine_udp_input(h->device, &one, 1, h->world->script.now_ns);
}

/* A server has opened a packet: if it is a datagram for the server that is
 * carried, deliver it. */
static size_t server_tun_write(struct tun_link *link, struct packet *const *packets,
                               size_t n)
{
	struct host *h = CONTAINER_OF(link, struct host, tun);

	for (size_t i = 0; i < n && h->level + 1 < LEVELS; i++) {
		struct host *next = &h->world->server[h->level + 1];
		const uint8_t *b = packets[i]->data;
		struct endpoint from;
		struct ip_view v;

		if (!ip_view_parse(&v, b, packets[i]->len_bytes) || v.fragment ||
		    v.protocol != PROTO_UDP || v.total_bytes - v.payload_at < 8 ||
		    !ip_addr_equal(&v.dst, &next->address.addr))
			continue;
		b += v.payload_at;
		from = (struct endpoint){ .addr = v.src,
			                  .port = (uint16_t)(b[0] << 8 | b[1]) };
		into_device(next, b + 8, v.total_bytes - v.payload_at - 8, &from);
	}
	return n;
}

static size_t client_udp_send(struct udp_link *link, const struct endpoint *to,
                              struct packet *const *packets, size_t n)
{
	struct client *c = CONTAINER_OF(link, struct client, udp);
	struct host *server = &c->world->server[VPN];
	struct endpoint from = { .addr = addr("198.51.100.7"), .port = 20000 };

	for (size_t i = 0; i < n; i++) {
		if (ip_addr_equal(&to->addr, &server->address.addr))
			into_device(server, packets[i]->data, packets[i]->len_bytes,
			            &from);
	}
	return n;
}

/* ---- what arrives */

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void put32(uint8_t *b, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint8_t filler(uint32_t number, uint32_t at)
{
	return (uint8_t)(number * 7 + at);
}

static void check_numbered(struct world *w, const uint8_t *b, uint32_t n)
{
	uint32_t number = get32(b);

	if (number >= NUMBERS_MAX || get32(b + 4) != n || w->arrived[number]++ != 0)
		abort();
	for (uint32_t i = DATA_BYTES; i < n; i++) {
		if (b[i] != filler(number, i))
			abort();
	}
}

static size_t client_tun_write(struct tun_link *link, struct packet *const *packets,
                               size_t n)
{
	struct client *c = CONTAINER_OF(link, struct client, tun);

	for (size_t i = 0; i < n; i++) {
		const uint8_t *b = packets[i]->data;
		struct ip_view v;

		if (!ip_view_parse(&v, b, packets[i]->len_bytes) ||
		    v.total_bytes != packets[i]->len_bytes)
			abort();
		b += v.payload_at;
		if (!v.fragment && v.protocol == PROTO_UDP &&
		    v.total_bytes - v.payload_at >= 8 + DATA_BYTES &&
		    (b[0] << 8 | b[1]) == LAN_PORT)
			check_numbered(c->world, b + 8, v.total_bytes - v.payload_at - 8);
	}
	return n;
}

/* ---- the hosts */

static struct engine *start_engine(struct world *w, struct tun_link *tun)
{
	struct engine_env env = { .rng = { script_fill, w },
		                  .aead = w->aead,
		                  .wall_clock_ns = script_wall_clock_ns,
		                  .context = w };
	struct engine *e;

	if (engine_new(&e, &env) != 0)
		abort();
	engine_set_tun(e, tun);
	return e;
}

static struct device *add_device(struct engine *e, const char *name,
                                 const struct device_settings *s, struct udp_link *udp,
                                 uint8_t key)
{
	uint8_t private_key[KEY_BYTES] = { key, 1 };
	struct device *d;

	if (engine_add_device(e, name, &d) != 0 || device_set(d, s) != 0)
		abort();
	device_set_udp(d, udp);
	wg_device_set_private_key(device_wg(d), private_key);
	return d;
}

static void start_server(struct world *w, int level)
{
	struct host *h = &w->server[level];
	struct device_settings s = { .mtu_bytes = 2000, .port = 51820 };

	h->world = w;
	h->level = level;
	h->tun.write = server_tun_write;
	h->udp.send = server_udp_send;
	h->address = (struct endpoint){
		.addr = addr(w->ipv6 && level > 0 ? server6[level] : server4[level]),
		.port = 51820
	};
	h->engine = start_engine(w, &h->tun);
	h->device = add_device(h->engine, "wg0", &s, &h->udp, (uint8_t)(24 + 8 * level));
}

static void add_client_device(struct world *w, int level)
{
	struct ip_addr own[] = { addr(address4[level]), addr(address6[level]) };
	struct ip_addr dns = addr(dns_server);
	struct device_settings s = { .addresses = own,
		                     .address_count = 2,
		                     .mtu_bytes = 1420 - 80U * (uint32_t)level,
		                     .port = (uint16_t)(20000 + level),
		                     .dns_servers = &dns,
		                     .dns_server_count = level == VPN };

	w->client.device[level] = add_device(w->client.engine, device_names[level], &s,
	                                     &w->client.udp, (uint8_t)(64 + 8 * level));
}

static void allow(struct wg_peer *p, const char *text, uint8_t len)
{
	if (wg_peer_add_allowed_ip(p, (struct ip_prefix){ addr(text), len }) != 0)
		abort();
}

static void introduce(struct world *w, int level)
{
	struct device *near = w->client.device[level], *far = w->server[level].device;
	struct wg_peer *p;

	if (wg_device_add_peer(device_wg(near), wg_device_public_key(device_wg(far)),
	                       &p) != 0)
		abort();
	for (size_t i = 0; i < 4 && prefixes[level][i].addr; i++)
		allow(p, prefixes[level][i].addr, prefixes[level][i].len);
	wg_peer_set_endpoint(p, &w->server[level].address);
	engine_touch(near);
	wg_device_start(device_wg(near), w->script.now_ns);
}

static void introduce_back(struct world *w, int level)
{
	struct device *near = w->client.device[level], *far = w->server[level].device;
	struct wg_peer *p;

	if (wg_device_add_peer(device_wg(far), wg_device_public_key(device_wg(near)),
	                       &p) != 0)
		abort();
	allow(p, "0.0.0.0", 0);
	allow(p, "::", 0);
	engine_touch(far);
	wg_device_start(device_wg(far), w->script.now_ns);
}

/* ---- steps */

static struct endpoint end_of(const char *text, uint16_t port)
{
	return (struct endpoint){ .addr = addr(text), .port = port };
}

/* The client sends a packet to a server's network, or a query to the resolver. */
static void client_sends(struct world *w, int from, int to, bool query, uint16_t port)
{
	static const uint8_t question[] = { 0,   1,   1,   0,   0,   1, 0,   0,   0,
		                            0,   0,   0,   1,   'a', 7, 'e', 'x', 'a',
		                            'm', 'p', 'l', 'e', 0,   0, 1,   0,   1 };
	struct endpoint src = end_of(address4[from], port);
	struct endpoint dst = query ? end_of(resolver4, 53) : end_of(lan4[to], FLOW_PORT);
	struct packet *one;
	struct buffer b;

	buffer_set(&b, question, sizeof(question), NULL);
	wrap_udp(&b, &src, &dst);
	one = &b.packet;
	engine_tun_input(w->client.engine, &one, 1, w->script.now_ns);
}

/* The network behind the server sends a numbered packet to the client's own address. */
static void server_sends(struct world *w, int level, bool ipv6, uint32_t n)
{
	struct endpoint src = end_of(ipv6 ? lan6[level] : lan4[level], LAN_PORT);
	struct endpoint dst = end_of(ipv6 ? address6[level] : address4[level], 7);
	uint8_t payload[1200];
	uint32_t number = w->number;
	struct buffer b;

	if (number >= NUMBERS_MAX ||
	    w->queued > (w->lossless ? QUEUE_FEW : QUEUE_MAX) - 16)
		return;
	w->number++;
	w->expected[number] = true;
	put32(payload, number);
	put32(payload + 4, n);
	for (uint32_t i = DATA_BYTES; i < n; i++)
		payload[i] = filler(number, i);
	buffer_set(&b, payload, n, NULL);
	wrap_udp(&b, &src, &dst);
	into_server(&w->server[level], &b);
}

/* The DNS server, or the target of a translated packet, answers, perhaps in pieces. */
static void server_answers(struct world *w, int level, bool dns, uint16_t port,
                           uint32_t n)
{
	struct endpoint src =
		dns ? end_of(dns_server, 53) : end_of(lan4[level], FLOW_PORT);
	struct endpoint dst = end_of(address4[level], port);
	uint8_t payload[1200] = { 0 };
	struct buffer b;

	buffer_set(&b, payload, n, NULL);
	wrap_udp(&b, &src, &dst);
	send_inside(w, level, &b);
}

static void raw_bytes(struct world *w, int level, const uint8_t *bytes, size_t n)
{
	struct buffer b;

	buffer_set(&b, bytes, n, NULL);
	into_server(&w->server[level], &b);
}

static void swap(struct datagram *a, struct datagram *b)
{
	struct datagram c = *a;

	*a = *b;
	*b = c;
}

static void pass_time(struct world *w, uint64_t ns)
{
	w->script.now_ns += ns;
	engine_run_timers(w->client.engine, w->script.now_ns);
	for (int level = 0; level < LEVELS; level++)
		engine_run_timers(w->server[level].engine, w->script.now_ns);
}

static void remove_and_add(struct world *w, int level, bool whole_device)
{
	struct device *d = w->client.device[level];

	if (whole_device) {
		engine_remove_device(w->client.engine, d);
		add_client_device(w, level);
	} else {
		wg_device_remove_peer(wg_device_first_peer(device_wg(d)));
	}
	introduce(w, level);
}

enum op {
	OP_DATA,
	OP_DATA_TOO, /* so that data, which matters most, is drawn most often */
	OP_CUT,
	OP_GIVE,
	OP_SWAP,
	OP_LOSE,
	OP_TWICE,
	OP_SEND,
	OP_ANSWER,
	OP_TIME,
	OP_RAW,
	OP_REMOVE,
	OP_COUNT,
};

static void step(struct world *w, const uint8_t *s, struct reader *r)
{
	enum op op = (enum op)(s[0] % OP_COUNT);
	int level = s[1] % LEVELS;
	size_t at = w->queued ? s[2] % w->queued : 0,
	       to = w->queued ? s[3] % w->queued : 0, n;
	uint32_t size = DATA_BYTES + (uint32_t)s[3] * 4;
	const uint8_t *piece;

	switch (op) {
	case OP_DATA:
	case OP_DATA_TOO:
		server_sends(w, level, s[2] & 1, size);
		return;
	case OP_CUT:
		w->cuts.at[level] = s[2];
		w->cuts.last_first = s[3] & 1;
		w->cuts.twice = (s[3] & 2) && !w->lossless;
		return;
	case OP_GIVE:
		give_queue(w);
		return;
	case OP_SWAP:
		if (w->queued)
			swap(&w->queue[at], &w->queue[to]);
		return;
	case OP_LOSE:
		if (w->queued && !w->lossless)
			w->queue[at] = w->queue[--w->queued];
		return;
	case OP_TWICE:
		if (w->queued && w->queued < QUEUE_MAX && !w->lossless)
			w->queue[w->queued++] = w->queue[at];
		return;
	case OP_SEND:
		client_sends(w, level, s[2] % LEVELS, s[2] & 4,
		             (uint16_t)(4000 + s[3] % 8));
		return;
	case OP_ANSWER:
		server_answers(w, level, s[2] & 1, (uint16_t)(4000 + s[2] / 2 % 8), size);
		return;
	case OP_TIME:
		if (!w->lossless)
			pass_time(w, (uint64_t)s[2] * NS_PER_SEC / (s[3] ? s[3] : 1));
		return;
	case OP_RAW:
		n = s[2] < r->left_bytes ? s[2] : r->left_bytes;
		piece = reader_take(r, n);
		if (piece && !w->lossless)
			raw_bytes(w, level, piece, n);
		return;
	case OP_REMOVE:
		if (!w->lossless)
			remove_and_add(w, level, s[2] & 1);
		return;
	case OP_COUNT:
		return;
	}
}

static void set_up(struct world *w)
{
	struct ip_addr v4 = addr(resolver4), none = { 0 };

	w->script.now_ns = NS_PER_SEC;
	w->client.world = w;
	w->client.tun.write = client_tun_write;
	w->client.udp.send = client_udp_send;
	w->client.engine = start_engine(w, &w->client.tun);
	engine_set_resolver(w->client.engine, &v4, &none);
	for (int level = 0; level < LEVELS; level++) {
		start_server(w, level);
		add_client_device(w, level);
		introduce(w, level);
		introduce_back(w, level);
	}
	for (int round = 0; round < 2 * LEVELS; round++) {
		/* makes handshakes; the inner ones are done last */
		client_sends(w, DEEP, DEEP, false, 4000);
		give_queue(w);
	}
}

static void check_all_arrived(const struct world *w)
{
	for (uint32_t i = 0; w->lossless && i < w->number; i++) {
		if (w->expected[i] && !w->arrived[i])
			abort();
	}
}

/* The first byte is the kind of input; steps of four bytes follow. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct reader r = reader_of(bytes, n);
	const uint8_t *kind = reader_take(&r, 1), *s;
	struct world *w = kind ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return 0;
	w->aead = aead_turn(n);
	w->ipv6 = *kind & 1;
	w->lossless = *kind & 2;
	set_up(w);
	while ((s = reader_take(&r, 4)))
		step(w, s, &r);
	give_queue(w);
	check_all_arrived(w);
	engine_free(w->client.engine);
	for (int level = 0; level < LEVELS; level++)
		engine_free(w->server[level].engine);
	free(w);
	return 0;
}
