/* tests/unit/confprint.h - a struct conf as text again: one way to write each thing */
#ifndef TUNION_UNIT_CONFPRINT_H
#define TUNION_UNIT_CONFPRINT_H

#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"
#include "conf/conf.h"

void confprint(const struct conf *conf, FILE *out);

/* The same as a string, for free(); NULL if out of memory. */
char *confprint_text(const struct conf *conf);

/* conf_read_stream of n bytes in memory. */
int confprint_read(struct conf **out, const char *text, size_t n, const char *path,
                   struct diag *diag);

/* diag_print as a string, for free(). */
char *confprint_diag(const struct diag *diag);

#endif
