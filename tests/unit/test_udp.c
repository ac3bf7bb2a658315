#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cmsg.h"
#include "io/udp.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SENT_MAX BATCH_MAX

/* ---- a kernel, or a NIC, that refuses segments: by the linker in sendmmsg's place */

static struct {
	int error;     /* for segments, 0: refuses none */
	int tos_error; /* for IP_TOS, 0: takes it */
	int always;    /* for everything */
	int any_error; /* for any other control message, 0: takes them */
	bool no_source;
	unsigned most; /* messages that it takes, 0: all; the next one fails */
	unsigned segmented, refused;
	size_t slices;
	size_t longest; /* message, bytes */
} kernel;

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);

static bool asks_for(struct msghdr *m, int level, int type)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = cmsg_next(m, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return true;
	return false;
}

static int error_of(struct msghdr *m)
{
	if (kernel.always)
		return kernel.always;
	if (kernel.no_source && asks_for(m, IPPROTO_IP, IP_PKTINFO))
		return EINVAL;
	if (kernel.tos_error && asks_for(m, IPPROTO_IP, IP_TOS))
		return kernel.tos_error;
	if (kernel.any_error && m->msg_controllen > 0)
		return kernel.any_error;
	return asks_for(m, IPPROTO_UDP, UDP_SEGMENT) ? kernel.error : 0;
}

static size_t bytes_of(const struct msghdr *m)
{
	size_t bytes = 0;

	for (size_t i = 0; i < (size_t)m->msg_iovlen; i++)
		bytes += m->msg_iov[i].iov_len;
	return bytes;
}

/* As the real one: what stands before a message that fails is sent. */
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++)
		if (bytes_of(&messages[i].msg_hdr) > kernel.longest)
			kernel.longest = bytes_of(&messages[i].msg_hdr);
	if (kernel.most && n > kernel.most)
		n = kernel.most;
	while (good < n && error_of(&messages[good].msg_hdr) == 0) {
		kernel.slices += (size_t)messages[good].msg_hdr.msg_iovlen;
		kernel.segmented +=
			asks_for(&messages[good++].msg_hdr, IPPROTO_UDP, UDP_SEGMENT);
	}
	if (kernel.most)
		kernel.always = ENOBUFS; /* from the next call on */
	if (good > 0)
		return __real_sendmmsg(fd, messages, good, flags);
	kernel.refused++;
	errno = error_of(&messages[0].msg_hdr);
	return -1;
}

/* Two devices' sockets on loopback, and what the second received. */
struct fixture {
	struct buffers *buffers;
	struct udp_scratch *scratch;
	struct udp *a, *b;
	uint16_t port_a, port_b;
	size_t received, bytes[SENT_MAX];
	uint8_t first[SENT_MAX], last[SENT_MAX], tos[SENT_MAX];
	struct endpoint from;
};

static struct udp *udp_on(struct fixture *f, uint16_t *port)
{
	struct endpoint at = { .port = *port };
	int fds[UDP_FAMILIES];
	struct udp *u;

	ck_assert_int_eq(udp_open(fds, &at, 0), 0);
	*port = at.port;
	ck_assert_int_ge(fds[UDP_IPV4], 0);
	ck_assert_int_eq(udp_new(&u, fds, f->scratch), 0);
	return u;
}

static void fixture_open_with(struct fixture *f, bool offload)
{
	*f = (struct fixture){ 0 };
	memset(&kernel, 0, sizeof(kernel));
	ck_assert_int_eq(buffers_new(&f->buffers), 0);
	ck_assert_int_eq(udp_scratch_new(&f->scratch, f->buffers, offload), 0);
	f->a = udp_on(f, &f->port_a);
	f->b = udp_on(f, &f->port_b);
}

static void fixture_open(struct fixture *f)
{
	fixture_open_with(f, true);
}

static void fixture_close(struct fixture *f)
{
	udp_free(f->a);
	udp_free(f->b);
	udp_scratch_free(f->scratch);
	buffers_free(f->buffers);
}

