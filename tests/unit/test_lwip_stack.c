#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"
#include "io/loop_clock.h"
#include "lwip_lab.h"
#include "unit.h"

#define MEGABYTE ((size_t)1 << 20)

static struct lwip_lab lab; /* too large for a stack */

static void begin(void)
{
	lwip_lab_begin(&lab);
}

static void end(void)
{
	lwip_lab_end(&lab);
}

static void close_end(struct lwip_lab_end *e, bool reset)
{
	e->stream->ops->close(e->stream, reset);
	e->stream = NULL;
}

/* ---- bytes */

struct talk {
	struct lwip_lab_end client, server;
	size_t bytes;
};

static bool is_said(void *context)
{
	struct talk *t = context;

	lwip_lab_say(&t->client, t->bytes);
	lwip_lab_say(&t->server, t->bytes);
	lwip_lab_hear(&t->client, SIZE_MAX);
	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->client.heard == t->bytes && t->server.heard == t->bytes;
}

static bool server_has_heard_the_end(void *context)
{
	struct talk *t = context;

	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->server.ended;
}

static bool client_has_heard_the_end(void *context)
{
	struct talk *t = context;

	lwip_lab_hear(&t->client, SIZE_MAX);
	return t->client.ended;
}

/* Each side ends for itself; what comes after the end of the other one still arrives. */
static void talk(enum ip_family family, size_t bytes)
{
	struct talk t = { .bytes = bytes };
	struct endpoint local, remote;
	size_t before;

	lwip_lab_pair(&lab, family, 80, &t.client, &t.server);
	t.server.stream->ops->ends(t.server.stream, &local, &remote);
	ck_assert_uint_eq(local.port, 80);
	ck_assert_int_eq(local.addr.family, family);
	lwip_lab_until(&lab, is_said, &t);
	t.client.stream->ops->shut_down(t.client.stream);
	lwip_lab_until(&lab, server_has_heard_the_end, &t);
	ck_assert(!t.client.ended);
	before = t.client.heard;
	lwip_lab_say(&t.server, bytes + 10);
	t.server.stream->ops->shut_down(t.server.stream);
	lwip_lab_until(&lab, client_has_heard_the_end, &t);
	ck_assert_uint_eq(t.client.heard, before + 10);
	ck_assert_int_eq(t.client.err, 0);
	ck_assert_int_eq(t.server.err, 0);
	close_end(&t.client, false);
	close_end(&t.server, false);
	ck_assert_uint_le(lab.largest, LWIP_LAB_MTU);
}

START_TEST(bytes_arrive_in_both_directions)
{
	lab.batches = _i & 2;
	talk(_i & 1 ? IP_V6 : IP_V4, 3 * MEGABYTE);
}
END_TEST

START_TEST(what_is_lost_or_late_comes_all_the_same)
{
	lab.loss_permille = 10;
	lab.reorder = true;
	lab.batches = _i & 2;
	talk(_i & 1 ? IP_V6 : IP_V4, MEGABYTE / 8);
}
END_TEST

/* ---- acknowledgements */

static size_t of_server, of_client; /* packets */

static void count_packets(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	const struct tcp_header *tcp = (const void *)(bytes + sizeof(struct ipv4_header));

	(void)l;
	(void)n;
	if (be16_get(tcp->src_port) == 80)
		of_server++;
	else
		of_client++;
}

static bool server_has_heard_all(void *context)
{
	struct talk *t = context;

	lwip_lab_say(&t->client, t->bytes);
	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->server.heard == t->bytes;
}

/* What comes in one batch is acknowledged at once. */
START_TEST(a_batch_is_acknowledged_seldom)
{
	struct talk t = { .bytes = 3 * MEGABYTE };

	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	of_server = of_client = 0;
	lab.seen = count_packets;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	ck_assert_uint_gt(of_client, 2000);
	ck_assert_uint_lt(of_server, of_client / 5);
	close_end(&t.client, false);
	close_end(&t.server, false);
}
END_TEST

/* Although several segments of it were joined to one, nobody waits for a second one. */
START_TEST(a_batch_is_acknowledged_without_waiting)
{
	struct talk t = { .bytes = 5000 };

	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	lab.batches = true;
	lwip_lab_say(&t.client, t.bytes);
	lwip_lab_round(&lab); /* the segments go */
	of_server = 0;
	lab.seen = count_packets;
	lwip_lab_round(&lab);
	ck_assert_uint_eq(of_server, 1);
	close_end(&t.client, true);
	close_end(&t.server, true);
}
END_TEST

/* One of its segments was changed on the way. */
static bool changes_third(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	uint8_t *copy;

	if (be16_get(lwip_lab_tcp(bytes)->dst_port) != 80 || ++of_client != 3)
		return false;
	copy = malloc(n);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	copy[n - 1] ^= 1;
	l->queue[l->count++] = (struct lwip_lab_packet){ copy, n };
	return true;
}

