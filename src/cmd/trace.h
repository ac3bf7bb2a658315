/* src/cmd/trace.h - tunion trace: which way does a packet to an address take? */
#ifndef TUNION_CMD_TRACE_H
#define TUNION_CMD_TRACE_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_trace(int argc, char **argv);

#endif
