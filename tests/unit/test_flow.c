/* The source fix: what leaves through another device comes back as if nothing had
 * happened. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "craft.h"
#include "engine/flow.h"

#define DEVICE 7

static void fill(void *context, void *bytes, size_t n)
{
	uint8_t *at = bytes;

	while (n-- > 0)
		*at++ = (uint8_t)unit_random(context);
}

struct fixture {
	uint64_t seed, now_ns;
	struct rng rng;
	struct flows *flows;
	struct ip_addr original, own, remote;
	enum ip_family family;
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	ck_assert(ip_addr_parse(&a, text));
	return a;
}

static void fixture_open(struct fixture *f, enum ip_family family)
{
	bool v4 = family == IP_V4;

	*f = (struct fixture){ .seed = unit_seed(),
		               .now_ns = NS_PER_SEC,
		               .family = family };
	f->rng = (struct rng){ fill, &f->seed };
	f->flows = flows_new(&f->rng);
	f->original = addr(v4 ? "10.1.0.2" : "fd01::2");
	f->own = addr(v4 ? "10.2.0.2" : "fd02::2");
	f->remote = addr(v4 ? "192.0.2.9" : "2001:db8::9");
	ck_assert_ptr_nonnull(f->flows);
}

struct made {
	uint8_t bytes[400];
	struct packet packet;
	struct ip_view view;
};

static void look(struct made *m)
{
	must(ip_view_parse(&m->view, m->packet.data, m->packet.len_bytes));
}

static uint16_t l4_sum(const struct made *m)
{
	uint32_t len = m->view.total_bytes - m->view.payload_at;
	uint64_t sum = m->view.protocol == PROTO_ICMP
	                       ? 0
	                       : checksum_pseudo(&m->view.src, &m->view.dst,
	                                         m->view.protocol, len);

	return checksum_finish(
		checksum_add(sum, m->packet.data + m->view.payload_at, len));
}

/* Lays out IP and 24 bytes of layer 4, whose first bytes are given; checksums right. */
static void make(struct made *m, const struct ip_addr *src, const struct ip_addr *dst,
                 uint8_t protocol, const void *l4, size_t l4_bytes, size_t sum_at)
{
	size_t ip = src->family == IP_V4 ? 20 : 40, n = l4_bytes < 24 ? 24 : l4_bytes;
	struct be16 sum;

	memset(m, 0, sizeof(*m));
	m->packet = (struct packet){ .data = m->bytes, .len_bytes = (uint32_t)(ip + n) };
	if (ip == 20) {
		struct ipv4_header h = { .version_ihl = 0x45,
			                 .ttl = 9,
			                 .protocol = protocol };

		h.total_len = be16_put((uint16_t)(ip + n));
		memcpy(h.src, src->b, 4);
		memcpy(h.dst, dst->b, 4);
		h.checksum = be16_put(checksum_finish(checksum_add(0, &h, sizeof(h))));
		memcpy(m->bytes, &h, sizeof(h));
	} else {
		struct ipv6_header h = { .next_header = protocol, .hop_limit = 9 };

		h.version_class_flow = be32_put(0x60000000);
		h.payload_len = be16_put((uint16_t)n);
		memcpy(h.src, src->b, 16);
		memcpy(h.dst, dst->b, 16);
		memcpy(m->bytes, &h, sizeof(h));
	}
	memcpy(m->bytes + ip, l4, l4_bytes);
	if (protocol == PROTO_UDP)
		m->bytes[ip + 5] = (uint8_t)n;
	look(m);
	sum = be16_put(l4_sum(m) ? l4_sum(m) : 0xffff); /* 0: no checksum (RFC 768) */
	memcpy(m->bytes + ip + sum_at, &sum, 2);
	must(l4_sum(m) == 0);
}

static void is_right(struct made *m, const struct ip_addr *src, const struct ip_addr *dst)
{
	struct ip_view said = m->view;

	look(m);
	ck_assert(ip_addr_equal(&m->view.src, src) && ip_addr_equal(&said.src, src));
	ck_assert(ip_addr_equal(&m->view.dst, dst) && ip_addr_equal(&said.dst, dst));
	ck_assert_uint_eq(l4_sum(m), 0);
	if (m->view.family == IP_V4)
		ck_assert_uint_eq(checksum_finish(checksum_add(0, m->bytes, 20)), 0);
}

static uint16_t be_at(const struct made *m, size_t at)
{
	const uint8_t *b = m->bytes + m->view.payload_at + at;

	return (uint16_t)(b[0] << 8 | b[1]);
}

