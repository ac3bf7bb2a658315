/* src/cmd/demo.h - tunion demo: shows that it works, without root and without changing
 * the host */
#ifndef TUNION_CMD_DEMO_H
#define TUNION_CMD_DEMO_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_demo(int argc, char **argv);

#endif
