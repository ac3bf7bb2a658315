/* src/cmd/arguments.h - which options and words does the user give to a command? */
#ifndef TUNION_CMD_ARGUMENTS_H
#define TUNION_CMD_ARGUMENTS_H

#include <getopt.h>
#include <stdbool.h>

/* Like getopt_long, for a command whose name is argv[0]: returns the letter of the next option,
 * or -1 when there is none left. Returns '?' for an option that is wrong, after one line on
 * stderr that says so and where help is. `letters` are those of the short options; their help
 * is "h". */
int arguments_next(int argc, char **argv, const char *letters,
                   const struct option *options);

/* To be called after the last option, by a command that takes no words. Returns false if
 * there is one, after a line on stderr. `why` follows the word "because" in it. */
bool arguments_end(int argc, char **argv, const char *why);

#endif
