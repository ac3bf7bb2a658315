#include "unit.h"

#include <string.h>

#include "lab.h"

START_TEST(a_packet_makes_the_handshake_and_follows_it)
{
	struct lab *lab = lab_new(unit_seed());
	struct lab_mail mail;
	uint8_t want[100], got[LAB_BYTES];
	size_t got_bytes;

	lab_connect(lab, 0, 1);
	ck_assert_uint_eq(lab_send(lab, 0, 1, sizeof(want), 0), 0);
	ck_assert(lab_take(lab, &mail));
	ck_assert_int_eq(lab_type(&mail), MESSAGE_INITIATION);
	ck_assert_uint_eq(mail.tos, HANDSHAKE_TOS);
	ck_assert_uint_eq(lab_deliver(lab, &mail, 1, NULL, NULL), 0);
	ck_assert(lab_take(lab, &mail));
	ck_assert_int_eq(lab_type(&mail), MESSAGE_RESPONSE);
	ck_assert_uint_eq(mail.tos, HANDSHAKE_TOS);
	ck_assert_int_eq(lab->devices[1].handshakes, 0);
	lab_deliver(lab, &mail, 0, NULL, NULL);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
	ck_assert(lab_take(lab, &mail));
	ck_assert_int_eq(lab_type(&mail), MESSAGE_DATA);
	ck_assert_uint_eq(mail.len_bytes, 16 + 112 + 16);
	ck_assert_uint_eq(lab_deliver(lab, &mail, 1, got, &got_bytes), 1);
	ck_assert_int_eq(lab->devices[1].handshakes, 1);
	lab_inner(want, sizeof(want), 0, 1, 0);
	ck_assert_uint_eq(got_bytes, sizeof(want));
	ck_assert_mem_eq(got, want, sizeof(want));
	ck_assert(lab_ping(lab, 1, 0));
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert_uint_eq(lab_all_drops(lab, 0), 0);
	ck_assert_uint_eq(lab_all_drops(lab, 1), 0);
	lab_free(lab);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/device");

	tcase_add_test(tc, a_packet_makes_the_handshake_and_follows_it);
	return tc;
}
