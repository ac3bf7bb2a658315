/* tests/unit/lwip_lab.c */
#include "lwip_lab.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/iphdr.h"
#include "io/loop_clock.h"
#include "unit.h"

#define WAIT_NS (60 * NS_PER_SEC)

/* ---- the network */

struct endpoint lwip_lab_at(enum ip_family family, uint8_t host, uint16_t port)
{
	struct endpoint e = { .addr = { .family = (uint8_t)family }, .port = port };

	e.addr.b[0] = family == IP_V6 ? 0xfd : 10;
	e.addr.b[family == IP_V6 ? 15 : 3] = host;
	return e;
}

static uint8_t host_of(const struct ip_addr *a)
{
	return a->b[a->family == IP_V6 ? 15 : 3];
}

static int route(void *context, const struct ip_addr *to, struct ip_addr *from,
                 uint32_t *mtu_bytes)
{
	(void)context;
	if (to->b[0] != (to->family == IP_V6 ? 0xfd : 10))
		return -ENETUNREACH;
	*from = lwip_lab_at(to->family,
	                    host_of(to) == LWIP_LAB_CLIENT ? LWIP_LAB_SERVER
	                                                   : LWIP_LAB_CLIENT,
	                    0)
	                .addr;
	*mtu_bytes = LWIP_LAB_MTU;
	return 0;
}

static bool is_own(void *context, const struct ip_addr *addr)
{
	(void)context;
	return host_of(addr) == LWIP_LAB_CLIENT || host_of(addr) == LWIP_LAB_SERVER;
}

static uint32_t draw(struct lwip_lab *lab)
{
	lab->random = lab->random * 1664525 + 1013904223;
	return lab->random >> 8;
}

static void take(struct lwip_lab *lab, const struct packet *p)
{
	struct lwip_lab_packet *to;

	lab->sent++;
	if (lab->seen)
		lab->seen(lab, p->data, p->len_bytes);
	if (p->len_bytes > lab->largest)
		lab->largest = p->len_bytes;
	if (draw(lab) % 1000 < lab->loss_permille ||
	    (lab->loses && lab->loses(lab, p->data, p->len_bytes)) ||
	    lab->count == LWIP_LAB_PACKETS)
		return;
	to = &lab->queue[lab->count];
	to->bytes = malloc(p->len_bytes);
	ck_assert_ptr_nonnull(to->bytes);
	memcpy(to->bytes, p->data, p->len_bytes);
	to->n = p->len_bytes;
	lab->count++;
}

static void send_packets(void *context, struct packet **packets, size_t n,
                         uint64_t now_ns)
{
	struct lwip_lab *lab = context;

	(void)now_ns;
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_ge(packets[i]->headroom_bytes, PACKET_HEADROOM_BYTES);
		ck_assert_uint_ge(packets[i]->tailroom_bytes, PACKET_TAILROOM_BYTES);
		take(lab, packets[i]);
	}
}

static void inject_batch(struct lwip_lab *lab, const struct lwip_lab_packet *packets,
                         size_t n)
{
	struct packet all[BATCH_MAX], *list[BATCH_MAX];
	struct tun_link *link = lwip_stack_as_link(lab->lwip);

	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = malloc(packets[i].n);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, packets[i].bytes, packets[i].n);
		all[i] = (struct packet){ .data = copy,
			                  .len_bytes = (uint32_t)packets[i].n };
		list[i] = &all[i];
	}
	link->write(link, list, n);
	for (size_t i = 0; i < n; i++)
		free(all[i].data);
}

void lwip_lab_inject(struct lwip_lab *lab, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	inject_batch(lab, &(struct lwip_lab_packet){ copy, n }, 1);
	free(copy);
}

static void swap_some(struct lwip_lab *lab, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		size_t j = i + draw(lab) % 3;
		struct lwip_lab_packet other = lab->queue[i];

		if (j >= n)
			continue;
		lab->queue[i] = lab->queue[j];
		lab->queue[j] = other;
	}
}

void lwip_lab_round(struct lwip_lab *lab)
{
	size_t n = lab->count;
	struct lwip_lab_packet now[LWIP_LAB_PACKETS];

	if (lab->reorder)
		swap_some(lab, n);
	memcpy(now, lab->queue, n * sizeof(*now));
	lab->count = 0;
	for (size_t i = 0, some; i < n; i += some) {
		some = !lab->batches ? 1 : n - i < BATCH_MAX ? n - i : BATCH_MAX;
		inject_batch(lab, now + i, some);
	}
	for (size_t i = 0; i < n; i++)
		free(now[i].bytes);
	lwip_stack_run(lab->lwip, loop_now_ns());
	if (n == 0 && lwip_stack_deadline_ns(lab->lwip) > loop_now_ns())
		(void)poll(NULL, 0, 1);
}

void lwip_lab_until(struct lwip_lab *lab, bool (*is_so)(void *context), void *context)
{
	uint64_t end_ns = loop_now_ns() + WAIT_NS;

	while (!is_so(context)) {
		ck_assert_msg(loop_now_ns() < end_ns, "it didn't become so in time");
		lwip_lab_round(lab);
	}
}