static void note(void *context, struct packet **packets, size_t n)
{
	struct fixture *f = context;

	for (size_t i = 0; i < n; i++) {
		const struct packet *p = packets[i];

		ck_assert_uint_lt(f->received, SENT_MAX);
		f->bytes[f->received] = p->len_bytes;
		f->first[f->received] = p->data[0];
		f->last[f->received] = p->data[p->len_bytes - 1];
		f->tos[f->received] = p->tos;
		f->from = *p->from;
		f->received++;
	}
}

static void receive(struct fixture *f, enum udp_family family, size_t n)
{
	struct pollfd p = { .fd = udp_fd(f->b, family), .events = POLLIN };

	while (f->received < n && poll(&p, 1, 2000) == 1)
		ck_assert_int_eq(udp_read(f->b, family, note, f), 0);
	ck_assert_uint_eq(f->received, n);
}

static struct endpoint loopback(enum udp_family family, uint16_t port)
{
	struct endpoint to = { .port = port };

	ck_assert(ip_addr_parse(&to.addr, family == UDP_IPV4 ? "127.0.0.1" : "::1"));
	return to;
}

#define SIDE_BY_SIDE 2000 /* a packet of so many bytes ends where the next one begins */

/* Packet i begins and ends with byte i + 1, so that lost, merged or swapped ones show.
 * Returns how many were sent. */
static size_t send_some(struct fixture *f, const struct endpoint *to, const size_t *bytes,
                        size_t n, uint8_t tos)
{
	static uint8_t memory[SENT_MAX][SIDE_BY_SIDE];
	static struct packet packets[SENT_MAX];
	struct packet *order[SENT_MAX];
	struct udp_link *link = udp_as_link(f->a);

	for (size_t i = 0; i < n; i++) {
		memset(memory[i], (int)i + 1, bytes[i]);
		packets[i] = (struct packet){ .data = memory[i],
			                      .len_bytes = (uint32_t)bytes[i],
			                      .tos = tos };
		order[i] = &packets[i];
	}
	return link->send(link, to, order, n);
}

static void send_all(struct fixture *f, const struct endpoint *to, const size_t *bytes,
                     size_t n, uint8_t tos)
{
	ck_assert_uint_eq(send_some(f, to, bytes, n, tos), n);
}

/* Sockets of the family may be there without it: IPv6 can be disabled by a sysctl. */
static bool has_loopback(enum udp_family family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		                   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family == UDP_IPV4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	bool there;

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return false;
	there = family == UDP_IPV4
	                ? bind(fd, (const struct sockaddr *)&v4, sizeof(v4)) == 0
	                : bind(fd, (const struct sockaddr *)&v6, sizeof(v6)) == 0;
	close(fd);
	return there;
}

static void sends_and_receives(enum udp_family family)
{
	/* full segments, a shorter last one, a longer one, then single ones */
	static const size_t bytes[] = { 1400, 1400, 1400, 600, 1400, 1452,
		                        32,   92,   92,   1,   148 };
	struct fixture f;
	struct endpoint to;

	if (!has_loopback(family)) {
		unit_lacks(family == UDP_IPV4
		                   ? "127.0.0.1 is no address of this host"
		                   : "::1 is no address of this host: IPv6 is disabled");
		return;
	}
	fixture_open(&f);
	ck_assert_int_ge(udp_fd(f.b, family), 0);
	to = loopback(family, f.port_b);
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0x02);
	receive(&f, family, ARRAY_SIZE(bytes));
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		ck_assert_uint_eq(f.bytes[i], bytes[i]);
		ck_assert_uint_eq(f.first[i], i + 1);
		ck_assert_uint_eq(f.last[i], i + 1);
		ck_assert_uint_eq(f.tos[i], 0x02);
	}
	ck_assert_uint_eq(f.from.port, f.port_a);
	ck_assert(ip_addr_equal(&f.from.addr, &to.addr));
	ck_assert(ip_addr_equal(&f.from.local, &to.addr));
	ck_assert_uint_ne(f.from.ifindex, 0);
	fixture_close(&f);
}

START_TEST(datagrams_arrive_whole_and_in_order_ipv4)
{
	sends_and_receives(UDP_IPV4);
}
END_TEST

START_TEST(datagrams_arrive_whole_and_in_order_ipv6)
{
	sends_and_receives(UDP_IPV6);
}
END_TEST

