/* tests/unit/test_bucket.c */
#include "base/bucket.h"

#include <stdbool.h>
#include <string.h>

#include "unit.h"

#define LINKS 500

/* Random adding and removing, against a plain array of flags. */
START_TEST(finds_just_what_is_in)
{
	uint64_t state = unit_seed();
	struct bucket_table t = { 0 };
	struct bucket_link links[LINKS];
	bool in[LINKS] = { false };

	ck_assert_ptr_null(bucket_first(&t, 0));
	ck_assert_int_eq(bucket_reserve(&t, 1), 0);
	for (int step = 0; step < 20000; step++) {
		size_t i = unit_below(&state, LINKS), found = 0, expected = 0;
		uint32_t hash = (uint32_t)i % 50 * 7; /* ten links share each hash */

		if (in[i])
			bucket_remove(&t, &links[i]);
		else
			bucket_add(&t, &links[i], hash);
		in[i] = !in[i];
		for (size_t k = i % 50; k < LINKS; k += 50)
			expected += in[k];
		for (struct bucket_link *l = bucket_first(&t, hash); l;
		     l = bucket_next(l)) {
			ck_assert(in[l - links]);
			ck_assert_uint_eq((size_t)(l - links) % 50, i % 50);
			found++;
		}
		ck_assert_uint_eq(found, expected);
	}
	bucket_clear(&t);
}
END_TEST

START_TEST(ports_spread)
{
	uint32_t used[16] = { 0 };

	for (uint32_t port = 51820; port < 51820 + 160; port++)
		used[bucket_hash_port((uint16_t)port) % 16]++;
	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		ck_assert_uint_le(used[i], 30);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/bucket");

	tcase_add_test(tc, finds_just_what_is_in);
	tcase_add_test(tc, ports_spread);
	return tc;
}
