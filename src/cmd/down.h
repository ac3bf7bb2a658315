/* src/cmd/down.h - tunion down: take a running instance down */
#ifndef TUNION_CMD_DOWN_H
#define TUNION_CMD_DOWN_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_down(int argc, char **argv);

#endif
