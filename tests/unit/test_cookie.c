/* The vectors come from the script that test_noise.c describes. */
#include "unit.h"

#include <string.h>

#include <sodium.h>

#include "wg/cookie.h"
#include "wg/noise.h"

static const char initiation_with_mac2[] =
	"01000000040302017b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4"
	"cb8a1b1481e498317da959fba46669572516a5e6c021bfa620bb6c56ca0082e1feae1498"
	"8c2c64d024c617734a263f76a008df04d0f94bad8ee75ec8fcc26955822044b2d7331053"
	"ca37046285bfbc84484f9e51ab888f740717d97bef7d694f4ca9bc865fcb0bc85510c0a7"
	"a31fcc38";
static const char cookie_reply[] =
	"0300000004030201000102030405060708090a0b0c0d0e0f1011121314151617daf021be"
	"4f0eaf1c1446a26bf279dbe46ca3297845e48f6f52f7d5cbe0029307";

#define NOW_NS (1000 * NS_PER_SEC)

static struct message_initiation signed_initiation;
static struct message_cookie_reply reply;
static struct cookie_maker maker;
static uint8_t public_key[NOISE_KEY_BYTES];
static const uint8_t zero[MAC_BYTES];

static void set_up(void)
{
	uint8_t private_key[NOISE_KEY_BYTES];

	ck_assert_int_ge(sodium_init(), 0);
	memset(private_key, 0x22, sizeof(private_key));
	noise_public_key(public_key, private_key);
	cookie_maker_init(&maker, public_key);
	sodium_hex2bin((uint8_t *)&signed_initiation, sizeof(signed_initiation),
	               initiation_with_mac2, sizeof(initiation_with_mac2) - 1, NULL, NULL,
	               NULL);
	sodium_hex2bin((uint8_t *)&reply, sizeof(reply), cookie_reply,
	               sizeof(cookie_reply) - 1, NULL, NULL, NULL);
}

static struct message_initiation sign(uint64_t now_ns)
{
	struct message_initiation m = signed_initiation;

	memset(&m.macs, 0xee, sizeof(m.macs));
	cookie_maker_sign(&maker, &m, sizeof(m), now_ns);
	ck_assert_mem_eq(m.macs.mac1, signed_initiation.macs.mac1, MAC_BYTES);
	return m;
}

START_TEST(mac1_is_checked)
{
	struct cookie_checker checker;
	uint8_t *bytes = (uint8_t *)&signed_initiation;

	cookie_checker_set(&checker, public_key);
	ck_assert(cookie_checker_mac1(&checker, bytes, sizeof(signed_initiation)));
	for (size_t i = 0; i < sizeof(signed_initiation) - MAC_BYTES; i++) {
		bytes[i] ^= 0x80;
		ck_assert(
			!cookie_checker_mac1(&checker, bytes, sizeof(signed_initiation)));
		bytes[i] ^= 0x80;
	}
	ck_assert(!cookie_checker_mac1(&checker, bytes, sizeof(struct message_macs) - 1));
	public_key[0] ^= 1;
	cookie_checker_set(&checker, public_key);
	ck_assert(!cookie_checker_mac1(&checker, bytes, sizeof(signed_initiation)));
}
END_TEST

START_TEST(a_cookie_makes_mac2_for_115_seconds)
{
	struct message_initiation m = sign(NOW_NS);

	ck_assert_mem_eq(m.macs.mac2, zero, MAC_BYTES);
	ck_assert_int_eq(cookie_maker_consume(&maker, &reply, NOW_NS), DROP_NONE);
	m = sign(NOW_NS);
	ck_assert_mem_eq(m.macs.mac2, signed_initiation.macs.mac2, MAC_BYTES);
	m = sign(NOW_NS + 115 * NS_PER_SEC - 1);
	ck_assert_mem_eq(m.macs.mac2, signed_initiation.macs.mac2, MAC_BYTES);
	m = sign(NOW_NS + 115 * NS_PER_SEC);
	ck_assert_mem_eq(m.macs.mac2, zero, MAC_BYTES);
}
END_TEST

START_TEST(a_reply_answers_one_message_of_ours)
{
	ck_assert_int_eq(cookie_maker_consume(&maker, &reply, NOW_NS), DROP_BAD_COOKIE);
	sign(NOW_NS);
	ck_assert_int_eq(cookie_maker_consume(&maker, &reply, NOW_NS), DROP_NONE);
	ck_assert_int_eq(cookie_maker_consume(&maker, &reply, NOW_NS), DROP_BAD_COOKIE);
	sign(NOW_NS);
	maker.last_mac1[3] ^= 1; /* another message since */
	ck_assert_int_eq(cookie_maker_consume(&maker, &reply, NOW_NS), DROP_BAD_COOKIE);
}
END_TEST

START_TEST(a_forged_reply_changes_nothing)
{
	struct cookie_maker before;

	sign(NOW_NS);
	before = maker;
	for (size_t i = offsetof(struct message_cookie_reply, nonce); i < sizeof(reply);
	     i++) {
		((uint8_t *)&reply)[i] ^= 1;
		ck_assert_int_eq(cookie_maker_consume(&maker, &reply, NOW_NS),
		                 DROP_BAD_COOKIE);
		ck_assert_mem_eq(&maker, &before, sizeof(maker));
		((uint8_t *)&reply)[i] ^= 1;
	}
	ck_assert_int_eq(cookie_maker_consume(&maker, &reply, NOW_NS), DROP_NONE);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/cookie");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, mac1_is_checked);
	tcase_add_test(tc, a_cookie_makes_mac2_for_115_seconds);
	tcase_add_test(tc, a_reply_answers_one_message_of_ours);
	tcase_add_test(tc, a_forged_reply_changes_nothing);
	return tc;
}
