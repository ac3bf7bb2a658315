/* src/cmd/sparkline.c - draws each value as one of eight block characters */
#include "cmd/sparkline.h"

#include <string.h>

#include "base/attr.h"

#define LEVELS 8

static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const ascii[] = { "_", ".", "-", "~", "=", "+", "*", "#" };
_Static_assert(ARRAY_SIZE(blocks) == LEVELS, "a block for each level");
_Static_assert(ARRAY_SIZE(ascii) == LEVELS, "a character for each level");

void sparkline_add(struct sparkline *s, uint64_t value)
{
	if (s->count == SPARKLINE_POINTS)
		memmove(s->values, s->values + 1, --s->count * sizeof(s->values[0]));
	s->values[s->count++] = value;
}

/* A value that is not 0 is always visible, because it is above the lowest level. */
static size_t level(uint64_t value, uint64_t greatest)
{
	if (value == 0)
		return 0;
	return 1 + (size_t)((double)value / (double)greatest * (LEVELS - 2) + 0.5);
}

const char *sparkline_format(const struct sparkline *s, bool utf8,
                             char out[static SPARKLINE_BYTES])
{
	const char *const *characters = utf8 ? blocks : ascii;
	size_t blanks = SPARKLINE_POINTS - s->count, n = blanks;
	uint64_t greatest = 0;

	for (size_t i = 0; i < s->count; i++)
		greatest = s->values[i] > greatest ? s->values[i] : greatest;
	memset(out, ' ', blanks);
	for (size_t i = 0; i < s->count; i++) {
		const char *c = characters[level(s->values[i], greatest)];
		size_t bytes = strlen(c);

		memcpy(out + n, c, bytes);
		n += bytes;
	}
	out[n] = '\0';
	return out;
}
