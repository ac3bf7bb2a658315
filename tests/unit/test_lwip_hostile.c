#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"
#include "io/loop_clock.h"
#include "lwip_lab.h"
#include "unit.h"

#define PORT         80
#define WINDOW       65536U /* that a connection begins with */
#define SEGMENT_MOST 65480U

static struct lwip_lab lab; /* too large for a stack */

/* What the client said last; who is hostile goes on from there in its name. */
static struct {
	uint8_t headers[sizeof(struct ipv4_header) + sizeof(struct tcp_header)];
	uint32_t next; /* number of the next byte */
	bool drops;    /* all that the client sends after its SYN */
	bool acked;    /* there was something after its SYN */
} last;

static void begin(void)
{
	memset(&last, 0, sizeof(last));
	lwip_lab_begin(&lab);
}

static void end(void)
{
	lwip_lab_end(&lab);
}

static bool notes_client(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	const struct tcp_header *tcp = lwip_lab_tcp(bytes);
	bool is_syn = tcp->flags & TCP_SYN;

	(void)l;
	if (be16_get(tcp->dst_port) != PORT)
		return false;
	memcpy(last.headers, bytes, sizeof(last.headers));
	last.next = be32_get(tcp->seq) + (uint32_t)lwip_lab_data_bytes(bytes, n) + is_syn;
	last.acked |= !is_syn;
	return last.drops && !is_syn;
}

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 31 + at / 251); /* as the lab has it */
}

static void sum_up(uint8_t *bytes, size_t n)
{
	struct ipv4_header *ip = (void *)bytes;
	struct tcp_header *tcp = (void *)(ip + 1);
	struct ip_addr src = ip_addr_from_bytes(IP_V4, ip->src);
	struct ip_addr dst = ip_addr_from_bytes(IP_V4, ip->dst);
	uint32_t len = (uint32_t)(n - sizeof(*ip));

	ip->total_len = be16_put((uint16_t)n);
	ip->checksum = be16_put(0);
	ip->checksum = be16_put(checksum_finish(checksum_add(0, ip, sizeof(*ip))));
	tcp->checksum = be16_put(0);
	tcp->checksum = be16_put(checksum_finish(
		checksum_add(checksum_pseudo(&src, &dst, PROTO_TCP, len), tcp, len)));
}

/* The client seems to send n bytes of the pattern that begin at this place of it. */
static void forge(size_t at, size_t n, uint8_t flags)
{
	static uint8_t bytes[sizeof(last.headers) + SEGMENT_MOST];
	struct tcp_header *tcp = (void *)(bytes + sizeof(struct ipv4_header));

	ck_assert_uint_le(n, SEGMENT_MOST);
	memcpy(bytes, last.headers, sizeof(last.headers));
	tcp->seq = be32_put(last.next + (uint32_t)at);
	tcp->data_offset = 5 << 4;
	tcp->flags = (uint8_t)(TCP_ACK | flags);
	for (size_t i = 0; i < n; i++)
		bytes[sizeof(last.headers) + i] = pattern(at + i);
	sum_up(bytes, sizeof(last.headers) + n);
	lwip_lab_inject(&lab, bytes, sizeof(last.headers) + n);
}

/* The client seems to send 8 bytes of options, the last of which begins one. */
static void forge_option(void)
{
	uint8_t bytes[sizeof(last.headers) + 8];
	struct tcp_header *tcp = (void *)(bytes + sizeof(struct ipv4_header));

	memcpy(bytes, last.headers, sizeof(last.headers));
	memset(tcp + 1, 1, 7);
	bytes[sizeof(bytes) - 1] = 3;
	tcp->seq = be32_put(last.next);
	tcp->data_offset = 7 << 4;
	tcp->flags = TCP_ACK;
	sum_up(bytes, sizeof(bytes));
	lwip_lab_inject(&lab, bytes, sizeof(bytes));
}

struct talk {
	struct lwip_lab_end client, server;
	size_t bytes;
};

static void pair(struct talk *t)
{
	*t = (struct talk){ 0 };
	lab.loses = notes_client;
	lwip_lab_pair(&lab, IP_V4, PORT, &t->client, &t->server);
	lwip_lab_round(&lab);
}

