#include "unit.h"

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

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/secret");

	tcase_add_test(tc, keys_are_zero_apart_and_stay);
	tcase_add_test(tc, what_is_given_back_is_wiped_and_used_again);
	return tc;
}