START_TEST(what_was_changed_is_not_joined)
{
	struct talk t = { .bytes = MEGABYTE / 8 };

	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	of_client = 0;
	lab.batches = true;
	lab.loses = changes_third;
	lwip_lab_until(&lab, server_has_heard_all, &t);
	ck_assert_uint_gt(of_client, 3);
	close_end(&t.client, false);
	close_end(&t.server, false);
}
END_TEST

/* ---- who doesn't read slows the other side down */

START_TEST(the_queue_of_who_does_not_read_is_bounded)
{
	struct talk t = { .bytes = 64 * MEGABYTE };
	size_t stuck;

	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	for (int i = 0; i < 300; i++) {
		lwip_lab_say(&t.client, t.bytes);
		lwip_lab_round(&lab);
	}
	stuck = t.client.said;
	ck_assert_uint_lt(stuck, MEGABYTE);
	ck_assert_int_eq(t.client.stream->ops->write(t.client.stream, "x", 1), -EAGAIN);
	t.bytes = stuck;
	t.server.said = stuck; /* it says nothing */
	t.client.heard = stuck;
	lwip_lab_until(&lab, is_said, &t);
	ck_assert_uint_eq(t.server.heard, stuck);
	close_end(&t.client, false);
	close_end(&t.server, false);
}
END_TEST

static bool client_has_room(void *context)
{
	struct talk *t = context;

	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->client.ready == STREAM_WRITE;
}

START_TEST(ready_is_told_when_there_is_room_and_when_there_are_bytes)
{
	struct talk t = { .bytes = 64 * MEGABYTE };

	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	for (int i = 0; i < 100; i++) {
		lwip_lab_say(&t.client, t.bytes);
		lwip_lab_round(&lab);
	}
	ck_assert_int_eq(t.client.stream->ops->want(t.client.stream, STREAM_WRITE), 0);
	ck_assert_int_eq(t.server.stream->ops->want(t.server.stream, STREAM_READ), 0);
	lwip_lab_round(&lab);
	ck_assert_uint_eq(t.client.ready, 0);
	ck_assert_uint_eq(t.server.ready, STREAM_READ);
	lwip_lab_until(&lab, client_has_room, &t);
	close_end(&t.client, true);
	close_end(&t.server, true);
}
END_TEST

/* ---- many */

#define MANY 1000

static struct lwip_lab_end clients[MANY];
static struct stream *servers[MANY];
static size_t server_count;

static void take_one(void *context, struct stream *s, uint64_t now_ns)
{
	(void)context;
	(void)now_ns;
	ck_assert_uint_lt(server_count, MANY);
	servers[server_count++] = s;
}

static bool all_are_connected(void *context)
{
	(void)context;
	for (size_t i = 0; i < MANY; i++) {
		if (clients[i].ready != STREAM_WRITE)
			return false;
	}
	return server_count == MANY;
}

static bool all_have_heard(void *context)
{
	(void)context;
	for (size_t i = 0; i < MANY; i++) {
		lwip_lab_hear(&clients[i], SIZE_MAX);
		if (!clients[i].ended || clients[i].heard != 1)
			return false;
	}
	return true;
}

START_TEST(a_thousand_at_once)
{
	const struct endpoint at = { .port = 80 };
	const struct endpoint to = lwip_lab_at(IP_V4, LWIP_LAB_SERVER, 80);

	server_count = 0;
	ck_assert_int_eq(lab.stack->ops->listen(lab.stack, &at, take_one, NULL), 0);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_int_eq(lwip_lab_connect(&lab, &to, &clients[i]), 0);
		/* more than the listener's backlog at once would have to try again */
		for (int j = 0; i % 50 == 49 && j < 4; j++)
			lwip_lab_round(&lab);
	}
	lwip_lab_until(&lab, all_are_connected, NULL);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_int_eq(servers[i]->ops->write(servers[i], "", 1), 1);
		servers[i]->ops->close(servers[i], false);
	}
	lwip_lab_until(&lab, all_have_heard, NULL);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_int_eq(clients[i].err, 0);
		close_end(&clients[i], false);
	}
}
END_TEST

/* ---- what doesn't work */

static bool is_ready(void *context)
{
	const struct lwip_lab_end *e = context;

	return e->ready != 0;
}

START_TEST(a_port_without_a_listener_refuses)
{
	const struct endpoint to = lwip_lab_at(_i ? IP_V6 : IP_V4, LWIP_LAB_SERVER, 81);
	struct lwip_lab_end client;

	ck_assert_int_eq(lwip_lab_connect(&lab, &to, &client), 0);
	lwip_lab_until(&lab, is_ready, &client);
	ck_assert_int_eq(client.stream->ops->connected(client.stream), -ECONNREFUSED);
	close_end(&client, false);
}
END_TEST

