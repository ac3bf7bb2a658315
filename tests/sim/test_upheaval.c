/* tests/sim/test_upheaval.c
 *
 * Two hosts, each with a few devices that are peers of the other host's. At random, between
 * and in the middle of batches, what they are made of changes: devices come and go, `wg set`
 * changes keys, peers, endpoints and allowed IPs, Via makes chains and rings, links are taken
 * away. Packets are lost, doubled and late, and time jumps. Nothing need arrive then; the
 * sanitizers look for what is used after it has gone. At the end all is made anew, and a
 * packet must arrive.
 *
 * TUNION_SIM_SEEDS=N runs so many scripts. */
#include "unit.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aead_turn.h"
#include "base/iphdr.h"
#include "engine/engine.h"
#include "worker/uapi.h"

#define SEEDS       8
#define STEPS       300
#define HOSTS       2
#define DEVICES     4
#define QUEUE_MAX   512
#define BYTES_MAX   1600
#define FIRST_PORT  1000
#define START_NS    (1000 * NS_PER_SEC)
#define HONEST_TEXT "honest"

struct room {
	uint8_t bytes[PACKET_HEADROOM_BYTES + BYTES_MAX + PACKET_TAILROOM_BYTES];
	struct packet packet;
};

struct datagram {
	struct endpoint from, to;
	size_t n;
	uint8_t bytes[BYTES_MAX];
};

struct link {
	struct udp_link udp;
	struct host *host;
	unsigned device;
};

struct host {
	struct engine *engine;
	struct tun_link tun;
	struct link links[DEVICES];
	struct upheaval *all;
	unsigned number;
	bool arrived; /* the honest packet */
};

struct upheaval {
	uint64_t random, now_ns;
	struct host hosts[HOSTS];
	struct datagram queue[QUEUE_MAX];
	size_t queued;
	char private_hex[HOSTS * DEVICES][KEY_HEX_CHARS + 1];
	char public_hex[HOSTS * DEVICES][KEY_HEX_CHARS + 1];
};

static unsigned below(struct upheaval *u, unsigned n)
{
	return (unsigned)(unit_random(&u->random) % n);
}

static bool one_in(struct upheaval *u, unsigned n)
{
	return below(u, n) == 0;
}

/* ---- what the engines are given */

static void fill_random(void *context, void *bytes, size_t n)
{
	struct upheaval *u = context;
	uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)unit_random(&u->random);
}

static uint64_t wall_clock(void *context)
{
	return ((struct upheaval *)context)->now_ns;
}

static struct endpoint endpoint_of(unsigned host, unsigned device)
{
	struct endpoint e = { .port = (uint16_t)(FIRST_PORT + device) };
	char text[32];

	snprintf(text, sizeof(text), "192.0.2.%u", 1 + host);
	ck_assert(ip_addr_parse(&e.addr, text));
	return e;
}

static void enqueue(struct upheaval *u, const struct endpoint *from,
                    const struct endpoint *to, const uint8_t *bytes, size_t n)
{
	struct datagram *d;

	if (u->queued == QUEUE_MAX || n > BYTES_MAX)
		return;
	d = &u->queue[u->queued++];
	d->from = *from;
	d->to = *to;
	d->n = n;
	memcpy(d->bytes, bytes, n);
}

static size_t send_udp(struct udp_link *link, const struct endpoint *to,
                       struct packet *const *packets, size_t n)
{
	struct link *l = CONTAINER_OF(link, struct link, udp);
	struct endpoint from = endpoint_of(l->host->number, l->device);

	for (size_t i = 0; i < n; i++)
		enqueue(l->host->all, &from, to, packets[i]->data, packets[i]->len_bytes);
	return n;
}

