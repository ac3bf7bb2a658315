/* src/cmd/up_told.h - what do `up`, `proxy` and `gate` say at their end? */
#ifndef TUNION_CMD_UP_TOLD_H
#define TUNION_CMD_UP_TOLD_H

#include <stddef.h>
#include <stdio.h>

#include "plan/plan.h"

#define UP_TOLD_NAMES 5 /* so many names are listed; of more, only the number is said */

/* Embedded. All zeroes: there is no plan yet. */
struct up_told {
	char names[128]; /* such as "home, office and vpn" */
	size_t count;
};

/* To be called with the plan that is in force. `except` is the name of a device that is not
 * told, or NULL. */
void up_told_plan(struct up_told *told, const struct plan *plan, const char *except);

/* What is told besides the plan; all borrowed. */
struct up_told_more {
	const char *tun;
	const char *default_tun;  /* only others need --tun; NULL: it always needs it */
	const char *run_dir;      /* as it was given; NULL: it wasn't */
	const char *const *paths; /* of the files */
	size_t path_count;
	/* What it does in the background, such as "SOCKS5 and HTTP at 127.0.0.1:1080". NULL:
	 * it serves this host. */
	const char *serves;
};

/* Prints one line: what is up, from where, and how to look and to end it. */
void up_told_print(const struct up_told *told, const struct up_told_more *more,
                   FILE *out);

#endif
