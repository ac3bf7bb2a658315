/* The simulated network delivers one datagram at a time. Here the engine gets many at once,
 * of several clients and connections, and must do to each of them what it does to one that
 * comes alone. */
#include <stdlib.h>
#include <string.h>

#include "gate_hosts.h"

#define MANY 60

struct bytes {
	uint8_t at[1500];
	size_t n;
};

struct list {
	struct bytes items[MANY];
	size_t count;
};

/* What comes out of both tuns, because the order is kept for each of them only. */
struct result {
	struct list at[PHONES];
};

static struct list wire;
static struct result arrived;

static void list_add(struct list *l, const uint8_t *bytes, size_t n)
{
	must(l->count < MANY && n <= sizeof(l->items[0].at));
	memcpy(l->items[l->count].at, bytes, n);
	l->items[l->count++].n = n;
}

static bool to_wire(struct node *node, const struct endpoint *to, const struct packet *p)
{
	(void)node;
	(void)to;
	list_add(&wire, p->data, p->len_bytes);
	return true;
}

static bool from_tun(struct node *node, const uint8_t *ip, size_t n)
{
	list_add(&arrived.at[node == phone[1]], ip, n);
	return true;
}

static void put_sum(struct craft *c, size_t at)
{
	uint8_t *b = c->packet.data, pseudo[1500 + 40] = { 0 };
	size_t ip = b[0] >> 4 == 4 ? 20 : 40, n = c->packet.len_bytes - ip;
	size_t from = ip == 20 ? 12 : 8;
	uint16_t sum;

	memcpy(pseudo, b + from, ip - from);
	pseudo[ip - from + 1] = b[ip == 20 ? 9 : 6];
	pseudo[ip - from + 2] = (uint8_t)(n >> 8);
	pseudo[ip - from + 3] = (uint8_t)n;
	memcpy(pseudo + ip - from + 4, b + ip, n);
	sum = (uint16_t)~craft_sum(pseudo, ip - from + 4 + n);
	sum = sum ? sum : 0xffff; /* in UDP, 0 stands for none */
	b[ip + at] = (uint8_t)(sum >> 8);
	b[ip + at + 1] = (uint8_t)sum;
}

/* Few ports and kinds, so that a packet often is like the one before. */
static void make(struct craft *c, size_t i, uint64_t *seed)
{
	static const uint8_t flags[] = { 0x10, 0x10, 0x10, 0x18, 0x02, 0x11, 0x14, 0x50 };
	bool v6 = unit_below(seed, 8) == 0, udp = unit_below(seed, 8) == 0;
	uint8_t l4[1200] = { 0x9c, (uint8_t)unit_below(seed, 2), 0x14, 0x51 };
	size_t n = 20 + unit_below(seed, sizeof(l4) - 20);

	for (size_t k = 4; k < sizeof(l4); k++)
		l4[k] = (uint8_t)unit_random(seed);
	l4[12] = 0x50;
	l4[13] = flags[unit_below(seed, ARRAY_SIZE(flags))];
	if (udp) {
		l4[4] = (uint8_t)(n >> 8);
		l4[5] = (uint8_t)n;
	}
	memset(l4 + (udp ? 6 : 16), 0, 2);
	craft_ip(c, v6 ? phone6[i] : phone4[i], v6 ? "fd16::9" : "172.16.0.9",
	         udp ? 17 : 6, l4, n);
	if (!v6 && unit_below(seed, 8) > 0)
		craft_set_df(c);
	if (unit_below(seed, 8) == 0)
		craft_set_tos(c, 0x20);
	put_sum(c, udp ? 6 : 16);
}

/* Hands the device what is on the wire, in batches of at most so many. */
static void give(struct device *d, const struct endpoint *from, size_t most)
{
	static struct packet packets[MANY];
	struct packet *order[MANY];

	for (size_t done = 0, n; done < wire.count; done += n) {
		n = wire.count - done < most ? wire.count - done : most;
		for (size_t i = 0; i < n; i++) {
			packets[i] = (struct packet){
				.data = wire.items[done + i].at,
				.len_bytes = (uint32_t)wire.items[done + i].n,
				.from = &from[done + i],
			};
			order[i] = &packets[i];
		}
		engine_udp_input(d, order, n, w->now_ns);
	}
	wire.count = 0;
}

