#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"
#include "io/loop_clock.h"
#include "lwip_lab.h"
#include "unit.h"

#define MEGABYTE    ((size_t)1 << 20)
#define PORT        80
#define SMALLER_MTU 1300U

/* What the network does, and what it has seen of the client's packets with data. */
static struct {
	size_t data;      /* packets */
	size_t lost;      /* of them */
	size_t lose_each; /* packet of this number, but not again */
	size_t from;      /* but the first ones arrive */
	size_t icmp;      /* errors sent */
	bool was_seen[1 << 12];
	size_t again; /* packets that begin with a byte that was sent before */
	uint32_t first_seq;
	bool has_first;
} net;

static struct lwip_lab lab; /* too large for a stack */

static void begin(void)
{
	memset(&net, 0, sizeof(net));
	lwip_lab_begin(&lab);
}

static void end(void)
{
	lwip_lab_end(&lab);
}

/* ---- packets */

/* Counts a packet of the client with data. */
static bool is_of_client(const uint8_t *bytes, size_t n)
{
	const struct tcp_header *tcp = lwip_lab_tcp(bytes);

	return be16_get(tcp->dst_port) == PORT && lwip_lab_data_bytes(bytes, n) > 0;
}

/* Returns true if it was sent before. */
static bool note_seq(const uint8_t *bytes)
{
	uint32_t seq = be32_get(lwip_lab_tcp(bytes)->seq), at;

	if (!net.has_first)
		net.first_seq = seq;
	net.has_first = true;
	at = (seq - net.first_seq) / 1024;
	if (at >= ARRAY_SIZE(net.was_seen))
		return false;
	if (net.was_seen[at]) {
		net.again++;
		return true;
	}
	net.was_seen[at] = true;
	return false;
}

/* ---- talking */

/* Many round trips are measured, so that the timer doesn't wait for seconds any more. lwIP
 * can't measure before its first tick. */
static void settle(struct lwip_lab_talk *t)
{
	uint64_t end_ns = loop_now_ns() + 300 * NS_PER_MS;

	while (loop_now_ns() < end_ns) {
		t->bytes++;
		lwip_lab_until(&lab, lwip_lab_is_heard, t);
	}
}

/* ---- what is lost */

static bool loses_some(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	(void)l;
	if (!is_of_client(bytes, n))
		return false;
	net.data++;
	if (note_seq(bytes) || net.data < net.from || net.data % net.lose_each != 0)
		return false;
	net.lost++;
	return true;
}

/* Many are lost in each round trip. Without selective acknowledgements, only one of them
 * could be sent again in a round trip; or all that wait, also those that have arrived. */
START_TEST(only_what_is_lost_is_sent_again)
{
	struct lwip_lab_talk t = { .bytes = 2 * MEGABYTE };

	net.lose_each = 16;
	net.from = 200;
	lwip_lab_pair(&lab, _i ? IP_V6 : IP_V4, PORT, &t.client, &t.server);
	lab.loses = loses_some;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	ck_assert_uint_gt(net.lost, 50);
	ck_assert_uint_ge(net.again, net.lost / 2);
	ck_assert_uint_le(net.again, net.lost * 3 / 2);
	lwip_lab_close(&t);
}
END_TEST

/* ---- how fast the window grows */

/* Of acknowledgements that follow each other only the last one arrives, as from a receiver
 * that takes many segments as one. */
static bool thins_acknowledgements(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	struct lwip_lab_packet *before = l->count > 0 ? &l->queue[l->count - 1] : NULL;

	if (be16_get(lwip_lab_tcp(bytes)->src_port) == PORT &&
	    lwip_lab_data_bytes(bytes, n) == 0 && before &&
	    be16_get(lwip_lab_tcp(before->bytes)->src_port) == PORT &&
	    lwip_lab_data_bytes(before->bytes, before->n) == 0) {
		free(before->bytes);
		l->count--;
	}
	return false;
}

