/* src/conf/load.h - how does a tunnel file get from the disk into a struct conf? */
#ifndef TUNION_CONF_LOAD_H
#define TUNION_CONF_LOAD_H

#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"
#include "conf/conf.h"

/* As conf_read and conf_read_stream, but *out is filled also after an error, with what
 * was understood (nothing but path and name, if the file can't be read). It is NULL only
 * if the path ends in no NAME.conf, or out of memory. */
MUST_CHECK int load_file(struct conf **out, const char *path, struct diag *diag);
MUST_CHECK int load_stream(struct conf **out, FILE *stream, const char *path,
                           struct diag *diag);

#endif