/* Puts what the nodes `by` make of the packets on the wire. */
static void put_on_wire(const struct list *packets, struct node *const *by)
{
	wire.count = arrived.at[0].count = arrived.at[1].count = 0;
	for (size_t i = 0; i < packets->count; i++) {
		struct craft c;
		struct packet *p = &c.packet;

		must(by[i] != NULL);
		craft_bytes(&c, packets->items[i].at, packets->items[i].n);
		by[i]->on_udp = to_wire;
		engine_tun_input(by[i]->engine, &p, 1, w->now_ns);
		by[i]->on_udp = NULL;
	}
	must(wire.count == packets->count);
}

/* Sends the packets from the nodes `by` into the device of the client, in batches of at
 * most so many. */
static void pass(struct result *there, const struct list *packets, struct node *const *by,
                 const struct endpoint *from, struct device *d, size_t most)
{
	put_on_wire(packets, by);
	give(d, from, most);
	run(SECOND / 10);
	*there = arrived;
}

/* But for the ids that the gate gives to packets that may be fragmented. */
static void check_equal(const struct list *a, const struct list *b)
{
	ck_assert_uint_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		struct bytes x = a->items[i], y = b->items[i];

		ck_assert(craft_valid(x.at, x.n));
		if (x.at[0] >> 4 == 4 && !(x.at[6] & 0x40)) {
			memset(x.at + 4, 0, 2);
			memset(y.at + 4, 0, 2);
			memset(x.at + 10, 0, 2);
			memset(y.at + 10, 0, 2);
		}
		ck_assert_uint_eq(x.n, y.n);
		ck_assert_mem_eq(x.at, y.at, x.n);
	}
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	while (n-- > 0) {
		uint8_t byte = *a;

		*a++ = *b;
		*b++ = byte;
	}
}

/* The checksums stay right. */
static void make_answers(struct list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		uint8_t *b = l->items[i].at;
		bool v4 = b[0] >> 4 == 4;

		swap(b + (v4 ? 12 : 8), b + (v4 ? 16 : 24), v4 ? 4 : 16);
		swap(b + (v4 ? 20 : 40), b + (v4 ? 22 : 42), 2);
	}
}

static const struct endpoint *endpoint_of(struct device *d, struct device *peer_of)
{
	const uint8_t *key = wg_device_public_key(device_wg(peer_of));

	return wg_peer_endpoint(wg_device_find_peer(device_wg(d), key));
}

static struct list sent;
static struct result batch, single;

static void compare(struct node *const *by, const struct endpoint *from, struct device *d)
{
	pass(&batch, &sent, by, from, d, MANY);
	ck_assert_uint_eq(batch.at[0].count + batch.at[1].count, sent.count);
	pass(&single, &sent, by, from, d, 1);
	check_equal(&batch.at[0], &single.at[0]);
	check_equal(&batch.at[1], &single.at[1]);
}

/* What becomes of the same packets, all at once and one by one, there and back. */
static void try_some(uint64_t *seed)
{
	struct node *by[MANY] = { NULL };
	struct endpoint from[MANY];
	size_t n = 2 + unit_below(seed, MANY - 1), of = 0;

	sent.count = 0;
	for (size_t i = 0; i < n; i++) {
		struct craft c;

		of = unit_below(seed, 6) == 0 ? unit_below(seed, PHONES) : of;
		make(&c, of, seed);
		list_add(&sent, c.packet.data, c.packet.len_bytes);
		by[i] = phone[of];
		from[i] = *endpoint_of(gate, phone_device[of]);
	}
	compare(by, from, gate);
	sent = single.at[0];
	make_answers(&sent);
	for (size_t i = 0; i < n; i++) {
		by[i] = server[0];
		from[i] = *wg_peer_endpoint(peer[0]);
	}
	compare(by, from, vpn);
}

