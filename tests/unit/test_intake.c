#include "unit.h"

#include <string.h>

#include "wg/intake.h"

#define NOW_NS (1000 * NS_PER_SEC)

static struct timerq timers;
static struct intake *in;
static int slices;
static struct wg_device *const device = (struct wg_device *)&slices; /* never used */
static struct wg_device *target;                                     /* of put */

static void fill(void *context, void *bytes, size_t n)
{
	(void)context;
	memset(bytes, 0, n);
}

static void slice(struct intake *intake, uint64_t now_ns)
{
	(void)now_ns;
	ck_assert_ptr_eq(intake, in);
	slices++;
}

static void set_up(void)
{
	const struct rng rng = { fill, NULL };

	timers = (struct timerq){ 0 };
	slices = 0;
	target = device;
	ck_assert_int_eq(intake_new(&in, &rng, &timers, slice), 0);
}

static void tear_down(void)
{
	intake_free(in);
	ck_assert_uint_eq(timerq_next_ns(&timers), NEVER_NS);
}

static enum drop put(enum intake_queue queue, uint8_t number, uint64_t now_ns)
{
	struct endpoint from = { .port = number };
	uint8_t bytes[sizeof(struct message_response)] = { MESSAGE_RESPONSE, 0, 0, 0,
		                                           number };
	struct packet packet = { .data = bytes,
		                 .len_bytes = sizeof(bytes),
		                 .from = &from };

	return intake_put(in, queue, target, &packet, now_ns);
}

static void put_many(enum intake_queue queue, size_t n, uint64_t now_ns)
{
	while (n-- > 0)
		ck_assert_int_eq(put(queue, (uint8_t)n, now_ns), DROP_NONE);
}

static void take_many(size_t n)
{
	struct intake_message m;

	while (n-- > 0)
		ck_assert(intake_take(in, &m));
}

static void expect(enum intake_queue queue, uint8_t number)
{
	struct intake_message m;

	ck_assert(intake_take(in, &m));
	ck_assert_int_eq(m.queue, queue);
	ck_assert_ptr_eq(m.device, device);
	ck_assert_uint_eq(m.bytes[4], number);
	ck_assert_uint_eq(m.from.port, number);
	ck_assert_uint_eq(m.len_bytes, sizeof(struct message_response));
}

START_TEST(queues_take_turns_and_keep_their_order)
{
	struct intake_message m;

	for (uint8_t i = 0; i < 4; i++)
		ck_assert_int_eq(put(INTAKE_UNPROVEN, i, NOW_NS), DROP_NONE);
	ck_assert_int_eq(put(INTAKE_PROVEN, 10, NOW_NS), DROP_NONE);
	ck_assert_int_eq(put(INTAKE_PROVEN, 11, NOW_NS), DROP_NONE);
	expect(INTAKE_UNPROVEN, 0);
	expect(INTAKE_PROVEN, 10);
	expect(INTAKE_UNPROVEN, 1);
	expect(INTAKE_PROVEN, 11);
	expect(INTAKE_UNPROVEN, 2);
	expect(INTAKE_UNPROVEN, 3);
	ck_assert(!intake_take(in, &m));
}
END_TEST

START_TEST(a_full_queue_takes_nothing_from_the_other)
{
	put_many(INTAKE_UNPROVEN, INTAKE_UNPROVEN_MAX, NOW_NS);
	ck_assert_int_eq(put(INTAKE_UNPROVEN, 0, NOW_NS), DROP_UNDER_LOAD);
	put_many(INTAKE_PROVEN, INTAKE_PROVEN_MAX, NOW_NS);
	ck_assert_int_eq(put(INTAKE_PROVEN, 0, NOW_NS), DROP_UNDER_LOAD);
	take_many(2);
	ck_assert_int_eq(put(INTAKE_UNPROVEN, 0, NOW_NS), DROP_NONE);
	ck_assert_int_eq(put(INTAKE_UNPROVEN, 0, NOW_NS), DROP_UNDER_LOAD);
	ck_assert_int_eq(put(INTAKE_PROVEN, 0, NOW_NS), DROP_NONE);
}
END_TEST

/* A flood of five times as many as are taken, for three seconds. Each is taken out at
 * once, so that no queue is full. */
START_TEST(without_a_proof_only_so_many_are_taken)
{
	const uint64_t step_ns = NS_PER_SEC / INTAKE_UNPROVEN_PER_SEC / 5;
	uint64_t now_ns = NOW_NS;
	size_t taken = 0;

	put_many(INTAKE_UNPROVEN, INTAKE_LOAD - 1, now_ns);
	ck_assert(!intake_is_full(in, now_ns));
	put_many(INTAKE_PROVEN, 1, now_ns);
	take_many(INTAKE_LOAD);
	for (; now_ns < NOW_NS + 3 * NS_PER_SEC; now_ns += step_ns) {
		bool full = intake_is_full(in, now_ns);

		ck_assert_int_eq(put(INTAKE_UNPROVEN, 0, now_ns),
		                 full ? DROP_UNDER_LOAD : DROP_NONE);
		put_many(INTAKE_PROVEN, 1, now_ns); /* these are always taken */
		take_many(1 + !full);
		taken += !full;
	}
	ck_assert_uint_ge(taken, 3 * INTAKE_UNPROVEN_PER_SEC + INTAKE_UNPROVEN_BURST - 1);
	ck_assert_uint_le(taken, 3 * INTAKE_UNPROVEN_PER_SEC + INTAKE_UNPROVEN_BURST + 1);
	ck_assert(intake_under_load(in, now_ns + INTAKE_LOAD_MEMORY / 2));
	now_ns += 2 * INTAKE_LOAD_MEMORY;
	ck_assert(!intake_under_load(in, now_ns));
	ck_assert(!intake_is_full(in, now_ns));
}
END_TEST

