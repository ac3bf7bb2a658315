/* src/demo/show.h - the demo's output: headings, aligned lines, and checks that count */
#ifndef TUNION_DEMO_SHOW_H
#define TUNION_DEMO_SHOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"

struct show {
	FILE *out; /* borrowed */
	bool color;
	unsigned checks, failed;
};

void show_heading(const struct show *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void show_line(const struct show *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Prints "ok" or "FAILED" and what was expected, and counts it. Returns ok. */
bool show_check(struct show *s, bool ok, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define SHOW_NUMBER_STRLEN 32
/* Formats a number like "1,234,567". */
const char *show_number(uint64_t n, char out[static SHOW_NUMBER_STRLEN]);
/* Formats a size like "12.3 MiB". */
const char *show_bytes(uint64_t n, char out[static SHOW_NUMBER_STRLEN]);

#endif
