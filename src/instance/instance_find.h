/* src/instance/instance_find.h - which instances are there? */
#ifndef TUNION_INSTANCE_INSTANCE_FIND_H
#define TUNION_INSTANCE_INSTANCE_FIND_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"

/* Finds the only instance that runs in the directory (NULL: the default) or, if none runs,
 * the only one that has left something there. Returns 0, and the caller owns *tun; or
 * -ENOENT (there is none) or -ENOTUNIQ (there are several), with the reason in diag. */
MUST_CHECK int instance_find_only(const char *run_dir, char **tun, struct diag *diag);

/* Goes through those that run in the directory (NULL: the default), in any order, until is_it is
 * true of one. Returns that one's name, to be freed; NULL if there is none. */
char *instance_find_running(const char *run_dir,
                            bool (*is_it)(void *context, const char *tun), void *context);

/* Returns the names of those that run in the directory, with commas between them; to be freed.
 * NULL if there is none. */
char *instance_find_names(const char *run_dir);

/* Where root's instances are, unless they were given another directory. */
#define INSTANCE_ROOTS_DIR RUNSTATEDIR "/tunion"

/* Returns the name of an instance that runs in the directory but belongs to another user,
 * so that this process can't ask it; to be freed. NULL if there is none. */
char *instance_find_other(const char *dir);
/* Returns the name of one that seems to have been killed, because its socket is there and
 * nobody in this network namespace serves it. Otherwise the same. */
char *instance_find_killed_other(const char *dir);

#endif