void lwip_lab_begin(struct lwip_lab *lab)
{
	const struct lwip_env env = { route, is_own, send_packets, lab };

	memset(lab, 0, sizeof(*lab));
	lab->random = 1;
	ck_assert_int_eq(lwip_stack_new(&lab->lwip, &env), 0);
	lab->stack = lwip_stack_as_stack(lab->lwip);
}

void lwip_lab_end(struct lwip_lab *lab)
{
	lwip_stack_free(lab->lwip);
	for (size_t i = 0; i < lab->count; i++)
		free(lab->queue[i].bytes);
}

const struct tcp_header *lwip_lab_tcp(const uint8_t *bytes)
{
	size_t at = bytes[0] >> 4 == 6 ? sizeof(struct ipv6_header)
	                               : sizeof(struct ipv4_header);

	return (const void *)(bytes + at);
}

size_t lwip_lab_data_bytes(const uint8_t *bytes, size_t n)
{
	const struct tcp_header *tcp = lwip_lab_tcp(bytes);

	return n - (size_t)((const uint8_t *)tcp - bytes) - tcp_header_bytes(tcp);
}

/* ---- ends */

static void ready(struct stream *s, unsigned events, uint64_t now_ns)
{
	struct lwip_lab_end *end = s->user;

	(void)now_ns;
	end->ready |= events;
	ck_assert_int_eq(s->ops->want(s, 0), 0);
}

static void adopt(struct lwip_lab_end *end, struct stream *s)
{
	end->stream = s;
	s->ready = ready;
	s->user = end;
}

static void accepted(void *context, struct stream *s, uint64_t now_ns)
{
	struct lwip_lab_end *end = context;

	(void)now_ns;
	if (end->stream)
		s->ops->close(s, true);
	else
		adopt(end, s);
}

int lwip_lab_connect(struct lwip_lab *lab, const struct endpoint *to,
                     struct lwip_lab_end *end)
{
	struct stream *s;
	int err = lab->stack->ops->connect(lab->stack, to, &s);

	*end = (struct lwip_lab_end){ 0 };
	if (err)
		return err;
	adopt(end, s);
	ck_assert_int_eq(s->ops->want(s, STREAM_WRITE), 0);
	return 0;
}

struct both {
	struct lwip_lab_end *client, *server;
};

static bool are_connected(void *context)
{
	const struct both *b = context;

	return b->client->ready & STREAM_WRITE && b->server->stream;
}

void lwip_lab_pair(struct lwip_lab *lab, enum ip_family family, uint16_t port,
                   struct lwip_lab_end *client, struct lwip_lab_end *server)
{
	struct both b = { client, server };
	const struct endpoint to = lwip_lab_at(family, LWIP_LAB_SERVER, port);
	const struct endpoint at = { .port = port };

	*server = (struct lwip_lab_end){ 0 };
	ck_assert_int_eq(lab->stack->ops->listen(lab->stack, &at, accepted, server), 0);
	ck_assert_int_eq(lwip_lab_connect(lab, &to, client), 0);
	lwip_lab_until(lab, are_connected, &b);
	ck_assert_int_eq(client->stream->ops->connected(client->stream), 0);
	client->ready = 0;
}

static void fill(uint8_t *bytes, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)((at + i) * 31 + (at + i) / 251);
}

void lwip_lab_say(struct lwip_lab_end *end, size_t total)
{
	uint8_t bytes[16384];

	while (end->said < total) {
		size_t n = total - end->said < sizeof(bytes) ? total - end->said
		                                             : sizeof(bytes);
		ssize_t taken;

		fill(bytes, end->said, n);
		taken = end->stream->ops->write(end->stream, bytes, n);
		if (taken == -EAGAIN)
			return;
		ck_assert_int_gt(taken, 0);
		end->said += (size_t)taken;
	}
}

void lwip_lab_hear(struct lwip_lab_end *end, size_t n)
{
	uint8_t bytes[16384], expected[16384];

	while (n > 0) {
		ssize_t got = end->stream->ops->peek(
			end->stream, bytes, n < sizeof(bytes) ? n : sizeof(bytes));

		if (got == -EAGAIN)
			return;
		end->ended |= got == 0;
		if (got < 0)
			end->err = (int)got;
		if (got <= 0)
			return;
		fill(expected, end->heard, (size_t)got);
		ck_assert_mem_eq(bytes, expected, (size_t)got);
		end->stream->ops->consume(end->stream, (size_t)got);
		end->heard += (size_t)got;
		n -= (size_t)got;
	}
}

bool lwip_lab_is_heard(void *talk)
{
	struct lwip_lab_talk *t = talk;

	lwip_lab_say(&t->client, t->bytes);
	lwip_lab_hear(&t->server, SIZE_MAX);
	return t->server.heard == t->bytes;
}

void lwip_lab_close(struct lwip_lab_talk *talk)
{
	talk->client.stream->ops->close(talk->client.stream, false);
	talk->server.stream->ops->close(talk->server.stream, false);
}
