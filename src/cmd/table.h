/* src/cmd/table.h - text in columns, for people */
#ifndef TUNION_CMD_TABLE_H
#define TUNION_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"

/* Zeroed but for columns is empty. */
struct table {
	size_t columns;
	char **cells; /* owned, row after row */
	size_t count, capacity;
	bool failed; /* out of memory: table_print says so */
};

/* The next cell; rows fill from the left. */
void table_cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Two blanks between columns, none behind the last. Clears the table. */
void table_print(struct table *t, FILE *out);
/* Without printing it. */
void table_clear(struct table *t);

#endif
