/* tests/unit/test_outside.c - a file's DNS server that no tunnel leads to: queries and their answers, and a client's TCP
 * connection that is joined with the relay's */
#include "unit.h"

#include <string.h>

#include "craft.h"
#include "engine/engine.h"
#include "engine/outside.h"
#include "engine/outside_meeting.h"
#include "engine/outside_queries.h"

enum { SYN = 2, RST = 4, ACK = 16 };

/* Of each family: the virtual resolver, a server outside, the client, the relay. */
struct places {
	const char *virtual, *server, *client, *relay;
};
static const struct places places[] = {
	{ "198.18.53.53", "192.0.2.53", "10.8.0.2", "10.8.0.3" },
	{ "fd53::53", "2001:db8::53", "fd08::2", "fd08::3" },
};

static struct engine *engine;
static struct device *file;
static uint64_t now_ns = 1000 * NS_PER_SEC;

static struct craft to_host[4];
static size_t to_host_count;

static uint8_t query_out[2000];
static size_t query_bytes, queries;
static struct ip_addr query_server;
static uint16_t meeting_port;
static size_t connections;

static size_t take(struct tun_link *link, struct packet *const *packets, size_t n)
{
	(void)link;
	for (size_t i = 0; i < n; i++) {
		must(to_host_count < 4);
		craft_bytes(&to_host[to_host_count++], packets[i]->data,
		            packets[i]->len_bytes);
	}
	return n;
}

static void fill(void *context, void *bytes, size_t n)
{
	static uint64_t state = 7;

	(void)context;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)unit_random(&state);
}

static uint64_t wall(void *context)
{
	(void)context;
	return now_ns;
}

static void ask(void *context, const struct ip_addr *server, const void *query, size_t n)
{
	(void)context;
	memcpy(query_out, query, n);
	query_bytes = n;
	query_server = *server;
	queries++;
}

static void connect_to(void *context, const struct ip_addr *server, uint16_t port)
{
	(void)context;
	query_server = *server;
	meeting_port = port;
	connections++;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	must(ip_addr_parse(&a, text));
	return a;
}

static struct tun_link link = { take };

static void start(void)
{
	const struct engine_env env = { .rng = { fill, NULL },
		                        .wall_clock_ns = wall,
		                        .ask_outside = ask,
		                        .connect_outside = connect_to };
	struct ip_addr servers[] = { addr(places[0].server), addr(places[1].server) };
	struct ip_addr v4 = addr(places[0].virtual), v6 = addr(places[1].virtual);
	const struct device_settings s = { .dns_servers = servers,
		                           .dns_server_count = 2 };

	must(engine_new(&engine, &env) == 0);
	must(engine_add_device(engine, "home", &file) == 0);
	must(device_set(file, &s) == 0);
	engine_set_tun(engine, &link);
	engine_set_resolver(engine, &v4, &v6);
	engine_set_outside(engine, true);
	to_host_count = queries = connections = 0;
	meeting_port = 0;
}

static void stop(void)
{
	engine_free(engine);
}

static void into_tun(struct craft *c)
{
	struct packet *p = &c->packet;

	to_host_count = 0;
	engine_tun_input(engine, &p, 1, now_ns);
}

static const uint8_t *payload(const struct craft *c)
{
	return c->packet.data + (c->packet.data[0] >> 4 == 6 ? 40 : 20);
}

