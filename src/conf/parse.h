/* src/conf/parse.h - what do the keys of a tunnel file mean? */
#ifndef TUNION_CONF_PARSE_H
#define TUNION_CONF_PARSE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/secret.h"
#include "conf/conf.h"

/* Fills conf, whose path is set and the rest zero, from the text, which gets changed;
 * text[n] must be writable. Its keys come from secrets. Every error goes to diag; conf is
 * then as far filled as was understood. 0, -EINVAL or -ENOMEM. */
MUST_CHECK int parse_text(struct conf *conf, char *text, size_t n,
                          struct secrets *secrets, struct diag *diag);

#endif
