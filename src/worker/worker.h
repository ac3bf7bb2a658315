/* src/worker/worker.h - the process that has the packets but no rights
 *
 * A loop over the host tun, the devices' UDP sockets, their UAPI clients, and messages
 * from the supervisor, which gives it every descriptor. It ends when the supervisor
 * closes the channel. */
#ifndef TUNION_WORKER_WORKER_H
#define TUNION_WORKER_WORKER_H

#include <sys/types.h>

#include "channel/worker_entry.h"

/* The run function of a worker_entry. */
int worker_run(int channel_fd, pid_t supervisor, const struct worker_options *options);

#endif