static const struct {
	enum ip_family family;
	uint8_t protocol;
	uint8_t ask[16], answer[16]; /* first bytes of layer 4 */
	size_t sum_at, port_at, answer_port_at;
} kinds[] = {
	{ IP_V4, PROTO_UDP, { 0x30, 1, 0, 53 }, { 0, 53, 0x30, 1 }, 6, 0, 2 },
	{ IP_V6, PROTO_UDP, { 0x30, 1, 0, 53 }, { 0, 53, 0x30, 1 }, 6, 0, 2 },
	{ IP_V4,
	  PROTO_TCP,
	  { 0x30, 1, 0, 80, [12] = 0x60, 2 },
	  { 0, 80, 0x30, 1, [12] = 0x60, 18 },
	  16,
	  0,
	  2 },
	{ IP_V6,
	  PROTO_TCP,
	  { 0x30, 1, 0, 80, [12] = 0x60, 2 },
	  { 0, 80, 0x30, 1, [12] = 0x60, 18 },
	  16,
	  0,
	  2 },
	{ IP_V4, PROTO_ICMP, { 8, 0, 0, 0, 0x30, 1 }, { 0, 0, 0, 0, 0x30, 1 }, 2, 4, 4 },
	{ IP_V6,
	  PROTO_ICMPV6,
	  { 128, 0, 0, 0, 0x30, 1 },
	  { 129, 0, 0, 0, 0x30, 1 },
	  2,
	  4,
	  4 },
};

static void ask(struct fixture *f, struct made *m, int kind, const struct ip_addr *from)
{
	make(m, from, &f->remote, kinds[kind].protocol, kinds[kind].ask, 16,
	     kinds[kind].sum_at);
}

static void answer(struct fixture *f, struct made *m, int kind, uint16_t port)
{
	uint8_t l4[16];

	memcpy(l4, kinds[kind].answer, sizeof(l4));
	l4[kinds[kind].answer_port_at] = (uint8_t)(port >> 8);
	l4[kinds[kind].answer_port_at + 1] = (uint8_t)port;
	make(m, &f->remote, &f->own, kinds[kind].protocol, l4, 16, kinds[kind].sum_at);
}

