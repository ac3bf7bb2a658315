#include "unit.h"

#include <string.h>

#include <sodium.h>

#include "wg/keypair.h"

#define T0 (1000 * NS_PER_SEC)

static struct secrets secrets;
static struct keypairs keys;
static struct index_table table;
static struct index_entry handshake;
static uint64_t draws;

static void fill(void *context, void *bytes, size_t n)
{
	(void)context;
	draws++;
	memset(bytes, 0, n);
	memcpy(bytes, &draws, n < sizeof(draws) ? n : sizeof(draws));
}

static const struct rng rng = { .fill = fill };

static void set_up(void)
{
	memset(&handshake, 0, sizeof(handshake));
	ck_assert_int_ge(sodium_init(), 0);
	keypairs_init(&keys, NULL, &secrets);
	ck_assert_int_eq(index_table_reserve(&table, 4), 0);
}

static void tear_down(void)
{
	keypairs_clear(&keys, &table);
	for (size_t i = 0; i < ARRAY_SIZE(keys.slots); i++) {
		const struct keypair *k = keys.slots[i];
		struct keypair unused = { 0 };

		if (!k)
			continue;
		ck_assert(sodium_is_zero(k->send_key, AEAD_KEY_BYTES));
		ck_assert(sodium_is_zero(k->receive_key, AEAD_KEY_BYTES));
		unused.send_key = k->send_key;
		unused.receive_key = k->receive_key;
		ck_assert_mem_eq(k, &unused, sizeof(unused));
	}
	keypairs_free(&keys);
	secrets_clear(&secrets);
	for (uint32_t i = 0; i <= draws; i++)
		ck_assert_ptr_null(index_table_find(&table, i));
	index_table_clear(&table);
}

/* A session, its keys full of `mark`. */
static void add(bool initiator, uint8_t mark)
{
	struct noise_session s = { .initiator = initiator, .remote_index = mark };

	memset(s.send_key, mark, sizeof(s.send_key));
	memset(s.receive_key, mark, sizeof(s.receive_key));
	index_table_insert(&table, &handshake, INDEX_HANDSHAKE, &rng);
	ck_assert(keypairs_add(&keys, &table, &s, &handshake, T0));
	ck_assert_int_eq(handshake.kind, INDEX_UNUSED);
}

static int mark_of(const struct keypair *k)
{
	return k ? k->send_key[0] : 0;
}

static void check(int previous, int current, int next)
{
	int in_use = 0;

	ck_assert_int_eq(mark_of(keys.previous), previous);
	ck_assert_int_eq(mark_of(keys.current), current);
	ck_assert_int_eq(mark_of(keys.next), next);
	for (size_t i = 0; i < ARRAY_SIZE(keys.slots); i++)
		in_use += keys.slots[i] && keys.slots[i]->index.kind == INDEX_KEYPAIR;
	ck_assert_int_eq(in_use, (previous != 0) + (current != 0) + (next != 0));
}

/* As the kernel's add_new_keypair and received_with_keypair. */
START_TEST(which_is_which)
{
	add(true, 1);
	check(0, 1, 0);
	add(true, 2);
	check(1, 2, 0);
	add(true, 3);
	check(2, 3, 0);
	add(false, 4);
	check(0, 3, 4);
	ck_assert(!keypairs_received(&keys, &table, keys.current));
	add(false, 5);
	check(0, 3, 5);
	add(true, 6); /* one of the responder's not confirmed: it may yet be used */
	check(5, 6, 0);
	add(false, 7);
	check(0, 6, 7);
	ck_assert(keypairs_received(&keys, &table, keys.next));
	check(6, 7, 0);
	ck_assert(!keypairs_received(&keys, &table, keys.current));
	ck_assert(!keypairs_received(&keys, &table, keys.previous));
	add(false, 8);
	check(0, 7, 8);
	ck_assert(keypairs_received(&keys, &table, keys.next));
	check(7, 8, 0);
}
END_TEST

