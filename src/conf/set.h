/* src/conf/set.h - which tunnel files are there, and what do they say? */
#ifndef TUNION_CONF_SET_H
#define TUNION_CONF_SET_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "conf/conf.h"

/* Several files, in byte order of NAME. */
struct conf_set {
	struct conf **v; /* owned */
	size_t n;
};

/* paths: files, or directories whose *.conf files are taken (other and hidden files are not).
 * All errors of all files are reported; then -EINVAL, and *out holds the files as far as they
 * were understood: only for plan_make to find the errors between files in the same run. The
 * same NAME twice is an error; a directory without tunnel files too. Clear *out always. */
MUST_CHECK int conf_set_read(struct conf_set *out, const char *const *paths, size_t n,
                             struct diag *diag);
void conf_set_clear(struct conf_set *set);
/* The same for an instance that runs with the files of `old`: files that have gone, all of a
 * directory's too, are no error. Those whose text is the same are not parsed again: *out has
 * then the conf of old itself. -EINVAL as above; any other error: it can't be told which files
 * there are. */
MUST_CHECK int conf_set_reread(struct conf_set *out, const struct conf_set *old,
                               const char *const *paths, size_t n, struct diag *diag);
/* Frees the confs of the set that are not also in old. */
void conf_set_clear_but(struct conf_set *set, const struct conf_set *old);

#endif
