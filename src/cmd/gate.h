/* src/cmd/gate.h - tunion gate: the way into the union for WireGuard apps, without root */
#ifndef TUNION_CMD_GATE_H
#define TUNION_CMD_GATE_H

int cmd_gate(int argc, char **argv);

#endif