static void close_both(struct talk *t)
{
	t->client.stream->ops->close(t->client.stream, true);
	t->server.stream->ops->close(t->server.stream, true);
}

static bool server_has_heard_all(void *context)
{
	struct talk *t = context;

	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->server.heard >= t->bytes;
}

/* ---- numbers from nowhere */

/* To lwIP, what begins 2^31 before the next byte ends behind it. */
START_TEST(a_number_half_of_all_away_does_no_harm)
{
	struct talk t;

	pair(&t);
	forge((size_t)1 << 31, _i ? 0 : 1, _i ? TCP_FIN : 0);
	forge(0, 100, 0);
	t.bytes = 100;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	ck_assert(!t.server.ended);
	close_both(&t);
}
END_TEST

/* ---- beyond the window */

/* What comes first is too early, and the end of it is beyond the window. */
START_TEST(what_reaches_beyond_the_window_is_not_kept)
{
	struct talk t;

	pair(&t);
	if (_i == 1) /* not the first one that is kept */
		forge(65300, 10, 0);
	forge(65000, 1400, 0);
	forge(0, 65000, 0);
	t.bytes = 65000;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	forge(65000, 1400, 0);
	t.bytes = 66400;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	close_both(&t);
}
END_TEST

/* The end is one behind the window's last byte. */
START_TEST(an_end_beyond_the_window_is_not_kept)
{
	struct talk t;

	pair(&t);
	forge(WINDOW - 100, 100, TCP_FIN);
	forge(0, 1000, 0);
	forge(1000, WINDOW - 1100, 0);
	t.bytes = WINDOW - 100;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	close_both(&t);
}
END_TEST

/* The end came early, and then there is more data than it said, up to the window's edge. */
START_TEST(an_end_that_is_denied_later_does_no_harm)
{
	struct talk t;

	pair(&t);
	forge(0, 100, 0);
	forge(200, _i & 1 ? 0 : 10, TCP_FIN);
	if (_i & 2)
		forge(200, WINDOW - 200, 0); /* also too early */
	forge(100, WINDOW - 100, 0);
	forge(100, 100, 0);
	t.bytes = 200;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	close_both(&t);
}
END_TEST

static bool is_taken(void *context)
{
	const struct talk *t = context;

	return t->server.stream != NULL;
}

static void accepted(void *context, struct stream *s, uint64_t now_ns)
{
	struct talk *t = context;

	(void)now_ns;
	t->server.stream = s;
}

/* The client waits for what completes its handshake. */
static void begin_handshake(struct talk *t)
{
	const struct endpoint at = { .port = PORT };
	const struct endpoint to = lwip_lab_at(IP_V4, LWIP_LAB_SERVER, PORT);

	lab.loses = notes_client;
	last.drops = true;
	ck_assert_int_eq(lab.stack->ops->listen(lab.stack, &at, accepted, t), 0);
	ck_assert_int_eq(lwip_lab_connect(&lab, &to, &t->client), 0);
	while (!last.acked)
		lwip_lab_round(&lab);
}

/* What completes the handshake has data already, and it is too early. */
START_TEST(what_comes_before_the_window_is_known_is_not_kept)
{
	struct talk t = { .bytes = 60000 };

	begin_handshake(&t);
	forge(60000, 6000, 0);
	forge(0, 60000, 0);
	lwip_lab_until(&lab, is_taken, &t);
	forge(0, 60000, 0);
	lwip_lab_until(&lab, server_has_heard_all, &t);
	close_both(&t);
}
END_TEST

/* What completes the handshake is another SYN, and its number is from nowhere. */
START_TEST(a_second_syn_does_not_complete_the_handshake)
{
	struct talk t = { .bytes = 100 };

	begin_handshake(&t);
	forge((size_t)1 << 31, 0, TCP_SYN);
	forge(0, 0, TCP_SYN);
	lwip_lab_round(&lab);
	ck_assert_ptr_null(t.server.stream);
	forge(0, 100, 0);
	lwip_lab_until(&lab, is_taken, &t);
	lwip_lab_until(&lab, server_has_heard_all, &t);
	close_both(&t);
}
END_TEST

/* ---- headers */

#define OPTIONS_FOR_DESTINATION 60

