/* src/base/diag.c */
#include "base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void diag_clear(struct diag *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free(d->entries[i].file);
		free(d->entries[i].text);
	}
	free(d->entries);
	*d = (struct diag){ 0 };
}

static bool grow(struct diag *d)
{
	size_t capacity = d->capacity ? 2 * d->capacity : 16;
	struct diag_entry *entries;

	if (d->count < d->capacity)
		return true;
	entries = reallocarray(d->entries, capacity, sizeof(*entries));
	if (!entries)
		return false;
	d->entries = entries;
	d->capacity = capacity;
	return true;
}

static void add(struct diag *d, enum diag_severity severity, const char *file, unsigned line,
                const char *fmt, va_list args) PRINTF_LIKE(5, 0);
static void add(struct diag *d, enum diag_severity severity, const char *file, unsigned line,
                const char *fmt, va_list args)
{
	struct diag_entry e = { .severity = severity, .line = line };

	*(severity == DIAG_ERROR ? &d->errors : &d->warnings) += 1;
	if (!grow(d) || (file && !(e.file = strdup(file))) || vasprintf(&e.text, fmt, args) < 0) {
		free(e.file);
		d->errors++; /* what can't be told must not pass for fine */
		return;
	}
	d->entries[d->count++] = e;
}

void diag_error(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(d, DIAG_ERROR, file, line, fmt, args);
	va_end(args);
}

void diag_warning(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(d, DIAG_WARNING, file, line, fmt, args);
	va_end(args);
}

static bool same_file(const struct diag_entry *a, const struct diag_entry *b)
{
	if (!a->file || !b->file)
		return a->file == b->file;
	return strcmp(a->file, b->file) == 0;
}

static void print_entry(const struct diag_entry *e, FILE *out)
{
	if (e->file)
		fprintf(out, "%s:", e->file);
	if (e->file && e->line)
		fprintf(out, "%u:", e->line);
	fprintf(out, "%s%s%s\n", e->file ? " " : "", e->severity == DIAG_WARNING ? "warning: " : "",
	        e->text);
}

/* The entries of one file, by line; lists are short, so no sorting in place. */
static void print_file(const struct diag *d, const struct diag_entry *file, FILE *out)
{
	unsigned line = 0, next;

	do {
		next = 0;
		for (size_t i = 0; i < d->count; i++) {
			const struct diag_entry *e = &d->entries[i];

			if (!same_file(file, e))
				continue;
			if (e->line == line)
				print_entry(e, out);
			else if (e->line > line && (next == 0 || e->line < next))
				next = e->line;
		}
		line = next;
	} while (next != 0);
}

void diag_print(const struct diag *d, FILE *out)
{
	for (size_t i = 0; i < d->count; i++) {
		size_t first = 0;

		while (!same_file(&d->entries[first], &d->entries[i]))
			first++;
		if (first == i)
			print_file(d, &d->entries[i], out);
	}
	if (d->count < d->errors + d->warnings)
		fprintf(out, "out of memory: some messages are missing\n");
}
