#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"
#include "io/loop_clock.h"
#include "lwip_lab.h"
#include "unit.h"

#define PORT    80
#define FLOWS   16
#define SEGMENT 1380U
#define HEAD    (sizeof(struct ipv4_header) + sizeof(struct tcp_header))
#define MOST    65480U
#define STEPS   600 /* of a script */
#define SCRIPTS 5
#define LONG_NS (1000 * NS_PER_SEC)

/* What the peer knows of a connection. It has any ports, and the stack has the others. */
struct flow {
	bool used;
	uint16_t port, peer_port;
	uint32_t next;        /* number of the peer's next byte */
	uint32_t first, last; /* numbers of the stack's bytes: acknowledged, sent */
	bool acked;
	uint8_t quote[HEAD]; /* the last packet */
};

static struct lwip_lab lab; /* too large for a stack */
static struct flow flows[FLOWS];
static struct stream *streams[FLOWS];
static uint64_t random_state, later_ns;

static size_t below(size_t n)
{
	return unit_below(&random_state, n);
}

static bool one_of(size_t n)
{
	return below(n) == 0;
}

/* ---- what the stack says */

static struct flow *find(uint16_t port, uint16_t peer_port)
{
	struct flow *free_one = NULL;

	for (size_t i = 0; i < FLOWS; i++) {
		if (flows[i].used && flows[i].port == port &&
		    flows[i].peer_port == peer_port)
			return &flows[i];
		if (!flows[i].used)
			free_one = &flows[i];
	}
	if (!free_one)
		free_one = &flows[below(FLOWS)];
	*free_one = (struct flow){ .used = true, .port = port, .peer_port = peer_port };
	return free_one;
}

static bool peer_sees(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	const struct tcp_header *tcp = lwip_lab_tcp(bytes);
	struct flow *f;
	uint32_t end;

	(void)l;
	if (bytes[0] >> 4 != 4 || bytes[9] != PROTO_TCP)
		return true;
	f = find(be16_get(tcp->src_port), be16_get(tcp->dst_port));
	end = be32_get(tcp->seq) + (uint32_t)lwip_lab_data_bytes(bytes, n) +
	      ((tcp->flags & (TCP_SYN | TCP_FIN)) != 0);
	if (tcp->flags & TCP_SYN)
		f->first = be32_get(tcp->seq);
	if ((tcp->flags & TCP_SYN) || (int32_t)(end - f->last) > 0)
		f->last = end;
	memcpy(f->quote, bytes, HEAD);
	return true;
}

/* ---- what the peer says */

static void put(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	ck_assert_uint_lt(lab.count, LWIP_LAB_PACKETS);
	lab.queue[lab.count++] = (struct lwip_lab_packet){ copy, n };
}

static void put_v4(uint8_t *bytes, size_t n)
{
	struct ipv4_header *ip = (void *)bytes;

	ip->total_len = be16_put((uint16_t)n);
	ip->checksum = be16_put(0);
	ip->checksum = be16_put(checksum_finish(checksum_add(0, ip, sizeof(*ip))));
	put(bytes, n);
}

static void begin_v4(uint8_t *bytes, uint8_t protocol)
{
	struct ipv4_header *ip = (void *)bytes;
	struct endpoint from = lwip_lab_at(IP_V4, LWIP_LAB_NOBODY, 0),
			to = lwip_lab_at(IP_V4, LWIP_LAB_CLIENT, 0);

	*ip = (struct ipv4_header){ .version_ihl = 0x45,
		                    .ttl = 64,
		                    .protocol = protocol };
	memcpy(ip->src, from.addr.b, 4);
	memcpy(ip->dst, to.addr.b, 4);
}

/* A place before, in or behind what is meant. */
static uint32_t somewhere(uint32_t a, uint32_t b)
{
	static const uint32_t steps[] = { 0,          1,          2,          100,
		                          SEGMENT,    60000,      65535,      65536,
		                          1 << 20,    0x3fffffff, 0x40000000, 0x7ffffffe,
		                          0x7fffffff, 0x80000000, 0x80000001 };
	uint32_t step = steps[below(ARRAY_SIZE(steps))];

	switch (below(8)) {
	case 0:
		return a + step;
	case 1:
		return a - step;
	case 2:
		return b + step;
	case 3:
		return b - step;
	case 4:
		return (uint32_t)unit_random(&random_state);
	default:
		return a + (uint32_t)below((size_t)(b - a) % 100000 + 1);
	}
}

