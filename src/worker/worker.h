/* src/worker/worker.h - the process that has the packets and no rights
 *
 * One loop over the host tun, the devices' UDP sockets, their UAPI clients and the
 * messages of the supervisor, which gives it every descriptor. It ends when the
 * supervisor closes the channel. */
#ifndef TUNION_WORKER_WORKER_H
#define TUNION_WORKER_WORKER_H

#include <sys/types.h>

#include "channel/worker_entry.h"

/* A worker_entry's run. */
int worker_run(int channel_fd, pid_t supervisor, const struct worker_options *options);

#endif