/* A host forwards what a peer has sent through it. */
static size_t write_tun(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct host *h = CONTAINER_OF(link, struct host, tun);

	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = packets[i]->data;
		struct endpoint from = { 0 }, to = { 0 };
		size_t bytes = packets[i]->len_bytes;

		if (bytes >= 34 && p[0] == 0x45 &&
		    memcmp(p + 28, HONEST_TEXT, strlen(HONEST_TEXT)) == 0)
			h->arrived = true;
		if (bytes < 28 || p[0] != 0x45 || p[9] != IPPROTO_UDP)
			continue;
		from.addr = ip_addr_from_bytes(IP_V4, p + 12);
		to.addr = ip_addr_from_bytes(IP_V4, p + 16);
		from.port = (uint16_t)(p[20] << 8 | p[21]);
		to.port = (uint16_t)(p[22] << 8 | p[23]);
		enqueue(h->all, &from, &to, p + 28, bytes - 28);
	}
	return n;
}

/* ---- packets */

static void room_set(struct room *r, const void *bytes, size_t n)
{
	r->packet = (struct packet){ .data = r->bytes + PACKET_HEADROOM_BYTES,
		                     .len_bytes = (uint32_t)n,
		                     .headroom_bytes = PACKET_HEADROOM_BYTES,
		                     .tailroom_bytes = (uint32_t)(BYTES_MAX - n) +
		                                       PACKET_TAILROOM_BYTES };
	memcpy(r->packet.data, bytes, n);
}

