/* tests/unit/test_key.c - the keys are those of RFC 7748 6.1 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/key.h"

#define HEX_KEY    "77076d0a7318a57d3c16c17251b26645df4a6c2fbb6dd8b1b9c1ef4d0d4c1a2a"
#define BASE64_KEY "dwdtCnMYpX08FsFyUbJmRd9KbC+7bdixucHvTQ1MGio="

START_TEST(base64_and_hex_and_back)
{
	uint8_t from_hex[KEY_BYTES], from_base64[KEY_BYTES];
	char base64[KEY_BASE64_CHARS + 1], hex[KEY_HEX_CHARS + 1];

	ck_assert(key_from_hex(from_hex, HEX_KEY, 64));
	key_to_base64(base64, from_hex);
	ck_assert(key_from_base64(from_base64, base64, 44));
	ck_assert_mem_eq(from_hex, from_base64, KEY_BYTES);
	key_to_hex(hex, from_base64);
	ck_assert_str_eq(hex, HEX_KEY);
	ck_assert_uint_eq(strlen(base64), 44);
}
END_TEST

START_TEST(random_keys)
{
	uint64_t seed = unit_seed();

	for (unsigned round = 0; round < 2000; round++) {
		uint8_t key[KEY_BYTES], back[KEY_BYTES];
		char text[KEY_HEX_CHARS + 1];

		for (size_t i = 0; i < KEY_BYTES; i++)
			key[i] = (uint8_t)unit_random(&seed);
		key_to_base64(text, key);
		ck_assert(key_from_base64(back, text, KEY_BASE64_CHARS));
		ck_assert_mem_eq(key, back, KEY_BYTES);
		key_to_hex(text, key);
		ck_assert(key_from_hex(back, text, KEY_HEX_CHARS));
		ck_assert_mem_eq(key, back, KEY_BYTES);
	}
}
END_TEST

static const char *const bad_base64[] = {
	"",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* 43: no = */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", /* 45 */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",  /* 31 bytes */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  /* 33 bytes */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",  /* low bits of the last digit */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-=",  /* the other alphabet */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAA=",
	"=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
};

START_TEST(bad_base64_is_refused_and_wipes)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_base64); i++) {
		uint8_t key[KEY_BYTES];

		memset(key, 0xff, sizeof(key));
		ck_assert_msg(!key_from_base64(key, bad_base64[i], strlen(bad_base64[i])),
		              "%s", bad_base64[i]);
		ck_assert(key_is_zero(key));
	}
}
END_TEST

static const char *const bad_hex[] = {
	"",
	"7",
	"77076d0a7318a57d3c16c17251b26645df4a6c2fbb6dd8b1b9c1ef4d0d4c1a2",
	"77076d0a7318a57d3c16c17251b26645df4a6c2fbb6dd8b1b9c1ef4d0d4c1a2a0",
	"77076d0a7318a57d3c16c17251b26645df4a6c2fbb6dd8b1b9c1ef4d0d4c1a2g",
	"77076d0a7318a57d3c16c17251b26645 f4a6c2fbb6dd8b1b9c1ef4d0d4c1a2a",
};

START_TEST(bad_hex_is_refused_and_wipes)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_hex); i++) {
		uint8_t key[KEY_BYTES];

		memset(key, 0xff, sizeof(key));
		ck_assert_msg(!key_from_hex(key, bad_hex[i], strlen(bad_hex[i])), "%s",
		              bad_hex[i]);
		ck_assert(key_is_zero(key));
	}
}
END_TEST

START_TEST(chars_bound_the_text)
{
	uint8_t key[KEY_BYTES], again[KEY_BYTES];
	char text[KEY_BASE64_CHARS + 3];

	ck_assert(key_from_hex(key, HEX_KEY, 64));
	key_to_base64(text, key);
	memcpy(text + KEY_BASE64_CHARS, "#x", 2); /* not NUL */
	ck_assert(key_from_base64(again, text, KEY_BASE64_CHARS));
	ck_assert_mem_eq(key, again, KEY_BYTES);
}
END_TEST

START_TEST(zero)
{
	uint8_t key[KEY_BYTES] = { 0 };

	ck_assert(key_is_zero(key));
	key[KEY_BYTES - 1] = 1;
	ck_assert(!key_is_zero(key));
}
END_TEST

START_TEST(short_form)
{
	uint8_t key[KEY_BYTES];
	char text[KEY_SHORT_STRLEN];

	ck_assert(key_from_base64(key, BASE64_KEY, 44));
	ck_assert_str_eq(key_short(key, text), "dwdt…MGio");
}
END_TEST

START_TEST(keys_in_text_are_masked)
{
	static const struct {
		const char *text, *masked;
	} cases[] = {
		{ "", "" },
		{ "wg show", "wg show" },
		{ "echo " BASE64_KEY, "echo (key)" },
		{ "<(echo " BASE64_KEY ") x", "<(echo (key)) x" },
		{ "k=" BASE64_KEY "," BASE64_KEY ".", "k=(key),(key)." },
		{ "/run/" BASE64_KEY, "(key)" },
		{ "x" BASE64_KEY "=", "(key)=" },
		{ "private_key=" HEX_KEY "\\n", "private_key=(key)\\n" },
		/* one digit less, and one more of the hexadecimal ones */
		{ "a+/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "(key)" },
		{ "+/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		  "+/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
		{ HEX_KEY "0", HEX_KEY "0" },
		{ "=" BASE64_KEY "=" BASE64_KEY, "=(key)=(key)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		key_mask(text);
		ck_assert_str_eq(text, cases[i].masked);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/key");

	tcase_add_test(tc, base64_and_hex_and_back);
	tcase_add_test(tc, random_keys);
	tcase_add_test(tc, bad_base64_is_refused_and_wipes);
	tcase_add_test(tc, bad_hex_is_refused_and_wipes);
	tcase_add_test(tc, chars_bound_the_text);
	tcase_add_test(tc, zero);
	tcase_add_test(tc, short_form);
	tcase_add_test(tc, keys_in_text_are_masked);
	return tc;
}
