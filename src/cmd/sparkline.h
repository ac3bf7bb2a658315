/* src/cmd/sparkline.h - how did a number move lately? As one line of text */
#ifndef TUNION_CMD_SPARKLINE_H
#define TUNION_CMD_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPARKLINE_POINTS 20
#define SPARKLINE_BYTES  (SPARKLINE_POINTS * 3 + 1) /* a block has 3 bytes in UTF-8 */

/* The last values, the newest at the end. Zeroed: none yet. */
struct sparkline {
	uint64_t values[SPARKLINE_POINTS];
	size_t count;
};

void sparkline_add(struct sparkline *s, uint64_t value);

/* A character per value, the greatest the highest block, 0 the lowest; blanks in front
 * while there are fewer. Without utf8 by ASCII. Returns out. */
const char *sparkline_format(const struct sparkline *s, bool utf8,
                             char out[static SPARKLINE_BYTES]);

#endif
