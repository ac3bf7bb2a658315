/* src/base/diag.c */
#include "base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/printable.h"

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

static size_t *counter(struct diag *d, enum diag_severity severity)
{
	switch (severity) {
	case DIAG_ERROR:
		break;
	case DIAG_WARNING:
		return &d->warnings;
	case DIAG_NOTE:
		return &d->notes;
	}
	return &d->errors;
}

static size_t total(const struct diag *d)
{
	return d->errors + d->warnings + d->notes;
}

static void add(struct diag *d, enum diag_severity severity, const char *file,
                unsigned line, const char *fmt, va_list args) PRINTF_LIKE(5, 0);
static void add(struct diag *d, enum diag_severity severity, const char *file,
                unsigned line, const char *fmt, va_list args)
{
	struct diag_entry e = { .severity = severity, .line = line };

	*counter(d, severity) += 1;
	if (!grow(d) || (file && !(e.file = strdup(file))) ||
	    vasprintf(&e.text, fmt, args) < 0) {
		free(e.file);
		d->errors++; /* a message that got lost must not look like success */
		return;
	}
	printable_make(e.text);
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

void diag_note(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(d, DIAG_NOTE, file, line, fmt, args);
	va_end(args);
}

void diag_copy_entry(struct diag *to, const struct diag_entry *e)
{
	switch (e->severity) {
	case DIAG_ERROR:
		diag_error(to, e->file, e->line, "%s", e->text);
		break;
	case DIAG_WARNING:
		diag_warning(to, e->file, e->line, "%s", e->text);
		break;
	case DIAG_NOTE:
		diag_note(to, e->file, e->line, "%s", e->text);
		break;
	}
}

void diag_copy_errors(struct diag *to, const struct diag *from)
{
	for (size_t i = 0; i < from->count; i++) {
		if (from->entries[i].severity == DIAG_ERROR)
			diag_copy_entry(to, &from->entries[i]);
	}
}

static bool same_place(const struct diag_entry *a, const struct diag_entry *b)
{
	bool same_file =
		a->file && b->file ? strcmp(a->file, b->file) == 0 : a->file == b->file;

	return same_file && a->line == b->line;
}

bool diag_has(const struct diag *d, const struct diag_entry *entry)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct diag_entry *e = &d->entries[i];

		if (same_place(e, entry) && strcmp(e->text, entry->text) == 0)
			return true;
	}
	return false;
}

enum log_level diag_level(const struct diag_entry *e)
{
	switch (e->severity) {
	case DIAG_ERROR:
		break;
	case DIAG_WARNING:
		return LOG_LEVEL_WARN;
	case DIAG_NOTE:
		return LOG_LEVEL_INFO;
	}
	return LOG_LEVEL_ERROR;
}

void diag_log(const struct diag *d, const struct log *log)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct diag_entry *e = &d->entries[i];
		enum log_level level = diag_level(e);

		if (e->file && e->line > 0)
			log_line(log, level, NULL, "%s:%u: %s", e->file, e->line,
			         e->text);
		else if (e->file)
			log_line(log, level, NULL, "%s: %s", e->file, e->text);
		else
			log_line(log, level, NULL, "%s", e->text);
	}
}

static int compare_files(const struct diag_entry *a, const struct diag_entry *b)
{
	if (!a->file || !b->file)
		return (a->file != NULL) - (b->file != NULL);
	return strcmp(a->file, b->file);
}

static int compare_sizes(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

/* Of pointers to entries. */
static int by_message(const void *a, const void *b)
{
	const struct diag_entry *const *x = a, *const *y = b;
	int c = compare_files(*x, *y);

	if (c == 0)
		c = compare_sizes((*x)->line, (*y)->line);
	return c ? c : strcmp((*x)->text, (*y)->text);
}

/* Both may have many entries, and others may have caused them. */
void diag_log_news(const struct diag *d, struct diag *known, const struct log *log)
{
	const struct diag_entry **sorted = calloc(known->count + 1, sizeof(*sorted));
	size_t n = sorted ? known->count : 0;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &known->entries[i];
	if (n > 0)
		qsort(sorted, n, sizeof(*sorted), by_message);
	for (size_t i = 0; i < d->count; i++) {
		struct diag one = { .entries = &d->entries[i], .count = 1 };
		const struct diag_entry *e = &d->entries[i];

		if (n == 0 || !bsearch(&e, sorted, n, sizeof(*sorted), by_message))
			diag_log(&one, log);
	}
	free(sorted);
	diag_clear(known);
	diag_copy_errors(known, d);
}

void diag_move(struct diag *to, struct diag *from)
{
	size_t untold = total(from) - from->count;

	for (size_t i = 0; i < from->count; i++)
		diag_copy_entry(to, &from->entries[i]);
	to->errors += untold; /* counted, but not kept for lack of memory */
	diag_clear(from);
}

static void print_entry(const struct diag_entry *e, FILE *out)
{
	/* others may have named it */
	printable_print(out, e->file ? e->file : "tunion");
	fputc(':', out);
	if (e->file && e->line)
		fprintf(out, "%u:", e->line);
	fprintf(out, " %s%s\n",
	        e->severity == DIAG_WARNING ? "warning: "
	        : e->severity == DIAG_NOTE  ? "note: "
	                                    : "",
	        e->text);
}

/* One entry, and what decides where it is printed. */
struct place {
	const struct diag_entry *entry; /* borrowed */
	size_t order;                   /* the position at which it was added */
	size_t file;                    /* `order` of the file's first entry */
};

static int by_file(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = compare_files(x->entry, y->entry);

	return c ? c : compare_sizes(x->order, y->order);
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = compare_sizes(x->file, y->file);

	if (c == 0)
		c = compare_sizes(x->entry->line, y->entry->line);
	return c ? c : compare_sizes(x->order, y->order);
}

static void sort(struct place *places, const struct diag *d)
{
	for (size_t i = 0; i < d->count; i++)
		places[i] = (struct place){ .entry = &d->entries[i], .order = i };
	qsort(places, d->count, sizeof(*places), by_file);
	for (size_t i = 0; i < d->count; i++) {
		bool first = i == 0 ||
		             compare_files(places[i - 1].entry, places[i].entry) != 0;

		places[i].file = first ? places[i].order : places[i - 1].file;
	}
	qsort(places, d->count, sizeof(*places), by_place);
}

void diag_print(const struct diag *d, FILE *out)
{
	struct place *places = calloc(d->count + 1, sizeof(*places));

	if (places)
		sort(places, d);
	/* If there is no memory to sort them, they are printed unsorted. */
	for (size_t i = 0; i < d->count; i++)
		print_entry(places ? places[i].entry : &d->entries[i], out);
	free(places);
	if (d->count < total(d))
		fprintf(out, "out of memory: some messages are missing\n");
}