static size_t put_options(uint8_t *out, const struct flow *f)
{
	size_t n = 0;

	if (one_of(3)) {
		uint32_t ms =
			(uint32_t)(loop_now_ns() / NS_PER_MS) - (uint32_t)below(500);
		struct be32 was =
			be32_put(one_of(8) ? (uint32_t)unit_random(&random_state) : ms);

		out[n] = 8;
		out[n + 1] = 10;
		memset(out + n + 2, (int)below(256), 4);
		memcpy(out + n + 6, &was, 4);
		n += 10;
	}
	if (one_of(2)) {
		size_t blocks = 1 + below(3);

		out[n] = 5;
		out[n + 1] = (uint8_t)(2 + 8 * blocks);
		for (size_t i = 0; i < 2 * blocks && n + 6 + 4 * i <= 40; i++) {
			struct be32 at = be32_put(somewhere(f->first, f->last));

			memcpy(out + n + 2 + 4 * i, &at, 4);
		}
		n += 2 + 8 * blocks;
	}
	while (n < 40 && (n % 4 || one_of(4)))
		out[n++] = (uint8_t)(one_of(3) ? below(256) : 1);
	return n > 40 ? 40 : n;
}

static const uint16_t windows[] = { 0, 0, 1, 2, 100, 536, 1380, 5000, 65535, 65535 };
static const uint8_t flag_sets[] = {
	TCP_ACK,           TCP_ACK, TCP_ACK,
	TCP_ACK,           TCP_ACK, TCP_ACK | TCP_PSH,
	TCP_ACK | TCP_FIN, TCP_FIN, TCP_ACK | TCP_SYN,
	TCP_SYN,           0,       TCP_ACK | TCP_FIN | TCP_SYN
};

static void put_tcp(const struct flow *f, uint32_t seq, uint32_t ack, uint8_t flags,
                    const uint8_t *options, size_t options_n, size_t data_n)
{
	static uint8_t bytes[HEAD + 40 + MOST];
	struct tcp_header *tcp = (void *)(bytes + sizeof(struct ipv4_header));
	size_t n = sizeof(*tcp) + options_n + data_n;
	struct ip_view view;

	begin_v4(bytes, PROTO_TCP);
	*tcp = (struct tcp_header){ .src_port = be16_put(f->peer_port),
		                    .dst_port = be16_put(f->port),
		                    .seq = be32_put(seq),
		                    .ack = be32_put(ack),
		                    .data_offset = (uint8_t)((5 + options_n / 4) << 4),
		                    .flags = flags,
		                    .window = be16_put(
					    windows[below(ARRAY_SIZE(windows))]) };
	memcpy(tcp + 1, options, options_n);
	((struct ipv4_header *)(void *)bytes)->total_len =
		be16_put((uint16_t)(sizeof(struct ipv4_header) + n));
	ck_assert(ip_view_parse(&view, bytes, sizeof(struct ipv4_header) + n));
	tcp->checksum = be16_put(checksum_finish(checksum_add(
		checksum_pseudo(&view.src, &view.dst, PROTO_TCP, (uint32_t)n), tcp, n)));
	put_v4(bytes, sizeof(struct ipv4_header) + n);
}

static size_t some_bytes(void)
{
	static const size_t lengths[] = { 0,       0,       0,       1,    1,    10,
		                          SEGMENT, SEGMENT, SEGMENT, 8000, 60000 };

	return lengths[below(ARRAY_SIZE(lengths))];
}

/* A SYN, or what answers it. */
static void say_hello(struct flow *f, bool is_answer)
{
	static const uint8_t all[] = { 2, 4, 5, 0x64, 4, 2, 1, 1, 3, 3, 7, 1 };
	uint8_t options[20];
	size_t n = 4 * below(4);

	memcpy(options, all, sizeof(all));
	if (one_of(3)) {
		options[2] = (uint8_t)below(3);
		options[3] = (uint8_t)below(256);
	}
	if (one_of(2)) {
		memset(options + n, 0, 8);
		options[n] = options[n + 1] = 1;
		n += 2;
		options[n] = 8;
		options[n + 1] = 10;
		n += 10;
	}
	n = n / 4 * 4 > 20 ? 20 : n / 4 * 4;
	f->next = (uint32_t)unit_random(&random_state);
	put_tcp(f, f->next, f->last, TCP_SYN | (is_answer ? TCP_ACK : 0), options, n, 0);
	f->next++;
}