START_TEST(an_answer_comes_back_to_who_asked)
{
	struct fixture f;
	struct made m;

	fixture_open(&f, kinds[_i].family);
	ask(&f, &m, _i, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	is_right(&m, &f.own, &f.remote);
	ck_assert_uint_eq(be_at(&m, kinds[_i].port_at), 0x3001); /* free, so kept */
	answer(&f, &m, _i, 0x3001);
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	is_right(&m, &f.remote, &f.original);
	ck_assert_uint_eq(be_at(&m, kinds[_i].answer_port_at), 0x3001);
	flows_free(f.flows);
}
END_TEST

START_TEST(two_that_ask_from_one_port_are_told_apart)
{
	struct fixture f;
	struct made m;
	struct ip_addr second;
	uint16_t port;

	fixture_open(&f, kinds[_i].family);
	second = f.original;
	second.b[3] = 0x63;
	ask(&f, &m, _i, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	ask(&f, &m, _i, &second);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	is_right(&m, &f.own, &f.remote);
	port = be_at(&m, kinds[_i].port_at);
	ck_assert_uint_ne(port, 0x3001);
	answer(&f, &m, _i, port);
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	is_right(&m, &f.remote, &second);
	ck_assert_uint_eq(be_at(&m, kinds[_i].answer_port_at), 0x3001);
	flows_free(f.flows);
}
END_TEST

START_TEST(what_answers_no_flow_is_left_alone)
{
	struct fixture f;
	struct made m, before;

	fixture_open(&f, kinds[_i].family);
	ask(&f, &m, _i, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	answer(&f, &m, _i, 0x3002); /* another port */
	before = m;
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	ck_assert_mem_eq(m.bytes, before.bytes, sizeof(m.bytes));
	answer(&f, &m, _i, 0x3001);
	before = m;
	flow_in(f.flows, DEVICE + 1, &m.packet, &m.view, f.now_ns); /* another device */
	ck_assert_mem_eq(m.bytes, before.bytes, sizeof(m.bytes));
	flows_forget_device(f.flows, DEVICE);
	ck_assert_uint_eq(flows_count(f.flows), 0);
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	ck_assert_mem_eq(m.bytes, before.bytes, sizeof(m.bytes));
	flows_free(f.flows);
}
END_TEST

/* A router on the far side says that the packet could not go on. */
static void make_error(struct fixture *f, struct made *error, const struct made *about,
                       const struct ip_addr *to)
{
	uint8_t l4[8 + 64] = { 3, 1 };
	struct ip_addr router = f->remote;

	if (f->family == IP_V6)
		l4[0] = 1;
	router.b[3] ^= 0x40;
	memcpy(l4 + 8, about->bytes, 64);
	make(error, &router, to, f->family == IP_V4 ? PROTO_ICMP : PROTO_ICMPV6, l4,
	     sizeof(l4), 2);
}

START_TEST(an_icmp_error_is_translated_with_what_it_quotes)
{
	struct fixture f;
	struct made m, asked, error;

	fixture_open(&f, kinds[_i].family);
	ask(&f, &asked, _i, &f.original);
	m = asked;
	m.packet.data = m.bytes;
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	make_error(&f, &error, &m, &f.own);
	flow_in(f.flows, DEVICE, &error.packet, &error.view, f.now_ns);
	look(&error);
	ck_assert(ip_addr_equal(&error.view.dst, &f.original));
	ck_assert_uint_eq(l4_sum(&error), 0);
	/* the quoted packet is the one that was sent, to the last bit */
	ck_assert_mem_eq(error.bytes + error.view.payload_at + 8, asked.bytes,
	                 asked.packet.len_bytes < 64 ? asked.packet.len_bytes : 64);
	flows_free(f.flows);
}
END_TEST

START_TEST(an_icmp_error_of_the_host_is_translated_too)
{
	struct fixture f;
	struct made m, came, error;

	fixture_open(&f, kinds[_i].family);
	ask(&f, &m, _i, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	answer(&f, &came, _i, 0x3001);
	m = came;
	m.packet.data = m.bytes;
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	make_error(&f, &error, &m, &f.remote);
	/* made by the host: from the address that the packet had come to */
	memcpy(error.bytes + (f.family == IP_V4 ? 12 : 8), f.original.b,
	       f.family == IP_V4 ? 4 : 16);
	look(&error);
	ck_assert(
		flow_out(f.flows, DEVICE, &f.own, &error.packet, &error.view, f.now_ns));
	look(&error);
	ck_assert(ip_addr_equal(&error.view.src, &f.own));
	ck_assert_mem_eq(error.bytes + error.view.payload_at + 8, came.bytes,
	                 came.packet.len_bytes < 64 ? came.packet.len_bytes : 64);
	flows_free(f.flows);
}
END_TEST

/* The host is asked at its address `original`, through a device that has `own`. */
static void come_in(struct fixture *f, struct made *m, int kind, uint16_t port)
{
	uint8_t l4[16];

	memcpy(l4, kinds[kind].answer, sizeof(l4));
	l4[kinds[kind].answer_port_at] = (uint8_t)(port >> 8);
	l4[kinds[kind].answer_port_at + 1] = (uint8_t)port;
	make(m, &f->remote, &f->original, kinds[kind].protocol, l4, 16,
	     kinds[kind].sum_at);
	if (!flow_in(f->flows, DEVICE, &m->packet, &m->view, f->now_ns))
		flow_begun_outside(f->flows, DEVICE, &m->packet, &m->view, f->now_ns);
	must(ip_addr_equal(&m->view.dst, &f->original) && l4_sum(m) == 0);
}

START_TEST(what_began_outside_keeps_the_address_that_was_asked)
{
	struct fixture f;
	struct made m, came, error;

	fixture_open(&f, kinds[_i].family);
	for (int i = 0; i < 3; i++) {
		come_in(&f, &came, _i, 0x3001);
		ask(&f, &m, _i, &f.original);
		ck_assert(
			flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
		is_right(&m, &f.original, &f.remote);
		ck_assert_uint_eq(be_at(&m, kinds[_i].port_at), 0x3001);
	}
	ck_assert_uint_eq(flows_count(f.flows), 1);
	/* the host's error about it comes from there, too */
	make_error(&f, &error, &came, &f.remote);
	memcpy(error.bytes + (f.family == IP_V4 ? 12 : 8), f.original.b,
	       f.family == IP_V4 ? 4 : 16);
	look(&error);
	m = error;
	ck_assert(
		flow_out(f.flows, DEVICE, &f.own, &error.packet, &error.view, f.now_ns));
	ck_assert_mem_eq(error.bytes, m.bytes, sizeof(m.bytes));
	/* through another device it is a flow of the host's */
	ask(&f, &m, _i, &f.original);
	ck_assert(flow_out(f.flows, DEVICE + 1, &f.own, &m.packet, &m.view, f.now_ns));
	is_right(&m, &f.own, &f.remote);
	f.now_ns += FLOW_TCP_ESTABLISHED_NS + 1; /* an answer that comes too late */
	ask(&f, &m, _i, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	is_right(&m, &f.own, &f.remote);
	flows_free(f.flows);
}
END_TEST

/* The translated flow has the port of the device's own address. */
START_TEST(a_later_plain_flow_gets_another_port)
{
	struct fixture f;
	struct made m;
	uint16_t port;

	fixture_open(&f, kinds[_i].family);
	ck_assert(!flows_may_have(f.flows, DEVICE));
	ask(&f, &m, _i, &f.own);
	ck_assert(!flow_collides(f.flows, DEVICE, &m.packet, &m.view, f.now_ns));
	ask(&f, &m, _i, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	ck_assert(flows_may_have(f.flows, DEVICE));
	for (int i = 0; i < 2; i++) {
		ask(&f, &m, _i, &f.own);
		ck_assert(flow_collides(f.flows, DEVICE, &m.packet, &m.view, f.now_ns));
		ck_assert(
			flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
		is_right(&m, &f.own, &f.remote);
		port = be_at(&m, kinds[_i].port_at);
		ck_assert_uint_ne(port, 0x3001);
	}
	answer(&f, &m, _i, port);
	ck_assert(flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns));
	is_right(&m, &f.remote, &f.own);
	ck_assert_uint_eq(be_at(&m, kinds[_i].answer_port_at), 0x3001);
	answer(&f, &m, _i, 0x3001);
	ck_assert(flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns));
	is_right(&m, &f.remote, &f.original);
	flows_forget_device(f.flows, DEVICE);
	ck_assert(!flows_may_have(f.flows, DEVICE));
	flows_free(f.flows);
}
END_TEST

/* A peer that asks from many ports can't push out the host's own flows. */
START_TEST(flows_from_outside_have_a_bound_of_their_own)
{
	struct fixture f;
	struct made m;

	fixture_open(&f, IP_V4);
	ask(&f, &m, 0, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	for (uint32_t i = 0; i < FLOWS_OUTSIDE_MAX + 100; i++, f.now_ns++)
		come_in(&f, &m, 0, (uint16_t)(0x4000 + i));
	ck_assert_uint_eq(flows_count(f.flows), FLOWS_OUTSIDE_MAX + 1);
	answer(&f, &m, 0, 0x3001);
	ck_assert(flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns));
	is_right(&m, &f.remote, &f.original);
	flows_free(f.flows);
}
END_TEST

START_TEST(an_idle_flow_is_forgotten_and_a_busy_one_is_not)
{
	struct fixture f;
	struct made m;

	fixture_open(&f, IP_V4);
	ask(&f, &m, 0, &f.original);
	ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
	for (int i = 0; i < 3; i++) { /* each answer keeps it */
		f.now_ns += FLOW_UDP_NS - NS_PER_SEC;
		answer(&f, &m, 0, 0x3001);
		flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
		is_right(&m, &f.remote, &f.original);
	}
	f.now_ns += FLOW_UDP_NS + 1;
	answer(&f, &m, 0, 0x3001);
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	is_right(&m, &f.remote, &f.own);
	flows_free(f.flows);
}
END_TEST

static void open_udp(struct fixture *f, struct made *m, const struct ip_addr *from,
                     const struct ip_addr *to, uint16_t port)
{
	uint8_t l4[16] = { (uint8_t)(port >> 8), (uint8_t)port, 0, 53 };

	make(m, from, to, PROTO_UDP, l4, 16, 6);
	must(flow_out(f->flows, DEVICE, &f->own, &m->packet, &m->view, f->now_ns));
}

#define CLIENTS      3
#define CLIENT_FLOWS 10000
#define DEVICES      2

/* The first port of each client is the same, and all ask one server by both devices. Each
 * answer goes to the client that has asked, at its own port. */
START_TEST(many_flows_of_a_few_clients)
{
	static uint16_t ports[CLIENTS][CLIENT_FLOWS][DEVICES]; /* after translation */
	struct fixture f;
	struct made m;
	uint8_t l4[16];

	fixture_open(&f, kinds[_i].family);
	for (uint32_t i = 0; i < CLIENTS * CLIENT_FLOWS * DEVICES; i++) {
		uint32_t device = i % DEVICES, client = i / DEVICES % CLIENTS;
		uint32_t flow = i / DEVICES / CLIENTS;
		struct be16 port = be16_put((uint16_t)(flow + 1024));

		memcpy(l4, kinds[_i].ask, sizeof(l4));
		memcpy(l4 + kinds[_i].port_at, &port, sizeof(port));
		f.original.b[3] = (uint8_t)(2 + client);
		make(&m, &f.original, &f.remote, kinds[_i].protocol, l4, 16,
		     kinds[_i].sum_at);
		must(flow_out(f.flows, DEVICE + device, &f.own, &m.packet, &m.view,
		              f.now_ns));
		ports[client][flow][device] = be_at(&m, kinds[_i].port_at);
	}
	ck_assert_uint_eq(flows_count(f.flows), CLIENTS * CLIENT_FLOWS * DEVICES);
	for (uint32_t i = 0; i < CLIENTS * CLIENT_FLOWS * DEVICES; i++) {
		uint32_t device = i % DEVICES, client = i / DEVICES % CLIENTS;
		uint32_t flow = i / DEVICES / CLIENTS;

		answer(&f, &m, _i, ports[client][flow][device]);
		flow_in(f.flows, DEVICE + device, &m.packet, &m.view, f.now_ns);
		f.original.b[3] = (uint8_t)(2 + client);
		look(&m);
		must(ip_addr_equal(&m.view.dst, &f.original) && l4_sum(&m) == 0);
		must(be_at(&m, kinds[_i].answer_port_at) == flow + 1024);
	}
	flows_free(f.flows);
}
END_TEST

START_TEST(the_table_is_bounded_and_the_oldest_makes_room)
{
	struct fixture f;
	struct made m;
	uint8_t l4[16] = { 0, 0, 0, 53 };
	struct ip_addr remote;

	fixture_open(&f, IP_V4);
	remote = f.remote;
	for (uint32_t i = 0; i < FLOWS_MAX + 100; i++) {
		l4[0] = (uint8_t)(i >> 8);
		l4[1] = (uint8_t)i;
		remote.b[3] = (uint8_t)(f.remote.b[3] + (i >> 16));
		make(&m, &f.original, &remote, PROTO_UDP, l4, 16, 6);
		ck_assert(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view,
		                   f.now_ns++));
	}
	ck_assert_uint_eq(flows_count(f.flows), FLOWS_MAX);
	answer(&f, &m, 0, 99); /* the 100th has gone, the 101st has not */
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	is_right(&m, &f.remote, &f.own);
	answer(&f, &m, 0, 100);
	flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	is_right(&m, &f.remote, &f.original);
	flows_free(f.flows);
}
END_TEST

/* TCP, on few ports: the server answers, half of the connections are closed, and then
 * another client wants the same ports. */
START_TEST(a_port_is_not_given_away_before_its_time)
{
	static const uint64_t waits_ns[] = { FLOW_TCP_TRANSITORY_NS,
		                             FLOW_TCP_TRANSITORY_NS + NS_PER_SEC,
		                             FLOW_TCP_ESTABLISHED_NS + NS_PER_SEC };
	uint8_t l4[24] = { 0, 0, 0, 80, [12] = 0x60 };
	struct fixture f;
	struct made m;
	unsigned count = 0;

	fixture_open(&f, IP_V4);
	for (uint16_t i = 0; i < 1000; i++) {
		l4[0] = (uint8_t)(0x30 + (i >> 8));
		l4[1] = (uint8_t)i;
		l4[13] = i % 2 ? 0x01 : 0x10; /* FIN, ACK */
		make(&m, &f.original, &f.remote, PROTO_TCP, l4, 24, 16);
		must(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
		must(be_at(&m, 0) == 0x3000 + i);
		answer(&f, &m, 2, (uint16_t)(0x3000 + i));
		flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	}
	f.original.b[3] ^= 1;
	f.now_ns += waits_ns[_i];
	for (uint16_t i = 0; i < 1000; i++) {
		bool gone = _i == 2 || (_i == 1 && i % 2), taken_over;

		l4[0] = (uint8_t)(0x30 + (i >> 8));
		l4[1] = (uint8_t)i;
		make(&m, &f.original, &f.remote, PROTO_TCP, l4, 24, 16);
		must(flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view, f.now_ns));
		taken_over = be_at(&m, 0) == 0x3000 + i;
		must(gone || !taken_over);
		count += taken_over;
	}
	/* a few may be taken already by others, which got random ports */
	ck_assert_uint_ge(count, _i == 0 ? 0 : _i == 1 ? 450 : 1000);
	flows_free(f.flows);
}
END_TEST

/* One of a gate's clients opens flows without end. Those of another one, which are older,
 * stay, and so do those that are opened meanwhile. */
START_TEST(who_takes_too_many_flows_pushes_out_its_own)
{
	struct fixture f;
	struct made m;
	struct ip_addr greedy, remote;
	uint16_t ports[2 * FLOWS_MAX / 1000 + 1];
	size_t n = 0;

	fixture_open(&f, IP_V4);
	greedy = f.original;
	greedy.b[3] ^= 1;
	for (uint32_t i = 0; i < 2 * FLOWS_MAX; i++) {
		if (i % 1000 == 0) {
			open_udp(&f, &m, &f.original, &f.remote, (uint16_t)(2000 + n));
			ports[n++] = be_at(&m, 0);
		}
		remote = f.remote;
		remote.b[0] = (uint8_t)(100 + (i >> 16));
		open_udp(&f, &m, &greedy, &remote, (uint16_t)i);
		f.now_ns++;
	}
	ck_assert_uint_eq(flows_count(f.flows), FLOWS_MAX);
	for (size_t i = 0; i < n; i++) {
		answer(&f, &m, 0, ports[i]);
		flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
		is_right(&m, &f.remote, &f.original);
		ck_assert_uint_eq(be_at(&m, 2), 2000 + i);
	}
	flows_free(f.flows);
}
END_TEST

START_TEST(random_packets_do_no_harm)
{
	struct fixture f;
	struct made m;

	fixture_open(&f, IP_V4);
	for (int i = 0; i < 50000; i++) {
		uint64_t r = unit_random(&f.seed);
		size_t n = (size_t)(r % 120);

		memset(&m, 0, sizeof(m));
		fill(&f.seed, m.bytes, n);
		m.bytes[0] = r & 256 ? 0x45 : 0x60;
		m.bytes[r & 256 ? 2 : 4] = 0;
		m.bytes[r & 256 ? 3 : 5] = (uint8_t)(r & 256 ? n : n < 40 ? 0 : n - 40);
		m.bytes[r & 256 ? 9 : 6] = (uint8_t)(r & 512    ? PROTO_ICMP
		                                     : r & 1024 ? 58
		                                                : 6);
		m.packet = (struct packet){ .data = m.bytes, .len_bytes = (uint32_t)n };
		if (!ip_view_parse(&m.view, m.bytes, n))
			continue;
		if (m.view.family == IP_V4)
			(void)!flow_out(f.flows, DEVICE, &f.own, &m.packet, &m.view,
			                f.now_ns);
		flow_in(f.flows, DEVICE, &m.packet, &m.view, f.now_ns);
	}
	flows_free(f.flows);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/flow");

	tcase_set_timeout(tc, 60); /* under sanitizers, on a busy machine */
	tcase_add_loop_test(tc, an_answer_comes_back_to_who_asked, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tc, two_that_ask_from_one_port_are_told_apart, 0,
	                    ARRAY_SIZE(kinds));
	tcase_add_loop_test(tc, what_answers_no_flow_is_left_alone, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tc, an_icmp_error_is_translated_with_what_it_quotes, 0,
	                    ARRAY_SIZE(kinds));
	tcase_add_loop_test(tc, an_icmp_error_of_the_host_is_translated_too, 0,
	                    ARRAY_SIZE(kinds));
	tcase_add_loop_test(tc, what_began_outside_keeps_the_address_that_was_asked, 0,
	                    ARRAY_SIZE(kinds));
	tcase_add_loop_test(tc, a_later_plain_flow_gets_another_port, 0,
	                    ARRAY_SIZE(kinds));
	tcase_add_test(tc, flows_from_outside_have_a_bound_of_their_own);
	tcase_add_test(tc, an_idle_flow_is_forgotten_and_a_busy_one_is_not);
	tcase_add_loop_test(tc, many_flows_of_a_few_clients, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tc, the_table_is_bounded_and_the_oldest_makes_room);
	tcase_add_loop_test(tc, a_port_is_not_given_away_before_its_time, 0, 3);
	tcase_add_test(tc, who_takes_too_many_flows_pushes_out_its_own);
	tcase_add_test(tc, random_packets_do_no_harm);
	return tc;
}