START_TEST(a_full_batch_of_one_size_arrives)
{
	size_t bytes[BATCH_MAX];
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	for (size_t i = 0; i < BATCH_MAX; i++)
		bytes[i] = 1424; /* 46 of them are just less than 64 KiB */
	send_all(&f, &to, bytes, BATCH_MAX, 0);
	/* with IPv6, UDP and Ethernet headers still one packet for a device */
	ck_assert_uint_lt(kernel.longest + 40 + 8 + 14, 65536);
	ck_assert_uint_gt(kernel.longest, 60000);
	receive(&f, UDP_IPV4, BATCH_MAX);
	for (size_t i = 0; i < BATCH_MAX; i++)
		ck_assert_uint_eq(f.first[i], (uint8_t)(i + 1));
	fixture_close(&f);
}
END_TEST

/* Two messages with a shorter last one, and a single one. */
static const size_t side_by_side[] = { SIDE_BY_SIDE, SIDE_BY_SIDE, SIDE_BY_SIDE, 600,
	                               SIDE_BY_SIDE, SIDE_BY_SIDE, 1400,         1500 };

START_TEST(packets_that_lie_side_by_side_are_one_slice)
{
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	send_all(&f, &to, side_by_side, ARRAY_SIZE(side_by_side), 0);
	ck_assert_uint_eq(kernel.slices, 3);
	receive(&f, UDP_IPV4, ARRAY_SIZE(side_by_side));
	for (size_t i = 0; i < ARRAY_SIZE(side_by_side); i++) {
		ck_assert_uint_eq(f.bytes[i], side_by_side[i]);
		ck_assert_uint_eq(f.first[i], i + 1);
		ck_assert_uint_eq(f.last[i], i + 1);
	}
	fixture_close(&f);
}
END_TEST

START_TEST(what_was_sent_before_an_error_is_counted_in_packets)
{
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	kernel.most = 2;
	ck_assert_uint_eq(send_some(&f, &to, side_by_side, ARRAY_SIZE(side_by_side), 0),
	                  7);
	receive(&f, UDP_IPV4, 7);
	fixture_close(&f);
}
END_TEST

START_TEST(the_local_address_of_the_endpoint_is_the_source)
{
	static const size_t bytes[] = { 100, 100 };
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	ck_assert(ip_addr_parse(&to.local, "127.0.0.2"));
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0);
	receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
	ck_assert(ip_addr_equal(&f.from.addr, &to.local));
	fixture_close(&f);
}
END_TEST

START_TEST(a_source_address_that_is_gone_does_not_stop_sending)
{
	static const size_t bytes[] = { 100, 100, 40 };
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	ck_assert(ip_addr_parse(&to.local, "192.0.2.77"));
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0);
	receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
	fixture_close(&f);
}
END_TEST

START_TEST(where_segments_are_refused_datagrams_go_one_by_one)
{
	static const int errors[] = { EIO, EINVAL, EMSGSIZE };
	static const size_t bytes[] = { 90, 1400, 1400, 1400, 600, 32, 1400, 1400 };
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	kernel.error = errors[_i];
	to = loopback(UDP_IPV4, f.port_b);
	ck_assert(ip_addr_parse(&to.local, "127.0.0.2"));
	for (int round = 0; round < 2; round++) {
		f.received = 0;
		send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0);
		receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
		for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
			ck_assert_uint_eq(f.bytes[i], bytes[i]);
			ck_assert_uint_eq(f.first[i], i + 1);
			ck_assert_uint_eq(f.last[i], i + 1);
		}
		if (round == 0)
			kernel.refused = 0;
	}
	ck_assert_uint_eq(kernel.refused, 0); /* not tried again */
	fixture_close(&f);
}
END_TEST

START_TEST(a_source_address_that_is_gone_does_not_end_segments)
{
	static const size_t bytes[] = { 100, 100, 40 };
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	ck_assert(ip_addr_parse(&to.local, "127.0.0.2"));
	kernel.no_source = true;
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0);
	kernel.segmented = 0;
	to.local = (struct ip_addr){ 0 };
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0);
	ck_assert_uint_eq(kernel.segmented, 1);
	fixture_close(&f);
}
END_TEST

