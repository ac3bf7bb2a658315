/* tests/unit/test_checksum.c - against RFC 1071's own words: 16-bit sums, end-around
 * carry */
#include "unit.h"

#include <string.h>

#include "base/checksum.h"

static uint16_t naive(const uint8_t *bytes, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

START_TEST(example_of_rfc_1071)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(checksum_finish(checksum_add(0, bytes, sizeof(bytes))), 0x220d);
}
END_TEST

/* A header off a wire: RFC 1071 sums to zero over data that bear their checksum. */
START_TEST(ipv4_header)
{
	static const uint8_t header[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40,
		                          0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8,
		                          0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };

	ck_assert_uint_eq(checksum_finish(checksum_add(0, header, sizeof(header))), 0);
}
END_TEST

START_TEST(random_bytes_any_length_and_alignment)
{
	uint64_t seed = unit_seed();
	uint8_t bytes[1600];

	for (unsigned round = 0; round < 5000; round++) {
		size_t at = unit_below(&seed, 8), n = unit_below(&seed, 1500);
		size_t first = unit_random(&seed) % (n + 1) & ~(size_t)1;
		uint64_t sum;

		for (size_t i = 0; i < n; i++)
			bytes[at + i] =
				round % 3 == 0 ? 0xff : (uint8_t)unit_random(&seed);
		sum = checksum_add(0, bytes + at, first);
		sum = checksum_add(sum, bytes + at + first, n - first);
		ck_assert_uint_eq(checksum_finish(sum), naive(bytes + at, n));
	}
}
END_TEST

START_TEST(pseudo_headers)
{
	static const uint8_t pseudo4[] = {
		10, 1, 2, 3, 192, 168, 5, 6, 0, 17, 0x12, 0x34
	};
	uint8_t pseudo6[40] = { 0 };
	struct ip_addr a4, b4, a6, b6;

	ck_assert(ip_addr_parse(&a4, "10.1.2.3") && ip_addr_parse(&b4, "192.168.5.6"));
	ck_assert_uint_eq(checksum_finish(checksum_pseudo(&a4, &b4, 17, 0x1234)),
	                  naive(pseudo4, sizeof(pseudo4)));
	ck_assert(ip_addr_parse(&a6, "2001:db8::1") &&
	          ip_addr_parse(&b6, "fe80::ffff:2"));
	memcpy(pseudo6, a6.b, 16);
	memcpy(pseudo6 + 16, b6.b, 16);
	pseudo6[33] = 0x01; /* length 0x012345 */
	pseudo6[34] = 0x23;
	pseudo6[35] = 0x45;
	pseudo6[39] = 58;
	ck_assert_uint_eq(checksum_finish(checksum_pseudo(&a6, &b6, 58, 0x012345)),
	                  naive(pseudo6, sizeof(pseudo6)));
}
END_TEST

/* The two zeroes of one's complement are the same sum. */
static bool same(uint16_t a, uint16_t b)
{
	return a == b || (uint16_t)(a ^ b) == 0xffff;
}

START_TEST(replacing_is_as_summing_anew)
{
	uint64_t seed = unit_seed();

	for (unsigned round = 0; round < 5000; round++) {
		uint8_t bytes[64], old[16];
		size_t n = 2 * (1 + unit_below(&seed, 8));
		size_t at = 2 * unit_below(&seed, 24);
		uint16_t before, after;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = round % 4 ? (uint8_t)unit_random(&seed) : 0;
		before = naive(bytes, sizeof(bytes));
		memcpy(old, bytes + at, n);
		for (size_t i = 0; i < n; i++)
			bytes[at + i] = round % 5 ? (uint8_t)unit_random(&seed) : 0xff;
		after = checksum_replace(before, old, bytes + at, n);
		ck_assert_msg(after == naive(bytes, sizeof(bytes)) ||
		                      (round % 4 == 0 &&
		                       same(after, naive(bytes, sizeof(bytes)))),
		              "round %u", round);
	}
}
END_TEST

/* RFC 1624, section 4: the example where the older equation goes wrong. */
START_TEST(example_of_rfc_1624)
{
	static const uint8_t from[] = { 0x55, 0x55 }, to[] = { 0x32, 0x85 };

	ck_assert_uint_eq(checksum_replace(0xdd2f, from, to, 2), 0x0000);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/checksum");

	tcase_add_test(tc, example_of_rfc_1071);
	tcase_add_test(tc, ipv4_header);
	tcase_add_test(tc, random_bytes_any_length_and_alignment);
	tcase_add_test(tc, pseudo_headers);
	tcase_add_test(tc, replacing_is_as_summing_anew);
	tcase_add_test(tc, example_of_rfc_1624);
	return tc;
}