START_TEST(a_responder_waits_for_confirmation)
{
	add(false, 1);
	ck_assert_ptr_null(keypairs_for_sending(&keys, 1, T0));
	ck_assert(keypair_may_receive(keys.next, 0, T0));
	ck_assert(keypairs_received(&keys, &table, keys.next));
	ck_assert_ptr_eq(keypairs_for_sending(&keys, 1, T0), keys.current);
}
END_TEST

START_TEST(limits_by_time)
{
	add(true, 1);
	ck_assert(!keypairs_stale_for_sender(&keys, T0 + 120 * NS_PER_SEC - 1));
	ck_assert(keypairs_stale_for_sender(&keys, T0 + 120 * NS_PER_SEC));
	ck_assert(!keypairs_stale_for_receiver(&keys, T0 + 165 * NS_PER_SEC - 1));
	ck_assert(keypairs_stale_for_receiver(&keys, T0 + 165 * NS_PER_SEC));
	ck_assert_ptr_nonnull(keypairs_for_sending(&keys, 1, T0 + 180 * NS_PER_SEC - 1));
	ck_assert(keypair_may_receive(keys.current, 0, T0 + 180 * NS_PER_SEC - 1));
	ck_assert_ptr_null(keypairs_for_sending(&keys, 1, T0 + 180 * NS_PER_SEC));
	ck_assert(!keypair_may_receive(keys.current, 0, T0 + 180 * NS_PER_SEC));
	/* And not again, whatever the clock says. */
	ck_assert_ptr_null(keypairs_for_sending(&keys, 1, T0));
	ck_assert(!keypair_may_receive(keys.current, 0, T0));
	ck_assert(!keypairs_stale_for_sender(&keys, T0 + 200 * NS_PER_SEC));
}
END_TEST

START_TEST(age_is_the_initiators_business)
{
	add(false, 1);
	ck_assert(keypairs_received(&keys, &table, keys.next));
	ck_assert(!keypairs_stale_for_sender(&keys, T0 + 179 * NS_PER_SEC));
	ck_assert(!keypairs_stale_for_receiver(&keys, T0 + 179 * NS_PER_SEC));
	keys.current->send_counter = REKEY_AFTER_MESSAGES + 1;
	ck_assert(keypairs_stale_for_sender(&keys, T0));
}
END_TEST

START_TEST(limits_by_counter)
{
	add(true, 1);
	keys.current->send_counter = REKEY_AFTER_MESSAGES;
	ck_assert(!keypairs_stale_for_sender(&keys, T0));
	keys.current->send_counter++;
	ck_assert(keypairs_stale_for_sender(&keys, T0));
	keys.current->send_counter = REJECT_AFTER_MESSAGES - 10;
	ck_assert_ptr_nonnull(keypairs_for_sending(&keys, 10, T0));
	ck_assert_ptr_null(keypairs_for_sending(&keys, 11, T0));
	ck_assert(keypair_may_receive(keys.current, REJECT_AFTER_MESSAGES - 1, T0));
	ck_assert(!keypair_may_receive(keys.current, REJECT_AFTER_MESSAGES, T0));
	ck_assert(!keypair_may_receive(keys.current, UINT64_MAX, T0));
}
END_TEST

START_TEST(expired_keys_still_open)
{
	add(true, 1);
	add(false, 2);
	keypairs_expire(&keys);
	ck_assert_ptr_null(keypairs_for_sending(&keys, 1, T0));
	ck_assert(keypair_may_receive(keys.current, 0, T0));
	ck_assert(keypairs_received(&keys, &table, keys.next));
	ck_assert_ptr_null(keypairs_for_sending(&keys, 1, T0));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/keypair");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, which_is_which);
	tcase_add_test(tc, a_responder_waits_for_confirmation);
	tcase_add_test(tc, limits_by_time);
	tcase_add_test(tc, age_is_the_initiators_business);
	tcase_add_test(tc, limits_by_counter);
	tcase_add_test(tc, expired_keys_still_open);
	return tc;
}
