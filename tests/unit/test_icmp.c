/* tests/unit/test_icmp.c */
#include "engine/icmp.h"

#include <string.h>

#include "craft.h"
#include "unit.h"

static uint8_t payload[1600];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
}

/* ---- contents */

START_TEST(host_unreachable_is_this)
{
	static const uint8_t expected[] = {
		0x45, 0xc0, 0x00, 0x3c,
		0x00, 0x00, 0x40, 0x00, /* 60 bytes, CS6, DF */
		0x40, 0x01, 0x00, 0x00,
		10,   0,    9,    9, /* TTL 64, ICMP, from the dst */
		192,  168,  1,    2, /* to the src */
		0x03, 0x01, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, /* type 3 code 1 */
	};
	uint8_t original[CRAFT_MAX_BYTES];
	struct craft c;

	craft_udp(&c, "192.168.1.2", 5000, "10.0.9.9", 53, "ping", 4);
	memcpy(original, c.packet.data, 32);
	ck_assert(icmp_unreachable(&c.packet));
	ck_assert_uint_eq(c.packet.len_bytes, 60);
	ck_assert(craft_valid(c.packet.data, c.packet.len_bytes));
	c.packet.data[10] = c.packet.data[11] = c.packet.data[22] = c.packet.data[23] = 0;
	ck_assert_mem_eq(c.packet.data, expected, sizeof(expected));
	ck_assert_mem_eq(c.packet.data + sizeof(expected), original, 32);
}
END_TEST

START_TEST(address_unreachable_is_this)
{
	static const uint8_t
		expected[] = {
			0x60, 0x00, 0x00, 0x00, 0x00, 0x3c, 0x3a, 0x40, /* 60 of payload,
		                                                           ICMPv6, 64 */
			0xfd, 9,    0,    0,    0,    0,    0,    0,    0, 0, 0,
			0,    0,    0,    0,    9,    0xfd, 1,    0,    0, 0, 0,
			0,    0,    0,    0,    0,    0,    0,    0,    0, 1, 0x01,
			0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* type 1 code 3 */
		};
	uint8_t original[CRAFT_MAX_BYTES];
	struct craft c;

	craft_udp(&c, "fd01::1", 5000, "fd09::9", 53, "ping", 4);
	memcpy(original, c.packet.data, 52);
	ck_assert(icmp_unreachable(&c.packet));
	ck_assert_uint_eq(c.packet.len_bytes, 100);
	ck_assert(craft_valid(c.packet.data, c.packet.len_bytes));
	c.packet.data[42] = c.packet.data[43] = 0;
	ck_assert_mem_eq(c.packet.data, expected, sizeof(expected));
	ck_assert_mem_eq(c.packet.data + sizeof(expected), original, 52);
}
END_TEST

static const struct {
	const char *src, *dst;
	uint32_t payload_bytes, mtu_bytes;
	uint8_t type, code;
	uint32_t length, rest; /* of the error; its second word */
} too_big[] = {
	{ "10.0.0.1", "10.0.0.2", 1500, 1420, 3, 4, 576, 1420 },
	{ "10.0.0.1", "10.0.0.2", 1500, 68, 3, 4, 576, 68 },
	{ "10.0.0.1", "10.0.0.2", 100, 99, 3, 4, 28 + 128, 99 },
	{ "10.0.0.1", "10.0.0.2", 520, 99, 3, 4, 576, 99 }, /* fits to the byte */
	{ "10.0.0.1", "10.0.0.2", 1500, 70000, 3, 4, 576,
	  65535 }, /* 16 bits on the wire */
	{ "fd01::1", "fd01::2", 1500, 1420, 2, 0, 1280, 1420 },
	{ "fd01::1", "fd01::2", 1500, 1279, 2, 0, 1280,
	  1280 }, /* RFC 8200 5: never less */
	{ "fd01::1", "fd01::2", 1184, 1280, 2, 0, 1280, 1280 }, /* fits to the byte */
	{ "fd01::1", "fd01::2", 1183, 1280, 2, 0, 1279, 1280 },
};

