/* src/host/programs.h - which programs does `up` call for these files? */
#ifndef TUNION_HOST_PROGRAMS_H
#define TUNION_HOST_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/plan.h"

#define PROGRAMS_MAX 2

/* What is needed and not there. The texts are static. */
struct program_missing {
	const char *programs; /* one of these would do */
	const char *packages;
	const char *option;      /* of `up`, which does without it */
	const char *need;        /* a word for what in the file needs it, such as "DNS" */
	const struct conf *conf; /* borrowed: the first file that needs it */
	unsigned line;
};

/* has: is there a program of this name, for `up` to call? Returns how many are missing. */
size_t programs_missing(const struct plan *plan, bool (*has)(const char *name),
                        struct program_missing out[static PROGRAMS_MAX]);

#endif
