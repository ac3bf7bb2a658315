/* tests/unit/test_backoff.c */
#include "unit.h"

#include "supervisor/backoff.h"

#define S NS_PER_SEC

/* Each process dies as soon as it was started. */
START_TEST(the_pauses_grow_and_never_end)
{
	static const uint64_t pauses[] = {
		0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60
	};
	struct backoff b = { 0 };
	uint64_t now_ns = 1000 * S;

	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		uint64_t start_ns = backoff_ended(&b, now_ns);

		ck_assert_uint_eq(start_ns - now_ns, pauses[i] * S);
		now_ns = start_ns;
	}
	for (int i = 0; i < 100000; i++) {
		uint64_t start_ns = backoff_ended(&b, now_ns);

		ck_assert_uint_eq(start_ns - now_ns, 60 * S);
		now_ns = start_ns;
	}
}
END_TEST

START_TEST(one_that_lives_begins_anew)
{
	struct backoff b = { 0 };
	uint64_t now_ns = 1000 * S;

	for (int i = 0; i < 20; i++)
		now_ns = backoff_ended(&b, now_ns);
	now_ns += BACKOFF_FORGET_NS - 1;
	ck_assert_uint_gt(backoff_ended(&b, now_ns), now_ns);
	now_ns = b.start_ns + BACKOFF_FORGET_NS;
	ck_assert_uint_eq(backoff_ended(&b, now_ns), now_ns);
	ck_assert_uint_eq(b.in_a_row, 1);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/backoff");

	tcase_add_test(tc, the_pauses_grow_and_never_end);
	tcase_add_test(tc, one_that_lives_begins_anew);
	return tc;
}
