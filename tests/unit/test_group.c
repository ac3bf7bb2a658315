/* tests/unit/test_group.c */
#include "engine/group.h"

#include "unit.h"

#define GROUPS 20

/* Random batches against the slow way: for each group by first appearance, all of its. */
START_TEST(sorted_by_group_and_stable)
{
	uint64_t state = unit_seed();
	struct group groups[GROUPS] = { 0 };
	struct packet packets[BATCH_MAX], *batch[BATCH_MAX], *expected[BATCH_MAX];
	struct group_run runs[BATCH_MAX];
	struct grouping g;
	size_t of[BATCH_MAX];

	for (int round = 0; round < 2000; round++) {
		size_t n = unit_below(&state, BATCH_MAX + 1), at = 0, run_count;
		size_t kinds = 1 + unit_below(&state, GROUPS);

		grouping_start(&g);
		for (size_t i = 0; i < n; i++) {
			of[i] = unit_below(&state, kinds);
			batch[i] = &packets[i];
			grouping_add(&g, &groups[of[i]], batch[i]);
		}
		run_count = grouping_finish(&g, batch, runs);
		for (size_t r = 0; r < run_count; r++) {
			size_t kind = (size_t)(runs[r].group - groups), in_run = 0;

			ck_assert_ptr_eq(runs[r].packets, batch + at);
			for (size_t i = 0; i < n; i++) {
				if (of[i] == kind) {
					expected[at++] = &packets[i];
					in_run++;
				}
			}
			ck_assert_uint_eq(runs[r].n, in_run);
			ck_assert_uint_gt(in_run, 0);
		}
		ck_assert_uint_eq(at, n);
		for (size_t i = 0; i < n; i++)
			ck_assert_ptr_eq(batch[i], expected[i]);
		for (size_t k = 0; k < GROUPS; k++)
			ck_assert_uint_eq(groups[k].count, 0);
	}
}
END_TEST

START_TEST(runs_in_order_of_first_appearance)
{
	struct group groups[3] = { 0 };
	struct packet packets[5], *out[5];
	struct group_run runs[BATCH_MAX];
	struct grouping g;
	static const size_t of[5] = { 2, 0, 2, 1, 0 };

	grouping_start(&g);
	for (size_t i = 0; i < 5; i++)
		grouping_add(&g, &groups[of[i]], &packets[i]);
	ck_assert_uint_eq(grouping_finish(&g, out, runs), 3);
	ck_assert_ptr_eq(runs[0].group, &groups[2]);
	ck_assert_ptr_eq(runs[1].group, &groups[0]);
	ck_assert_ptr_eq(runs[2].group, &groups[1]);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/group");

	tcase_add_test(tc, sorted_by_group_and_stable);
	tcase_add_test(tc, runs_in_order_of_first_appearance);
	return tc;
}
