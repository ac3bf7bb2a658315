#include "unit.h"

#include <string.h>

#include "wg/source_limit.h"

#define NOW_NS   (1000 * NS_PER_SEC)
#define TOKEN_NS (NS_PER_SEC / SOURCE_LIMIT_PER_SEC)

static struct source_limit *limit;

static void fill(void *context, void *bytes, size_t n)
{
	uint64_t *state = context;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)unit_random(state);
}

static void set_up(void)
{
	uint64_t state = unit_seed();
	const struct rng rng = { fill, &state };

	ck_assert_int_eq(source_limit_new(&limit, &rng), 0);
}

static void tear_down(void)
{
	source_limit_free(limit);
}

static bool allow(const char *source, uint64_t now_ns)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(&addr, source));
	return source_limit_allow(limit, &addr, now_ns);
}

static void use_up(const char *source, uint64_t now_ns)
{
	for (int i = 0; i < SOURCE_LIMIT_BURST; i++)
		ck_assert_msg(allow(source, now_ns), "%s, token %d", source, i);
	ck_assert(!allow(source, now_ns));
}

START_TEST(five_at_once_and_twenty_in_a_second)
{
	use_up("192.0.2.1", NOW_NS);
	ck_assert(!allow("192.0.2.1", NOW_NS + TOKEN_NS - 1));
	ck_assert(allow("192.0.2.1", NOW_NS + TOKEN_NS));
	ck_assert(!allow("192.0.2.1", NOW_NS + TOKEN_NS));
	ck_assert(allow("192.0.2.1", NOW_NS + 3 * TOKEN_NS));
	ck_assert(allow("192.0.2.1", NOW_NS + 3 * TOKEN_NS));
	ck_assert(!allow("192.0.2.1", NOW_NS + 3 * TOKEN_NS));
	use_up("192.0.2.1", NOW_NS + 8 * TOKEN_NS);
	use_up("192.0.2.1", NOW_NS + 3600 * NS_PER_SEC);
}
END_TEST

START_TEST(a_source_is_an_ipv4_address_or_a_64)
{
	use_up("192.0.2.1", NOW_NS);
	use_up("192.0.2.2", NOW_NS);
	use_up("2001:db8:0:1::1", NOW_NS);
	ck_assert(!allow("2001:db8:0:1:ffff:ffff:ffff:ffff", NOW_NS));
	use_up("2001:db8:0:2::1", NOW_NS);
	use_up("c000:201::1", NOW_NS); /* the same bytes as 192.0.2.1 */
}
END_TEST

static struct ip_addr numbered(uint32_t n)
{
	const uint8_t b[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return ip_addr_from_bytes(IP_V4, b);
}

static size_t allowed_of(uint32_t first, uint32_t n, uint64_t now_ns)
{
	size_t allowed = 0;

	for (uint32_t i = first; i < first + n; i++) {
		struct ip_addr addr = numbered(i);

		allowed += source_limit_allow(limit, &addr, now_ns);
	}
	return allowed;
}

START_TEST(the_table_is_bounded_and_is_collected)
{
	/* many sources at once fill it */
	ck_assert_uint_eq(allowed_of(0, 1U << 17, NOW_NS), SOURCE_LIMIT_SOURCES);
	/* the places are free again when the buckets are full */
	ck_assert_uint_eq(allowed_of(1U << 17, 1U << 17, NOW_NS + TOKEN_NS - 1), 0);
	ck_assert_uint_eq(allowed_of(1U << 17, 1U << 17, NOW_NS + TOKEN_NS),
	                  SOURCE_LIMIT_SOURCES);
}
END_TEST

/* Against one plain bucket for each source. There are so few that each finds a place. */
START_TEST(random_times_as_plain_buckets)
{
	double tokens[16];
	uint64_t last_ns[16], now_ns = NOW_NS, state = unit_seed();

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		tokens[i] = SOURCE_LIMIT_BURST;
		last_ns[i] = NOW_NS;
	}
	for (int step = 0; step < 20000; step++) {
		size_t i = unit_below(&state, ARRAY_SIZE(tokens));
		struct ip_addr addr = numbered((uint32_t)i);
		bool allowed;

		/* in steps of a fifth of a token, so that double is exact enough */
		now_ns += unit_below(&state, 4) * (TOKEN_NS / 5);
		tokens[i] += (double)(now_ns - last_ns[i]) / (double)TOKEN_NS;
		last_ns[i] = now_ns;
		if (tokens[i] > SOURCE_LIMIT_BURST)
			tokens[i] = SOURCE_LIMIT_BURST;
		allowed = tokens[i] > 0.999;
		ck_assert_int_eq(source_limit_allow(limit, &addr, now_ns), allowed);
		tokens[i] -= allowed;
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/source_limit");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, five_at_once_and_twenty_in_a_second);
	tcase_add_test(tc, a_source_is_an_ipv4_address_or_a_64);
	tcase_add_test(tc, the_table_is_bounded_and_is_collected);
	tcase_add_test(tc, random_times_as_plain_buckets);
	return tc;
}
