/* src/cmd/one_file.h - how does one file come into a running instance, or leave it? */
#ifndef TUNION_CMD_ONE_FILE_H
#define TUNION_CMD_ONE_FILE_H

#include <stdbool.h>

#include "base/attr.h"
#include "cmd/paths.h"
#include "instance/instance.h"

/* Asks the instance of this tun to take in each of the files. If tun is NULL, it is the default
 * one or, if that isn't up, the one out of which such a file was taken. Returns false if it isn't
 * up, and nothing was done or printed. Otherwise *status is the exit status, and stdout or stderr says what
 * was done. run_dir may be NULL. */
bool one_file_up(const char *run_dir, const char *tun, const struct paths *files,
                 int *status);

/* Returns the NAME that somebody means who has written this: it may also be "NAME.conf" or its
 * path. To be freed. NULL: out of memory. */
char *one_file_name(const char *word);
/* Asks the instance to give up the file of this NAME. *answer is what one_file_tell takes, or, if
 * it was the only file, what an instance says that goes down. Returns and prints the same as
 * target_ask. */
MUST_CHECK int one_file_ask_down(const struct instance *i, const char *name,
                                 char **answer);

/* Is the answer one about a file? */
bool one_file_is_answer(const char *answer);
/* Prints it, and returns the exit status. */
int one_file_tell(char *answer);

#endif
