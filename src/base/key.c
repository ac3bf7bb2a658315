/* src/base/key.c - libsodium's codecs take the same time for all texts of one length.
 * Like wg, its base64 decoder refuses a last digit whose low bits are not zero. */
#include "base/key.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

bool key_from_base64(uint8_t out[static KEY_BYTES], const char *text, size_t chars)
{
	size_t n;
	const char *end;

	if (chars == KEY_BASE64_CHARS &&
	    sodium_base642bin(out, KEY_BYTES, text, chars, NULL, &n, &end,
	                      sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    n == KEY_BYTES && end == text + chars)
		return true;
	sodium_memzero(out, KEY_BYTES);
	return false;
}

bool key_from_hex(uint8_t out[static KEY_BYTES], const char *text, size_t chars)
{
	size_t n;
	const char *end;

	if (chars == KEY_HEX_CHARS &&
	    sodium_hex2bin(out, KEY_BYTES, text, chars, NULL, &n, &end) == 0 &&
	    n == KEY_BYTES && end == text + chars)
		return true;
	sodium_memzero(out, KEY_BYTES);
	return false;
}

void key_to_base64(char out[static KEY_BASE64_CHARS + 1],
                   const uint8_t key[static KEY_BYTES])
{
	sodium_bin2base64(out, KEY_BASE64_CHARS + 1, key, KEY_BYTES,
	                  sodium_base64_VARIANT_ORIGINAL);
}

void key_to_hex(char out[static KEY_HEX_CHARS + 1], const uint8_t key[static KEY_BYTES])
{
	sodium_bin2hex(out, KEY_HEX_CHARS + 1, key, KEY_BYTES);
}

static bool is_hex(const char *text, size_t n)
{
	return n == KEY_HEX_CHARS && strspn(text, "0123456789abcdefABCDEF") >= n;
}

void key_mask(char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	static const char mask[] = "(key)";

	while (*(text += strcspn(text, digits)) != '\0') {
		size_t n = strspn(text, digits);

		/* It may be longer, because what stands right before the key, such as a
		 * path, can have the same digits. */
		if (n >= KEY_BASE64_CHARS - 1 && text[n] == '=')
			n++;
		else if (!is_hex(text, n)) {
			text += n;
			continue;
		}
		memmove(text + sizeof(mask) - 1, text + n, strlen(text + n) + 1);
		memcpy(text, mask, sizeof(mask) - 1);
		text += sizeof(mask) - 1;
	}
}

bool key_is_zero(const uint8_t key[static KEY_BYTES])
{
	return sodium_is_zero(key, KEY_BYTES);
}

bool key_is_example(const uint8_t key[static KEY_BYTES])
{
	/* "EXAMPLE/"; clamping clears the low bits of the first byte */
	static const uint8_t begin[] = { 0x10, 0x70, 0x0c, 0x3c, 0xb1, 0x3f };

	return (key[0] & 0xf8) == begin[0] &&
	       memcmp(key + 1, begin + 1, sizeof(begin) - 1) == 0;
}

const char *key_short(const uint8_t public_key[static KEY_BYTES],
                      char out[static KEY_SHORT_STRLEN])
{
	char text[KEY_BASE64_CHARS + 1];

	key_to_base64(text, public_key);
	snprintf(out, KEY_SHORT_STRLEN, "%.4s…%.4s", text, text + KEY_BASE64_CHARS - 5);
	return out;
}
