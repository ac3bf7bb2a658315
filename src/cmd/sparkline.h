/* src/cmd/sparkline.h - how has a number changed lately? Shown as one line of text */
#ifndef TUNION_CMD_SPARKLINE_H
#define TUNION_CMD_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPARKLINE_POINTS 20
#define SPARKLINE_BYTES  (SPARKLINE_POINTS * 3 + 1) /* a block has 3 bytes in UTF-8 */

/* The latest values, the newest at the end. All zeroes: no values yet. */
struct sparkline {
	uint64_t values[SPARKLINE_POINTS];
	size_t count;
};

void sparkline_add(struct sparkline *s, uint64_t value);

/* Writes one character for each value: the highest block for the greatest value, the
 * lowest for 0. If there are fewer values, blanks come first. Without utf8, uses ASCII.
 * Returns out. */
const char *sparkline_format(const struct sparkline *s, bool utf8,
                             char out[static SPARKLINE_BYTES]);

#endif
