/* src/cmd/up.h - tunion up: bring tunnel files up */
#ifndef TUNION_CMD_UP_H
#define TUNION_CMD_UP_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_up(int argc, char **argv);

#endif
