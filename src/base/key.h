/* src/base/key.h - 32-byte keys as text, base64 (files) and hex (UAPI), in
 * constant time */
#ifndef TUNION_BASE_KEY_H
#define TUNION_BASE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define KEY_BYTES        32
#define KEY_BASE64_CHARS 44 /* without the final NUL */
#define KEY_HEX_CHARS    64

/* Reads `chars` characters of text, which need not end with NUL: exactly KEY_BASE64_CHARS
 * of standard base64 (the two low bits of the last digit are zero, as wg demands), or
 * exactly KEY_HEX_CHARS of hex. Where they return false, `out` is wiped. */
MUST_CHECK bool key_from_base64(uint8_t out[static KEY_BYTES], const char *text,
                                size_t chars);
MUST_CHECK bool key_from_hex(uint8_t out[static KEY_BYTES], const char *text,
                             size_t chars);
void key_to_base64(char out[static KEY_BASE64_CHARS + 1],
                   const uint8_t key[static KEY_BYTES]);
void key_to_hex(char out[static KEY_HEX_CHARS + 1], const uint8_t key[static KEY_BYTES]);
/* Takes the same time for every key. */
bool key_is_zero(const uint8_t key[static KEY_BYTES]);
/* Is it one of conf-examples, whose text begins with "EXAMPLE/"? Also if it was clamped.
 * Such a key is no secret. */
bool key_is_example(const uint8_t key[static KEY_BYTES]);

/* Replaces whatever looks like a key, in base64 or hex, by "(key)". It is for text of
 * others that is to be printed. Works in place; the text does not get longer. */
void key_mask(char *text);

/* Writes "AbCd…wXyZ", which is enough of a public key to recognise a peer in a log line,
 * and returns `out`. */
#define KEY_SHORT_STRLEN 16
const char *key_short(const uint8_t public_key[static KEY_BYTES],
                      char out[static KEY_SHORT_STRLEN]);

#endif
