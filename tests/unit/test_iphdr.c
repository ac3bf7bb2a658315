/* tests/unit/test_iphdr.c - headers as they come from strangers. Each packet is copied
 * into memory of just its size, so that a sanitizer sees a read past its end. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/iphdr.h"

static struct ip_view view;

static bool parse(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	bool ok, ok_addresses;
	struct ip_view addresses;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, bytes, n);
	memset(&view, 0xa5, sizeof(view));
	ok_addresses = ip_view_parse_addresses(&addresses, exact, n);
	ok = ip_view_parse(&view, exact, n);
	free(exact);
	ck_assert(ok == ok_addresses);
	return ok;
}

static const uint8_t packet4[] = {
	0x45, 0x02, 0x00, 0x1c, 0x12, 0x34,
	0x40, 0x00, 0x40, 0x11, 0x00, 0x00, /* to checksum */
	10,   1,    2,    3,    192,  168,
	5,    6,    0x30, 0x39, 0x00, 0x35, /* addresses, ports */
	0x00, 0x08, 0x00, 0x00, 0xee, 0xee, /* UDP; two bytes of padding behind */
};

START_TEST(ipv4)
{
	struct ip_addr src, dst;

	ck_assert(ip_addr_parse(&src, "10.1.2.3") && ip_addr_parse(&dst, "192.168.5.6"));
	ck_assert(parse(packet4, sizeof(packet4)));
	ck_assert_int_eq(view.family, IP_V4);
	ck_assert(ip_addr_equal(&view.src, &src) && ip_addr_equal(&view.dst, &dst));
	ck_assert_uint_eq(view.tos, 2);
	ck_assert_uint_eq(view.protocol, PROTO_UDP);
	ck_assert(!view.fragment && view.first && view.dont_fragment);
	ck_assert_uint_eq(view.total_bytes, 28);
	ck_assert_uint_eq(view.payload_at, 20);
}
END_TEST

/* One byte of packet4 changed, or fewer bytes there. */
static const struct {
	size_t at;
	uint8_t to;
	size_t n;
	bool ok;
} changes4[] = {
	{ 0, 0x45, 28, true },
	{ 0, 0x45, 27, false }, /* shorter than it says */
	{ 0, 0x45, 19, false }, /* no header */
	{ 0, 0x45, 1, false },
	{ 0, 0x45, 0, false },
	{ 0, 0x44, 30, false }, /* header of 16 bytes */
	{ 0, 0x40, 30, false },
	{ 0, 0x46, 30, true }, /* options */
	{ 0, 0x47, 30, true },
	{ 0, 0x48, 30, false }, /* header longer than the packet */
	{ 0, 0x4f, 30, false },
	{ 0, 0x05, 30, false }, /* versions 0, 5, 15 */
	{ 0, 0x55, 30, false },
	{ 0, 0xf5, 30, false },
	{ 0, 0x65, 30, false }, /* IPv6 is longer */
	{ 3, 20, 30, true },    /* nothing behind the header */
	{ 3, 19, 30, false },
	{ 3, 0, 30, false },
	{ 3, 30, 30, true },
	{ 3, 31, 30, false },
	{ 2, 0xff, 30, false },
};

START_TEST(ipv4_lengths)
{
	for (size_t i = 0; i < ARRAY_SIZE(changes4); i++) {
		uint8_t bytes[sizeof(packet4)];

		memcpy(bytes, packet4, sizeof(bytes));
		bytes[changes4[i].at] = changes4[i].to;
		ck_assert_msg(parse(bytes, changes4[i].n) == changes4[i].ok, "change %zu",
		              i);
	}
}
END_TEST

static const struct {
	uint16_t flags_offset;
	bool fragment, first, dont_fragment;
} fragments4[] = {
	{ 0, false, true, false },      { IPV4_DF, false, true, true },
	{ IPV4_MF, true, true, false }, { IPV4_MF | 1, true, false, false },
	{ 1, true, false, false }, /* the last one */
	{ 0x8000, false, true, false },
};

START_TEST(ipv4_fragments)
{
	for (size_t i = 0; i < ARRAY_SIZE(fragments4); i++) {
		uint8_t bytes[sizeof(packet4)];

		memcpy(bytes, packet4, sizeof(bytes));
		bytes[6] = (uint8_t)(fragments4[i].flags_offset >> 8);
		bytes[7] = (uint8_t)fragments4[i].flags_offset;
		ck_assert(parse(bytes, sizeof(bytes)));
		ck_assert(view.fragment == fragments4[i].fragment);
		ck_assert(view.first == fragments4[i].first);
		ck_assert(view.dont_fragment == fragments4[i].dont_fragment);
	}
}
END_TEST

/* An IPv6 packet to write extension headers into; returns its length. */
static size_t packet6(uint8_t *out, uint8_t next, const uint8_t *payload, size_t n)
{
	memset(out, 0, 40);
	out[0] = 0x6a; /* traffic class 0xab */
	out[1] = 0xb0;
	out[5] = (uint8_t)n;
	out[6] = next;
	out[7] = 64;
	out[8] = 0x20;
	out[24] = 0xfd;
	memcpy(out + 40, payload, n);
	return 40 + n;
}

