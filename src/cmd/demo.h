/* src/cmd/demo.h - tunion demo: see it work, without root and without touching the host
 */
#ifndef TUNION_CMD_DEMO_H
#define TUNION_CMD_DEMO_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_demo(int argc, char **argv);

#endif
