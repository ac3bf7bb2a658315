/* src/cmd/check.h - tunion check: are the files right, and what would they do
 * together? */
#ifndef TUNION_CMD_CHECK_H
#define TUNION_CMD_CHECK_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_check(int argc, char **argv);

#endif
