/* src/cmd/proxy.h - tunion proxy: SOCKS and HTTP into the union, without root and without a
 * tun on the host */
#ifndef TUNION_CMD_PROXY_H
#define TUNION_CMD_PROXY_H

/* Returns the exit status. */
int cmd_proxy(int argc, char **argv);

#endif
