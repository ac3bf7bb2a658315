/* src/demo/show.c - colours are ECMA-48 sequences, used only if the caller asks for
 * them */
#include "demo/show.h"

#include <stdarg.h>

#define BOLD  "\x1b[1m"
#define GREEN "\x1b[32m"
#define RED   "\x1b[1;31m"
#define PLAIN "\x1b[0m"

static const char *color(const struct show *s, const char *code)
{
	return s->color ? code : "";
}

void show_heading(const struct show *s, const char *fmt, ...)
{
	va_list args;

	fprintf(s->out, "\n%s", color(s, BOLD));
	va_start(args, fmt);
	vfprintf(s->out, fmt, args);
	va_end(args);
	fprintf(s->out, "%s\n", color(s, PLAIN));
	fflush(s->out);
}

void show_line(const struct show *s, const char *fmt, ...)
{
	va_list args;

	fputs("  ", s->out);
	va_start(args, fmt);
	vfprintf(s->out, fmt, args);
	va_end(args);
	fputs("\n", s->out);
	fflush(s->out);
}

bool show_check(struct show *s, bool ok, const char *fmt, ...)
{
	va_list args;

	s->checks++;
	s->failed += !ok;
	fprintf(s->out, "  %s%s%s ", color(s, ok ? GREEN : RED), ok ? "ok    " : "FAILED",
	        color(s, PLAIN));
	va_start(args, fmt);
	vfprintf(s->out, fmt, args);
	va_end(args);
	fputs("\n", s->out);
	fflush(s->out);
	return ok;
}

const char *show_number(uint64_t n, char out[static SHOW_NUMBER_STRLEN])
{
	char digits[SHOW_NUMBER_STRLEN];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *p = out;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = 0;
	return out;
}

const char *show_bytes(uint64_t n, char out[static SHOW_NUMBER_STRLEN])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n;
	size_t unit = 0;

	for (; v >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		v /= 1024;
	snprintf(out, SHOW_NUMBER_STRLEN, unit == 0 ? "%.0f %s" : "%.1f %s", v,
	         units[unit]);
	return out;
}
