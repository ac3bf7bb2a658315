/* src/conf/parse.h - what do the keys of a tunnel file mean? */
#ifndef TUNION_CONF_PARSE_H
#define TUNION_CONF_PARSE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/sealed.h"
#include "conf/conf.h"

/* Fills conf from the text, which is changed; text[n] must be writable. The path of conf
 * must be set, and the rest zero. Its keys are sealed by `sealer`. Every error is added to
 * diag; then conf contains what was understood. Returns 0, -EINVAL or -ENOMEM. */
MUST_CHECK int parse_text(struct conf *conf, char *text, size_t n, struct sealer *sealer,
                          struct diag *diag);

#endif
