/* src/cmd/status_watch.h - the status on the whole terminal, drawn anew each second */
#ifndef TUNION_CMD_STATUS_WATCH_H
#define TUNION_CMD_STATUS_WATCH_H

#include <stdbool.h>

#include "supervisor/instance.h"

/* Until q or a signal, and gives the terminal back as it was. Returns the exit status:
 * failure, with the reason on stderr, if the instance does not answer (any more) or
 * standard output is no terminal. */
int status_watch(const struct instance *instance, bool colour);

#endif
