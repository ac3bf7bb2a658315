/* tests/unit/test_packet.c */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/packet.h"

static uint8_t bytes[PACKET_MAX_BYTES];

static struct packet packet_of(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 7 + n);
	return (struct packet){ .data = bytes, .len_bytes = n, .tos = 3 };
}

START_TEST(push_pull_set_len)
{
	uint8_t buffer[100];
	struct packet p = { .data = buffer + 40,
		            .len_bytes = 20,
		            .headroom_bytes = 40,
		            .tailroom_bytes = 40 };

	ck_assert_ptr_eq(packet_push(&p, 28), buffer + 12);
	ck_assert_uint_eq(p.len_bytes, 48);
	ck_assert_uint_eq(p.headroom_bytes, 12);
	packet_set_len(&p, 88);
	ck_assert_uint_eq(p.tailroom_bytes, 0);
	packet_pull(&p, 28);
	ck_assert_ptr_eq(p.data, buffer + 40);
	ck_assert_uint_eq(p.headroom_bytes, 40);
	ck_assert_uint_eq(p.len_bytes, 60);
	packet_set_len(&p, 20);
	ck_assert_uint_eq(p.tailroom_bytes, 40);
	packet_pull(&p, 20);
	ck_assert_uint_eq(p.len_bytes, 0);
}
END_TEST

START_TEST(a_copy_is_whole_and_has_room)
{
	static const uint32_t sizes[] = {
		0, 1, 100, 1500, 2047, 2048, 2049, 9000, 65535
	};
	struct packet_pool *pool = packet_pool_new(1 << 20);

	ck_assert_ptr_nonnull(pool);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct packet p = packet_of(sizes[i]), *copy;

		copy = packet_pool_copy(pool, &p);
		ck_assert_ptr_nonnull(copy);
		ck_assert_uint_eq(copy->len_bytes, sizes[i]);
		ck_assert(memcmp(copy->data, bytes, sizes[i]) == 0);
		ck_assert_uint_eq(copy->tos, 3);
		ck_assert_ptr_null(copy->from);
		ck_assert_uint_eq(copy->headroom_bytes, PACKET_HEADROOM_BYTES);
		ck_assert_uint_ge(copy->tailroom_bytes, PACKET_TAILROOM_BYTES);
		/* a sanitizer sees it when the room isn't there */
		memset(copy->data - copy->headroom_bytes, 0xcc, copy->headroom_bytes);
		memset(copy->data + copy->len_bytes, 0xcc, copy->tailroom_bytes);
		packet_pool_put(pool, copy);
	}
	packet_pool_free(pool);
	packet_pool_free(NULL);
}
END_TEST

/* A pool that holds 8 small packets, whatever mixture comes and goes. */
START_TEST(never_more_than_the_limit)
{
	enum { SMALL = 2048, LIMIT = 8 * SMALL };
	struct packet_pool *pool = packet_pool_new(LIMIT);
	struct packet *held[64];
	size_t n = 0, held_bytes = 0;
	uint64_t seed = unit_seed();

	for (unsigned round = 0; round < 5000; round++) {
		if (unit_random(&seed) % 2 && n > 0) {
			size_t i = unit_below(&seed, n);

			held_bytes -= held[i]->len_bytes;
			packet_pool_put(pool, held[i]);
			held[i] = held[--n];
		} else if (n < ARRAY_SIZE(held)) {
			struct packet p =
				packet_of((uint32_t)(unit_random(&seed) % 5000));

			held[n] = packet_pool_copy(pool, &p);
			if (!held[n])
				continue;
			held_bytes += held[n++]->len_bytes;
		}
		ck_assert_uint_le(held_bytes, LIMIT);
		ck_assert_uint_le(n, 8); /* each takes a small one's room at least */
	}
	while (n > 0)
		packet_pool_put(pool, held[--n]);
	packet_pool_free(pool);
}
END_TEST

START_TEST(the_limit_is_reached_and_left_again)
{
	struct packet_pool *pool = packet_pool_new(3 * 2048);
	struct packet small = packet_of(100), *held[3];

	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		held[i] = packet_pool_copy(pool, &small);
		ck_assert_ptr_nonnull(held[i]);
	}
	ck_assert_ptr_null(packet_pool_copy(pool, &small));
	packet_pool_put(pool, held[1]);
	held[1] = packet_pool_copy(pool, &small);
	ck_assert_ptr_nonnull(held[1]);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		packet_pool_put(pool, held[i]);
	packet_pool_free(pool);
}
END_TEST

/* What small packets left in the free list must not keep a large one out for ever. */
START_TEST(kept_buffers_make_way_for_a_large_packet)
{
	struct packet_pool *pool = packet_pool_new(4 * 2048);
	struct packet small = packet_of(100), large = packet_of(8000), *held[4], *copy;

	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		held[i] = packet_pool_copy(pool, &small);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		packet_pool_put(pool, held[i]);
	large = packet_of(8000);
	copy = packet_pool_copy(pool, &large);
	ck_assert_ptr_nonnull(copy);
	packet_pool_put(pool, copy);
	packet_pool_free(pool);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/packet");

	tcase_add_test(tc, push_pull_set_len);
	tcase_add_test(tc, a_copy_is_whole_and_has_room);
	tcase_add_test(tc, never_more_than_the_limit);
	tcase_add_test(tc, the_limit_is_reached_and_left_again);
	tcase_add_test(tc, kept_buffers_make_way_for_a_large_packet);
	return tc;
}