static uint8_t datagram[65535]; /* its first bytes are the header of UDP */

/* Writes a header of IPv6 from the client to the server. */
static uint8_t *begin_v6(uint8_t *bytes, uint8_t next, size_t n)
{
	struct ipv6_header *ip = (void *)bytes;

	*ip = (struct ipv6_header){ .version_class_flow = be32_put(6U << 28),
		                    .payload_len = be16_put((uint16_t)n),
		                    .next_header = next,
		                    .hop_limit = 64 };
	memcpy(ip->src, lwip_lab_at(IP_V6, LWIP_LAB_CLIENT, 0).addr.b, sizeof(ip->src));
	memcpy(ip->dst, lwip_lab_at(IP_V6, LWIP_LAB_SERVER, 0).addr.b, sizeof(ip->dst));
	return bytes + sizeof(*ip);
}

/* These bytes of the datagram; `next` is the header that they begin with. */
static void send_fragment(uint8_t id, uint8_t next, size_t from, size_t to, bool more)
{
	static uint8_t bytes[65535];
	uint8_t *at = begin_v6(bytes, PROTO_IPV6_FRAGMENT, 8 + to - from);

	memset(at, 0, 8);
	at[0] = next;
	at[2] = (uint8_t)(from >> 8);
	at[3] = (uint8_t)(from | more);
	at[7] = id;
	memcpy(at + 8, datagram + from, to - from);
	lwip_lab_inject(&lab, bytes, sizeof(struct ipv6_header) + 8 + to - from);
}

static struct packets *listen_to_datagrams(void)
{
	const struct endpoint at = { .port = PORT };
	struct udp_header *udp = (void *)datagram;
	struct packets *port;

	*udp = (struct udp_header){ .dst_port = be16_put(PORT) }; /* without a checksum */
	ck_assert_int_eq(lab.stack->ops->listen_packets(lab.stack, &at, &port), 0);
	return port;
}

static ssize_t received(struct packets *port)
{
	static uint8_t bytes[65535];
	struct endpoint from;

	return port->ops->receive(port, &from, bytes, sizeof(bytes));
}

static const size_t sizes[] = { 1400, 65495, 65496, 65527, 65528, 65535 };

/* A sum of its size and the sizes of its headers has more than 16 bits. */
START_TEST(a_datagram_of_almost_64_kib_does_no_harm)
{
	struct packets *port = listen_to_datagrams();
	size_t n = sizes[_i];

	send_fragment(1, PROTO_UDP, 0, 1024, true);
	send_fragment(1, PROTO_UDP, 1024, n, false);
	ck_assert_int_eq(received(port), n <= 65495 ? (ssize_t)(n - 8) : -EAGAIN);
	port->ops->close(port);
}
END_TEST

/* What the fragments are of is a fragment itself. */
START_TEST(a_fragment_of_a_fragment_does_no_harm)
{
	struct packets *port = listen_to_datagrams();
	const uint8_t inner[8] = { PROTO_UDP, 0, 0, 8 | 1 };

	memcpy(datagram, inner, sizeof(inner));
	for (uint8_t id = 0; id < 100; id++) {
		if (id & 1)
			send_fragment(id, PROTO_UDP, 16, 24, false);
		send_fragment(id, PROTO_IPV6_FRAGMENT, 0, 16, true);
		if (!(id & 1))
			send_fragment(id, PROTO_UDP, 16, 24, false);
	}
	ck_assert_int_eq(received(port), -EAGAIN);
	port->ops->close(port);
}
END_TEST

/* The machine has slept, or there was much to do. */
START_TEST(fragments_are_forgotten_although_their_timer_was_late)
{
	struct packets *port = listen_to_datagrams();
	uint64_t now_ns = loop_now_ns() + 20 * NS_PER_SEC;

	send_fragment(1, PROTO_UDP, 0, 1024, true);
	for (int i = 0; i < 30; i++)
		lwip_stack_run(lab.lwip, now_ns + (uint64_t)i * NS_PER_SEC);
	ck_assert_uint_eq(lwip_stack_deadline_ns(lab.lwip), NEVER_NS);
	send_fragment(1, PROTO_UDP, 1024, 2048, false);
	ck_assert_int_eq(received(port), -EAGAIN);
	port->ops->close(port);
}
END_TEST