/* A phone whose way is that of mobile data: each batch goes out, and what was refused is
 * tried again only when the network has changed. */
START_TEST(where_control_messages_are_refused_datagrams_go_without)
{
	static const int errors[] = { EIO, EINVAL, EMSGSIZE };
	static const size_t bytes[] = { 90, 1400, 1400, 1400, 600, 32, 1400, 1400 };
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	for (int round = 0; round < 4; round++) {
		kernel.error = kernel.tos_error = round < 2 ? errors[_i] : 0;
		kernel.refused = kernel.segmented = 0;
		f.received = 0;
		send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0x02);
		receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
		for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
			ck_assert_uint_eq(f.first[i], i + 1);
			ck_assert_uint_eq(f.tos[i], round < 3 ? 0 : 0x02);
		}
		ck_assert_uint_eq(kernel.refused > 0, round == 0);
		ck_assert_uint_eq(kernel.segmented > 0, round == 3);
		if (round == 2)
			udp_network_changed(f.a);
	}
	fixture_close(&f);
}
END_TEST

/* The source isn't refused for good, because it belongs to one endpoint of many. */
START_TEST(where_all_control_messages_are_refused_there_are_none)
{
	static const size_t bytes[] = { 1400, 1400, 600, 32 };
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	to = loopback(UDP_IPV4, f.port_b);
	ck_assert(ip_addr_parse(&to.local, "127.0.0.2"));
	kernel.any_error = _i == 0 ? EIO : EINVAL;
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0x02);
	receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
	ck_assert(!ip_addr_equal(&f.from.addr, &to.local));
	ck_assert(udp_path_news(f.scratch));
	ck_assert(!udp_path_news(f.scratch));
	kernel.any_error = 0;
	f.received = 0;
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0x02);
	receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
	ck_assert(ip_addr_equal(&f.from.addr, &to.local));
	ck_assert(!udp_path_news(f.scratch));
	fixture_close(&f);
}
END_TEST

/* What doesn't help isn't given up: another endpoint may be reached. */
START_TEST(an_error_for_another_reason_changes_nothing)
{
	static const size_t bytes[] = { 1400, 1400, 600 };
	static uint8_t memory[1400];
	struct packet packets[2] = { { .data = memory, .len_bytes = 1400, .tos = 2 },
		                     { .data = memory, .len_bytes = 1400, .tos = 2 } };
	struct packet *order[] = { &packets[0], &packets[1] };
	struct fixture f;
	struct endpoint to;

	fixture_open(&f);
	kernel.always = _i == 0 ? EIO : EINVAL;
	to = loopback(UDP_IPV4, f.port_b);
	ck_assert_uint_eq(udp_as_link(f.a)->send(udp_as_link(f.a), &to, order, 2), 0);
	kernel.always = 0;
	send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0x02);
	receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
	ck_assert_uint_eq(kernel.segmented, 1);
	ck_assert_uint_eq(f.tos[0], 0x02);
	fixture_close(&f);
}
END_TEST

static int gro(const struct udp *u, enum udp_family family)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(
		getsockopt(udp_fd(u, family), IPPROTO_UDP, UDP_GRO, &value, &len), 0);
	return value;
}

