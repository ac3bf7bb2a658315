/* tests/unit/test_sealed.c - what is sealed can be opened, compared and given back, in any
 * order and with any sealer */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/sealed.h"

#define KEYS    40
#define SEALERS 3
#define VALUES  4 /* so that some are equal */
#define NO_KEY  0

static void value_of(uint8_t out[static SEALED_BYTES], unsigned value)
{
	memset(out, (int)value * 0x11, SEALED_BYTES);
}

static void set(struct sealed_key *k, struct sealer *sealer, unsigned value)
{
	uint8_t key[SEALED_BYTES];

	value_of(key, value);
	ck_assert_int_eq(sealed_set(k, sealer, key), 0);
}

static void check_value(const struct sealed_key *k, unsigned value)
{
	uint8_t opened[SEALED_BYTES], should_be[SEALED_BYTES];

	value_of(should_be, value);
	ck_assert(sealed_is_set(k) == (value != NO_KEY));
	ck_assert(sealed_open(k, opened));
	ck_assert_mem_eq(opened, should_be, sizeof(opened));
}

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
}

static bool contains(const struct sealed_key *k, const uint8_t *bytes, size_t n)
{
	const uint8_t *at = (const uint8_t *)k;

	for (size_t i = 0; i + n <= sizeof(*k); i++)
		if (memcmp(at + i, bytes, n) == 0)
			return true;
	return false;
}

START_TEST(what_is_kept_is_not_the_key)
{
	struct sealer sealer = { 0 };
	struct sealed_key k = { 0 };
	uint8_t key[SEALED_BYTES];

	randombytes_buf(key, sizeof(key));
	ck_assert_int_eq(sealed_set(&k, &sealer, key), 0);
	for (size_t i = 0; i + 4 <= sizeof(key); i += 4)
		ck_assert(!contains(&k, key + i, 4));
	sealer_clear(&sealer);
	sealed_clear(&k);
	ck_assert(sodium_is_zero((const uint8_t *)&k, sizeof(k)));
}
END_TEST

START_TEST(equal_keys_are_the_same_bytes_only_for_one_sealer)
{
	struct sealer sealer = { 0 }, other = { 0 }, shares = { 0 };
	struct sealed_key a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

	set(&a, &sealer, 1);
	set(&b, &sealer, 1);
	set(&c, &other, 1);
	sealer_share(&shares, NULL);
	sealer_share(&shares, &d); /* no key */
	sealer_share(&shares, &a);
	sealer_share(&shares, &c); /* too late */
	set(&d, &shares, 1);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_mem_eq(&a, &d, sizeof(a));
	ck_assert_mem_ne(a.bytes, c.bytes, sizeof(a.bytes));
	ck_assert(sealed_equal(&a, &b) && sealed_equal(&a, &c) && sealed_equal(&c, &d));
	ck_assert(sealed_in_secret_memory(&a) == sealed_in_secret_memory(&d));
	sealer_clear(&sealer);
	sealer_clear(&other);
	sealer_clear(&shares);
	sealed_clear(&a);
	sealed_clear(&b);
	sealed_clear(&c);
	check_value(&d, 1);
	sealed_clear(&d);
	ck_assert(!sealed_in_secret_memory(&d));
}
END_TEST

struct model {
	struct sealer sealers[SEALERS];
	struct sealed_key keys[KEYS];
	unsigned values[KEYS]; /* NO_KEY: none */
};

static void step(struct model *m, uint64_t *random)
{
	size_t i = unit_below(random, KEYS), j = unit_below(random, KEYS);
	struct sealer *sealer = &m->sealers[unit_below(random, SEALERS)];

	switch (unit_below(random, 6)) {
	case 0:
		sealed_clear(&m->keys[i]);
		m->values[i] = NO_KEY;
		break;
	case 1:
		sealer_clear(sealer);
		sealer_share(sealer, &m->keys[i]);
		break;
	case 2: /* moved */
		if (i == j)
			break;
		sealed_clear(&m->keys[i]);
		m->keys[i] = m->keys[j];
		m->values[i] = m->values[j];
		m->keys[j] = (struct sealed_key){ .seal = NULL };
		m->values[j] = NO_KEY;
		break;
	default:
		m->values[i] = 1 + (unsigned)unit_below(random, VALUES);
		set(&m->keys[i], sealer, m->values[i]);
		break;
	}
	check_value(&m->keys[j], m->values[j]);
	ck_assert(sealed_equal(&m->keys[i], &m->keys[j]) ==
	          (m->values[i] == m->values[j]));
}

/* Against a model that keeps what is in them. */
START_TEST(keys_come_go_and_move_at_random)
{
	struct model m = { .values = { NO_KEY } };
	uint64_t random = unit_seed();

	for (int i = 0; i < 5000; i++)
		step(&m, &random);
	for (size_t i = 0; i < SEALERS; i++)
		sealer_clear(&m.sealers[i]);
	for (size_t i = 0; i < KEYS; i++) {
		check_value(&m.keys[i], m.values[i]);
		sealed_clear(&m.keys[i]);
	}
}
END_TEST

/* An app of Android has none, see secret_page.h. */
START_TEST(without_secret_memory)
{
	struct sealer sealer = { 0 };
	struct sealed_key k = { 0 };

	setenv("PREFIX", "/data/data/com.termux/files/usr", 1);
	set(&k, &sealer, 2);
	ck_assert(!sealed_in_secret_memory(&k));
	check_value(&k, 2);
	sealed_clear(&k);
	sealer_clear(&sealer);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/sealed");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, what_is_kept_is_not_the_key);
	tcase_add_test(tc, equal_keys_are_the_same_bytes_only_for_one_sealer);
	tcase_add_test(tc, keys_come_go_and_move_at_random);
	tcase_add_test(tc, without_secret_memory);
	return tc;
}
