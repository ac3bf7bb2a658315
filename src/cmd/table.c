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

/* A column without text and title takes no room, except for the blanks in front of it. */
static size_t total_width(const struct table *t, const size_t *widths)
{
	size_t total = 0;

	for (size_t i = 0; i < t->columns; i++)
		total += widths[i] > 0 ? widths[i] + (total > 0 ? 2 : 0) : 0;
	return total;
}

/* Makes columns narrower, one after the other, until the rows fit. If more room came of one
 * that was left out than was needed, `comes_back` does so if it fits, and those that were
 * only shortened have the rest. */
static void fit(const struct table *t, size_t *widths)
{
	size_t i = 0, total;
	bool go_on = false;

	while (i < t->cut_count && (go_on || total_width(t, widths) > t->width)) {
		const struct table_cut *cut = &t->cuts[i++];

		go_on = cut->with_next;
		if (widths[cut->column] > cut->least)
			widths[cut->column] = cut->least;
	}
	while (i-- > 0 && (total = total_width(t, widths)) < t->width) {
		size_t *now = &widths[t->cuts[i].column];
		size_t full = column_width(t, t->cuts[i].column);

		if (*now == 0 && full > 0 && t->comes_back == t->cuts[i].column &&
		    total + 2 + full <= t->width)
			*now = full;
		else if (*now > 0 && *now < full)
			*now += full - *now < t->width - total ? full - *now
			                                       : t->width - total;
	}
}

/* Prints the cell, shortened if it is too wide. Returns how many characters it has. Colours
 * are printed in any case, so that they end. */
static size_t print_cell(const struct table *t, const char *cell, size_t room, FILE *out)
{
	bool cut = width(cell) > room;
	size_t used = 0, most = cut ? room - 1 : room;

	for (; *cell; cell++) {
		if (*cell == '\033') {
			size_t n = strcspn(cell, "m");

			fwrite(cell, 1, n + (cell[n] != '\0'), out);
			cell += n - (cell[n] == '\0');
			continue;
		}
		used += (*cell & 0xc0) != 0x80;
		if (used <= most)
			fputc(*cell, out);
		else if (cut && used == room && (*cell & 0xc0) != 0x80)
			fputs(t->ellipsis ? t->ellipsis : "…", out);
	}
	return used < room ? used : room;
}

static void print_row(const struct table *t, size_t first, const size_t *widths,
                      FILE *out)
{
	size_t last = t->columns; /* the number of cells up to the last one with text */
	size_t blanks = 0;

	while (last > 0 && (first + last > t->count || widths[last - 1] == 0 ||
	                    t->cells[first + last - 1][0] == '\0'))
		last--;
	for (size_t i = 0; i < last; i++) {
		if (widths[i] == 0 && t->width > 0)
			continue;
		fprintf(out, "%*s", (int)blanks, "");
		blanks = 2 + widths[i] -
		         print_cell(t, t->cells[first + i], widths[i], out);
	}
	fputc('\n', out);
}

void table_print(struct table *t, FILE *out)
{
	size_t *widths = calloc(t->columns, sizeof(*widths));

	for (size_t i = 0; widths && i < t->columns; i++)
		widths[i] = column_width(t, i);
	if (widths && t->width > 0)
		fit(t, widths);
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
	t->cells = NULL;
	t->count = t->capacity = 0;
	t->failed = false;
}
