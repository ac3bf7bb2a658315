#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lwip_lab.h"
#include "unit.h"

#define MEGABYTE ((size_t)1 << 20)
#define PORT     80

static struct {
	size_t data; /* packets of the client with data */
	size_t from; /* the one of this number gets lost */
	size_t lost; /* how often */
	uint32_t seq;
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

static bool is_of_client(const uint8_t *bytes, size_t n)
{
	return be16_get(lwip_lab_tcp(bytes)->dst_port) == PORT &&
	       lwip_lab_data_bytes(bytes, n) > 0;
}

/* Its first copy gets lost, and the second one. */
static bool loses_twice(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	uint32_t seq = be32_get(lwip_lab_tcp(bytes)->seq);

	(void)l;
	if (!is_of_client(bytes, n))
		return false;
	if (++net.data == net.from)
		net.seq = seq;
	return net.data >= net.from && seq == net.seq && net.lost++ < 2;
}

/* lwIP's timer would take some hundreds of rounds. */
START_TEST(what_is_lost_twice_does_not_wait_for_the_timer)
{
	struct lwip_lab_talk t = { .bytes = MEGABYTE };
	int rounds = 0;

	net.from = 15; /* the window is small yet, so that new data goes on */
	lwip_lab_pair(&lab, _i ? IP_V6 : IP_V4, PORT, &t.client, &t.server);
	lab.loses = loses_twice;
	while (net.lost < 2 && !lwip_lab_is_heard(&t))
		lwip_lab_round(&lab);
	while (net.lost < 3 && !lwip_lab_is_heard(&t)) {
		lwip_lab_round(&lab);
		rounds++;
	}
	ck_assert_uint_eq(net.lost, 3);
	ck_assert_int_lt(rounds, 20);
	t.bytes = t.client.said;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	lwip_lab_close(&t);
}
END_TEST

/* The third packet with data; then it counts how often that is sent again. */
static bool loses_third(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	uint32_t seq = be32_get(lwip_lab_tcp(bytes)->seq);

	(void)l;
	if (!is_of_client(bytes, n))
		return false;
	if (++net.data == 3)
		net.seq = seq;
	net.lost += net.data >= 3 && seq == net.seq;
	return net.data == 3;
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

/* In the same round in which the loss becomes known. */
START_TEST(what_is_lost_is_sent_again_although_more_is_written)
{
	struct lwip_lab_talk t = { .bytes = 10000 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lab.loses = loses_third;
	lwip_lab_say(&t.client, t.bytes);
	lwip_lab_round(&lab); /* the segments go */
	lwip_lab_round(&lab); /* the acknowledgements go */
	deliver();
	t.bytes += 10;
	lwip_lab_say(&t.client, t.bytes);
	lwip_lab_round(&lab);
	ck_assert_uint_eq(net.lost, 2);
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	ck_assert_uint_eq(net.lost, 2);
	lwip_lab_close(&t);
}
END_TEST

/* The first packet, and the last five of those with 100 bytes. */
static bool loses_first_and_small(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	(void)l;
	if (!is_of_client(bytes, n))
		return false;
	net.data++;
	net.lost += net.data > 10 && lwip_lab_data_bytes(bytes, n) == 100;
	return net.data == 1 || (net.data > 5 && net.data <= 10);
}

static void forget_but_last(void)
{
	for (; lab.count > 1; lab.count--) {
		free(lab.queue[0].bytes);
		memmove(lab.queue, lab.queue + 1, (lab.count - 1) * sizeof(*lab.queue));
	}
}

static void say_some(struct lwip_lab_talk *t, size_t n, size_t bytes)
{
	for (size_t i = 0; i < n; i++)
		lwip_lab_say(&t->client, t->client.said + bytes);
	t->bytes = t->client.said;
}

/* The same acknowledgement says that the first one has arrived, which was sent again, and that
 * the small ones were lost. */
START_TEST(what_has_arrived_at_last_is_not_lost_again)
{
	struct lwip_lab_talk t = { 0 };

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	lab.loses = loses_first_and_small;
	say_some(&t, 1, 1000);
	say_some(&t, 9, 100);
	lwip_lab_round(&lab); /* the segments go */
	lwip_lab_round(&lab); /* the acknowledgements go */
	deliver();
	say_some(&t, 5, 1000);
	lwip_lab_round(&lab); /* the first one goes again, and new ones */
	ck_assert_uint_eq(net.data, 16);
	lwip_lab_round(&lab); /* the acknowledgements go */
	forget_but_last();
	lwip_lab_round(&lab);
	ck_assert_uint_eq(net.lost, 5);
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	lwip_lab_close(&t);
}
END_TEST

static bool counts(struct lwip_lab *l, const uint8_t *bytes, size_t n)
{
	(void)l;
	net.data += is_of_client(bytes, n);
	return false;
}

/* RFC 6928. */
START_TEST(a_connection_begins_with_ten_segments)
{
	struct lwip_lab_talk t = { .bytes = MEGABYTE };

	lwip_lab_pair(&lab, _i ? IP_V6 : IP_V4, PORT, &t.client, &t.server);
	lab.loses = counts;
	lwip_lab_say(&t.client, t.bytes);
	lwip_lab_round(&lab);
	ck_assert_uint_eq(net.data, 10);
	t.bytes = t.client.said;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	lwip_lab_close(&t);
}
END_TEST

/* 4 MiB are 0.3 Gbit/s at a round trip of 100 ms. */
START_TEST(much_may_be_on_the_way)
{
	struct lwip_lab_talk t = { .bytes = 32 * MEGABYTE };
	size_t most = 0;

	lwip_lab_pair(&lab, IP_V4, PORT, &t.client, &t.server);
	while (most < 6 * MEGABYTE && !lwip_lab_is_heard(&t)) {
		if (t.client.said - t.server.heard > most)
			most = t.client.said - t.server.heard;
		lwip_lab_round(&lab);
	}
	ck_assert_uint_ge(most, 6 * MEGABYTE);
	t.bytes = t.client.said;
	lwip_lab_until(&lab, lwip_lab_is_heard, &t);
	lwip_lab_close(&t);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/lwip_sender: losses");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, what_is_lost_twice_does_not_wait_for_the_timer, 0, 2);
	tcase_add_test(tc, what_is_lost_is_sent_again_although_more_is_written);
	tcase_add_test(tc, what_has_arrived_at_last_is_not_lost_again);
	tcase_add_loop_test(tc, a_connection_begins_with_ten_segments, 0, 2);
	tcase_add_test(tc, much_may_be_on_the_way);
	return tc;
}
