/* src/cmd/table.c - keeps all cells until the width of each column is known */
#include "cmd/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct table *t)
{
	size_t capacity = t->capacity ? 2 * t->capacity : 64;
	char **cells;

	if (t->count < t->capacity)
		return true;
	cells = reallocarray(t->cells, capacity, sizeof(*cells));
	if (!cells)
		return false;
	t->cells = cells;
	t->capacity = capacity;
	return true;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0 || !grow(t)) {
		if (n >= 0)
			free(text);
		t->failed = true;
		return;
	}
	t->cells[t->count++] = text;
}

/* Returns the width in characters. The continuation bytes of UTF-8 don't count, nor do
 * colours (ESC [ ... m). */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == '\033')
			text += strcspn(text, "m");
		else
			n += (*text & 0xc0) != 0x80;
		if (!*text)
			break;
	}
	return n;
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < t->count; i += t->columns) {
		size_t n = width(t->cells[i]);

		if (n > widest)
			widest = n;
	}
	return widest;
}

static void print_row(const struct table *t, size_t first, const size_t *widths,
                      FILE *out)
{
	size_t last = t->columns; /* the number of cells up to the last one with text */

	while (last > 0 &&
	       (first + last > t->count || t->cells[first + last - 1][0] == '\0'))
		last--;
	for (size_t i = 0; i < last; i++) {
		const char *cell = t->cells[first + i];

		fputs(cell, out);
		if (i + 1 < last)
			fprintf(out, "%*s", (int)(widths[i] - width(cell) + 2), "");
	}
	fputc('\n', out);
}

void table_print(struct table *t, FILE *out)
{
	size_t *widths = calloc(t->columns, sizeof(*widths));

	for (size_t i = 0; widths && i < t->columns; i++)
		widths[i] = column_width(t, i);
	for (size_t i = 0; widths && i < t->count; i += t->columns)
		print_row(t, i, widths, out);
	if (t->failed || !widths)
		fprintf(out, "(out of memory)\n");
	free(widths);
	table_clear(t);
}

void table_clear(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ .columns = t->columns };
}