static void say_in_order(struct flow *f)
{
	size_t n = one_of(2) ? some_bytes() : SEGMENT;
	uint8_t options[40];
	size_t options_n = put_options(options, f);

	if (one_of(2))
		f->first += (uint32_t)below((size_t)(f->last - f->first) % 100000 + 1);
	for (size_t i = below(8) + 1; i > 0 && lab.count < LWIP_LAB_PACKETS / 2; i--) {
		put_tcp(f, f->next, f->first, TCP_ACK, options, options_n, n);
		f->next += (uint32_t)n;
	}
	if (one_of(20)) {
		put_tcp(f, f->next, f->last, TCP_ACK | TCP_FIN, options, 0, 0);
		f->next++;
	}
}

static void say_anything(struct flow *f)
{
	uint8_t options[40];
	size_t options_n = put_options(options, f);
	uint8_t flags = flag_sets[below(ARRAY_SIZE(flag_sets))];

	if (one_of(50))
		flags |= TCP_RST;
	put_tcp(f, somewhere(f->next, f->next + 65536), somewhere(f->first, f->last),
	        flags, options, options_n, some_bytes());
}

static void say_icmp(const struct flow *f)
{
	uint8_t bytes[sizeof(struct ipv4_header) + sizeof(struct icmp_header) + 28];
	struct icmp_header *icmp = (void *)(bytes + sizeof(struct ipv4_header));
	size_t n = sizeof(*icmp) + 28;

	begin_v4(bytes, PROTO_ICMP);
	*icmp = (struct icmp_header){ .type = 3,
		                      .code = (uint8_t)(one_of(4) ? below(16) : 4) };
	icmp->rest = be32_put((uint32_t)(one_of(3) ? below(65536) : 560 + below(900)));
	memcpy(icmp + 1, f->quote, 28);
	icmp->checksum = be16_put(checksum_finish(checksum_add(0, icmp, n)));
	put_v4(bytes, sizeof(bytes));
}

static void say_fragment_v4(uint8_t *bytes, size_t n)
{
	struct ipv4_header *ip = (void *)bytes;

	begin_v4(bytes, one_of(2) ? PROTO_UDP : PROTO_TCP);
	ip->id = be16_put((uint16_t)below(4));
	ip->flags_offset = be16_put(
		(uint16_t)(below(one_of(8) ? 8192 : 8) | (one_of(3) ? 0 : IPV4_MF)));
	put_v4(bytes, sizeof(*ip) + n);
}

static void say_fragment_v6(uint8_t *bytes, size_t n)
{
	struct ipv6_header *ip = (void *)bytes;
	uint8_t *header = (uint8_t *)(ip + 1);

	*ip = (struct ipv6_header){ .version_class_flow = be32_put(6U << 28),
		                    .payload_len = be16_put((uint16_t)(8 + n)),
		                    .next_header = one_of(8) ? 60 : PROTO_IPV6_FRAGMENT };
	memcpy(ip->src, lwip_lab_at(IP_V6, LWIP_LAB_NOBODY, 0).addr.b, sizeof(ip->src));
	memcpy(ip->dst, lwip_lab_at(IP_V6, LWIP_LAB_CLIENT, 0).addr.b, sizeof(ip->dst));
	memset(header, 0, 8);
	header[0] = one_of(8)   ? (uint8_t)below(256)
	            : one_of(8) ? PROTO_IPV6_FRAGMENT
	                        : PROTO_UDP;
	header[2] = (uint8_t)(one_of(8) ? below(256) : 0);
	header[3] = (uint8_t)(8 * below(4) + !one_of(3));
	header[7] = (uint8_t)below(4);
	put(bytes, sizeof(*ip) + 8 + n);
}

static void say_fragment(void)
{
	static uint8_t bytes[sizeof(struct ipv6_header) + 8 + 4096];

	for (size_t i = 0; i < 64; i++)
		bytes[below(sizeof(bytes))] = (uint8_t)below(256);
	(one_of(2) ? say_fragment_v4 : say_fragment_v6)(bytes,
	                                                8 * below(one_of(4) ? 512 : 4));
}

