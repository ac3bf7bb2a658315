/* src/base/unreadable.h - what to say of a file or folder that can't be read */
#ifndef TUNION_BASE_UNREADABLE_H
#define TUNION_BASE_UNREADABLE_H

#include "base/diag.h"

/* Adds the error to diag. `error` is the errno of the attempt. If this user may not read it but
 * root may, the text begins with "this needs root: ". */
void unreadable_report(const char *path, int error, struct diag *diag);

#endif
