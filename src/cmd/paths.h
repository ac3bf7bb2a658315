/* src/cmd/paths.h - the files of a process that will leave its working directory */
#ifndef TUNION_CMD_PATHS_H
#define TUNION_CMD_PATHS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define PATHS_DEFAULT_DIR SYSCONFDIR "/tunion"

/* Closes the usage text of a command that reads tunnel files. */
#define PATHS_USAGE                                                                      \
	"The default DIR is " PATHS_DEFAULT_DIR                                          \
	"; its file NAME.conf is also called NAME.\n"                                    \
	"If you can't read that: ~/.config/tunion; in Termux first $PREFIX/etc/tunion.\n"

/* Returns the folder with the files of a command that is given none: `out`, or a constant.
 * It is the first of these that we can read:
 *  - in Termux $PREFIX/etc/tunion;
 *  - PATHS_DEFAULT_DIR, which root takes in any case;
 *  - $XDG_CONFIG_HOME/tunion, then $HOME/.config/tunion.
 * If there is none, it is the first of them, so that the error names it. */
const char *paths_default(char out[static PATH_MAX]);

/* What the words of a command mean, after its options. */
struct paths {
	const char *const *v; /* to read */
	size_t n;
	const char *folder; /* the default one */
	/* Each word is a NAME: of a file in that folder, or perhaps of one that an instance
	 * knows. */
	bool all_names;

	/* private */
	char room[PATH_MAX];
	char **owned;
	const char *standard[1];
};

/* A word is the path of a file or folder, or the NAME of the default folder's NAME.conf; no word
 * is the folder itself. Returns false, after a line on stderr, if a word may be both. The
 * struct must not be moved. To be cleared after that, too. */
MUST_CHECK bool paths_take(struct paths *out, char *const *words, int n);
void paths_clear(struct paths *p);

/* The result ends with NULL; free it with paths_free. Returns NULL if out of memory. */
char **paths_absolute(const char *const *paths, size_t n);
/* paths may be NULL. */
void paths_free(char **paths);

#endif