/* The last byte of the packet says that an option begins. The sanitizers see who looks for its
 * length. */
START_TEST(an_option_without_a_length_does_no_harm)
{
	uint8_t bytes[sizeof(struct ipv6_header) + 8] = { 0 };
	struct talk t;

	if (_i == 1) {
		uint8_t *at = begin_v6(bytes, OPTIONS_FOR_DESTINATION, 8);

		at[0] = PROTO_TCP;
		at[7] = 1;
		lwip_lab_inject(&lab, bytes, sizeof(bytes));
		return;
	}
	pair(&t);
	forge_option();
	close_both(&t);
}
END_TEST

/* ---- a path that becomes smaller and smaller */

#define PIECES 700 /* of each segment: 96 of them have more than 16 bits can count */

/* The path takes no packets of this size: about the last one of the client. */
static void say_too_big(uint16_t mtu)
{
	const struct ipv4_header *about = (const void *)last.headers;
	uint8_t bytes[sizeof(*about) + sizeof(struct icmp_header) + sizeof(*about) +
	              8] = { 0 };
	struct ipv4_header *ip = (void *)bytes;
	struct icmp_header *icmp = (void *)(ip + 1);
	size_t n = sizeof(bytes) - sizeof(*ip);

	ip->version_ihl = 0x45;
	ip->total_len = be16_put(sizeof(bytes));
	ip->ttl = 64;
	ip->protocol = PROTO_ICMP;
	memcpy(ip->src, about->dst, 4);
	memcpy(ip->dst, about->src, 4);
	ip->checksum = be16_put(checksum_finish(checksum_add(0, ip, sizeof(*ip))));
	icmp->type = 3;
	icmp->code = 4;
	icmp->rest = be32_put(mtu);
	memcpy(icmp + 1, about, sizeof(*about) + 8);
	icmp->checksum = be16_put(checksum_finish(checksum_add(0, icmp, n)));
	lwip_lab_inject(&lab, bytes, sizeof(bytes));
}

static bool server_has_heard_some(void *context)
{
	struct talk *t = context;

	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->server.heard >= t->bytes;
}

/* Each time it is said to take one byte less, all segments are cut into two. */
START_TEST(a_path_that_shrinks_byte_by_byte_does_no_harm)
{
	struct talk t = { 0 };

	pair(&t);
	last.drops = true;
	lwip_lab_say(&t.client, (size_t)128 << 10);
	lwip_lab_round(&lab);
	for (uint16_t i = 1; i <= PIECES; i++)
		say_too_big((uint16_t)(LWIP_LAB_MTU - i));
	last.drops = false;
	t.bytes = 30000;
	lwip_lab_until(&lab, server_has_heard_some, &t);
	close_both(&t);
}
END_TEST

/* ---- who has ended, and waits for the other side */

static uint64_t later_ns; /* the time that the stack is told */

/* So much time goes by. */
static void wait_for(uint64_t ns)
{
	uint64_t end_ns = later_ns + ns;

	while (later_ns < end_ns) {
		for (int i = 0; i < 10; i++)
			lwip_stack_run(lab.lwip, later_ns += 200 * NS_PER_MS);
		lwip_lab_round(&lab);
	}
}

/* The client says more than the server has room for, and closes. */
static void leave_much(struct talk *t, bool server_ends_first)
{
	later_ns = loop_now_ns();
	pair(t);
	lab.loses = NULL;
	if (server_ends_first) {
		t->server.stream->ops->shut_down(t->server.stream);
		wait_for(40 * NS_PER_SEC); /* the client has nothing to say yet */
		lwip_lab_hear(&t->client, SIZE_MAX);
		ck_assert(t->client.ended);
	}
	lwip_lab_say(&t->client, (size_t)128 << 10);
	t->bytes = t->client.said;
	ck_assert_uint_gt(t->bytes, WINDOW);
	t->client.stream->ops->close(t->client.stream, false);
}

