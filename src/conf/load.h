/* src/conf/load.h - how does a tunnel file on the disk become a struct conf? */
#ifndef TUNION_CONF_LOAD_H
#define TUNION_CONF_LOAD_H

#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/sealed.h"
#include "conf/conf.h"

/* The memory for a file's text while it is parsed. It is used for one file after the
 * other, is locked, and is wiped by load_buffer_clear. The files' keys are sealed here, too.
 * All zeroes: empty. */
struct load_buffer {
	char *text; /* owned, sodium_malloc */
	size_t room;
	struct sealer sealer;
};

void load_buffer_clear(struct load_buffer *b);

/* Like conf_read and conf_read_stream, but *out is also filled after an error, with what
 * was understood (only path and name, if the file can't be read). It is NULL only if the
 * path doesn't end in NAME.conf, or if there is no memory. known (may be NULL) is another
 * version of the file, without errors; if its text is the same, *out is known. */
MUST_CHECK int load_file(struct conf **out, const char *path, struct load_buffer *buffer,
                         struct conf *known, struct diag *diag);
MUST_CHECK int load_stream(struct conf **out, FILE *stream, const char *path,
                           struct diag *diag);

/* Reads one regular file; its name comes from the last part of the path. Returns
 *  - 0;
 *  - -EINVAL if there are errors in it, which are all added to diag; *out is then NULL;
 *  - -errno if it can't be read (this is in diag, too), or -ENOMEM.
 * Warnings (readable by others, nonzero host part) are added to diag, too. */
MUST_CHECK int conf_read(struct conf **out, const char *path, struct diag *diag);

/* Reads from an open stream; path is only used for messages and for the name. */
MUST_CHECK int conf_read_stream(struct conf **out, FILE *stream, const char *path,
                                struct diag *diag);

#endif
