/* src/cmd/paths.h - the files of a process that will leave its working directory */
#ifndef TUNION_CMD_PATHS_H
#define TUNION_CMD_PATHS_H

#include <limits.h>
#include <stddef.h>

#define PATHS_DEFAULT_DIR SYSCONFDIR "/tunion"

/* Closes the usage text of a command that reads tunnel files. */
#define PATHS_USAGE                                                                      \
	"The default DIR is " PATHS_DEFAULT_DIR ".\n"                                    \
	"If you can't read that: ~/.config/tunion; in Termux first $PREFIX/etc/tunion.\n"

/* Returns the folder with the files of a command that is given none: `out`, or a constant.
 * It is the first of these that we can read:
 *  - in Termux $PREFIX/etc/tunion;
 *  - PATHS_DEFAULT_DIR, which root takes in any case;
 *  - $XDG_CONFIG_HOME/tunion, then $HOME/.config/tunion.
 * If there is none, it is the first of them, so that the error names it. */
const char *paths_default(char out[static PATH_MAX]);

/* The result ends with NULL; free it with paths_free. Returns NULL if out of memory. */
char **paths_absolute(const char *const *paths, size_t n);
/* paths may be NULL. */
void paths_free(char **paths);

#endif