START_TEST(the_window_grows_by_what_is_acknowledged)
{
	struct lwip_lab_talk t = { .bytes = 6 * MEGABYTE };
	int rounds = 0;

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lab.loses = thins_acknowledgements;
	while (!lwip_lab_is_heard(&t) && rounds < 1000) {
		lwip_lab_round(&lab);
		rounds++;
	}
	ck_assert_uint_eq(t.server.heard, t.bytes);
	ck_assert_int_lt(rounds, 64);
	lwip_lab_close(&t);
}
END_TEST

/* ---- a smaller path */

static void begin_v4(uint8_t *bytes, const uint8_t *about, size_t n)
{
	struct ipv4_header *ip = (void *)bytes;

	ip->version_ihl = 0x45;
	ip->total_len = be16_put((uint16_t)(sizeof(*ip) + n));
	ip->ttl = 64;
	ip->protocol = PROTO_ICMP;
	memcpy(ip->src, about + 16, 4);
	memcpy(ip->dst, about + 12, 4);
	ip->checksum = be16_put(checksum_finish(checksum_add(0, ip, sizeof(*ip))));
}

static void begin_v6(uint8_t *bytes, const uint8_t *about, size_t n)
{
	struct ipv6_header *ip = (void *)bytes;

	ip->version_class_flow = be32_put(6U << 28);
	ip->payload_len = be16_put((uint16_t)n);
	ip->next_header = PROTO_ICMPV6;
	ip->hop_limit = 64;
	memcpy(ip->src, about + 24, 16);
	memcpy(ip->dst, about + 8, 16);
}

/* Puts an ICMP error about this packet into the queue: the path takes `mtu`. */
static void answer_too_big(struct lwip_lab *l, const uint8_t *about, uint32_t mtu)
{
	bool v6 = about[0] >> 4 == 6;
	size_t at = v6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);
	size_t quoted = at + 8, n = sizeof(struct icmp_header) + quoted;
	uint8_t *bytes = calloc(1, at + n);
	struct icmp_header *icmp = (void *)(bytes + at);
	struct ip_view view;
	uint64_t sum = 0;

	ck_assert_ptr_nonnull(bytes);
	(v6 ? begin_v6 : begin_v4)(bytes, about, n);
	icmp->type = v6 ? 2 : 3;
	icmp->code = v6 ? 0 : 4;
	icmp->rest = be32_put(mtu);
	memcpy(icmp + 1, about, quoted);
	ck_assert(ip_view_parse(&view, bytes, (uint32_t)(at + n)));
	if (v6)
		sum = checksum_pseudo(&view.src, &view.dst, PROTO_ICMPV6, (uint32_t)n);
	icmp->checksum = be16_put(checksum_finish(checksum_add(sum, icmp, n)));
	ck_assert_uint_lt(l->count, LWIP_LAB_PACKETS);
	l->queue[l->count++] = (struct lwip_lab_packet){ bytes, at + n };
	net.icmp++;
}

static bool is_narrow(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	if (!is_of_client(bytes, n) || n <= SMALLER_MTU)
		return false;
	answer_too_big(l, bytes, SMALLER_MTU);
	return true;
}

START_TEST(a_connection_learns_that_the_path_is_smaller)
{
	struct lwip_lab_talk t = { .bytes = 64 };

	lwip_lab_pair(&lab, _i ? IP_V6 : IP_V4, PORT, &t.client, &t.server);
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	t.bytes = MEGABYTE;
	lab.loses = is_narrow;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	ck_assert_uint_gt(net.icmp, 0);
	ck_assert_uint_lt(net.icmp, 200); /* not one for each packet */
	lwip_lab_close(&t);
}
END_TEST

static bool server_has_heard_the_end(void *context)
{
	struct lwip_lab_talk *t = context;

	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->server.ended;
}

