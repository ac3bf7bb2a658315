/* src/cmd/notify.h - tells a service manager how far we are (sd_notify(3), without its library) */
#ifndef TUNION_CMD_NOTIFY_H
#define TUNION_CMD_NOTIFY_H

/* state: lines such as "READY=1". Nothing is done where NOTIFY_SOCKET is not set. A failure is
 * none of ours: the manager will notice. */
void notify(const char *state);

#endif