START_TEST(a_batch_is_treated_as_its_packets_are_one_by_one)
{
	uint64_t seed = unit_seed();

	begin();
	for (size_t i = 0; i < PHONES; i++)
		probe_from(i, (uint16_t)i, phone4[i], "172.16.0.9", 100);
	run(SECOND);
	check_came_back(0, "10.0.0.2");
	check_came_back(1, "10.0.0.2");
	server[0]->on_tun = from_tun;
	phone[0]->on_tun = phone[1]->on_tun = from_tun;
	for (unsigned i = 0; i < 20; i++)
		try_some(&seed);
	stop();
}
END_TEST

/* ---- what comes together with a packet that is too big for a client */

static struct node *by_server[MANY];
static struct endpoint from_server[MANY];

/* vpn's server answers phone 0; home has a session, too. */
static void begin_with_a_small_gate(void)
{
	struct device_settings small = gate_settings;

	begin();
	small.mtu_bytes = 1300;
	ck_assert_int_eq(device_set(gate, &small), 0);
	warm_up();
	probe_from(0, 0, phone4[0], "172.16.0.9", 100);
	run(SECOND);
	check_came_back(0, "10.0.0.2");
	for (size_t i = 0; i < MANY; i++) {
		by_server[i] = server[0];
		from_server[i] = *wg_peer_endpoint(peer[0]);
	}
	sent.count = 0;
}

static void add_too_big(void)
{
	static const uint8_t payload[1380];
	struct craft c;

	craft_udp(&c, "172.16.0.9", APP_PORT, "10.0.0.2", APP_PORT + 1, payload,
	          sizeof(payload));
	craft_set_df(&c);
	list_add(&sent, c.packet.data, c.packet.len_bytes);
}

static void add_piece(uint16_t flags_offset)
{
	struct craft c;

	craft_ip(&c, "172.16.0.9", "172.16.1.9", 17, "0123456789abcdef", 16);
	craft_set_fragment(&c, flags_offset);
	list_add(&sent, c.packet.data, c.packet.len_bytes);
}

/* Both pieces are for the host to pass on, or not. The error goes out by the gate, but the piece
 * that was held doesn't. */
START_TEST(a_piece_that_was_held)
{
	struct device *far;

	begin_with_a_small_gate();
	far = engine_first_device(server[0]->engine);
	peer_allow(wg_device_first_peer(device_wg(far)), "172.16.1.0/24");
	engine_touch(far);
	client->on_tun = from_tun;
	server[1]->on_tun = take_tun;
	seen_count = 0;
	add_piece(2);
	pass(&batch, &sent, by_server, from_server, vpn, MANY);
	ck_assert_uint_eq(batch.at[0].count, 0);
	sent.count = 0;
	add_piece(0x2000);
	add_too_big();
	pass(&batch, &sent, by_server, from_server, vpn, MANY);
	ck_assert_uint_eq(drops_of(gate, DROP_TOO_BIG), 1);
	ck_assert_uint_eq(batch.at[0].count, 2);
	ck_assert_uint_eq(seen_count, 0);
	stop();
}
END_TEST

/* Whoever writes to a client can't use up the errors that the host needs to learn its MTUs. */
START_TEST(the_errors_of_the_host_are_not_used_up)
{
	static const uint8_t payload[1400];
	struct craft c;

	begin_with_a_small_gate();
	while (sent.count < MANY)
		add_too_big();
	put_on_wire(&sent, by_server);
	give(vpn, from_server, MANY);
	ck_assert_uint_eq(drops_of(gate, DROP_TOO_BIG), MANY);
	craft_udp(&c, "10.0.0.2", 7, "172.16.0.9", 7, payload, sizeof(payload));
	craft_set_df(&c);
	into_tun(&c);
	ck_assert_uint_eq(client->icmp_errors, 1);
	stop();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/gate, batches");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_batch_is_treated_as_its_packets_are_one_by_one);
	tcase_add_test(tc, a_piece_that_was_held);
	tcase_add_test(tc, the_errors_of_the_host_are_not_used_up);
	return tc;
}
