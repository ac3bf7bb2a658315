/* The vectors come from the script that test_noise.c describes; those of the checker from
 * another one over hashlib and its own XChaCha20-Poly1305, which was checked with RFC 8439
 * 2.8.2 and draft-irtf-cfrg-xchacha A.3.1. */
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
static struct cookie_checker checker;
static uint8_t secrets_made;
static uint8_t public_key[NOISE_KEY_BYTES];
static const uint8_t zero[MAC_BYTES];

static void set_up(void)
{
	uint8_t private_key[NOISE_KEY_BYTES];

	ck_assert_int_ge(sodium_init(), 0);
	memset(private_key, 0x22, sizeof(private_key));
	noise_public_key(public_key, private_key);
	cookie_maker_init(&maker, public_key);
	cookie_checker_set(&checker, public_key);
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
	uint8_t *bytes = (uint8_t *)&signed_initiation;

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

/* ---- the checker */

#define SECONDS(n) (NOW_NS + (n)*NS_PER_SEC)

/* The nonce counts, and the n-th secret consists of bytes 0x66 + n. */
static void fill(void *context, void *bytes, size_t n)
{
	uint8_t *secrets = context;

	if (n == COOKIE_SECRET_BYTES)
		memset(bytes, 0x66 + (*secrets)++, n);
	else
		for (size_t i = 0; i < n; i++)
			((uint8_t *)bytes)[i] = (uint8_t)i;
}

static const struct rng rng = { fill, &secrets_made };

static struct endpoint endpoint(const char *text)
{
	struct endpoint e;

	ck_assert(endpoint_parse(&e, text));
	return e;
}

static struct message_cookie_reply reply_at(const struct message_initiation *m,
                                            const char *from, uint64_t now_ns)
{
	struct endpoint e = endpoint(from);
	struct message_cookie_reply out;

	cookie_checker_reply(&checker, &out, m, sizeof(*m), &e, &rng, now_ns);
	return out;
}

static bool mac2_at(const struct message_initiation *m, const char *from, uint64_t now_ns)
{
	struct endpoint e = endpoint(from);

	return cookie_checker_mac2(&checker, m, sizeof(*m), &e, &rng, now_ns);
}

static const struct {
	const char *from, *reply, *mac2;
} known[] = {
	{ "192.0.2.7:51820",
	  "0300000004030201000102030405060708090a0b0c0d0e0f1011121314151617"
	  "faf71ca5d6fa17025442fd9da7f678a364bd9ad27e39a53aef2de3c5e9af61a6",
	  "dfdd668f553ade0ebb0075c829effde9" },
	{ "[2001:db8::7]:51820",
	  "0300000004030201000102030405060708090a0b0c0d0e0f1011121314151617"
	  "7f5b4fe373228e8a6ddf45f8cfdd447763e4837b9d22d4a9d574e617c15ef692",
	  "d916bf29aa41cf95e379942660d05fb8" },
};

START_TEST(a_reply_is_as_the_paper_says)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct message_initiation m = signed_initiation;
		struct message_cookie_reply out = reply_at(&m, known[i].from, NOW_NS);
		uint8_t want[sizeof(out)];

		sodium_hex2bin(want, sizeof(want), known[i].reply, 2 * sizeof(want), NULL,
		               NULL, NULL);
		ck_assert_mem_eq(&out, want, sizeof(out));
		sodium_hex2bin(m.macs.mac2, MAC_BYTES, known[i].mac2, 2L * MAC_BYTES,
		               NULL, NULL, NULL);
		ck_assert(mac2_at(&m, known[i].from, NOW_NS));
	}
}
END_TEST

/* What a peer signs after the reply that it gets now. */
static struct message_initiation signed_with_cookie(const char *from, uint64_t now_ns)
{
	struct message_initiation m = sign(now_ns);
	struct message_cookie_reply out = reply_at(&m, from, now_ns);

	ck_assert_int_eq(cookie_maker_consume(&maker, &out, now_ns), DROP_NONE);
	return sign(now_ns);
}

START_TEST(mac2_is_good_for_one_address_and_port)
{
	struct message_initiation m = signed_with_cookie("192.0.2.7:51820", NOW_NS);
	uint8_t *bytes = (uint8_t *)&m;

	ck_assert(mac2_at(&m, "192.0.2.7:51820", NOW_NS));
	ck_assert(!mac2_at(&m, "192.0.2.8:51820", NOW_NS));
	ck_assert(!mac2_at(&m, "192.0.2.7:51821", NOW_NS));
	ck_assert(!mac2_at(&m, "[2001:db8::7]:51820", NOW_NS));
	for (size_t i = 0; i < sizeof(m); i++) {
		bytes[i] ^= 1;
		ck_assert(!mac2_at(&m, "192.0.2.7:51820", NOW_NS));
		bytes[i] ^= 1;
	}
	memset(m.macs.mac2, 0, MAC_BYTES);
	ck_assert(!mac2_at(&m, "192.0.2.7:51820", NOW_NS));
	ck_assert(!cookie_checker_mac2(&checker, &m, sizeof(m.macs) - 1,
	                               &(struct endpoint){ 0 }, &rng, NOW_NS));
	ck_assert_uint_eq(secrets_made, 1);
}
END_TEST

START_TEST(the_secret_lives_for_120_seconds)
{
	struct message_initiation m = signed_with_cookie("192.0.2.7:51820", NOW_NS);

	ck_assert(mac2_at(&m, "192.0.2.7:51820", SECONDS(120) - 1));
	ck_assert_uint_eq(secrets_made, 1);
	ck_assert(!mac2_at(&m, "192.0.2.7:51820", SECONDS(120)));
	ck_assert_uint_eq(secrets_made, 2);
	m = signed_with_cookie("192.0.2.7:51820", SECONDS(120));
	ck_assert(mac2_at(&m, "192.0.2.7:51820", SECONDS(240) - 1));
	m = signed_with_cookie("192.0.2.7:51820", SECONDS(240));
	ck_assert_uint_eq(secrets_made, 3);
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
	tcase_add_test(tc, a_reply_is_as_the_paper_says);
	tcase_add_test(tc, mac2_is_good_for_one_address_and_port);
	tcase_add_test(tc, the_secret_lives_for_120_seconds);
	return tc;
}
