/* src/channel/worker_entry.h - how is a worker begun?
 *
 * The supervisor forks the worker's process but knows nothing of what runs in it: it is
 * given the function to call there. */
#ifndef TUNION_CHANNEL_WORKER_ENTRY_H
#define TUNION_CHANNEL_WORKER_ENTRY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/log.h"

/* What it can't be told later. */
struct worker_options {
	enum log_level log_level;
	bool no_offload; /* of the UDP sockets; a tun says itself what it can */
};

/* Runs the worker; in a process forked for it, which has no descriptors but 0 to 2 and
 * channel_fd. channel_fd is owned. Returns the exit status: 0 when the supervisor has
 * closed the channel, else 1; what went wrong has been logged through the channel. */
struct worker_entry {
	int (*run)(int channel_fd, pid_t supervisor,
	           const struct worker_options *options);
};

#endif
