/* src/cmd/wireguard.h - wireguard-tunion: one WireGuard interface, in the place of wireguard-go
 *
 * Not a command of tunion, but what it is if it is called by this name. */
#ifndef TUNION_CMD_WIREGUARD_H
#define TUNION_CMD_WIREGUARD_H

#define WIREGUARD_NAME "wireguard-tunion"

/* Returns the exit status. */
int cmd_wireguard(int argc, char **argv);

#endif