START_TEST(too_big_says_the_mtu)
{
	struct craft c;
	uint8_t original[CRAFT_MAX_BYTES];
	uint32_t header = strchr(too_big[_i].src, ':') ? 40 : 20;
	const uint8_t *icmp;

	craft_udp(&c, too_big[_i].src, 1, too_big[_i].dst, 2, payload,
	          too_big[_i].payload_bytes);
	memcpy(original, c.packet.data, c.packet.len_bytes);
	ck_assert(icmp_too_big(&c.packet, too_big[_i].mtu_bytes));
	ck_assert_uint_eq(c.packet.len_bytes, too_big[_i].length);
	ck_assert(craft_valid(c.packet.data, c.packet.len_bytes));
	icmp = c.packet.data + header;
	ck_assert_uint_eq(icmp[0], too_big[_i].type);
	ck_assert_uint_eq(icmp[1], too_big[_i].code);
	ck_assert_uint_eq((uint32_t)icmp[4] << 24 | (uint32_t)icmp[5] << 16 |
	                          (uint32_t)icmp[6] << 8 | icmp[7],
	                  too_big[_i].rest);
	ck_assert_mem_eq(icmp + 8, original, too_big[_i].length - header - 8);
}
END_TEST

/* ---- when not */

static const struct {
	const char *src, *dst;
	uint8_t protocol, first_byte; /* first of the payload: the type, for ICMP */
	uint16_t fragment;
	bool answered;
} senders[] = {
	{ "10.0.0.1", "10.0.0.2", 17, 0, 0, true },
	{ "10.0.0.1", "10.0.0.2", 6, 0, 0, true },
	{ "10.0.0.1", "10.0.0.2", 132, 0, 0, true }, /* protocols not known here too */
	/* RFC 1122 3.2.2: not about an ICMP error */
	{ "10.0.0.1", "10.0.0.2", 1, 8, 0, true },   /* echo */
	{ "10.0.0.1", "10.0.0.2", 1, 0, 0, true },   /* echo reply */
	{ "10.0.0.1", "10.0.0.2", 1, 13, 0, true },  /* timestamp */
	{ "10.0.0.1", "10.0.0.2", 1, 3, 0, false },  /* unreachable */
	{ "10.0.0.1", "10.0.0.2", 1, 4, 0, false },  /* source quench */
	{ "10.0.0.1", "10.0.0.2", 1, 5, 0, false },  /* redirect */
	{ "10.0.0.1", "10.0.0.2", 1, 11, 0, false }, /* time exceeded */
	{ "10.0.0.1", "10.0.0.2", 1, 12, 0, false }, /* parameter problem */
	{ "10.0.0.1", "10.0.0.2", 1, 42, 0,
	  false }, /* what may be an error for all we know */
	/* ... nor to a group, nor from or about nobody in particular */
	{ "10.0.0.1", "224.0.0.251", 17, 0, 0, false },
	{ "10.0.0.1", "255.255.255.255", 17, 0, 0, false },
	{ "10.0.0.1", "0.0.0.0", 17, 0, 0, false },
	{ "0.0.0.0", "10.0.0.2", 17, 0, 0, false },
	{ "0.1.2.3", "10.0.0.2", 17, 0, 0, false },
	{ "127.0.0.1", "10.0.0.2", 17, 0, 0, false },
	{ "224.0.0.1", "10.0.0.2", 17, 0, 0, false },
	{ "240.0.0.1", "10.0.0.2", 17, 0, 0, false },
	{ "255.255.255.255", "10.0.0.2", 17, 0, 0, false },
	/* ... nor about a fragment but the first */
	{ "10.0.0.1", "10.0.0.2", 17, 0, 0x2000, true },
	{ "10.0.0.1", "10.0.0.2", 17, 0, 0x2001, false },
	{ "10.0.0.1", "10.0.0.2", 17, 0, 0x00b9, false },
	/* RFC 4443 2.4(e) */
	{ "fd01::1", "fd01::2", 17, 0, 0, true },
	{ "fd01::1", "fd01::2", 58, 128, 0, true },
	{ "fd01::1", "fd01::2", 58, 135, 0, true },
	{ "fd01::1", "fd01::2", 58, 1, 0, false },
	{ "fd01::1", "fd01::2", 58, 2, 0, false },
	{ "fd01::1", "fd01::2", 58, 127, 0, false },
	{ "fd01::1", "fd01::2", 58, 137, 0, false }, /* redirect */
	{ "fd01::1", "ff02::fb", 17, 0, 0, false },
	{ "fd01::1", "::", 17, 0, 0, false },
	{ "::", "fd01::2", 17, 0, 0, false },
	{ "::1", "fd01::2", 17, 0, 0, false },
	{ "ff02::1", "fd01::2", 17, 0, 0, false },
};

