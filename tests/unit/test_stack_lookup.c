/* Names are looked up through a stack that is no kernel's. Here it is a name server, too. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "proxy/stack_lookup.h"

#define ROUNDS 50

/* Of both kinds: what was asked, and the answer that waits. */
struct fake {
	struct packets packets;
	struct stream stream;
	struct endpoint to;
	uint8_t answer[1200]; /* with its length in front of each, as by TCP */
	size_t n;
	bool open;
};

static struct {
	struct stack stack;
	struct fake ports[8];
	size_t opened, closed, asked_by_tcp;
	bool truncate; /* answers by UDP are cut off */
	bool trap;     /* answers have the address of this machine */
	char searched[100];
} net;

static struct loop *loop;
static struct stack_lookup sockets;
static struct lookup *lookup;

/* An answer for A, none for AAAA; only names that end in .home exist. */
static void answer(struct fake *f, const uint8_t *query, size_t n, bool tcp)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0,   1, 0, 0,
		                          0,    60, 0, 4, 192, 0, 2, 7 };
	uint8_t *a = f->answer + f->n + 2;
	bool is_home = memmem(query, n, "\4home", 6) != NULL, is_a = query[n - 3] == 1;
	size_t bytes = n;

	ck_assert_uint_le(f->n + 2 + n + sizeof(record), sizeof(f->answer));
	memcpy(a, query, n);
	a[2] = net.truncate && !tcp ? 0x83 : 0x81;
	a[3] = is_home ? 0x80 : 0x83;
	a[7] = is_home && is_a && a[2] == 0x81;
	if (a[7]) {
		memcpy(a + n, record, sizeof(record));
		if (net.trap)
			memcpy(a + n + sizeof(record) - 4, "\177\0\0\1", 4);
		bytes += sizeof(record);
	}
	a[-2] = (uint8_t)(bytes >> 8);
	a[-1] = (uint8_t)bytes;
	f->n += bytes + 2;
	strcat(net.searched, is_home ? "home " : "other ");
}

static struct fake *open_one(void)
{
	struct fake *f = net.ports;

	while (f->open)
		f++;
	ck_assert(f < net.ports + ARRAY_SIZE(net.ports));
	*f = (struct fake){ .open = true };
	net.opened++;
	return f;
}

static struct fake *of_packets(struct packets *p)
{
	return CONTAINER_OF(p, struct fake, packets);
}

static int send_packet(struct packets *p, const struct endpoint *to, const void *bytes,
                       size_t n)
{
	of_packets(p)->to = *to;
	answer(of_packets(p), bytes, n, false);
	return 0;
}

static void drop(struct fake *f, size_t n)
{
	memmove(f->answer, f->answer + n, f->n - n);
	f->n -= n;
}

static ssize_t receive_packet(struct packets *p, struct endpoint *from, void *out,
                              size_t n)
{
	struct fake *f = of_packets(p);
	size_t bytes = (size_t)(f->answer[0] << 8 | f->answer[1]);

	if (f->n == 0)
		return -EAGAIN;
	ck_assert_uint_le(bytes, n);
	memcpy(out, f->answer + 2, bytes);
	*from = f->to;
	drop(f, bytes + 2);
	return (ssize_t)bytes;
}

static void close_packets(struct packets *p)
{
	of_packets(p)->open = false;
	net.closed++;
}

static const struct packets_ops packets_ops = { send_packet, receive_packet,
	                                        close_packets };

static int open_packets(struct stack *s, enum ip_family family, struct packets **out)
{
	struct fake *f = open_one();

	(void)s;
	ck_assert_int_eq(family, IP_V4);
	f->packets.ops = &packets_ops;
	*out = &f->packets;
	return 0;
}

static struct fake *of_stream(struct stream *s)
{
	return CONTAINER_OF(s, struct fake, stream);
}

static ssize_t peek(struct stream *s, void *out, size_t n)
{
	const struct fake *f = of_stream(s);
	size_t some = f->n < n ? f->n : n;

	if (f->n == 0)
		return -EAGAIN;
	memcpy(out, f->answer, some);
	return (ssize_t)some;
}

static void consume(struct stream *s, size_t n)
{
	drop(of_stream(s), n);
}

static ssize_t write_stream(struct stream *s, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;
	size_t at = 0;

	while (at < n) { /* several queries may come at once */
		size_t some = (size_t)(b[at] << 8 | b[at + 1]);

		ck_assert_uint_le(at + 2 + some, n);
		answer(of_stream(s), b + at + 2, some, true);
		at += some + 2;
		net.asked_by_tcp++;
	}
	return (ssize_t)n;
}

static int want(struct stream *s, unsigned wanted)
{
	(void)s;
	(void)wanted;
	return 0;
}

static void close_stream(struct stream *s, bool reset)
{
	(void)reset;
	of_stream(s)->open = false;
	net.closed++;
}