START_TEST(what_has_no_route_fails_at_once)
{
	const struct endpoint to = { .addr = { IP_V4, { 192, 0, 2, 1 } }, .port = 80 };
	struct lwip_lab_end client;
	struct packets *port;

	ck_assert_int_eq(lwip_lab_connect(&lab, &to, &client), -ENETUNREACH);
	ck_assert_int_eq(lab.stack->ops->open_packets(lab.stack, IP_V4, &port), 0);
	ck_assert_int_eq(port->ops->send(port, &to, "x", 1), -ENETUNREACH);
	port->ops->close(port);
}
END_TEST

static uint8_t first_sent[128];
static size_t first_n;

static void keep_first(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	(void)l;
	if (first_n > 0)
		return;
	first_n = n < sizeof(first_sent) ? n : sizeof(first_sent);
	memcpy(first_sent, bytes, first_n);
}

/* An ICMP error of this type and code, about the first packet that was sent. */
static void inject_icmp(uint8_t type, uint8_t code, bool is_about_it)
{
	uint8_t bytes[200] = { 0 };
	struct ipv4_header *ip = (void *)bytes;
	struct icmp_header *icmp = (void *)(ip + 1);
	size_t n = sizeof(*icmp) + first_n;

	ip->version_ihl = 0x45;
	ip->total_len = be16_put((uint16_t)(sizeof(*ip) + n));
	ip->ttl = 64;
	ip->protocol = PROTO_ICMP;
	memcpy(ip->src, first_sent + 16, 4);
	memcpy(ip->dst, first_sent + 12, 4);
	ip->checksum = be16_put(checksum_finish(checksum_add(0, ip, sizeof(*ip))));
	icmp->type = type;
	icmp->code = code;
	memcpy(icmp + 1, first_sent, first_n);
	if (!is_about_it)
		((uint8_t *)(icmp + 1))[24] ^= 1; /* the sequence number */
	icmp->checksum = be16_put(checksum_finish(checksum_add(0, icmp, n)));
	lwip_lab_inject(&lab, bytes, sizeof(*ip) + n);
}

static const struct {
	uint8_t type, code;
	int err;
} errors[] = {
	{ 3, 0, -ENETUNREACH },   { 3, 1, -EHOSTUNREACH },  { 3, 3, -ECONNREFUSED },
	{ 3, 13, -EHOSTUNREACH }, { 11, 0, -EHOSTUNREACH },
};

START_TEST(an_icmp_error_ends_an_attempt)
{
	const struct endpoint to = lwip_lab_at(IP_V4, LWIP_LAB_NOBODY, 80);
	struct lwip_lab_end client;

	lab.seen = keep_first;
	ck_assert_int_eq(lwip_lab_connect(&lab, &to, &client), 0);
	lwip_lab_round(&lab);
	ck_assert_uint_gt(first_n, 0);
	inject_icmp(errors[_i].type, errors[_i].code, false);
	lwip_lab_round(&lab);
	ck_assert_uint_eq(client.ready, 0); /* a forged one */
	inject_icmp(errors[_i].type, errors[_i].code, true);
	lwip_lab_until(&lab, is_ready, &client);
	ck_assert_int_eq(client.stream->ops->connected(client.stream), errors[_i].err);
	close_end(&client, false);
}
END_TEST

static const char *ones_name(void)
{
	return "ones";
}

static uint32_t ones_random(void)
{
	return UINT32_MAX;
}

static void ones_fill(void *const out, const size_t n)
{
	memset(out, 0xff, n);
}

/* lwIP draws the port before the first one. */
START_TEST(any_port_may_be_drawn)
{
	static struct randombytes_implementation ones = {
		.implementation_name = ones_name, .random = ones_random, .buf = ones_fill
	};
	const struct endpoint to = lwip_lab_at(IP_V4, LWIP_LAB_NOBODY, 80);
	struct lwip_lab_end client;

	lwip_lab_end(&lab);
	randombytes_set_implementation(&ones);
	lwip_lab_begin(&lab);
	randombytes_set_implementation(&randombytes_sysrandom_implementation);
	ck_assert_int_eq(lwip_lab_connect(&lab, &to, &client), 0);
	close_end(&client, true);
}
END_TEST

START_TEST(an_established_connection_survives_an_icmp_error)
{
	struct talk t = { .bytes = 1000 };

	lab.seen = keep_first;
	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	inject_icmp(3, 1, true);
	lwip_lab_until(&lab, is_said, &t);
	close_end(&t.client, false);
	close_end(&t.server, false);
}
END_TEST

static bool server_has_failed(void *context)
{
	struct talk *t = context;

	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->server.err != 0;
}

