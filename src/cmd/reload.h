/* src/cmd/reload.h - tunion reload: a running instance reads its tunnel files again */
#ifndef TUNION_CMD_RELOAD_H
#define TUNION_CMD_RELOAD_H

#include "base/attr.h"

/* argv[0] is the command's name. Returns the exit status. */
MUST_CHECK int cmd_reload(int argc, char **argv);

#endif
