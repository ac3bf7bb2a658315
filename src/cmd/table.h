/* src/cmd/table.h - prints text in columns, for people */
#ifndef TUNION_CMD_TABLE_H
#define TUNION_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"

/* A table that is all zeroes except for columns is empty. */
struct table {
	size_t columns;
	char **cells; /* owned, row after row */
	size_t count, capacity;
	bool failed; /* out of memory; table_print says so */
};

/* Adds the next cell; each row is filled from the left. */
void table_cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Prints two blanks between columns, and none after the last. Clears the table. */
void table_print(struct table *t, FILE *out);
/* Clears the table without printing it. */
void table_clear(struct table *t);

#endif
