#include "unit.h"

#include <string.h>

#include "wg/replay.h"

static const struct {
	uint64_t counter;
	bool fresh;
} steps[] = {
	{ 0, true },
	{ 0, false }, /* zero is a counter like any other */
	{ 73, true },
	{ 105, true }, /* same word, 32 bits further */
	{ 9, true },   /* late */
	{ 9, false },
	{ 0, false },
	{ REPLAY_WINDOW + 9, true },
	{ 8, false }, /* one behind the window */
	{ 10, true },
	{ 5 * REPLAY_BITS, true },      /* over the whole ring */
	{ 5 * REPLAY_BITS - 55, true }, /* where WINDOW + 9 left its bit */
	{ UINT64_MAX, true },
	{ UINT64_MAX - REPLAY_WINDOW, true },
	{ UINT64_MAX - REPLAY_WINDOW - 1, false },
};

START_TEST(each_counter_once_within_the_window)
{
	struct replay r = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		ck_assert_msg(replay_accept(&r, steps[i].counter) == steps[i].fresh,
		              "step %zu", i);
}
END_TEST

/* The obvious slow model: every counter there is has a byte. */
#define MODEL_COUNTERS 40000U

START_TEST(like_the_model_for_random_counters)
{
	static uint8_t seen[MODEL_COUNTERS];
	uint64_t state = unit_seed(), highest = 0;
	struct replay r = { 0 };

	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 300000; i++) {
		uint64_t around = highest + unit_random(&state) % 40;
		uint64_t back =
			unit_random(&state) % (unit_random(&state) % 4 ? 30 : 9000);
		uint64_t counter = around > back ? around - back : 0;
		bool fresh;

		if (unit_random(&state) % 20000 == 0)
			counter = highest + unit_random(&state) % 9000;
		if (counter >= MODEL_COUNTERS)
			break;
		fresh = !seen[counter] &&
		        (counter > highest || highest - counter <= REPLAY_WINDOW);
		ck_assert_msg(replay_accept(&r, counter) == fresh,
		              "counter %lu, highest %lu", (unsigned long)counter,
		              (unsigned long)highest);
		seen[counter] = 1;
		if (counter > highest)
			highest = counter;
	}
	ck_assert_uint_gt(highest, 2 * REPLAY_BITS);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/replay");

	tcase_add_test(tc, each_counter_once_within_the_window);
	tcase_add_test(tc, like_the_model_for_random_counters);
	return tc;
}