/* A server that reads slowly still gets all. */
START_TEST(who_has_ended_is_heard_to_the_end)
{
	struct talk t;

	leave_much(&t, _i);
	while (!t.server.ended) {
		wait_for(20 * NS_PER_SEC);
		lwip_lab_hear(&t.server, 20000);
		ck_assert_int_eq(t.server.err, 0);
	}
	ck_assert_uint_eq(t.server.heard, t.bytes);
	t.server.stream->ops->close(t.server.stream, true);
}
END_TEST

/* One that never reads doesn't keep what was said in memory for ever. */
START_TEST(who_has_ended_does_not_wait_for_ever)
{
	struct talk t;

	leave_much(&t, false);
	wait_for(500 * NS_PER_SEC);
	lwip_lab_hear(&t.server, SIZE_MAX);
	wait_for(NS_PER_SEC);
	lwip_lab_hear(&t.server, SIZE_MAX);
	ck_assert_int_eq(t.server.err, -ECONNRESET);
	ck_assert_uint_lt(t.server.heard, t.bytes);
	t.server.stream->ops->close(t.server.stream, true);
}
END_TEST

/* ---- memory */

#define HOARD 1800 /* of 60 kB */

/* Each one covers the one before except for its first byte; lwIP cuts that one, which makes
 * its memory no smaller. So a small window is enough to use it up. */
START_TEST(who_hoards_memory_does_not_stop_others)
{
	struct talk t, other = { .bytes = 100000 };

	pair(&t);
	for (size_t i = 0; i < HOARD; i++)
		forge(1 + i, 60000, 0);
	lwip_lab_pair(&lab, IP_V4, PORT + 1, &other.client, &other.server);
	while (other.client.said < other.bytes) {
		lwip_lab_say(&other.client, other.bytes);
		lwip_lab_round(&lab);
		lwip_lab_hear(&other.server, SIZE_MAX);
	}
	lwip_lab_until(&lab, server_has_heard_all, &other);
	close_both(&other);
	forge(0, 1, 0); /* the memory is free again */
	t.bytes = 60001;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	close_both(&t);
}
END_TEST

#define STREAMS 1100 /* with a window as at the beginning, more than all may have */

static struct stream *streams[STREAMS];
static size_t stream_count;

static void keep_stream(void *context, struct stream *s, uint64_t now_ns)
{
	(void)context;
	(void)now_ns;
	ck_assert_uint_lt(stream_count, STREAMS);
	streams[stream_count++] = s;
}

static bool is_kept(void *context)
{
	const size_t *n = context;

	return stream_count >= *n;
}

/* Nobody reads what came before the connections were reset. */
START_TEST(what_is_unread_counts_after_the_end_of_its_connection)
{
	const struct endpoint at = { .port = PORT };
	const struct endpoint to = lwip_lab_at(IP_V4, LWIP_LAB_SERVER, PORT);
	struct lwip_lab_end client, server = { 0 };

	stream_count = 0;
	lab.loses = notes_client;
	ck_assert_int_eq(lab.stack->ops->listen(lab.stack, &at, keep_stream, NULL), 0);
	for (size_t i = 1; i <= STREAMS; i++) {
		ck_assert_int_eq(lwip_lab_connect(&lab, &to, &client), 0);
		lwip_lab_until(&lab, is_kept, &i);
		forge(0, SEGMENT_MOST, 0);
		forge(SEGMENT_MOST, 0, TCP_RST);
		client.stream->ops->close(client.stream, true);
	}
	server.stream = streams[STREAMS - 1];
	lwip_lab_hear(&server, SIZE_MAX);
	ck_assert_uint_gt(server.heard, 0);
	ck_assert_uint_lt(server.heard, WINDOW / 2);
	for (size_t i = 0; i < STREAMS; i++)
		streams[i]->ops->close(streams[i], true);
}
END_TEST

/* ---- what is over */

#define AT_ONCE 100
#define TURNS   44 /* after which the first ones are forgotten */

static void go_on(int rounds)
{
	while (rounds-- > 0)
		lwip_lab_round(&lab);
}

