/* src/cmd/proxy_inside.h - the process of `tunion proxy` that is inside, without rights, and
 * has the connections
 *
 * It is a child of the supervisor, and to it what the command is in `exec`
 * (inside/handover.h). The sockets at which clients arrive were made outside, and so
 * belong to the network outside; those that it makes itself lead into the union. */
#ifndef TUNION_CMD_PROXY_INSIDE_H
#define TUNION_CMD_PROXY_INSIDE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cmd/proxy_ports.h"
#include "proxy/users.h"

struct proxy_inside {
	struct proxy_ports *ports; /* borrowed; those outside are open */
	const struct users *users; /* borrowed; may be NULL */
	int socket;                /* to the supervisor, see handover.h */
	/* From the supervisor: messages of proxy_names.h, each with a descriptor of the hosts
	 * file if that can be read. Its end ends the process. */
	int control;
	int lines;  /* to the supervisor, see line.h */
	int outlet; /* see proxy/outlet.h */
	int page;   /* to the process of the status page, see page_entry.h; -1: none */
	pid_t supervisor;
	bool direct, foreground;
};

/* In the forked process: returns its exit status. */
int proxy_inside_run(struct proxy_inside *x);
/* The same for the one that makes sockets outside. */
int proxy_outlet_run(int fd, int lines, pid_t supervisor);

#endif
