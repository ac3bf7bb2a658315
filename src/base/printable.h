/* src/base/printable.h - which text may be written to a log or a terminal?
 *
 * Text that came from elsewhere could move the cursor, change the title of the window, or
 * begin a line of its own. */
#ifndef TUNION_BASE_PRINTABLE_H
#define TUNION_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"

/* Is it UTF-8 without control characters? A newline is one, too. */
MUST_CHECK bool printable_is(const char *text);
/* Replaces each byte by '?' that belongs to a control character or isn't UTF-8. */
void printable_make(char *text);
/* Prints it like that. */
void printable_print(FILE *out, const char *text);

#endif