/* The clients end first, so they remember the connections (TIME-WAIT). */
static void connect_and_close(void)
{
	const struct endpoint to = lwip_lab_at(IP_V4, LWIP_LAB_SERVER, PORT);
	struct lwip_lab_end clients[AT_ONCE];

	stream_count = 0;
	for (size_t i = 0; i < AT_ONCE; i++)
		ck_assert_int_eq(lwip_lab_connect(&lab, &to, &clients[i]), 0);
	while (stream_count < AT_ONCE)
		go_on(1);
	for (size_t i = 0; i < AT_ONCE; i++)
		clients[i].stream->ops->close(clients[i].stream, false);
	go_on(2);
	for (size_t i = 0; i < AT_ONCE; i++)
		streams[i]->ops->close(streams[i], false);
	go_on(3);
}

static size_t resets; /* that the client has sent */

static void counts_resets(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	const struct tcp_header *tcp = lwip_lab_tcp(bytes);

	(void)l;
	(void)n;
	resets += be16_get(tcp->dst_port) == PORT && (tcp->flags & TCP_RST);
}

/* The server says the end again to whoever has sent this. */
static void end_again(const uint8_t *headers)
{
	uint8_t bytes[sizeof(last.headers)];
	struct ipv4_header *ip = (void *)bytes;
	struct tcp_header *tcp = (void *)(ip + 1);
	const struct ipv4_header *from = (const void *)headers;
	const struct tcp_header *seen = (const void *)(from + 1);

	memcpy(bytes, headers, sizeof(bytes));
	memcpy(ip->src, from->dst, 4);
	memcpy(ip->dst, from->src, 4);
	tcp->src_port = seen->dst_port;
	tcp->dst_port = seen->src_port;
	tcp->seq = be32_put(be32_get(seen->ack) - 1);
	tcp->ack = seen->seq;
	tcp->data_offset = 5 << 4;
	tcp->flags = TCP_ACK | TCP_FIN;
	sum_up(bytes, sizeof(bytes));
	lwip_lab_inject(&lab, bytes, sizeof(bytes));
}

/* Each has a port, and lwIP looks through all of them for each packet that isn't of another. */
START_TEST(not_all_that_is_over_is_remembered)
{
	const struct endpoint at = { .port = PORT };
	uint8_t first[sizeof(last.headers)];

	lab.loses = notes_client;
	lab.seen = counts_resets;
	resets = 0;
	ck_assert_int_eq(lab.stack->ops->listen(lab.stack, &at, keep_stream, NULL), 0);
	connect_and_close();
	memcpy(first, last.headers, sizeof(first));
	end_again(first);
	go_on(1);
	ck_assert_uint_eq(resets, 0);
	for (int i = 0; i < TURNS; i++)
		connect_and_close();
	lwip_stack_run(lab.lwip, loop_now_ns() + NS_PER_SEC);
	end_again(first);
	go_on(1);
	ck_assert_uint_eq(resets, 1);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/lwip_hostile");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, a_number_half_of_all_away_does_no_harm, 0, 2);
	tcase_add_loop_test(tc, what_reaches_beyond_the_window_is_not_kept, 0, 2);
	tcase_add_test(tc, an_end_beyond_the_window_is_not_kept);
	tcase_add_loop_test(tc, an_end_that_is_denied_later_does_no_harm, 0, 4);
	tcase_add_test(tc, what_comes_before_the_window_is_known_is_not_kept);
	tcase_add_test(tc, a_second_syn_does_not_complete_the_handshake);
	tcase_add_loop_test(tc, a_datagram_of_almost_64_kib_does_no_harm, 0,
	                    ARRAY_SIZE(sizes));
	tcase_add_test(tc, a_fragment_of_a_fragment_does_no_harm);
	tcase_add_test(tc, fragments_are_forgotten_although_their_timer_was_late);
	tcase_add_loop_test(tc, an_option_without_a_length_does_no_harm, 0, 2);
	tcase_add_test(tc, a_path_that_shrinks_byte_by_byte_does_no_harm);
	tcase_add_loop_test(tc, who_has_ended_is_heard_to_the_end, 0, 2);
	tcase_add_test(tc, who_has_ended_does_not_wait_for_ever);
	tcase_add_test(tc, who_hoards_memory_does_not_stop_others);
	tcase_add_test(tc, what_is_unread_counts_after_the_end_of_its_connection);
	tcase_add_test(tc, not_all_that_is_over_is_remembered);
	return tc;
}