START_TEST(a_reset_is_told)
{
	struct talk t = { 0 };

	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	close_end(&t.client, true);
	lwip_lab_until(&lab, server_has_failed, &t);
	ck_assert_int_eq(t.server.err, -ECONNRESET);
	ck_assert_int_lt(t.server.stream->ops->write(t.server.stream, "x", 1), 0);
	close_end(&t.server, false);
}
END_TEST

/* ---- time */

static bool is_quiet(void *context)
{
	const uint64_t *at_least_ns = context;

	return lab.count == 0 &&
	       lwip_stack_deadline_ns(lab.lwip) >= loop_now_ns() + *at_least_ns;
}

START_TEST(who_has_nothing_to_do_is_not_woken)
{
	struct talk t = { .bytes = MEGABYTE };
	uint64_t day_ns = 86400 * NS_PER_SEC, second_ns = NS_PER_SEC;

	ck_assert(is_quiet(&day_ns));
	lwip_lab_pair(&lab, IP_V4, 80, &t.client, &t.server);
	lwip_lab_until(&lab, is_said, &t);
	lwip_lab_until(&lab, is_quiet, &day_ns); /* although there is a connection */
	t.client.stream->ops->shut_down(t.client.stream);
	lwip_lab_until(&lab, server_has_heard_the_end, &t);
	t.server.stream->ops->shut_down(t.server.stream);
	lwip_lab_until(&lab, client_has_heard_the_end, &t);
	close_end(&t.client, false);
	close_end(&t.server, false);
	lwip_lab_until(&lab, is_quiet, &second_ns); /* the next is the end of TIME-WAIT */
}
END_TEST

/* ---- datagrams */

struct post {
	struct packets *port;
	struct endpoint from;
	uint8_t bytes[8000];
	ssize_t n;
};

static void datagram_ready(struct packets *p, uint64_t now_ns)
{
	struct post *post = p->user;

	(void)now_ns;
	post->n = p->ops->receive(p, &post->from, post->bytes, sizeof(post->bytes));
}

static bool has_come(void *context)
{
	const struct post *post = context;

	return post->n > 0;
}

START_TEST(datagrams_go_and_come_also_large_ones)
{
	const enum ip_family family = _i % 2 ? IP_V6 : IP_V4;
	const size_t n = _i < 2 ? 100 : 5000;
	struct endpoint to = lwip_lab_at(family, LWIP_LAB_SERVER, 53);
	const struct endpoint at = { .port = 53 };
	struct post client = { 0 }, server = { 0 };
	uint8_t bytes[5000];

	memset(bytes, 'x', sizeof(bytes));
	ck_assert_int_eq(lab.stack->ops->listen_packets(lab.stack, &at, &server.port), 0);
	ck_assert_int_eq(lab.stack->ops->open_packets(lab.stack, family, &client.port),
	                 0);
	server.port->ready = client.port->ready = datagram_ready;
	server.port->user = &server;
	client.port->user = &client;
	ck_assert_int_eq(client.port->ops->send(client.port, &to, bytes, n), 0);
	lwip_lab_until(&lab, has_come, &server);
	ck_assert_int_eq(server.n, (ssize_t)n);
	ck_assert_mem_eq(server.bytes, bytes, n);
	ck_assert_int_eq(server.port->ops->send(server.port, &server.from, "y", 1), 0);
	lwip_lab_until(&lab, has_come, &client);
	ck_assert(endpoint_equal(&client.from, &to));
	ck_assert_uint_le(lab.largest, LWIP_LAB_MTU);
	client.port->ops->close(client.port);
	server.port->ops->close(server.port);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/lwip_stack");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, bytes_arrive_in_both_directions, 0, 4);
	tcase_add_loop_test(tc, what_is_lost_or_late_comes_all_the_same, 0, 4);
	tcase_add_test(tc, a_batch_is_acknowledged_seldom);
	tcase_add_test(tc, a_batch_is_acknowledged_without_waiting);
	tcase_add_test(tc, what_was_changed_is_not_joined);
	tcase_add_test(tc, the_queue_of_who_does_not_read_is_bounded);
	tcase_add_test(tc, ready_is_told_when_there_is_room_and_when_there_are_bytes);
	tcase_add_test(tc, a_thousand_at_once);
	tcase_add_loop_test(tc, a_port_without_a_listener_refuses, 0, 2);
	tcase_add_test(tc, what_has_no_route_fails_at_once);
	tcase_add_loop_test(tc, an_icmp_error_ends_an_attempt, 0, ARRAY_SIZE(errors));
	tcase_add_test(tc, any_port_may_be_drawn);
	tcase_add_test(tc, an_established_connection_survives_an_icmp_error);
	tcase_add_test(tc, a_reset_is_told);
	tcase_add_test(tc, who_has_nothing_to_do_is_not_woken);
	tcase_add_loop_test(tc, datagrams_go_and_come_also_large_ones, 0, 4);
	return tc;
}
