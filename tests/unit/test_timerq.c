/* tests/unit/test_timerq.c - against a table of deadlines that is searched from end to
 * end */
#include "unit.h"

#include <string.h>

#include "base/timerq.h"

#define TIMERS 200

struct item {
	struct timer timer; /* first member */
	unsigned fired;
};

static struct timerq queue;
static struct item items[TIMERS];
static uint64_t last_deadline_ns; /* of the timers as they fire */

static void fire(struct timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	ck_assert(!timer_armed(timer));
	((struct item *)timer)->fired++;
}

static void start(void)
{
	memset(&queue, 0, sizeof(queue));
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < TIMERS; i++)
		timer_init(&items[i].timer, fire);
}

START_TEST(fires_when_due_and_once)
{
	ck_assert_uint_eq(timerq_next_ns(&queue), NEVER_NS);
	timerq_arm(&queue, &items[0].timer, 100);
	timerq_arm(&queue, &items[1].timer, 50);
	ck_assert_uint_eq(timerq_next_ns(&queue), 50);
	timerq_run(&queue, 49);
	ck_assert_uint_eq(items[1].fired, 0);
	timerq_run(&queue, 50);
	ck_assert_uint_eq(items[1].fired, 1);
	ck_assert_uint_eq(items[0].fired, 0);
	timerq_run(&queue, 1000);
	timerq_run(&queue, 2000);
	ck_assert_uint_eq(items[0].fired, 1);
	ck_assert_uint_eq(timerq_next_ns(&queue), NEVER_NS);
}
END_TEST

START_TEST(arming_again_moves)
{
	timerq_arm(&queue, &items[0].timer, 100);
	timerq_arm(&queue, &items[0].timer, 300);
	timerq_run(&queue, 200);
	ck_assert_uint_eq(items[0].fired, 0);
	timerq_arm(&queue, &items[0].timer, 250);
	timerq_run(&queue, 250);
	ck_assert_uint_eq(items[0].fired, 1);
	timerq_disarm(&queue, &items[0].timer); /* not armed: fine */
}
END_TEST

START_TEST(never_is_not_armed)
{
	timerq_arm(&queue, &items[0].timer, NEVER_NS);
	ck_assert(!timer_armed(&items[0].timer));
	timerq_run(&queue, NEVER_NS - 1);
	ck_assert_uint_eq(items[0].fired, 0);
}
END_TEST

static void fire_again(struct timer *timer, uint64_t now_ns)
{
	((struct item *)timer)->fired++;
	timerq_arm(&queue, timer, now_ns); /* due already: waits for the next run */
}

START_TEST(a_run_ends_though_a_timer_arms_itself_for_now)
{
	timer_init(&items[0].timer, fire_again);
	timerq_arm(&queue, &items[0].timer, 10);
	timerq_run(&queue, 10);
	ck_assert_uint_eq(items[0].fired, 1);
	ck_assert_uint_eq(timerq_next_ns(&queue), 11);
	timerq_run(&queue, 11);
	ck_assert_uint_eq(items[0].fired, 2);
}
END_TEST

static void fire_and_disarm_others(struct timer *timer, uint64_t now_ns)
{
	fire(timer, now_ns);
	for (size_t i = 0; i < TIMERS; i++)
		timerq_disarm(&queue, &items[i].timer);
}

START_TEST(a_firing_may_disarm_what_is_due_too)
{
	unsigned fired = 0;

	for (size_t i = 0; i < TIMERS; i++) {
		timer_init(&items[i].timer, fire_and_disarm_others);
		timerq_arm(&queue, &items[i].timer, 10 + i % 3);
	}
	timerq_run(&queue, 100);
	for (size_t i = 0; i < TIMERS; i++)
		fired += items[i].fired;
	ck_assert_uint_eq(fired, 1);
}
END_TEST

/* ---- random */

static uint64_t deadlines[TIMERS]; /* the dumb table; NEVER_NS: not armed */

static void fire_in_order(struct timer *timer, uint64_t now_ns)
{
	size_t i = (size_t)((struct item *)timer - items);

	ck_assert_uint_le(deadlines[i], now_ns);
	ck_assert_uint_ge(deadlines[i], last_deadline_ns);
	last_deadline_ns = deadlines[i];
	deadlines[i] = NEVER_NS;
}

static uint64_t earliest(void)
{
	uint64_t ns = NEVER_NS;

	for (size_t i = 0; i < TIMERS; i++)
		ns = deadlines[i] < ns ? deadlines[i] : ns;
	return ns;
}

static void step(uint64_t *seed, uint64_t *now_ns)
{
	size_t i = unit_below(seed, TIMERS);

	switch (unit_random(seed) % 8) {
	case 0:
		timerq_disarm(&queue, &items[i].timer);
		deadlines[i] = NEVER_NS;
		break;
	case 1:
		*now_ns += unit_random(seed) % 200;
		last_deadline_ns = 0;
		timerq_run(&queue, *now_ns);
		ck_assert_uint_gt(earliest(), *now_ns);
		break;
	default: /* 0: in the past */
		deadlines[i] = *now_ns + unit_random(seed) % 1000;
		timerq_arm(&queue, &items[i].timer, deadlines[i]);
		if (deadlines[i] <= *now_ns)
			deadlines[i] = *now_ns + 1;
		break;
	}
	ck_assert_uint_eq(timerq_next_ns(&queue), earliest());
}

START_TEST(random_steps_agree_with_the_dumb_table)
{
	uint64_t seed = unit_seed() + (uint64_t)_i, now_ns = 1;

	for (size_t i = 0; i < TIMERS; i++) {
		timer_init(&items[i].timer, fire_in_order);
		deadlines[i] = NEVER_NS;
	}
	timerq_run(&queue, now_ns);
	for (unsigned round = 0; round < 5000; round++)
		step(&seed, &now_ns);
	last_deadline_ns = 0;
	timerq_run(&queue, NEVER_NS - 1);
	ck_assert_uint_eq(earliest(), NEVER_NS);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/timerq");

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, fires_when_due_and_once);
	tcase_add_test(tc, arming_again_moves);
	tcase_add_test(tc, never_is_not_armed);
	tcase_add_test(tc, a_run_ends_though_a_timer_arms_itself_for_now);
	tcase_add_test(tc, a_firing_may_disarm_what_is_due_too);
	tcase_add_loop_test(tc, random_steps_agree_with_the_dumb_table, 0, 10);
	return tc;
}
