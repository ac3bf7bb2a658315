/* src/cmd/within.h - is this command run inside of a `tunion exec`? */
#ifndef TUNION_CMD_WITHIN_H
#define TUNION_CMD_WITHIN_H

#include "base/log.h"

/* If so, warns that only programs in there reach `what`, such as "this proxy", which listens.
 * run_dir is where the instances are; NULL: the default. */
void within_warn(const char *what, const char *run_dir, const struct log *log);

#endif
