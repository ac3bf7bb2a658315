/* src/cmd/exec.h - tunion exec: runs a command whose only way out is the union */
#ifndef TUNION_CMD_EXEC_H
#define TUNION_CMD_EXEC_H

/* Returns the exit status, if the command couldn't be started. */
int cmd_exec(int argc, char **argv);

#endif