static void peer_acts(void)
{
	struct flow *f = &flows[below(FLOWS)];

	if (!f->used || one_of(40)) {
		*f = (struct flow){ .used = true,
			            .port = PORT,
			            .peer_port = (uint16_t)(1000 + below(50000)) };
		say_hello(f, false);
		return;
	}
	if (f->next == 0 || one_of(60)) {
		say_hello(f, f->port != PORT || one_of(8));
		return;
	}
	switch (below(8)) {
	case 0:
		say_icmp(f);
		break;
	case 1:
		say_fragment();
		break;
	case 2:
	case 3:
		say_anything(f);
		break;
	default:
		say_in_order(f);
		break;
	}
}

/* ---- what the stack's user does */

static void close_one(size_t i)
{
	if (streams[i])
		streams[i]->ops->close(streams[i], one_of(3));
	streams[i] = NULL;
}

static void ready(struct stream *s, unsigned events, uint64_t now_ns)
{
	(void)events;
	(void)now_ns;
	if (one_of(2))
		ck_assert_int_eq(s->ops->want(s, (unsigned)below(4)), 0);
	if (one_of(10))
		close_one(below(FLOWS)); /* perhaps itself */
}

static void take(struct stream *s)
{
	size_t i = below(FLOWS);

	close_one(i);
	s->ready = ready;
	streams[i] = s;
	ck_assert_int_eq(s->ops->want(s, (unsigned)below(4)), 0);
}

static void accepted(void *context, struct stream *s, uint64_t now_ns)
{
	(void)context;
	(void)now_ns;
	take(s);
}

static void use(struct stream *s)
{
	static uint8_t bytes[1 << 17];
	ssize_t n;

	switch (below(6)) {
	case 0:
	case 1:
		(void)s->ops->write(s, bytes, below(one_of(4) ? sizeof(bytes) : 2000));
		break;
	case 2:
	case 3:
		n = s->ops->peek(s, bytes, below(sizeof(bytes)) + 1);
		if (n > 0)
			s->ops->consume(s, below((size_t)n + 1));
		break;
	case 4:
		if (one_of(20) && s->ops->connected(s) == 0)
			s->ops->shut_down(s);
		break;
	default:
		ck_assert_int_eq(s->ops->want(s, (unsigned)below(4)), 0);
		break;
	}
}

static void user_acts(void)
{
	size_t i = below(FLOWS);
	struct endpoint to =
		lwip_lab_at(IP_V4, LWIP_LAB_NOBODY, (uint16_t)(1 + below(1000)));
	struct stream *s;

	if (!streams[i]) {
		if (lab.stack->ops->connect(lab.stack, &to, &s) == 0)
			take(s);
	} else if (one_of(60)) {
		close_one(i);
	} else {
		use(streams[i]);
	}
}

/* ---- all together */

static void pass(uint64_t ns)
{
	for (uint64_t end_ns = later_ns + ns; later_ns < end_ns;
	     later_ns += 200 * NS_PER_MS)
		lwip_stack_run(lab.lwip, later_ns);
}

static void run_script(void)
{
	const struct endpoint at = { .port = PORT };

	lwip_lab_begin(&lab);
	memset(flows, 0, sizeof(flows));
	memset(streams, 0, sizeof(streams));
	lab.loses = peer_sees;
	lab.batches = one_of(2);
	later_ns = loop_now_ns();
	ck_assert_int_eq(lab.stack->ops->listen(lab.stack, &at, accepted, NULL), 0);
	for (int i = 0; i < STEPS; i++) {
		for (size_t n = below(6); n > 0 && lab.count < LWIP_LAB_PACKETS / 2; n--)
			peer_acts();
		for (size_t n = below(4); n > 0; n--)
			user_acts();
		if (!one_of(4))
			lwip_lab_round(&lab);
		if (one_of(4))
			pass(one_of(30) ? 40 * NS_PER_SEC : below(10) * 100 * NS_PER_MS);
	}
	for (int i = 0; i < 4; i++) { /* some are still to be accepted */
		for (size_t j = 0; j < FLOWS; j++)
			close_one(j);
		lwip_lab_round(&lab);
	}
	pass(LONG_NS);
	ck_assert_uint_eq(lwip_stack_deadline_ns(lab.lwip), NEVER_NS);
	lwip_lab_end(&lab);
}

START_TEST(no_sequence_does_harm)
{
	size_t scripts = unit_number("TUNION_LWIP_SCRIPTS", SCRIPTS);

	random_state = unit_seed();
	for (size_t i = 0; i < scripts; i++)
		run_script();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/lwip: random sequences");

	tcase_set_timeout(tc, 100000);
	tcase_add_test(tc, no_sequence_does_harm);
	return tc;
}
