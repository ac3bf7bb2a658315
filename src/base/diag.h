/* src/base/diag.h - collects the errors and warnings of setup and control; only cmd
 * prints them, and a running supervisor logs them */
#ifndef TUNION_BASE_DIAG_H
#define TUNION_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/log.h"

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE, /* nothing is wrong, but it isn't plain to see: not for check --strict */
};

struct diag_entry {
	enum diag_severity severity;
	char *file;    /* owned; NULL if the message is about no file */
	unsigned line; /* counted from 1; 0 if the message is about the whole file */
	char *text;    /* owned; one line that contains no secret */
};

/* A zeroed struct is an empty list. A list that ran out of memory counts this as an error
 * and says so when it is printed. */
struct diag {
	struct diag_entry *entries; /* owned */
	size_t count, capacity;
	size_t errors, warnings, notes;
};

void diag_clear(struct diag *d);

/* file may be NULL, and line 0. The text is one sentence that says what is wrong and what
 * is expected. */
void diag_error(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void diag_warning(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

void diag_note(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Appends all entries of `from` to `to`; `from` is empty after that. */
void diag_move(struct diag *to, struct diag *from);

/* Adds copies of the errors of `from`, not of its warnings. */
void diag_copy_errors(struct diag *to, const struct diag *from);
void diag_copy_entry(struct diag *to, const struct diag_entry *entry);

/* Is there an entry about the same place with the same text? */
bool diag_has(const struct diag *d, const struct diag_entry *entry);

/* The level at which an entry is logged. */
enum log_level diag_level(const struct diag_entry *entry);
/* For when nobody is left to print them: one line of the log for each entry. */
void diag_log(const struct diag *d, const struct log *log);
/* The same, but only for entries that are not in *known, which becomes the errors of d. */
void diag_log_news(const struct diag *d, struct diag *known, const struct log *log);

/* Prints each entry as "FILE:LINE: text", with "warning: " or "note: " in front of the text if
 * it is one, and with "tunion" in the place of a file that there isn't.
 * Entries are sorted by file, in the order in which the files were first mentioned, and
 * then by line. */
void diag_print(const struct diag *d, FILE *out);

#endif
