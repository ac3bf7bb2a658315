/* tests/unit/test_host_mark.c - which mark do plans get that come one after the other? */
#include "host/host_config.h"

#include "host_world.h"
#include "unit.h"

static const char *const one_file[] = { "a", "[Interface]\nFwMark = 8\n", NULL },
			 *const two_files[] = { "a", "[Interface]\nFwMark = 8\n", "b",
	                                        "[Interface]\n", NULL };

static void choose_mark(struct host_numbers *numbers, const char *const *texts,
                        uint32_t expected)
{
	struct host_world w;

	host_world_init(&w, texts, &host_facts_plain);
	ck_assert_int_eq(host_numbers_choose_mark(numbers, &w.planned.plan, &w.env,
	                                          &w.planned.diag),
	                 0);
	ck_assert_uint_eq(numbers->mark, expected);
	host_world_clear(&w);
}

START_TEST(the_mark_of_a_file_is_given_back)
{
	struct host_numbers numbers = { 0 };

	choose_mark(&numbers, one_file, 8);
	choose_mark(&numbers, two_files, 51820);
	choose_mark(&numbers, one_file, 51820);
	host_numbers_decide_mark(&numbers, false); /* neither plan comes */
	ck_assert_uint_eq(numbers.mark, 8);
	ck_assert(numbers.mark_is_a_files);
	ck_assert_uint_eq(numbers.table[0], 8);
	choose_mark(&numbers, two_files, 51820);
	host_numbers_decide_mark(&numbers, true);
	host_numbers_decide_mark(&numbers, false);
	ck_assert_uint_eq(numbers.mark, 51820);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/mark");

	tcase_add_test(tc, the_mark_of_a_file_is_given_back);
	return tc;
}