static size_t payload_bytes(const struct craft *c)
{
	return c->packet.len_bytes - (size_t)(payload(c) - c->packet.data);
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static bool goes(const struct craft *c, const char *src, const char *dst)
{
	bool v6 = c->packet.data[0] >> 4 == 6;
	struct ip_addr from = addr(src), to = addr(dst);

	return memcmp(c->packet.data + (v6 ? 8 : 12), from.b, v6 ? 16 : 4) == 0 &&
	       memcmp(c->packet.data + (v6 ? 24 : 16), to.b, v6 ? 16 : 4) == 0;
}

/* ---- UDP */

/* A query for "example", type A. */
static const uint8_t question[] = { 0x12, 0x34, 1,   0,   0,   1,   0,   0, 0, 0, 0, 0, 7,
	                            'e',  'x',  'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1 };

static void send_query(const struct places *at, uint16_t port, const void *query,
                       size_t n)
{
	struct craft c;

	craft_udp(&c, at->client, port, at->virtual, 53, query, n);
	into_tun(&c);
}

static void answer(size_t n)
{
	uint8_t bytes[4096] = { 0 };
	struct ip_addr server = query_server;

	memcpy(bytes, query_out, sizeof(question));
	bytes[2] |= 0x80;
	bytes[7] = 1;
	to_host_count = 0;
	engine_outside_answer(engine, &server, bytes, n, now_ns);
}

START_TEST(an_answer_comes_back_as_if_from_the_resolver)
{
	const struct places *at = &places[_i];
	struct ip_addr server = addr(at->server);

	send_query(at, 4000, question, sizeof(question));
	ck_assert_uint_eq(queries, 1);
	ck_assert(ip_addr_equal(&query_server, &server));
	ck_assert_uint_eq(query_bytes, sizeof(question));
	ck_assert_mem_eq(query_out + 2, question + 2, sizeof(question) - 2);
	answer(100);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert(craft_valid(to_host[0].packet.data, to_host[0].packet.len_bytes));
	ck_assert(goes(&to_host[0], at->virtual, at->client));
	ck_assert_uint_eq(get16(payload(&to_host[0])), 53);
	ck_assert_uint_eq(get16(payload(&to_host[0]) + 2), 4000);
	ck_assert_uint_eq(payload_bytes(&to_host[0]), 108);
	ck_assert_uint_eq(get16(payload(&to_host[0]) + 8), 0x1234);
	answer(100); /* once more: it belongs to nobody now */
	ck_assert_uint_eq(to_host_count, 0);
}
END_TEST

START_TEST(equal_ids_of_two_clients_differ_outside)
{
	uint8_t first[2];

	send_query(&places[0], 4000, question, sizeof(question));
	memcpy(first, query_out, 2);
	send_query(&places[0], 4001, question, sizeof(question));
	ck_assert_mem_ne(first, query_out, 2);
	answer(100);
	ck_assert_uint_eq(get16(payload(&to_host[0]) + 2), 4001);
	memcpy(query_out, first, 2);
	answer(100);
	ck_assert_uint_eq(get16(payload(&to_host[0]) + 2), 4000);
}
END_TEST

START_TEST(a_long_answer_is_cut_and_says_so)
{
	const uint8_t *dns;

	send_query(&places[_i], 4000, question, sizeof(question));
	answer(1233);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert(craft_valid(to_host[0].packet.data, to_host[0].packet.len_bytes));
	dns = payload(&to_host[0]) + 8;
	ck_assert_uint_eq(payload_bytes(&to_host[0]), 8 + sizeof(question));
	ck_assert(dns[2] & 2);
	ck_assert_uint_eq(get16(dns + 6), 0);
	send_query(&places[_i], 4000, question, sizeof(question));
	answer(1232);
	ck_assert_uint_eq(payload_bytes(&to_host[0]), 8 + 1232);
}
END_TEST

START_TEST(strange_answers_and_queries_do_nothing)
{
	struct ip_addr other = addr("192.0.2.54"), server = addr(places[0].server);
	uint8_t big[1300];

	send_query(&places[0], 4000, question, sizeof(question));
	to_host_count = 0;
	engine_outside_answer(engine, &other, query_out, query_bytes, now_ns);
	engine_outside_answer(engine, &server, query_out, 11, now_ns);
	query_out[0] ^= 1;
	engine_outside_answer(engine, &server, query_out, query_bytes, now_ns);
	ck_assert_uint_eq(to_host_count, 0);
	query_out[0] ^= 1;
	now_ns += OUTSIDE_QUERY_NS + 1;
	engine_outside_answer(engine, &server, query_out, query_bytes, now_ns);
	ck_assert_uint_eq(to_host_count, 0);
	/* a name that has no end, in an answer that is too long */
	send_query(&places[0], 4000, question, sizeof(question));
	memset(big, 63, sizeof(big));
	memcpy(big, query_out, 12);
	engine_outside_answer(engine, &server, big, sizeof(big), now_ns);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert_uint_eq(payload_bytes(&to_host[0]), 8 + 12);
	/* a query that is too long gets "unreachable" */
	memcpy(big, question, sizeof(question));
	queries = 0;
	send_query(&places[0], 4000, big, OUTSIDE_DNS_MAX + 1);
	ck_assert_uint_eq(queries, 0);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert_uint_eq(payload(&to_host[0])[0], 3);
}
END_TEST

START_TEST(not_where_it_is_forbidden)
{
	engine_set_outside(engine, false);
	send_query(&places[0], 4000, question, sizeof(question));
	ck_assert_uint_eq(queries, 0);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert_uint_eq(payload(&to_host[0])[0], 3); /* ICMP: unreachable */
}
END_TEST

/* ---- TCP */

/* MSS 1360, SACK, timestamps (value 7 + seq, echo 0), window scale 7, and a TFO request. */
static size_t put_options(uint8_t *at, uint32_t seq, bool timestamps)
{
	static const uint8_t all[] = { 2, 4, 5, 0x50, 4, 2, 8, 10, 0,  0, 0, 0,
		                       0, 0, 0, 0,    1, 3, 3, 7,  34, 2, 1, 1 };

	memcpy(at, all, sizeof(all));
	if (!timestamps)
		memset(at + 6, 1, 10);
	else
		at[11] = (uint8_t)(7 + seq);
	return sizeof(all);
}

static void make_tcp(struct craft *c, const char *src, uint16_t sport, const char *dst,
                     uint16_t dport, uint32_t seq, uint8_t flags, bool timestamps)
{
	uint8_t b[64] = { (uint8_t)(sport >> 8), (uint8_t)sport,
		          (uint8_t)(dport >> 8), (uint8_t)dport,
		          (uint8_t)(seq >> 24),  (uint8_t)(seq >> 16),
		          (uint8_t)(seq >> 8),   (uint8_t)seq };
	size_t n = 20;

	if (flags & SYN)
		n += put_options(b + 20, seq, timestamps);
	else
		n += 3; /* data */
	b[12] = (uint8_t)((flags & SYN ? n : 20) / 4 << 4);
	b[13] = flags;
	craft_ip(c, src, dst, 6, b, n);
}

/* Is the checksum of a packet that make_tcp made, and the engine computed anew, right? */
static bool checksum_right(const struct craft *c)
{
	uint8_t b[200] = { 0 };
	bool v6 = c->packet.data[0] >> 4 == 6;
	size_t addresses = v6 ? 32 : 8, n = payload_bytes(c);

	memcpy(b, c->packet.data + (v6 ? 8 : 12), addresses);
	b[addresses + 1] = 6;
	b[addresses + 3] = (uint8_t)n;
	memcpy(b + addresses + 4, payload(c), n);
	return craft_sum(b, addresses + 4 + n) == 0xffff;
}

static void client_syn(const struct places *at, uint16_t port, uint32_t seq)
{
	struct craft c;

	make_tcp(&c, at->client, port, at->virtual, 53, seq, SYN, true);
	into_tun(&c);
}

static void relay_syn(const struct places *at, const char *from, uint16_t port,
                      bool timestamps)
{
	struct craft c;

	make_tcp(&c, from, port, at->virtual, meeting_port, 100, SYN, timestamps);
	into_tun(&c);
}

static void relay_is(const char *from, uint16_t port)
{
	struct endpoint relay = { .addr = addr(from), .port = port };

	to_host_count = 0;
	engine_outside_relay(engine, meeting_port, &relay);
}

static void check_joined(const struct places *at)
{
	const uint8_t *tcp;

	ck_assert_uint_eq(to_host_count, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert(
			checksum_right(&to_host[i]) &&
			craft_valid(to_host[i].packet.data, to_host[i].packet.len_bytes));
	ck_assert(goes(&to_host[0], at->virtual, at->client));
	tcp = payload(&to_host[0]);
	ck_assert_uint_eq(get16(tcp), 53);
	ck_assert_uint_eq(get16(tcp + 2), 4000);
	ck_assert_uint_eq(get32(tcp + 4), 100);
	ck_assert_uint_eq(get32(tcp + 8), 51);
	ck_assert_uint_eq(tcp[13], SYN | ACK);
	ck_assert(goes(&to_host[1], at->virtual, at->relay));
	tcp = payload(&to_host[1]);
	ck_assert_uint_eq(get16(tcp), meeting_port);
	ck_assert_uint_eq(get16(tcp + 2), 5000);
	ck_assert_uint_eq(get32(tcp + 4), 50);
	ck_assert_uint_eq(get32(tcp + 8), 101);
}

START_TEST(two_connections_are_joined)
{
	const struct places *at = &places[_i / 2];
	struct craft c;

	client_syn(at, 4000, 50);
	ck_assert_uint_eq(connections, 1);
	ck_assert_uint_ge(meeting_port, 49152);
	client_syn(at, 4000, 50); /* again */
	ck_assert_uint_eq(connections, 1);
	ck_assert_uint_eq(to_host_count, 0);
	if (_i % 2) {
		relay_is(at->relay, 5000);
		relay_syn(at, at->relay, 5000, true);
	} else {
		relay_syn(at, at->relay, 5000, true);
		ck_assert_uint_eq(to_host_count, 0);
		relay_is(at->relay, 5000);
	}
	check_joined(at);
	ck_assert_uint_eq(payload(&to_host[0])[20 + 15],
	                  7 + 50); /* the echoed timestamps */
	ck_assert_uint_eq(payload(&to_host[1])[20 + 15], 7 + 100);
	ck_assert_uint_eq(payload(&to_host[1])[20 + 20], 1); /* no TFO */

	make_tcp(&c, at->client, 4000, at->virtual, 53, 51, ACK, false);
	into_tun(&c);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert(goes(&to_host[0], at->virtual, at->relay));
	ck_assert_uint_eq(get16(payload(&to_host[0])), meeting_port);
	ck_assert_uint_eq(get16(payload(&to_host[0]) + 2), 5000);
	make_tcp(&c, at->relay, 5000, at->virtual, meeting_port, 101, ACK, false);
	into_tun(&c);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert(goes(&to_host[0], at->virtual, at->client));
	ck_assert_uint_eq(get16(payload(&to_host[0])), 53);
	ck_assert_uint_eq(get16(payload(&to_host[0]) + 2), 4000);
}
END_TEST

/* What one of the two doesn't know, the other one isn't told. */
START_TEST(options_are_those_of_both)
{
	client_syn(&places[0], 4000, 50);
	relay_is(places[0].relay, 5000);
	relay_syn(&places[0], places[0].relay, 5000, false);
	check_joined(&places[0]);
	for (size_t i = 0; i < 10; i++)
		ck_assert_uint_eq(payload(&to_host[1])[20 + 6 + i], 1);
}
END_TEST

START_TEST(nobody_else_gets_in)
{
	const struct places *at = &places[0];

	client_syn(at, 4000, 50);
	relay_syn(at, "10.8.0.9", 5000, true); /* first, but not the relay */
	relay_is(at->relay, 5000);
	ck_assert_uint_eq(to_host_count, 0);
	relay_syn(at, at->relay, 5001, true);
	ck_assert_uint_eq(to_host_count, 1); /* ICMP: unreachable */
	ck_assert_uint_eq(to_host[0].packet.data[9], 1);
	relay_syn(at, at->relay, 5000, true);
	check_joined(at);
}
END_TEST

/* Only who has the shared tun sees the virtual resolver. */
START_TEST(not_from_a_tun_of_a_device_s_own)
{
	const struct device_settings own = { .own_tun = true };
	const struct places *at = &places[0];
	struct device *other;
	struct packet *p;
	struct craft c;

	must(engine_add_device(engine, "own", &other) == 0);
	must(device_set(other, &own) == 0);
	client_syn(at, 4000, 50);
	make_tcp(&c, at->relay, 5000, at->virtual, meeting_port, 100, SYN, true);
	p = &c.packet;
	device_tun_input(other, &p, 1, now_ns);
	to_host_count = 0;
	relay_is(at->relay, 5000);
	ck_assert_uint_eq(to_host_count, 0);
}
END_TEST

START_TEST(without_a_relay_the_client_is_told)
{
	const struct places *at = &places[_i];

	client_syn(at, 4000, 50);
	to_host_count = 0;
	engine_outside_relay(engine, meeting_port, NULL);
	ck_assert_uint_eq(to_host_count, 1);
	ck_assert(craft_valid(to_host[0].packet.data, to_host[0].packet.len_bytes));
	ck_assert(goes(&to_host[0], at->virtual, at->client));
	engine_outside_relay(engine, meeting_port, NULL);
	ck_assert_uint_eq(to_host_count, 1);
}
END_TEST

START_TEST(connections_are_bounded_and_end)
{
	for (uint16_t i = 0; i < MEETINGS_MAX; i++)
		client_syn(&places[0], (uint16_t)(4000 + i), 50);
	ck_assert_uint_eq(connections, MEETINGS_MAX);
	client_syn(&places[0], 9000, 50);
	ck_assert_uint_eq(connections, MEETINGS_MAX);
	ck_assert_uint_eq(to_host_count, 1); /* unreachable */
	now_ns += MEETING_WAIT_NS + 1;
	client_syn(&places[0], 9000, 50);
	ck_assert_uint_eq(connections, MEETINGS_MAX + 1);
}
END_TEST

/* Any bytes as TCP, from both sides, at all lengths. */
START_TEST(nonsense_does_no_harm)
{
	uint64_t state = unit_seed();

	for (int i = 0; i < 20000; i++) {
		const struct places *at = &places[unit_below(&state, 2)];
		bool relay = unit_below(&state, 2);
		uint8_t b[60];
		struct craft c;

		now_ns += unit_below(&state, NS_PER_SEC);
		for (size_t j = 0; j < sizeof(b); j++)
			b[j] = (uint8_t)unit_random(&state);
		b[0] = 0;
		b[1] = (uint8_t)unit_below(&state, 4);
		b[2] = relay ? (uint8_t)(meeting_port >> 8) : 0;
		b[3] = relay ? (uint8_t)meeting_port : 53;
		if (unit_below(&state, 4) > 0) {
			b[12] = (uint8_t)((5 + unit_below(&state, 11)) << 4);
			b[13] = (uint8_t)(unit_below(&state, 2) ? SYN : ACK);
		}
		craft_ip(&c, relay ? at->relay : at->client, at->virtual, 6, b,
		         unit_below(&state, sizeof(b) + 1));
		into_tun(&c);
		if (unit_below(&state, 3) == 0)
			relay_is(at->relay, (uint16_t)unit_below(&state, 4));
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *t = tcase_create("outside");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, an_answer_comes_back_as_if_from_the_resolver, 0, 2);
	tcase_add_test(t, equal_ids_of_two_clients_differ_outside);
	tcase_add_loop_test(t, a_long_answer_is_cut_and_says_so, 0, 2);
	tcase_add_test(t, strange_answers_and_queries_do_nothing);
	tcase_add_test(t, not_where_it_is_forbidden);
	tcase_add_loop_test(t, two_connections_are_joined, 0, 4);
	tcase_add_test(t, options_are_those_of_both);
	tcase_add_test(t, nobody_else_gets_in);
	tcase_add_test(t, not_from_a_tun_of_a_device_s_own);
	tcase_add_loop_test(t, without_a_relay_the_client_is_told, 0, 2);
	tcase_add_test(t, connections_are_bounded_and_end);
	tcase_add_test(t, nonsense_does_no_harm);
	return t;
}
