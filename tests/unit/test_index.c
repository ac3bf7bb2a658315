#include "unit.h"

#include "wg/index.h"

#define ENTRIES 300

static void fill(void *context, void *bytes, size_t n)
{
	uint64_t v = unit_random(context) & 0x3ff; /* few values: collisions */

	ck_assert_uint_eq(n, 4);
	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(v >> 8 * i);
}

START_TEST(like_a_list_for_random_steps)
{
	static struct index_entry entries[ENTRIES];
	uint64_t state = unit_seed(), draws = unit_seed();
	struct rng rng = { .fill = fill, .context = &draws };
	struct index_table t = { 0 };

	ck_assert_ptr_null(index_table_find(&t, 0));
	ck_assert_int_eq(index_table_reserve(&t, 4), 0);
	for (int i = 0; i < 20000; i++) {
		struct index_entry *e = &entries[unit_random(&state) % ENTRIES];
		struct index_entry *other = &entries[unit_random(&state) % ENTRIES];
		uint32_t index = index_of(e);

		switch (unit_random(&state) % 4) {
		case 0:
			index_table_insert(&t, e, INDEX_HANDSHAKE, &rng);
			break;
		case 1:
			index_table_remove(&t, e);
			ck_assert_int_eq(e->kind, INDEX_UNUSED);
			break;
		case 2:
			if (e->kind == INDEX_UNUSED || other->kind != INDEX_UNUSED)
				break;
			index_table_hand_over(&t, e, other, INDEX_KEYPAIR);
			ck_assert_uint_eq(index_of(other), index);
			ck_assert_int_eq(e->kind, INDEX_UNUSED);
			ck_assert_int_eq(other->kind, INDEX_KEYPAIR);
			break;
		case 3:
			ck_assert_int_eq(index_table_reserve(&t, (size_t)i / 40), 0);
			break;
		}
		index = (uint32_t)(unit_random(&state) & 0x3ff);
		other = NULL;
		for (size_t j = 0; j < ENTRIES; j++)
			if (entries[j].kind != INDEX_UNUSED &&
			    index_of(&entries[j]) == index) {
				ck_assert_ptr_null(other);
				other = &entries[j];
			}
		ck_assert_ptr_eq(index_table_find(&t, index), other);
	}
	index_table_clear(&t);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/index");

	tcase_add_test(tc, like_a_list_for_random_steps);
	return tc;
}
