/* src/cmd/status_watch.h - shows the status on the whole terminal, and draws it again
 * every second */
#ifndef TUNION_CMD_STATUS_WATCH_H
#define TUNION_CMD_STATUS_WATCH_H

#include <stdbool.h>

#include "instance/instance.h"

/* Runs until q is pressed or a signal comes, and restores the terminal. Returns the exit
 * status. It is a failure, with the reason on stderr, if the instance doesn't answer (any
 * more), or if standard output is no terminal. */
int status_watch(const struct instance *instance, bool colour);

/* How wide is the terminal at standard output? 80 if it doesn't say. */
unsigned status_watch_columns(void);
/* What stands where text was cut, as far as the terminal can show it. */
const char *status_watch_ellipsis(void);

#endif