/* UDP from the host's device `from`; a checksum isn't needed for UDP over IPv4. */
static size_t make_packet(uint8_t *out, unsigned host, unsigned from, const char *to,
                          size_t payload)
{
	size_t n = 28 + payload;
	struct in_addr dst;
	uint32_t sum = 0;

	memset(out, 0, n);
	memcpy(out + 28, HONEST_TEXT,
	       payload < strlen(HONEST_TEXT) ? 0 : strlen(HONEST_TEXT));
	out[0] = 0x45;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	out[8] = 64;
	out[9] = IPPROTO_UDP;
	out[12] = 10;
	out[13] = (uint8_t)(16 * host + from);
	out[15] = 2;
	inet_pton(AF_INET, to, &dst);
	memcpy(out + 16, &dst, 4);
	out[21] = 7;
	out[23] = 9;
	out[24] = (uint8_t)((8 + payload) >> 8);
	out[25] = (uint8_t)(8 + payload);
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)(out[i] << 8 | out[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	out[10] = (uint8_t)(~sum >> 8);
	out[11] = (uint8_t)~sum;
	return n;
}

static void from_tun(struct upheaval *u, struct host *h)
{
	static struct room rooms[64];
	struct packet *batch[64];
	size_t n = 1 + below(u, 64);
	uint8_t bytes[BYTES_MAX];
	char to[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(to, sizeof(to), one_in(u, 5) ? "192.0.2.%u" : "10.%u.0.2",
		         below(u, 16 * HOSTS));
		room_set(&rooms[i], bytes,
		         make_packet(bytes, h->number, below(u, DEVICES), to,
		                     one_in(u, 3) ? 1300 : below(u, 60)));
		batch[i] = &rooms[i].packet;
	}
	engine_tun_input(h->engine, batch, n, u->now_ns);
}

static struct device *device_at(struct upheaval *u, const struct endpoint *to)
{
	for (unsigned h = 0; h < HOSTS; h++)
		for (unsigned i = 0; i < DEVICES; i++) {
			struct endpoint e = endpoint_of(h, i);
			char name[8];

			snprintf(name, sizeof(name), "d%u", i);
			if (endpoint_equal(&e, to))
				return engine_find_device(u->hosts[h].engine, name);
		}
	return NULL;
}

/* All that is under way for the device of the first datagram. Others stay. */
static void from_network(struct upheaval *u, bool lossless)
{
	static struct room rooms[BATCH_MAX];
	static struct endpoint senders[BATCH_MAX];
	struct packet *batch[BATCH_MAX];
	struct endpoint to;
	size_t n = 0, kept = 0;
	struct device *d;

	if (u->queued == 0)
		return;
	to = u->queue[lossless ? 0 : below(u, (unsigned)u->queued)].to;
	for (size_t i = 0; i < u->queued; i++) {
		struct datagram *at = &u->queue[i];

		if (!endpoint_equal(&at->to, &to) || n == BATCH_MAX) {
			u->queue[kept++] = *at;
			continue;
		}
		if (!lossless && one_in(u, 12))
			continue;
		room_set(&rooms[n], at->bytes, at->n);
		senders[n] = at->from;
		rooms[n].packet.from = &senders[n];
		batch[n] = &rooms[n].packet;
		n++;
		if (!lossless && one_in(u, 12)) /* once more, later */
			u->queue[kept++] = *at;
	}
	u->queued = kept;
	d = device_at(u, &to);
	if (d && n > 0)
		engine_udp_input(d, batch, n, u->now_ns);
}

/* ---- changes */

static struct device *any_device(struct upheaval *u, struct host *h, unsigned *number)
{
	char name[8];

	*number = below(u, DEVICES);
	snprintf(name, sizeof(name), "d%u", *number);
	return engine_find_device(h->engine, name);
}

static struct device *add_device(struct host *h, unsigned number)
{
	struct device *d;
	char name[8];

	snprintf(name, sizeof(name), "d%u", number);
	ck_assert_int_eq(engine_add_device(h->engine, name, &d), 0);
	device_set_udp(d, &h->links[number].udp);
	wg_device_start(device_wg(d), h->all->now_ns);
	return d;
}

static void give_settings(struct upheaval *u, struct host *h, struct device *d,
                          unsigned number, bool honest)
{
	struct ip_addr address;
	struct device_settings s = { .addresses = &address,
		                     .address_count = 1,
		                     .mtu_bytes = 1420,
		                     .port = (uint16_t)(FIRST_PORT + number) };
	char text[32], via[8];

	snprintf(text, sizeof(text), "10.%u.0.2", 16 * h->number + number);
	ck_assert(ip_addr_parse(&address, text));
	if (!honest) {
		s.mtu_bytes = one_in(u, 4) ? 1280 : 1420;
		s.metric = (int32_t)below(u, 3);
		s.has_metric = one_in(u, 2);
		s.table_off = one_in(u, 8);
		s.source_fix_off = one_in(u, 8);
		s.source_check_off = one_in(u, 8);
		s.via = (enum way_via)below(u, WAY_VIA_DEVICE + 1);
		snprintf(via, sizeof(via), "d%u", below(u, DEVICES + 1));
		s.via_name = via;
	}
	ck_assert_int_eq(device_set(d, &s), 0);
}

static void print_line(struct upheaval *u, struct outbuf *o)
{
	static const char *const ips[] = { "0.0.0.0/0",    "192.0.2.0/24",
		                           "192.0.2.1/32", "192.0.2.2/32",
		                           "10.0.0.0/8",   "::/0",
		                           "-0.0.0.0/0",   "-192.0.2.2/32",
		                           "10.16.0.0/16" };
	struct endpoint e = endpoint_of(below(u, HOSTS), below(u, DEVICES));
	char text[ENDPOINT_STRLEN];

	switch (below(u, 9)) {
	case 0:
		if (one_in(u, 2))
			outbuf_print(o, "remove=true\n");
		break;
	case 1:
		outbuf_print(o, "replace_allowed_ips=true\n");
		break;
	case 2:
		outbuf_print(o, "preshared_key=%s\n",
		             u->private_hex[one_in(u, 2) ? 0 : below(u, 3)]);
		break;
	case 3:
		outbuf_print(o, "persistent_keepalive_interval=%u\n", below(u, 30));
		break;
	case 4:
		outbuf_print(o, "endpoint=%s\n", endpoint_format(&e, text));
		break;
	case 5:
		outbuf_print(o, "allowed_ip=10.%u.0.0/16\n", below(u, 16 * HOSTS));
		break;
	default:
		outbuf_print(o, "allowed_ip=%s\n", ips[below(u, ARRAY_SIZE(ips))]);
	}
}

/* The device of the same number on the other host is its peer. */
static void configure(struct upheaval *u, struct host *h, unsigned number,
                      const char *more)
{
	static const struct uapi_host nobody;
	struct outbuf text = { 0 }, answers = { 0 };
	char name[8], at[ENDPOINT_STRLEN];
	unsigned other = 1 - h->number;
	struct endpoint e = endpoint_of(other, number);
	struct uapi uapi;

	snprintf(name, sizeof(name), "d%u", number);
	outbuf_print(
		&text,
		"set=1\nprivate_key=%s\npublic_key=%s\nendpoint=%s\nallowed_ip=10.%u.0.0/16\n%s\n",
		u->private_hex[h->number * DEVICES + number],
		u->public_hex[other * DEVICES + number], endpoint_format(&e, at),
		16 * other + number, more);
	uapi_init(&uapi, engine_find_device(h->engine, name), &nobody);
	ck_assert_uint_eq(uapi_feed(&uapi, text.bytes + text.first, outbuf_bytes(&text),
	                            &answers, u->now_ns),
	                  outbuf_bytes(&text));
	uapi_clear(&uapi);
	outbuf_clear(&text);
	outbuf_clear(&answers);
}

/* In pieces, so that the union is made again in the middle of a set. */
static void wg_set(struct upheaval *u, struct device *d)
{
	static const struct uapi_host nobody;
	struct outbuf text = { 0 }, answers = { 0 };
	struct uapi uapi;
	size_t taken;

	uapi_init(&uapi, d, &nobody);
	outbuf_print(&text, "set=1\n");
	if (one_in(u, 30))
		outbuf_print(&text, "private_key=%s\n",
		             u->private_hex[below(u, HOSTS * DEVICES)]);
	if (one_in(u, 12))
		outbuf_print(&text, "replace_peers=true\n");
	for (unsigned n = 1 + below(u, 3); n > 0; n--) {
		outbuf_print(&text, "public_key=%s\n",
		             u->public_hex[below(u, HOSTS * DEVICES)]);
		if (one_in(u, 6))
			outbuf_print(&text, "update_only=true\n");
		for (unsigned lines = below(u, 6); lines > 0; lines--)
			print_line(u, &text);
	}
	if (!one_in(u, 8)) /* otherwise the client goes before the end */
		outbuf_print(&text, "\n");
	while (outbuf_bytes(&text) > 0) {
		taken = 1 + below(u, (unsigned)outbuf_bytes(&text));
		ck_assert_uint_eq(uapi_feed(&uapi, text.bytes + text.first, taken,
		                            &answers, u->now_ns),
		                  taken);
		outbuf_consume(&text, taken);
		if (one_in(u, 4))
			from_tun(u, &u->hosts[below(u, HOSTS)]);
		if (one_in(u, 4))
			from_network(u, false);
	}
	uapi_clear(&uapi);
	outbuf_clear(&text);
	outbuf_clear(&answers);
}

static void change_device(struct upheaval *u, struct host *h)
{
	unsigned number;
	struct device *d = any_device(u, h, &number);
	uint8_t key[KEY_BYTES];

	if (!d) {
		d = add_device(h, number);
		give_settings(u, h, d, number, one_in(u, 2));
		configure(u, h, number, one_in(u, 4) ? "allowed_ip=0.0.0.0/0\n" : "");
		return;
	}
	switch (below(u, 8)) {
	case 0:
		if (one_in(u, 3))
			engine_remove_device(h->engine, d);
		break;
	case 1:
		device_set_udp(d, one_in(u, 3) ? NULL : &h->links[number].udp);
		break;
	case 2:
		device_set_port(d, (uint16_t)(FIRST_PORT + below(u, DEVICES)));
		break;
	case 3:
		ck_assert(key_from_hex(key, u->public_hex[below(u, HOSTS * DEVICES)],
		                       KEY_HEX_CHARS));
		ck_assert_int_eq(
			device_set_peer_via(d, key,
		                            (enum way_via)below(u, WAY_VIA_DEVICE + 1),
		                            one_in(u, 2) ? "d0" : "d1"),
			0);
		break;
	case 4:
		give_settings(u, h, d, number, false);
		break;
	case 5:
		wg_device_start(device_wg(d), u->now_ns);
		break;
	default:
		wg_set(u, d);
	}
}

static void pass_time(struct upheaval *u)
{
	static const uint64_t spans_ns[] = { 0,
		                             NS_PER_MS,
		                             NS_PER_SEC,
		                             5 * NS_PER_SEC + NS_PER_MS,
		                             16 * NS_PER_SEC,
		                             121 * NS_PER_SEC,
		                             600 * NS_PER_SEC };
	uint64_t end_ns = u->now_ns + spans_ns[below(u, ARRAY_SIZE(spans_ns))];

	while (u->now_ns <= end_ns) {
		uint64_t next_ns = end_ns + 1;

		for (unsigned i = 0; i < HOSTS; i++) {
			uint64_t due_ns = engine_next_deadline_ns(u->hosts[i].engine);

			if (due_ns <= end_ns && due_ns < next_ns)
				next_ns = due_ns;
		}
		if (next_ns > u->now_ns)
			u->now_ns = next_ns;
		for (unsigned i = 0; i < HOSTS && u->now_ns <= end_ns; i++)
			engine_run_timers(u->hosts[i].engine, u->now_ns);
		if (one_in(u, 3))
			from_network(u, false);
	}
}

static void do_step(struct upheaval *u)
{
	struct host *h = &u->hosts[below(u, HOSTS)];

	switch (below(u, 8)) {
	case 0:
	case 1:
		change_device(u, h);
		break;
	case 2:
	case 3:
		from_tun(u, h);
		break;
	case 4:
		pass_time(u);
		break;
	case 5:
		if (one_in(u, 10))
			engine_set_tun(h->engine, one_in(u, 3) ? NULL : &h->tun);
		break;
	default:
		from_network(u, false);
	}
}

/* ---- the end: an honest pair */

static void check_honest(struct upheaval *u)
{
	static struct room room;
	struct packet *one = &room.packet;
	uint8_t bytes[BYTES_MAX];

	u->queued = 0;
	for (unsigned i = 0; i < HOSTS; i++) {
		struct host *h = &u->hosts[i];

		while (engine_first_device(h->engine))
			engine_remove_device(h->engine, engine_first_device(h->engine));
		engine_set_tun(h->engine, &h->tun);
		give_settings(u, h, add_device(h, 0), 0, true);
		configure(u, h, 0, "");
		h->arrived = false;
	}
	u->now_ns += 1000 * NS_PER_SEC;
	room_set(&room, bytes, make_packet(bytes, 0, 0, "10.16.0.2", 40));
	engine_tun_input(u->hosts[0].engine, &one, 1, u->now_ns);
	for (int i = 0; i < 20; i++)
		from_network(u, true);
	ck_assert(u->hosts[1].arrived);
}

static void begin(struct upheaval *u, uint64_t seed)
{
	*u = (struct upheaval){ .random = seed, .now_ns = START_NS };
	for (unsigned i = 0; i < HOSTS * DEVICES; i++) {
		uint8_t private[KEY_BYTES], public[KEY_BYTES];

		fill_random(u, private, sizeof(private));
		private[0] &= 248;
		private[31] = (uint8_t)((private[31] & 127) | 64);
		ck_assert_int_eq(crypto_scalarmult_base(public, private), 0);
		key_to_hex(u->private_hex[i], private);
		key_to_hex(u->public_hex[i], public);
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		struct host *h = &u->hosts[i];
		struct engine_env env = { .rng = { fill_random, u },
			                  .aead = aead_turn(seed),
			                  .wall_clock_ns = wall_clock,
			                  .context = u };

		h->all = u;
		h->number = i;
		h->tun.write = write_tun;
		for (unsigned d = 0; d < DEVICES; d++)
			h->links[d] = (struct link){ { send_udp }, h, d };
		ck_assert_int_eq(engine_new(&h->engine, &env), 0);
		engine_set_tun(h->engine, &h->tun);
	}
}

START_TEST(nothing_breaks_and_then_all_is_well)
{
	uint64_t n = unit_number("TUNION_SIM_SEEDS", SEEDS), state = unit_seed();
	struct upheaval *u = malloc(sizeof(*u));

	ck_assert_ptr_nonnull(u);
	for (uint64_t i = 0; i < n; i++) {
		begin(u, unit_random(&state));
		for (int step = 0; step < STEPS; step++)
			do_step(u);
		check_honest(u);
		for (unsigned k = 0; k < HOSTS; k++)
			engine_free(u->hosts[k].engine);
	}
	free(u);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sim/upheaval");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, nothing_breaks_and_then_all_is_well);
	return tc;
}