START_TEST(no_error_about_these)
{
	uint8_t body[64] = { senders[_i].first_byte };
	struct craft c, before;

	craft_ip(&c, senders[_i].src, senders[_i].dst, senders[_i].protocol, body,
	         sizeof(body));
	if (senders[_i].fragment)
		craft_set_fragment(&c, senders[_i].fragment);
	before = c;
	ck_assert_int_eq(icmp_unreachable(&c.packet), senders[_i].answered);
	if (!senders[_i].answered)
		ck_assert_mem_eq(&c, &before, sizeof(c));
	c = before;
	c.packet.data = c.buffer + PACKET_HEADROOM_BYTES;
	ck_assert_int_eq(icmp_too_big(&c.packet, 1300), senders[_i].answered);
}
END_TEST

START_TEST(no_error_about_what_is_cut_off)
{
	struct craft c;

	craft_ip(&c, "10.0.0.1", "10.0.0.2", 1, "", 0); /* ICMP without a type */
	ck_assert(!icmp_unreachable(&c.packet));
	craft_ip(&c, "fd01::1", "fd01::2", 58, "", 0);
	ck_assert(!icmp_unreachable(&c.packet));
	craft_ip(&c, "10.0.0.1", "10.0.0.2", 17, "abcdefgh", 8);
	packet_set_len(&c.packet, 27); /* less than the header says */
	ck_assert(!icmp_unreachable(&c.packet));
	craft_bytes(&c, "", 0);
	ck_assert(!icmp_too_big(&c.packet, 1280));
}
END_TEST

/* ---- how often */

START_TEST(a_burst_then_a_rate)
{
	struct icmp_limit limit = { 0 };
	uint64_t now_ns = 5 * NS_PER_SEC;
	unsigned passed = 0;

	for (int i = 0; i < 200; i++)
		passed += icmp_allowed(&limit, now_ns);
	ck_assert_uint_eq(passed, ICMP_BURST);
	for (passed = 0; now_ns < 6 * NS_PER_SEC; now_ns += NS_PER_SEC / 10000)
		passed += icmp_allowed(&limit, now_ns);
	ck_assert_uint_ge(passed, ICMP_PER_SECOND - 1);
	ck_assert_uint_le(passed, ICMP_PER_SECOND);
	/* In an idle hour no more is saved up than the bucket holds. */
	now_ns += 3600 * NS_PER_SEC;
	for (passed = 0; icmp_allowed(&limit, now_ns);)
		passed++;
	ck_assert_uint_eq(passed, ICMP_BURST);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/icmp");

	tcase_add_unchecked_fixture(tc, fill, NULL);
	tcase_add_test(tc, host_unreachable_is_this);
	tcase_add_test(tc, address_unreachable_is_this);
	tcase_add_loop_test(tc, too_big_says_the_mtu, 0, (int)ARRAY_SIZE(too_big));
	tcase_add_loop_test(tc, no_error_about_these, 0, (int)ARRAY_SIZE(senders));
	tcase_add_test(tc, no_error_about_what_is_cut_off);
	tcase_add_test(tc, a_burst_then_a_rate);
	return tc;
}