START_TEST(load_is_remembered_for_a_second)
{
	uint64_t now_ns = NOW_NS;

	put_many(INTAKE_UNPROVEN, INTAKE_LOAD - 2, now_ns);
	put_many(INTAKE_PROVEN, 1, now_ns);
	ck_assert(!intake_under_load(in, now_ns));
	put_many(INTAKE_UNPROVEN, 1, now_ns); /* both queues count */
	ck_assert(intake_under_load(in, now_ns));
	take_many(INTAKE_LOAD);
	put_many(INTAKE_UNPROVEN, INTAKE_LOAD - 1, now_ns);
	ck_assert(intake_under_load(in, now_ns + INTAKE_LOAD_MEMORY - 1));
	ck_assert(!intake_under_load(in, now_ns + INTAKE_LOAD_MEMORY));
	now_ns += 2 * INTAKE_LOAD_MEMORY;
	put_many(INTAKE_UNPROVEN, 1, now_ns);
	ck_assert(intake_under_load(in, now_ns));
}
END_TEST

START_TEST(a_timer_asks_for_the_slices_that_are_left)
{
	put_many(INTAKE_UNPROVEN, 2, NOW_NS);
	ck_assert(!intake_left_over(in)); /* the one who puts begins the first slice */
	ck_assert(intake_begin(in));
	ck_assert(!intake_begin(in));
	take_many(1);
	intake_end(in, NOW_NS);
	ck_assert(intake_left_over(in));
	timerq_run(&timers, NOW_NS);
	ck_assert_int_eq(slices, 1);
	ck_assert(!intake_left_over(in));
	ck_assert(intake_begin(in));
	take_many(1);
	intake_end(in, NOW_NS);
	ck_assert(!intake_left_over(in));
}
END_TEST

START_TEST(messages_of_a_device_that_is_gone)
{
	struct wg_device *gone = (struct wg_device *)&timers;
	struct intake_message m;

	for (uint8_t i = 0; i < 9; i++) {
		target = i % 3 == 0 ? device : gone;
		ck_assert_int_eq(put(INTAKE_UNPROVEN, i, NOW_NS), DROP_NONE);
	}
	ck_assert_int_eq(put(INTAKE_PROVEN, 9, NOW_NS), DROP_NONE);
	intake_forget(in, gone);
	expect(INTAKE_UNPROVEN, 0);
	expect(INTAKE_UNPROVEN, 3);
	expect(INTAKE_UNPROVEN, 6);
	ck_assert(!intake_take(in, &m));
}
END_TEST

/* Then the next message doesn't wait for the timer. */
START_TEST(nothing_is_left_over_of_a_device_that_is_gone)
{
	put_many(INTAKE_UNPROVEN, 2, NOW_NS);
	ck_assert(intake_begin(in));
	take_many(1);
	intake_end(in, NOW_NS);
	ck_assert(intake_left_over(in));
	intake_forget(in, device);
	ck_assert(!intake_left_over(in));
}
END_TEST

/* Against a plain list for each queue. */
START_TEST(random_operations_as_plain_lists)
{
	static uint8_t lists[INTAKE_QUEUES][INTAKE_UNPROVEN_MAX];
	static const size_t max[] = { INTAKE_UNPROVEN_MAX, INTAKE_PROVEN_MAX };
	size_t count[INTAKE_QUEUES] = { 0 };
	uint64_t state = unit_seed(), now_ns = NOW_NS;

	for (int step = 0; step < 50000; step++) {
		/* there are phases that fill and phases that empty */
		bool fills = unit_below(&state, 10) < (step / 5000 % 2 ? 7 : 3);
		enum intake_queue q =
			(enum intake_queue)unit_below(&state, INTAKE_QUEUES);
		uint8_t number = (uint8_t)unit_random(&state);
		struct intake_message m;

		now_ns += NS_PER_SEC / INTAKE_UNPROVEN_PER_SEC;
		if (fills) {
			ck_assert_int_eq(put(q, number, now_ns), count[q] == max[q]
			                                                 ? DROP_UNDER_LOAD
			                                                 : DROP_NONE);
			if (count[q] < max[q])
				lists[q][count[q]++] = number;
			continue;
		}
		if (!intake_take(in, &m)) {
			ck_assert_uint_eq(count[INTAKE_UNPROVEN] + count[INTAKE_PROVEN],
			                  0);
			continue;
		}
		ck_assert_uint_gt(count[m.queue], 0);
		ck_assert_uint_eq(m.bytes[4], lists[m.queue][0]);
		memmove(lists[m.queue], lists[m.queue] + 1, --count[m.queue]);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/intake");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, queues_take_turns_and_keep_their_order);
	tcase_add_test(tc, a_full_queue_takes_nothing_from_the_other);
	tcase_add_test(tc, without_a_proof_only_so_many_are_taken);
	tcase_add_test(tc, load_is_remembered_for_a_second);
	tcase_add_test(tc, a_timer_asks_for_the_slices_that_are_left);
	tcase_add_test(tc, messages_of_a_device_that_is_gone);
	tcase_add_test(tc, nothing_is_left_over_of_a_device_that_is_gone);
	tcase_add_test(tc, random_operations_as_plain_lists);
	return tc;
}
