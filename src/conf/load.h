/* src/conf/load.h - how does a tunnel file get from the disk into a struct conf? */
#ifndef TUNION_CONF_LOAD_H
#define TUNION_CONF_LOAD_H

#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/secret.h"
#include "conf/conf.h"

/* Where a file's text lies while it is parsed, for one file after the other: locked
 * memory, wiped when it's given back. And where their keys come from. Zeroed is empty. */
struct load_buffer {
	char *text; /* owned, sodium_malloc */
	size_t room;
	struct secrets secrets;
};

void load_buffer_clear(struct load_buffer *b);

/* As conf_read and conf_read_stream, but *out is filled also after an error, with what
 * was understood (nothing but path and name, if the file can't be read). It is NULL only
 * if the path ends in no NAME.conf, or out of memory. known (NULL: none) is another
 * version of the file, without errors: is its text the same, then *out is that. */
MUST_CHECK int load_file(struct conf **out, const char *path, struct load_buffer *buffer,
                         struct conf *known, struct diag *diag);
MUST_CHECK int load_stream(struct conf **out, FILE *stream, const char *path,
                           struct diag *diag);

/* Reads one regular file. Every error in it is added to diag; then -EINVAL and *out is NULL.
 * -errno if the file can't be read (also in diag); -ENOMEM. Warnings (readable by others, nonzero
 * host part) go to diag too. The name comes from the path's last part. */
MUST_CHECK int conf_read(struct conf **out, const char *path, struct diag *diag);

/* The same from an open stream; path is for messages and the name. */
MUST_CHECK int conf_read_stream(struct conf **out, FILE *stream, const char *path,
                                struct diag *diag);

#endif
