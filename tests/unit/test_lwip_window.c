#include "base/attr.h"
#include "proxy/lwip_window.h"
#include "unit.h"

#define MSS     1400U
#define MOST    (8000U * MSS)
#define FIRST   (10U * MSS)
#define BASE_MS 20U

/* ---- a path: so much goes through it in a round trip, and so much waits in its queue */

struct path {
	uint32_t rate, queue; /* segments; what doesn't find a place is lost */
	uint32_t lost_each;   /* and each segment of this number; 0: none */
	uint32_t sent, lost;
	uint32_t longest_ms, seq;
	uint64_t now_ns;
};

static uint32_t ms_of(const struct path *p, uint32_t n)
{
	return n > p->rate ? BASE_MS * n / p->rate : BASE_MS;
}

static uint32_t lost_of(const struct path *p, uint32_t n)
{
	uint32_t over = n > p->rate + p->queue ? n - p->rate - p->queue : 0;

	if (p->lost_each == 0)
		return over;
	return over + (p->sent + n) / p->lost_each - p->sent / p->lost_each;
}

/* All of a window is sent, and acknowledged one round trip later. */
static void go_once(struct lwip_window *w, struct path *p)
{
	uint32_t n = w->bytes / MSS, lost = lost_of(p, n);
	uint32_t waits = n - lost < p->rate + p->queue ? n - lost : p->rate + p->queue;
	uint32_t ms = ms_of(p, waits);
	bool shrinks = lost > 0 && lwip_window_is_queued(w);

	p->now_ns += ms * NS_PER_MS;
	p->longest_ms = ms > p->longest_ms ? ms : p->longest_ms;
	p->sent += n;
	p->lost += lost;
	lwip_window_round_trip(w, ms, p->seq + 1, p->seq + n * MSS);
	p->seq += n * MSS;
	for (uint32_t i = 0; i < lost; i++)
		shrinks |= !lwip_window_can_lose(w, MSS);
	if (shrinks) {
		lwip_window_shrink(w, MSS);
		w->bytes = w->slow_start_bytes;
		return;
	}
	for (uint32_t i = 0; i < n - lost; i++)
		lwip_window_grow(w,
		                 &(struct lwip_window_use){ .arrived_bytes = MSS,
		                                            .on_the_way_bytes = n * MSS },
		                 MOST, MSS, p->now_ns);
}

static void go(struct lwip_window *w, struct path *p, int rounds)
{
	p->now_ns = NS_PER_SEC;
	lwip_window_begin(w, FIRST, MOST, MSS);
	while (rounds-- > 0)
		go_once(w, p);
}

/* ---- */

/* As on a radio link; CUBIC alone would have 40 segments on the way. */
START_TEST(what_is_lost_by_chance_leaves_the_window)
{
	struct path p = { .rate = 8000, .queue = 8000, .lost_each = 1000 };
	struct lwip_window w;

	go(&w, &p, 50);
	ck_assert_uint_eq(w.bytes, MOST);
	ck_assert_uint_gt(p.lost, 100);
}
END_TEST

START_TEST(the_first_one_of_a_connection_may_be_lost_by_chance)
{
	struct path p = { .rate = 8000, .queue = 8000, .lost_each = 15 };
	struct lwip_window w;

	go(&w, &p, 2);
	ck_assert_uint_eq(p.lost, 2);
	ck_assert_uint_gt(w.bytes, 2 * FIRST);
}
END_TEST

/* A link that is used to the full: with a queue and without. */
static const struct path full[] = {
	{ .rate = 100, .queue = 100 },
	{ .rate = 100, .queue = 10 },
	{ .rate = 1000, .queue = 1000, .lost_each = 1000 },
};

START_TEST(who_fills_the_queue_makes_room)
{
	struct path p = full[_i];
	struct lwip_window w;
	uint32_t rounds = 2000, before;

	go(&w, &p, 50);
	before = p.lost;
	p.sent = 0;
	for (uint32_t i = 0; i < rounds; i++)
		go_once(&w, &p);
	ck_assert_uint_ge(p.sent, p.rate * rounds * 8 / 10);
	ck_assert_uint_le(p.lost - before, p.sent * 21 / 1000);
	ck_assert_uint_le(w.bytes, (p.rate + p.queue) * 13 / 10 * MSS);
}
END_TEST

/* As a policer does it: what is too much is lost, and nothing waits. */
START_TEST(who_sends_too_much_loses_little_where_nothing_waits)
{
	struct path p = { .rate = 1000, .queue = 0 };
	struct lwip_window w;
	uint32_t before;

	go(&w, &p, 50);
	before = p.lost;
	p.sent = 0;
	for (int i = 0; i < 1000; i++)
		go_once(&w, &p);
	ck_assert_uint_ge(p.sent, 800 * 1000);
	ck_assert_uint_le(p.lost - before, p.sent * 21 / 1000);
}
END_TEST

static struct lwip_window used(uint32_t round_trips)
{
	struct path p = { .rate = 8000, .queue = 8000 };
	struct lwip_window w;

	go(&w, &p, 20);
	for (uint32_t i = 0; i < round_trips; i++)
		go_once(&w, &p);
	return w;
}

START_TEST(a_long_time_without_losses_excuses_few)
{
	struct lwip_window w = used(1000);
	uint32_t lost = 0;

	while (lwip_window_can_lose(&w, MSS))
		lost++;
	ck_assert_uint_ge(lost, MOST / MSS / 60);
	ck_assert_uint_le(lost, MOST / MSS / 50);
}
END_TEST

START_TEST(a_longer_round_trip_is_a_queue)
{
	struct lwip_window w = used(0);

	ck_assert(!lwip_window_is_queued(&w));
	lwip_window_round_trip(&w, BASE_MS + 20, w.round_end + 1, w.round_end + 1000);
	ck_assert(!lwip_window_is_queued(&w)); /* one of this round trip may be late */
	lwip_window_round_trip(&w, BASE_MS + 20, w.round_end + 1, w.round_end + 1000);
	ck_assert(lwip_window_is_queued(&w));
	lwip_window_round_trip(&w, BASE_MS + 2, w.round_end, w.round_end);
	ck_assert(!lwip_window_is_queued(&w));
}
END_TEST

START_TEST(without_timestamps_each_loss_counts)
{
	struct lwip_window w;

	lwip_window_begin(&w, FIRST, MOST, MSS);
	ck_assert(lwip_window_is_queued(&w));
	lwip_window_shrink(&w, MSS);
	ck_assert_uint_eq(w.slow_start_bytes, 7 * MSS);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/lwip_window");

	tcase_add_test(tc, what_is_lost_by_chance_leaves_the_window);
	tcase_add_test(tc, the_first_one_of_a_connection_may_be_lost_by_chance);
	tcase_add_loop_test(tc, who_fills_the_queue_makes_room, 0, ARRAY_SIZE(full));
	tcase_add_test(tc, who_sends_too_much_loses_little_where_nothing_waits);
	tcase_add_test(tc, a_long_time_without_losses_excuses_few);
	tcase_add_test(tc, a_longer_round_trip_is_a_queue);
	tcase_add_test(tc, without_timestamps_each_loss_counts);
	return tc;
}