static const struct {
	const char *what;
	uint8_t next;
	uint8_t n; /* bytes of payload used */
	uint8_t payload[40];
	uint8_t protocol;
	uint8_t payload_at;
	bool fragment, first;
} chains6[] = {
	{ "none", PROTO_UDP, 8, { 0 }, PROTO_UDP, 40, false, true },
	{ "empty", PROTO_UDP, 0, { 0 }, PROTO_UDP, 40, false, true },
	{ "hop by hop", 0, 16, { PROTO_TCP, 0 }, PROTO_TCP, 48, false, true },
	{ "routing of 16", 43, 24, { PROTO_TCP, 1 }, PROTO_TCP, 56, false, true },
	{ "destination, destination",
	  60,
	  24,
	  { 60, 0, [8] = PROTO_ICMPV6 },
	  PROTO_ICMPV6,
	  56,
	  false,
	  true },
	{ "first fragment", 44, 16, { PROTO_UDP, 0, 0, 1 }, PROTO_UDP, 48, true, true },
	{ "atomic fragment", 44, 16, { PROTO_UDP, 0, 0, 0 }, PROTO_UDP, 48, true, true },
	{ "later fragment",
	  44,
	  16,
	  { PROTO_UDP, 0, 0, 8, [7] = 5 },
	  PROTO_UDP,
	  48,
	  true,
	  false },
	{ "a later fragment's bytes are no header",
	  44,
	  16,
	  { 60, 0, 1, 0 },
	  60,
	  48,
	  true,
	  false },
	{ "header cut off", 0, 7, { PROTO_TCP, 0 }, 0, 40, false, true },
	{ "longer than the packet", 0, 16, { PROTO_TCP, 2 }, 0, 40, false, true },
	{ "longest", 0, 16, { PROTO_TCP, 255 }, 0, 40, false, true },
	{ "second one cut off", 60, 12, { 60, 0 }, 60, 48, false, true },
	{ "no next header", 59, 0, { 0 }, 59, 40, false, true },
};

static bool is_cut_off(const char *what)
{
	return strstr(what, "cut off") || strncmp(what, "long", 4) == 0;
}

START_TEST(ipv6_extension_headers)
{
	for (size_t i = 0; i < ARRAY_SIZE(chains6); i++) {
		uint8_t bytes[80];
		size_t n =
			packet6(bytes, chains6[i].next, chains6[i].payload, chains6[i].n);

		ck_assert_msg(parse(bytes, n), "%s", chains6[i].what);
		ck_assert_msg(view.protocol == chains6[i].protocol, "%s",
		              chains6[i].what);
		ck_assert_msg(view.payload_at == chains6[i].payload_at, "%s: %u",
		              chains6[i].what, view.payload_at);
		ck_assert_msg(view.fragment == chains6[i].fragment, "%s",
		              chains6[i].what);
		ck_assert_msg(view.first == chains6[i].first, "%s", chains6[i].what);
		ck_assert(view.dont_fragment && view.tos == 0xab && view.family == IP_V6);
		if (view.fragment)
			ck_assert_uint_eq(view.fragment_id, chains6[i].payload[7]);
		ck_assert_uint_eq(view.total_bytes, n);
		ck_assert_msg(ip_view_is_cut_off(&view) == is_cut_off(chains6[i].what),
		              "%s", chains6[i].what);
	}
}
END_TEST

START_TEST(ipv6_lengths)
{
	static const uint8_t payload[20] = { 0 };
	uint8_t bytes[80];
	size_t n = packet6(bytes, PROTO_UDP, payload, sizeof(payload));

	ck_assert(parse(bytes, n));
	ck_assert(parse(bytes, n + 8)); /* padding */
	ck_assert_uint_eq(view.total_bytes, n);
	for (size_t shorter = 0; shorter < n; shorter++)
		ck_assert(!parse(bytes, shorter));
	bytes[4] = 0xff;
	ck_assert(!parse(bytes, sizeof(bytes)));
}
END_TEST

/* Whatever comes: what the view says lies inside the packet. */
START_TEST(random_bytes)
{
	uint64_t seed = unit_seed();
	unsigned parsed = 0;

	for (unsigned round = 0; round < 50000; round++) {
		uint8_t bytes[96];
		size_t n = unit_below(&seed, sizeof(bytes) + 1);

		for (size_t i = 0; i < n; i++)
			bytes[i] =
				(uint8_t)(unit_random(&seed) % 4 ? unit_random(&seed) % 64
			                                         : 0);
		if (n > 5) {
			bytes[0] = round % 2 ? 0x45 : 0x60;
			bytes[2] = bytes[4] = 0;
			bytes[round % 2 ? 3 : 5] %= 90;
		}
		if (!parse(bytes, n))
			continue;
		parsed++;
		ck_assert_uint_le(view.total_bytes, n);
		ck_assert_uint_le(view.payload_at, view.total_bytes);
	}
	ck_assert_uint_gt(parsed, 1000);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/iphdr");

	tcase_add_test(tc, ipv4);
	tcase_add_test(tc, ipv4_lengths);
	tcase_add_test(tc, ipv4_fragments);
	tcase_add_test(tc, ipv6_extension_headers);
	tcase_add_test(tc, ipv6_lengths);
	tcase_add_test(tc, random_bytes);
	return tc;
}
