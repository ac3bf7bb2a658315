/* src/base/log.c */
#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

#define LINE_BYTES 512 /* longer lines are cut */

void log_to_stderr(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	fprintf(stderr, "tunion: %s\n", line);
}

static void write_line(const struct log *log, enum log_level level, const char *name,
                       uint64_t swallowed, const char *fmt, va_list args)
	PRINTF_LIKE(5, 0);
static void write_line(const struct log *log, enum log_level level, const char *name,
                       uint64_t swallowed, const char *fmt, va_list args)
{
	char line[LINE_BYTES];
	size_t n = 0;

	if (name)
		n = (size_t)snprintf(line, sizeof(line), "%.32s: ", name);
	vsnprintf(line + n, sizeof(line) - n, fmt, args);
	printable_make(line);
	n = strlen(line);
	if (swallowed)
		snprintf(line + n, sizeof(line) - n, " (and %" PRIu64 " more like it)",
		         swallowed);
	log->write(log->context, level, line);
}

void log_line(const struct log *log, enum log_level level, const char *name,
              const char *fmt, ...)
{
	va_list args;

	if (!log || level > log->level)
		return;
	va_start(args, fmt);
	write_line(log, level, name, 0, fmt, args);
	va_end(args);
}

void log_limited(const struct log *log, struct log_limit *limit, uint64_t now_ns,
                 uint64_t period_ns, enum log_level level, const char *name,
                 const char *fmt, ...)
{
	va_list args;

	if (!log || level > log->level)
		return;
	if (now_ns < limit->next_ns) {
		limit->swallowed++;
		return;
	}
	va_start(args, fmt);
	write_line(log, level, name, limit->swallowed, fmt, args);
	va_end(args);
	limit->next_ns = now_ns + period_ns;
	limit->swallowed = 0;
}
