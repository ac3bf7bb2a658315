/* src/channel/worker_entry.h - how does a worker start?
 *
 * The supervisor forks the worker but doesn't know what runs in it: it only gets the
 * function that it has to call there. */
#ifndef TUNION_CHANNEL_WORKER_ENTRY_H
#define TUNION_CHANNEL_WORKER_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/log.h"

struct stand_in_entry;

/* What the worker has to know from the start. */
struct worker_options {
	enum log_level log_level;
	bool no_offload; /* of the UDP sockets, and no tun_join; a tun tells by itself what
	                  * else it can do */
	/* Borrowed; only the worker knows what it is (worker/stand_in.h). NULL: the tun is
	 * a device of the host. */
	const struct stand_in_entry *stand_in;
};

/* A descriptor that every worker gets for what stands in for the tun. */
struct worker_gift {
	const char *what; /* borrowed */
	int fd;           /* borrowed; -1: none */
};

/* Runs the worker in a process that was forked for it, which has no descriptors except 0
 * to 2 and channel_fd. The worker owns channel_fd. Returns the exit status: 0 after the
 * supervisor has closed the channel; 1 after an error, which was logged through the
 * channel. */
struct worker_entry {
	int (*run)(int channel_fd, pid_t supervisor,
	           const struct worker_options *options);
	const struct stand_in_entry *stand_in; /* borrowed; mostly NULL */
	const struct worker_gift *gifts;       /* borrowed; given in this order */
	size_t gift_count;
};

#endif