static const struct stream_ops stream_ops = { .peek = peek,
	                                      .consume = consume,
	                                      .write = write_stream,
	                                      .want = want,
	                                      .close = close_stream };

static int connect_stream(struct stack *s, const struct endpoint *to, struct stream **out)
{
	struct fake *f = open_one();

	(void)s;
	ck_assert_uint_eq(to->port, 53);
	f->stream.ops = &stream_ops;
	*out = &f->stream;
	return 0;
}

static const struct stack_ops stack_ops = { .connect = connect_stream,
	                                    .open_packets = open_packets };

/* ---- the lookup */

static void set_up(void)
{
	static const char *const domains[] = { "lan", "home" };
	const struct ip_addr server = { IP_V4, { 192, 0, 0, 53 } };

	memset(&net, 0, sizeof(net));
	net.stack.ops = &stack_ops;
	ck_assert_int_eq(loop_new(&loop), 0);
	stack_lookup_init(&sockets, &net.stack);
	ck_assert_int_eq(stack_lookup_new(&lookup, &sockets, loop), 0);
	ck_assert_int_eq(lookup_set_servers(lookup, &server, 1, domains, 2), 0);
}

static void tear_down(void)
{
	lookup_free(lookup);
	loop_free(loop);
	ck_assert_uint_eq(net.opened, net.closed);
}

/* What would come from the network. */
static void deliver(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(net.ports); i++) {
		struct fake *f = &net.ports[i];

		if (f->open && f->packets.ops && f->n > 0)
			f->packets.ready(&f->packets, 1);
		else if (f->open && f->stream.ops)
			f->stream.ready(&f->stream, f->n > 0 ? STREAM_READ : STREAM_WRITE,
			                1);
	}
}

struct asked {
	struct lookup_query query;
	char error[100];
	struct endpoint found;
	size_t n;
	bool done;
};

static void done(struct lookup_query *query, const char *error,
                 const struct endpoint *found, size_t n)
{
	struct asked *a = CONTAINER_OF(query, struct asked, query);

	strcpy(a->error, error ? error : "");
	a->n = n;
	if (n > 0)
		a->found = found[0];
	a->done = true;
}

static void ask(struct asked *a, const char *name)
{
	*a = (struct asked){ .query.done = done };
	lookup_ask(lookup, &a->query, name);
	for (int i = 0; i < ROUNDS && !a->done; i++)
		deliver();
	ck_assert(a->done);
}

START_TEST(a_name_is_asked_through_the_stack)
{
	const struct ip_addr expected = { IP_V4, { 192, 0, 2, 7 } };
	struct asked a;

	ask(&a, "nas.home");
	ck_assert_str_eq(a.error, "");
	ck_assert_uint_eq(a.n, 1);
	ck_assert(ip_addr_equal(&a.found.addr, &expected));
	ck_assert_uint_eq(net.asked_by_tcp, 0);
}
END_TEST

START_TEST(an_answer_that_was_cut_off_is_asked_by_tcp)
{
	struct asked a;

	net.truncate = true;
	ask(&a, "nas.home");
	ck_assert_str_eq(a.error, "");
	ck_assert_uint_eq(a.n, 1);
	ck_assert_uint_gt(net.asked_by_tcp, 0);
}
END_TEST

START_TEST(the_search_domains_are_those_that_were_given)
{
	struct asked a;

	ask(&a, "nas");
	ck_assert_uint_eq(a.n, 1);
	ck_assert_ptr_nonnull(strstr(net.searched, "other "));
	ask(&a, "nas.nowhere.");
	ck_assert_uint_eq(a.n, 0);
	ck_assert_str_ne(a.error, "");
}
END_TEST

/* What listens there trusts whoever is on this machine. */
START_TEST(an_answer_does_not_lead_to_this_machine)
{
	struct asked a;

	net.trap = true;
	ask(&a, "nas.home");
	ck_assert_uint_eq(a.n, 0);
	ck_assert_str_ne(a.error, "");
}
END_TEST

START_TEST(localhost_is_not_asked_for)
{
	const struct ip_addr here = { IP_V6, { [15] = 1 } };
	struct asked a;

	ask(&a, "localhost");
	ck_assert_uint_eq(a.n, 2);
	ck_assert(ip_addr_equal(&a.found.addr, &here));
	ck_assert_str_eq(net.searched, "");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/stack_lookup");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_name_is_asked_through_the_stack);
	tcase_add_test(tc, an_answer_that_was_cut_off_is_asked_by_tcp);
	tcase_add_test(tc, the_search_domains_are_those_that_were_given);
	tcase_add_test(tc, an_answer_does_not_lead_to_this_machine);
	tcase_add_test(tc, localhost_is_not_asked_for);
	return tc;
}
