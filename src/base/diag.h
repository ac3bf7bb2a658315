/* src/base/diag.h - errors and warnings of setup and control, collected; only cmd prints them */
#ifndef TUNION_BASE_DIAG_H
#define TUNION_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
};

struct diag_entry {
	enum diag_severity severity;
	char *file;    /* owned; NULL: about no file */
	unsigned line; /* from 1; 0: about the whole file */
	char *text;    /* owned; one line, no secret in it */
};

/* Zeroed is empty. A list that ran out of memory says so when printed and counts as error. */
struct diag {
	struct diag_entry *entries; /* owned */
	size_t count, capacity;
	size_t errors, warnings;
};

void diag_clear(struct diag *d);

/* file may be NULL, line 0. The text is one sentence: what is wrong, what is expected. */
void diag_error(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
void diag_warning(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
        PRINTF_LIKE(4, 5);

/* "FILE:LINE: text" each, warnings with "warning: " before the text; in order of file (as
 * first mentioned) and line. */
void diag_print(const struct diag *d, FILE *out);

#endif
