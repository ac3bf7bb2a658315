#include "unit.h"

#include <string.h>

#include "wg/staged.h"

static struct staged queue;
static struct packet_pool *pool;

/* A packet of n bytes that begins with its number. */
static size_t push(uint32_t number, uint32_t n)
{
	uint8_t bytes[4096] = { 0 };
	struct packet p = { .data = bytes, .len_bytes = n };

	memcpy(bytes, &number, sizeof(number));
	return staged_push(&queue, pool, &p);
}

/* Its number; UINT32_MAX: empty. */
static uint32_t pop(void)
{
	struct packet *p = staged_pop(&queue);
	uint32_t number = UINT32_MAX;

	if (p) {
		memcpy(&number, p->data, sizeof(number));
		packet_pool_put(pool, p);
	}
	return number;
}

static void set_up(void)
{
	memset(&queue, 0, sizeof(queue));
	pool = packet_pool_new(1U << 20);
}

static void tear_down(void)
{
	staged_purge(&queue, pool);
	packet_pool_free(pool);
}

START_TEST(first_in_first_out)
{
	ck_assert_uint_eq(pop(), UINT32_MAX);
	for (uint32_t i = 0; i < 5 * STAGED_MAX; i++) {
		ck_assert_uint_eq(push(2 * i, 100), 0);
		ck_assert_uint_eq(push(2 * i + 1, 1400), 0);
		ck_assert_uint_eq(pop(), 2 * i);
		ck_assert_uint_eq(pop(), 2 * i + 1);
	}
}
END_TEST

START_TEST(the_oldest_of_129_is_lost)
{
	for (uint32_t i = 0; i < STAGED_MAX; i++)
		ck_assert_uint_eq(push(i, 64), 0);
	ck_assert_uint_eq(push(STAGED_MAX, 64), 1);
	ck_assert_uint_eq(push(STAGED_MAX + 1, 64), 1);
	ck_assert_uint_eq(queue.count, STAGED_MAX);
	for (uint32_t i = 0; i < STAGED_MAX; i++)
		ck_assert_uint_eq(pop(), i + 2);
	ck_assert_uint_eq(pop(), UINT32_MAX);
}
END_TEST

START_TEST(a_full_pool_costs_the_oldest_or_the_packet)
{
	struct packet_pool *large = pool;

	pool = packet_pool_new(3 * 2048);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(push(i, 64), 0);
	ck_assert_uint_eq(push(3, 64), 1);
	ck_assert_uint_eq(queue.count, 3);
	ck_assert_uint_eq(push(4, 4000), 2); /* one goes, still no room, itself */
	ck_assert_uint_eq(pop(), 2);
	ck_assert_uint_eq(pop(), 3);
	ck_assert_uint_eq(pop(), UINT32_MAX);
	ck_assert_uint_eq(push(5, 64), 0);
	ck_assert_uint_eq(staged_purge(&queue, pool), 1);
	ck_assert_uint_eq(staged_purge(&queue, pool), 0);
	packet_pool_free(pool);
	pool = large;
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/staged");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, first_in_first_out);
	tcase_add_test(tc, the_oldest_of_129_is_lost);
	tcase_add_test(tc, a_full_pool_costs_the_oldest_or_the_packet);
	return tc;
}
