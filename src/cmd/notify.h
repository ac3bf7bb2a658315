/* src/cmd/notify.h - tells a service manager our state, like sd_notify(3), but without
 * its library */
#ifndef TUNION_CMD_NOTIFY_H
#define TUNION_CMD_NOTIFY_H

/* state contains lines such as "READY=1". Does nothing if NOTIFY_SOCKET is not set.
 * Failures are ignored, because the manager will notice that it isn't told. */
void notify(const char *state);

#endif
