/* src/conf/missing.h - what to say of a path of the command line that isn't there */
#ifndef TUNION_CONF_MISSING_H
#define TUNION_CONF_MISSING_H

#include "base/diag.h"

/* Adds the error to diag: what was looked for, and what there is instead. names_folder is where
 * a command looks up NAMEs, and the files of one that is given none; NULL: nowhere. */
void missing_report(const char *path, const char *names_folder, struct diag *diag);

#endif
