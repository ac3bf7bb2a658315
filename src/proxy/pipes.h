/* src/proxy/pipes.h - pipes through which bytes go from socket to socket without a copy
 *
 * splice(2) needs a pipe between two sockets. One that is empty is shared by all
 * connections. Only when the second socket takes less than what is in the pipe, the
 * connection keeps it until the rest is taken; and so many may do that. */
#ifndef TUNION_PROXY_PIPES_H
#define TUNION_PROXY_PIPES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define PIPES_MAX   64           /* kept by connections at a time */
#define PIPES_BYTES (256 * 1024) /* that a pipe should hold */

/* Embedded. All zeroes: there are none yet. */
struct pipes {
	int idle[2]; /* owned, if there is one */
	bool has_idle;
	bool useless; /* the system doesn't splice */
	size_t taken;
};

/* Takes an empty pipe. Returns false if there is none to be had. */
MUST_CHECK bool pipes_take(struct pipes *p, int fds[static 2]);
/* Gives it back. One that isn't empty is closed. */
void pipes_give(struct pipes *p, const int fds[static 2], bool empty);
void pipes_clear(struct pipes *p);

#endif
