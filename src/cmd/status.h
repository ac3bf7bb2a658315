/* src/cmd/status.h - tunion status: what does a running instance do? */
#ifndef TUNION_CMD_STATUS_H
#define TUNION_CMD_STATUS_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_status(int argc, char **argv);

#endif
