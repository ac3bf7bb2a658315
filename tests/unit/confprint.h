/* tests/unit/confprint.h - prints a struct conf as text; everything is written in one
 * way */
#ifndef TUNION_UNIT_CONFPRINT_H
#define TUNION_UNIT_CONFPRINT_H

#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"
#include "conf/conf.h"

void confprint(const struct conf *conf, FILE *out);

/* Prints to a string, which is to be freed; NULL if out of memory. */
char *confprint_text(const struct conf *conf);

/* Calls conf_read_stream with n bytes of memory. */
int confprint_read(struct conf **out, const char *text, size_t n, const char *path,
                   struct diag *diag);

/* Calls diag_print with a string as output; free it. */
char *confprint_diag(const struct diag *diag);

#endif
