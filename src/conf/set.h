/* src/conf/set.h - which tunnel files are there, and what do they say? */
#ifndef TUNION_CONF_SET_H
#define TUNION_CONF_SET_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "conf/conf.h"

/* Several files, sorted by the bytes of NAME. */
struct conf_set {
	struct conf **v; /* owned */
	size_t n;
};

/* Where tunnel files are: files and directories. All borrowed. */
struct conf_paths {
	const char *const *v;
	size_t n;
	/* NULL, or a file that is a gate, whether it says so or not (design R15). It may
	 * be in one of the directories, too. */
	const char *gate;
	/* NAMEs whose files are left out when they are read again, as if they were gone. */
	const char *const *without;
	size_t without_count;
	/* Where the command looks up NAMEs; NULL: nowhere. Only for what is said of a file that
	 * isn't there. */
	const char *names_folder;
};

/* Reads the paths, which are files or directories. In a directory, the *.conf files are
 * read, but no other and no hidden files. If there are errors, all errors of all files
 * are reported and -EINVAL is returned; then *out contains what was understood, so that
 * plan_make can find the errors between files in the same run. The same NAME twice is an
 * error, and so is a directory without tunnel files. Always clear *out. */
MUST_CHECK int conf_set_read(struct conf_set *out, const struct conf_paths *from,
                             struct diag *diag);
void conf_set_clear(struct conf_set *set);
/* Does the same for an instance that runs with the files of `old`. A file that is gone is
 * no error, even if a directory has no files any more. A file with the same text isn't
 * parsed again: then *out contains the conf of old itself. Returns -EINVAL as above.
 * After any other error it isn't known which files there are. */
MUST_CHECK int conf_set_reread(struct conf_set *out, const struct conf_set *old,
                               const struct conf_paths *from, struct diag *diag);
/* Frees those confs of the set that are not in old, too. */
void conf_set_clear_but(struct conf_set *set, const struct conf_set *old);

#endif
