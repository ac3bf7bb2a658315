/* src/cmd/table.h - prints text in columns, for people */
#ifndef TUNION_CMD_TABLE_H
#define TUNION_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"

/* Where the rows are too wide, this column is shortened to `least` characters, the last of
 * which is an ellipsis, or left out if that is 0. */
struct table_cut {
	size_t column;
	size_t least;
	bool with_next; /* they are a pair, so the next one is cut whenever this one is */
};

/* A table that is all zeroes except for columns is empty. */
struct table {
	size_t columns;
	size_t width;                 /* of the terminal; 0: no limit */
	const struct table_cut *cuts; /* borrowed: from what goes first */
	size_t cut_count;
	size_t comes_back; /* the column that is shown again if it fits after all; 0: none */
	const char *ellipsis; /* borrowed; one character; NULL: that of UTF-8 */
	char **cells;         /* owned, row after row */
	size_t count, capacity;
	bool failed; /* out of memory; table_print says so */
};

/* Adds the next cell; each row is filled from the left. */
void table_cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Prints two blanks between columns, and none after the last. Cuts what has to be cut. Clears
 * the table. */
void table_print(struct table *t, FILE *out);
/* Clears the table without printing it. */
void table_clear(struct table *t);

#endif
