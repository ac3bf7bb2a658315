#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "base/secret.h"

#define MANY 250 /* three blocks */

START_TEST(keys_are_zero_apart_and_stay)
{
	struct secrets secrets = { 0 };
	uint8_t *keys[MANY], model[SECRET_BYTES];

	ck_assert_int_ge(sodium_init(), 0);
	for (size_t i = 0; i < MANY; i++) {
		keys[i] = secret_new(&secrets);
		ck_assert_ptr_nonnull(keys[i]);
		ck_assert(sodium_is_zero(keys[i], SECRET_BYTES));
		memset(keys[i], (int)i + 1, SECRET_BYTES);
	}
	secrets_clear(&secrets); /* they stay */
	for (size_t i = 0; i < MANY; i++) {
		memset(model, (int)i + 1, sizeof(model));
		ck_assert_mem_eq(keys[i], model, sizeof(model));
	}
	for (size_t i = 0; i < MANY; i += 2)
		secret_free(keys[i]);
	for (size_t i = 1; i < MANY; i += 2) {
		memset(model, (int)i + 1, sizeof(model));
		ck_assert_mem_eq(keys[i], model, sizeof(model));
		secret_free(keys[i]);
	}
}
END_TEST

START_TEST(what_is_given_back_is_wiped_and_used_again)
{
	struct secrets secrets = { 0 };
	uint8_t *kept, *key;

	ck_assert_int_ge(sodium_init(), 0);
	kept = secret_new(&secrets);
	key = secret_new(&secrets);
	memset(key, 0x55, SECRET_BYTES);
	secret_free(key);
	ck_assert(sodium_is_zero(key, SECRET_BYTES));
	ck_assert_ptr_eq(secret_new(&secrets), key);
	for (int i = 0; i < 1000; i++) { /* no more memory for it */
		secret_free(key);
		ck_assert_ptr_eq(secret_new(&secrets), key);
	}
	secret_free(kept);
	secret_free(key);
	secret_free(NULL);
	secrets_clear(&secrets);
	secrets_clear(&secrets);
}
END_TEST

static void check_mark(const uint8_t *key, size_t i)
{
	uint8_t model[SECRET_BYTES];

	memset(model, (int)i + 1, sizeof(model));
	ck_assert_mem_eq(key, model, sizeof(model));
}

/* A block is within one page. */
static uintptr_t page_of(const uint8_t *key)
{
	return (uintptr_t)key / 4096;
}

/* So many keys that come and go in any order need no more room than those that are there
 * at once: a slot anywhere is used again. */
START_TEST(one_key_does_not_keep_a_block_for_itself)
{
	struct secrets secrets = { 0 };
	uint8_t *keys[MANY], *again[MANY];

	ck_assert_int_ge(sodium_init(), 0);
	for (size_t i = 0; i < MANY; i++) {
		keys[i] = secret_new(&secrets);
		ck_assert_ptr_nonnull(keys[i]);
		memset(keys[i], (int)i + 1, SECRET_BYTES);
	}
	for (size_t i = 0; i < MANY; i++)
		if (i % 10)
			secret_free(keys[i]);
	for (size_t i = 0; i < MANY; i++) {
		bool found = i % 10 == 0;

		if (!found)
			again[i] = secret_new(&secrets);
		for (size_t j = 0; !found && j < MANY; j++)
			found = page_of(again[i]) == page_of(keys[j]);
		ck_assert_msg(found, "key %zu is in new memory", i);
	}
	for (size_t i = 0; i < MANY; i += 10)
		check_mark(keys[i], i);
	secrets_clear(&secrets);
	for (size_t i = 0; i < MANY; i++)
		secret_free(i % 10 ? again[i] : keys[i]);
}
END_TEST

/* Against a model: which keys are there, and what is in them. */
START_TEST(keys_come_and_go_at_random)
{
	struct secrets secrets = { 0 };
	uint8_t *keys[MANY] = { NULL };
	uint64_t seed = unit_seed();

	ck_assert_int_ge(sodium_init(), 0);
	for (int step = 0; step < 20000; step++) {
		size_t i = (size_t)(unit_random(&seed) % MANY);

		if (step % 2000 == 1999)
			secrets_clear(&secrets);
		if (keys[i]) {
			check_mark(keys[i], i);
			secret_free(keys[i]);
			keys[i] = NULL;
		} else {
			keys[i] = secret_new(&secrets);
			ck_assert_ptr_nonnull(keys[i]);
			ck_assert(sodium_is_zero(keys[i], SECRET_BYTES));
			memset(keys[i], (int)i + 1, SECRET_BYTES);
		}
	}
	secrets_clear(&secrets);
	for (size_t i = 0; i < MANY; i++)
		secret_free(keys[i]);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/secret");

	tcase_add_test(tc, keys_are_zero_apart_and_stay);
	tcase_add_test(tc, one_key_does_not_keep_a_block_for_itself);
	tcase_add_test(tc, keys_come_and_go_at_random);
	tcase_add_test(tc, what_is_given_back_is_wiped_and_used_again);
	return tc;
}