START_TEST(without_offloads_all_datagrams_are_single)
{
	static const size_t bytes[] = { 1400, 1400, 1400, 600, 100, 100 };
	struct fixture f;
	struct endpoint to;

	fixture_open_with(&f, _i == 0);
	to = loopback(UDP_IPV4, f.port_b);
	for (int round = 0; round < 2; round++) {
		f.received = 0;
		send_all(&f, &to, bytes, ARRAY_SIZE(bytes), 0);
		receive(&f, UDP_IPV4, ARRAY_SIZE(bytes));
		udp_network_changed(f.a);
	}
	ck_assert_uint_eq(kernel.segmented, _i == 0 ? 4 : 0);
	for (int family = 0; family < UDP_FAMILIES; family++)
		if (udp_fd(f.b, (enum udp_family)family) >= 0)
			ck_assert_int_eq(gro(f.b, (enum udp_family)family), _i == 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_taken_port_is_an_error_and_leaves_nothing_open)
{
	struct fixture f;
	struct endpoint at = { 0 };
	int fds[UDP_FAMILIES];

	fixture_open(&f);
	at.port = f.port_a;
	ck_assert_int_eq(udp_open(fds, &at, 0), -EADDRINUSE);
	ck_assert_int_eq(fds[UDP_IPV4], -1);
	ck_assert_int_eq(fds[UDP_IPV6], -1);
	fixture_close(&f);
}
END_TEST

/* Closes them. */
static void expect_open(const int fds[static UDP_FAMILIES], bool ipv4, bool ipv6)
{
	ck_assert_int_eq(fds[UDP_IPV4] >= 0, ipv4);
	ck_assert_int_eq(fds[UDP_IPV6] >= 0, ipv6);
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (fds[f] >= 0)
			close(fds[f]);
}

static struct endpoint at_address(const char *text, uint16_t port)
{
	struct endpoint at = { .port = port };

	ck_assert(ip_addr_parse(&at.addr, text));
	return at;
}

START_TEST(one_address_has_one_socket)
{
	struct endpoint at = at_address("127.0.0.2", 0), other;
	int fds[UDP_FAMILIES], others[UDP_FAMILIES];

	ck_assert_int_eq(udp_open(fds, &at, 0), 0);
	ck_assert_uint_ne(at.port, 0);
	other = at_address("127.0.0.3", at.port);
	ck_assert_int_eq(udp_open(others, &other, 0), 0);
	expect_open(others, true, false);
	other = at_address("192.0.2.1", 0);
	ck_assert_int_eq(udp_open(others, &other, 0), -EADDRNOTAVAIL);
	expect_open(others, false, false);
	expect_open(fds, true, false);
}
END_TEST

/* Only for us, and only until the sockets are open. */
START_TEST(the_port_of_sockets_that_will_be_closed)
{
	struct endpoint any = { 0 }, at;
	int fds[UDP_FAMILIES], others[UDP_FAMILIES], third[UDP_FAMILIES];

	ck_assert_int_eq(udp_open(others, &any, 0), 0);
	at = at_address("127.0.0.1", any.port);
	ck_assert_int_eq(udp_open(fds, &at, 0), -EADDRINUSE);
	ck_assert_int_eq(udp_open_beside(fds, &at, 0, others), 0);
	ck_assert_uint_eq(at.port, any.port);
	ck_assert_int_eq(udp_open_beside(third, &at, 0, others), -EADDRINUSE);
	expect_open(fds, true, false);
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (others[f] >= 0)
			close(others[f]);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("io/udp");

	tcase_add_test(tc, datagrams_arrive_whole_and_in_order_ipv4);
	tcase_add_test(tc, datagrams_arrive_whole_and_in_order_ipv6);
	tcase_add_test(tc, a_full_batch_of_one_size_arrives);
	tcase_add_test(tc, packets_that_lie_side_by_side_are_one_slice);
	tcase_add_test(tc, what_was_sent_before_an_error_is_counted_in_packets);
	tcase_add_test(tc, the_local_address_of_the_endpoint_is_the_source);
	tcase_add_test(tc, a_source_address_that_is_gone_does_not_stop_sending);
	tcase_add_loop_test(tc, where_segments_are_refused_datagrams_go_one_by_one, 0, 3);
	tcase_add_loop_test(tc, where_control_messages_are_refused_datagrams_go_without,
	                    0, 3);
	tcase_add_loop_test(tc, where_all_control_messages_are_refused_there_are_none, 0,
	                    2);
	tcase_add_loop_test(tc, an_error_for_another_reason_changes_nothing, 0, 2);
	tcase_add_test(tc, a_source_address_that_is_gone_does_not_end_segments);
	tcase_add_loop_test(tc, without_offloads_all_datagrams_are_single, 0, 2);
	tcase_add_test(tc, a_taken_port_is_an_error_and_leaves_nothing_open);
	tcase_add_test(tc, one_address_has_one_socket);
	tcase_add_test(tc, the_port_of_sockets_that_will_be_closed);
	return tc;
}
