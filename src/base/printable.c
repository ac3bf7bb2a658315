/* src/base/printable.c - control characters are U+0000 to U+001F and U+007F to U+009F.
 * Longer encodings than necessary aren't UTF-8: some terminals decode them all the same. */
#include "base/printable.h"

#include <stddef.h>
#include <stdint.h>

static bool continues(uint8_t byte, uint8_t lowest, uint8_t highest)
{
	return byte >= lowest && byte <= highest;
}

/* RFC 3629 4. Returns the number of bytes of the character at p; 0 if it is none that may
 * be printed. Doesn't read beyond a NUL. */
static size_t character(const uint8_t *p)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n = 4;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	if (p[0] < 0xe0)
		n = 2;
	else if (p[0] < 0xf0)
		n = 3;
	if (p[0] == 0xc2 || p[0] == 0xe0) /* U+0080 to U+009F; longer than necessary */
		low = 0xa0;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xed) /* surrogates */
		high = 0x9f;
	else if (p[0] == 0xf4) /* above U+10FFFF */
		high = 0x8f;
	if (!continues(p[1], low, high))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!continues(p[i], 0x80, 0xbf))
			return 0;
	return n;
}

bool printable_is(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t n = 1;

	while (*p && n > 0) {
		n = character(p);
		p += n;
	}
	return *p == 0;
}

void printable_make(char *text)
{
	uint8_t *p = (uint8_t *)text;

	while (*p) {
		size_t n = character(p);

		if (n == 0)
			*p = '?';
		p += n ? n : 1;
	}
}

void printable_print(FILE *out, const char *text)
{
	while (*text) {
		size_t n = character((const uint8_t *)text);

		if (n > 0)
			fwrite(text, 1, n, out);
		else
			fputc('?', out);
		text += n ? n : 1;
	}
}
