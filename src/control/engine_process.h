/* src/control/engine_process.h - the process that has the packets and no rights
 *
 * One loop over the host tun, the devices' UDP sockets, their UAPI clients and the
 * messages of the supervisor, which gives it every descriptor. It ends when the
 * supervisor closes the channel. */
#ifndef TUNION_CONTROL_ENGINE_PROCESS_H
#define TUNION_CONTROL_ENGINE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/log.h"

/* What it can't be told later. */
struct engine_options {
	enum log_level log_level;
	bool no_offload; /* of the UDP sockets; a tun says itself what it can */
};

/* Runs it; in a process forked for it, whose other descriptors but 0 to 2 are closed
 * here. channel_fd is owned. Returns the exit status: 0 when the supervisor has closed
 * the channel, else 1; what went wrong has been logged through the channel. */
int engine_process_run(int channel_fd, pid_t supervisor,
                       const struct engine_options *options);

#endif