/* Data waits to be sent, so the end of the connection is in its last segment. */
START_TEST(the_end_stays_the_end_on_a_smaller_path)
{
	struct lwip_lab_talk t = { .bytes = (size_t)70 * (LWIP_LAB_MTU - 52) };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lab.loses = is_narrow;
	lwip_lab_say(&t.client, t.bytes);
	t.client.stream->ops->shut_down(t.client.stream);
	lwip_lab_until(&lab, server_has_heard_the_end, &t);
	ck_assert_uint_gt(net.icmp, 0);
	ck_assert_uint_eq(t.server.heard, t.bytes);
	lwip_lab_close(&t);
}
END_TEST

/* The first packet of these doesn't arrive, how often ever it is sent, until it has been sent
 * `arrives` times. The first time that it is sent again, it may be said to be too large. */
static struct {
	size_t count, arrives;
	bool is_too_large;
} first;

static bool loses_first(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	uint32_t seq = be32_get(lwip_lab_tcp(bytes)->seq);

	if (!is_of_client(bytes, n))
		return false;
	net.data++;
	if (first.count == 0)
		net.first_seq = seq;
	if (seq != net.first_seq)
		return false;
	if (++first.count == 2 && first.is_too_large)
		answer_too_big(l, bytes, 576);
	return first.count < first.arrives;
}

static bool has_timed_out(void *context)
{
	(void)context;
	return first.count >= first.arrives;
}

