/* tests/unit/test_reader.c - the bounded reader, and the wire integers it hands out */
#include "unit.h"

#include <string.h>

#include "base/reader.h"
#include "base/wire.h"

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

START_TEST(from_the_front_or_not_at_all)
{
	struct reader r = reader_of(bytes, sizeof(bytes));

	ck_assert_ptr_eq(reader_take(&r, 4), bytes);
	ck_assert_ptr_eq(reader_take(&r, 0), bytes + 4);
	ck_assert_ptr_null(reader_take(&r, 7));
	ck_assert_uint_eq(r.left_bytes, 6); /* nothing was taken */
	ck_assert_ptr_null(reader_take(&r, SIZE_MAX));
	ck_assert_ptr_eq(reader_take(&r, 6), bytes + 4);
	ck_assert_ptr_null(reader_take(&r, 1));
	ck_assert_ptr_nonnull(reader_take(&r, 0));
}
END_TEST

START_TEST(integers_on_the_wire)
{
	static const uint8_t le[] = { 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0x80 };
	struct le32 l32 = le32_put(0x12345678);
	struct le64 l64 = le64_put(0x8000000012345678);
	struct be16 b16 = be16_put(0x1234);
	struct be32 b32 = be32_put(0xfe345678);
	struct be64 b64 = be64_put(0x0102030405060708);

	ck_assert_mem_eq(&l32, le, 4);
	ck_assert_mem_eq(&l64, le, 8);
	ck_assert_uint_eq(le32_get(l32), 0x12345678);
	ck_assert_uint_eq(le64_get(l64), 0x8000000012345678);
	ck_assert_uint_eq(b16.b[0], 0x12);
	ck_assert_uint_eq(be16_get(b16), 0x1234);
	ck_assert_uint_eq(b32.b[0], 0xfe);
	ck_assert_uint_eq(be32_get(b32), 0xfe345678);
	ck_assert_mem_eq(&b64, bytes, 8);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/reader");

	tcase_add_test(tc, from_the_front_or_not_at_all);
	tcase_add_test(tc, integers_on_the_wire);
	return tc;
}
