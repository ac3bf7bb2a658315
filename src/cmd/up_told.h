/* src/cmd/up_told.h - what does `up` say at its end? */
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

/* To be called with the plan that is in force. */
void up_told_plan(struct up_told *told, const struct plan *plan);

/* Prints one line: what is up, from where, and how to look. n paths are those of the files;
 * `options` is what other commands need to find the instance, such as " --tun vpn0". */
void up_told_print(const struct up_told *told, const char *tun, const char *const *paths,
                   size_t n, const char *options, FILE *out);

#endif