START_TEST(what_has_arrived_fits_the_smaller_path_too)
{
	struct lwip_lab_talk t = { .bytes = MEGABYTE / 8 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	settle(&t);
	t.bytes += 20000;
	first.arrives = 4;
	first.is_too_large = true;
	lab.loses = loses_first;
	lwip_lab_say(&t.client, t.bytes);
	lwip_lab_until(&lab, has_timed_out, NULL);
	t.bytes += 20000;
	lwip_lab_say(&t.client, t.bytes);
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	lwip_lab_close(&t);
}
END_TEST

static bool has_sent_more(void *context)
{
	(void)context;
	return net.data > 0;
}

/* The acknowledgement of the first one is of all the others, too. */
START_TEST(after_a_timeout_the_window_is_small)
{
	struct lwip_lab_talk t = { .bytes = MEGABYTE / 8 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	settle(&t);
	t.bytes += 20000;
	first.arrives = 3;
	lab.loses = loses_first;
	lwip_lab_say(&t.client, t.bytes);
	lwip_lab_until(&lab, has_timed_out, NULL);
	t.bytes += 100000;
	lwip_lab_say(&t.client, t.bytes);
	net.data = 0;
	lwip_lab_until(&lab, has_sent_more, NULL);
	ck_assert_uint_le(net.data, 3); /* all that goes at once */
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	lwip_lab_close(&t);
}
END_TEST

/* Who says that the path is tiny doesn't make us send tiny packets. */
static bool lies(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	if (is_of_client(bytes, n) && net.icmp == 0)
		answer_too_big(l, bytes, 100);
	net.data += is_of_client(bytes, n);
	return false;
}

START_TEST(a_tiny_path_is_not_believed)
{
	struct lwip_lab_talk t = { .bytes = MEGABYTE };

	lwip_lab_pair(&lab, _i ? IP_V6 : IP_V4, PORT, &t.client, &t.server);
	lab.loses = lies;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	ck_assert_uint_eq(net.icmp, 1);
	ck_assert_uint_lt(net.data, MEGABYTE / 400);
	lwip_lab_close(&t);
}
END_TEST

/* ---- what a peer must not do */

/* Sets the checksums of a packet of IPv4 and TCP. */
static void seal(uint8_t *bytes, size_t n)
{
	struct ipv4_header *ip = (void *)bytes;
	struct tcp_header *tcp = (void *)(ip + 1);
	size_t tcp_n = n - sizeof(*ip);
	struct ip_view view;
	uint64_t sum;

	ip->total_len = be16_put((uint16_t)n);
	ip->checksum = be16_put(0);
	ip->checksum = be16_put(checksum_finish(checksum_add(0, ip, sizeof(*ip))));
	ck_assert(ip_view_parse(&view, bytes, (uint32_t)n));
	sum = checksum_pseudo(&view.src, &view.dst, PROTO_TCP, (uint32_t)tcp_n);
	tcp->checksum = be16_put(0);
	tcp->checksum = be16_put(checksum_finish(checksum_add(sum, tcp, tcp_n)));
}

static void put_in_queue(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	seal(copy, n);
	ck_assert_uint_lt(l->count, LWIP_LAB_PACKETS);
	l->queue[l->count++] = (struct lwip_lab_packet){ copy, n };
}

static struct {
	uint16_t window, mss;
} offer;

/* The server's SYN offers this instead. lwIP has the size as its first option. */
static bool offers(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	uint8_t copy[100];
	struct tcp_header *tcp = (void *)(copy + sizeof(struct ipv4_header));
	uint8_t *option = (uint8_t *)(tcp + 1);

	if (lwip_lab_tcp(bytes)->flags != (TCP_SYN | TCP_ACK))
		return false;
	ck_assert_uint_le(n, sizeof(copy));
	memcpy(copy, bytes, n);
	ck_assert_uint_eq(option[0], 2);
	if (offer.mss > 0) {
		option[2] = (uint8_t)(offer.mss >> 8);
		option[3] = (uint8_t)offer.mss;
	}
	if (offer.window > 0)
		tcp->window = be16_put(offer.window);
	put_in_queue(l, copy, n);
	return true;
}

static const struct {
	uint16_t window, mss;
} tiny[] = { { 2, 0 }, { 23, 0 }, { 24, 0 }, { 0, 1 }, { 0, 11 }, { 0, 12 }, { 2, 1 } };

START_TEST(a_peer_that_offers_next_to_nothing_gets_its_bytes)
{
	struct lwip_lab_talk t = { .bytes = 10 };

	offer.window = tiny[_i].window;
	offer.mss = tiny[_i].mss;
	lab.loses = offers;
	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lwip_lab_say(&t.client, 10);
	lwip_lab_say(&t.client, 20);
	t.bytes = 5000;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	ck_assert_uint_lt(lab.sent, 500); /* and not in pieces of a byte */
	lwip_lab_close(&t);
}
END_TEST

/* Each acknowledgement of the server comes twice: before it one with the option. */
static bool has_mss_too_late(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	const size_t at = sizeof(struct ipv4_header) + sizeof(struct tcp_header);
	const uint8_t option[] = { 2, 4, 536 >> 8, 536 & 0xff };
	uint8_t copy[100];
	struct tcp_header *tcp = (void *)(copy + sizeof(struct ipv4_header));

	if (be16_get(lwip_lab_tcp(bytes)->src_port) != PORT || n + sizeof(option) > 80)
		return false;
	memcpy(copy, bytes, at);
	memcpy(copy + at, option, sizeof(option));
	memcpy(copy + at + sizeof(option), bytes + at, n - at);
	tcp->data_offset = (uint8_t)(tcp->data_offset + 0x10);
	put_in_queue(l, copy, n + sizeof(option));
	net.data++;
	return false;
}

START_TEST(a_segment_size_counts_in_a_syn_only)
{
	struct lwip_lab_talk t = { .bytes = MEGABYTE };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lab.loses = has_mss_too_late;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	ck_assert_uint_gt(net.data, 0);
	lwip_lab_close(&t);
}
END_TEST

/* The server's words are ours now: what the client sends is lost. */
static struct {
	uint8_t last[100]; /* headers of the client's last packet with data */
	size_t count;      /* of those */
	size_t probes;     /* with one byte */
	uint32_t begin;    /* the first byte's number */
} heard;

static bool goes_nowhere(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	(void)l;
	if (!is_of_client(bytes, n))
		return true;
	if (heard.count++ == 0)
		heard.begin = be32_get(lwip_lab_tcp(bytes)->seq);
	heard.probes += lwip_lab_data_bytes(bytes, n) == 1;
	memcpy(heard.last, bytes, n < sizeof(heard.last) ? n : sizeof(heard.last));
	return true;
}

/* Acknowledges so many bytes of the client, and offers this window (before scaling). */
static void acknowledge(size_t n, uint16_t window)
{
	const struct ipv4_header *from = (const void *)heard.last;
	const struct tcp_header *seen = (const void *)(from + 1);
	uint8_t bytes[sizeof(struct ipv4_header) + sizeof(struct tcp_header)] = { 0 };
	struct ipv4_header *ip = (void *)bytes;
	struct tcp_header *tcp = (void *)(ip + 1);

	ip->version_ihl = 0x45;
	ip->ttl = 64;
	ip->protocol = PROTO_TCP;
	memcpy(ip->src, from->dst, 4);
	memcpy(ip->dst, from->src, 4);
	tcp->src_port = seen->dst_port;
	tcp->dst_port = seen->src_port;
	tcp->seq = seen->ack;
	tcp->ack = be32_put(heard.begin + (uint32_t)n);
	tcp->data_offset = 5 << 4;
	tcp->flags = TCP_ACK;
	tcp->window = be16_put(window);
	seal(bytes, sizeof(bytes));
	lwip_lab_inject(&lab, bytes, sizeof(bytes));
}

static bool is_sent(void *context)
{
	(void)context;
	return heard.count > 0;
}

static bool is_probed(void *context)
{
	(void)context;
	return heard.probes > 0;
}

static bool is_quiet(void *context)
{
	(void)context;
	return lwip_stack_deadline_ns(lab.lwip) > loop_now_ns() + 3600 * NS_PER_SEC;
}

START_TEST(who_has_acknowledged_all_is_not_probed)
{
	struct lwip_lab_talk t = { 0 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	settle(&t);
	lab.loses = goes_nowhere;
	lwip_lab_say(&t.client, t.bytes + 50);
	lwip_lab_say(&t.client, t.bytes + 100);
	lwip_lab_until(&lab, is_sent, NULL);
	acknowledge(50, 0);
	lwip_lab_until(&lab, is_probed, NULL);
	acknowledge(100, 0);
	lwip_lab_until(&lab, is_quiet, NULL);
	lwip_lab_close(&t);
}
END_TEST

/* The end of the connection is in a segment of which only a part may be sent. */
START_TEST(the_end_stays_the_end_in_a_small_window)
{
	struct lwip_lab_talk t = { 0 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	settle(&t);
	lab.loses = goes_nowhere;
	lwip_lab_say(&t.client, t.bytes + 100);
	lwip_lab_until(&lab, is_sent, NULL);
	acknowledge(100, 1);
	heard.count = 0;
	lwip_lab_say(&t.client, t.bytes + 1100);
	t.client.stream->ops->shut_down(t.client.stream);
	lwip_lab_until(&lab, is_sent, NULL);
	ck_assert_uint_eq(lwip_lab_tcp(heard.last)->flags & TCP_FIN, 0);
	lwip_lab_close(&t);
}
END_TEST

/* ---- what couldn't be sent again yet */

/* The third packet with data is lost. */
static bool loses_third(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	(void)l;
	return bytes[9] == PROTO_TCP && is_of_client(bytes, n) && net.data++ == 2;
}

/* Fills the batch with datagrams, so that there is no room for anything else. */
static void fill_batch(void)
{
	const struct endpoint to = lwip_lab_at(IP_V4, LWIP_LAB_NOBODY, 53);
	struct packets *port;

	ck_assert_int_eq(lab.stack->ops->open_packets(lab.stack, IP_V4, &port), 0);
	for (size_t i = 0; i < BATCH_MAX; i++)
		ck_assert_int_eq(port->ops->send(port, &to, "x", 1), 0);
	ck_assert_int_lt(port->ops->send(port, &to, "x", 1), 0);
	port->ops->close(port);
}

#define SMALL_ONES 12

/* Each is a segment, to which more could be added. */
static size_t say_small_ones(struct lwip_lab_end *client)
{
	for (size_t i = 1; i <= SMALL_ONES; i++)
		lwip_lab_say(client, i * 360);
	return client->said;
}

/* What is on the way arrives, but nothing is sent. */
static void deliver(void)
{
	for (size_t i = 0; i < lab.count; i++) {
		lwip_lab_inject(&lab, lab.queue[i].bytes, lab.queue[i].n);
		free(lab.queue[i].bytes);
	}
	lab.count = 0;
}

/* The acknowledgements that tell of the loss come when the batch is full. Then it isn't the
 * last one of all, although it is the only one that waits to be sent. */
START_TEST(nothing_is_added_to_what_is_to_be_sent_again)
{
	struct lwip_lab_talk t = { 0 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lab.loses = loses_third;
	t.bytes = say_small_ones(&t.client);
	lwip_lab_round(&lab); /* the segments go */
	lwip_lab_round(&lab); /* the acknowledgements go */
	ck_assert_uint_eq(net.data, SMALL_ONES);
	fill_batch();
	deliver();
	if (_i == 0)
		t.bytes += 3000;
	lwip_lab_say(&t.client, t.bytes);
	if (_i == 1)
		t.client.stream->ops->shut_down(t.client.stream);
	if (_i == 2)
		t.client.stream->ops->close(t.client.stream, false);
	lwip_lab_until(&lab, _i == 0 ? lwip_lab_is_heard : server_has_heard_the_end, &t);
	ck_assert_uint_eq(t.server.heard, t.bytes);
	if (_i != 2)
		t.client.stream->ops->close(t.client.stream, false);
	t.server.stream->ops->close(t.server.stream, false);
}
END_TEST

/* Few bytes are on the way, but many segments. */
START_TEST(a_small_segment_is_sent_again_without_waiting)
{
	struct lwip_lab_talk t = { 0 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lab.loses = loses_third;
	for (size_t i = 1; i <= 6; i++)
		lwip_lab_say(&t.client, i * 100);
	t.bytes = t.client.said;
	for (int i = 0; i < 4; i++) /* there, back, and there again */
		lwip_lab_round(&lab);
	ck_assert_uint_ge(net.data, 7);
	ck_assert(lwip_lab_is_heard(&t));
	lwip_lab_close(&t);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/lwip_sender");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, only_what_is_lost_is_sent_again, 0, 2);
	tcase_add_test(tc, the_window_grows_by_what_is_acknowledged);
	tcase_add_loop_test(tc, a_connection_learns_that_the_path_is_smaller, 0, 2);
	tcase_add_test(tc, the_end_stays_the_end_on_a_smaller_path);
	tcase_add_test(tc, what_has_arrived_fits_the_smaller_path_too);
	tcase_add_test(tc, after_a_timeout_the_window_is_small);
	tcase_add_loop_test(tc, a_tiny_path_is_not_believed, 0, 2);
	tcase_add_loop_test(tc, a_peer_that_offers_next_to_nothing_gets_its_bytes, 0,
	                    ARRAY_SIZE(tiny));
	tcase_add_test(tc, a_segment_size_counts_in_a_syn_only);
	tcase_add_test(tc, who_has_acknowledged_all_is_not_probed);
	tcase_add_test(tc, the_end_stays_the_end_in_a_small_window);
	tcase_add_loop_test(tc, nothing_is_added_to_what_is_to_be_sent_again, 0, 3);
	tcase_add_test(tc, a_small_segment_is_sent_again_without_waiting);
	return tc;
}
