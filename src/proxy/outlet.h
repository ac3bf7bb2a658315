/* src/proxy/outlet.h - how does the proxy, which is inside, get sockets of the network
 * outside?
 *
 * It can't make them: a socket belongs to the namespace of the process that makes it. So a
 * second process stays outside, and hands them over when it is asked. It does nothing
 * else, and ends when nobody can ask any more. */
#ifndef TUNION_PROXY_OUTLET_H
#define TUNION_PROXY_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/log.h"

/* A pair of sockets, both closed by exec: [0] asks, [1] is for outlet_serve. Returns 0 or
 * -errno. */
MUST_CHECK int outlet_pair(int fds[2]);

/* Who asks. `asked` begins at a number that nobody has had if others have asked by this socket:
 * answers that they didn't wait for may still come. */
struct outlet {
	int fd;         /* borrowed; -1: nobody is outside */
	uint32_t asked; /* the number of the newest question */
	/* Borrowed; is told, now and then, that nobody is outside any more. */
	const struct log *log;
	struct log_limit gone;
};

/* Asks for a socket that doesn't block and is closed by exec: AF_INET or AF_INET6,
 * SOCK_STREAM or SOCK_DGRAM. Waits for the answer, at most a second. Returns the socket
 * or -errno; -EOWNERDEAD if the process outside has ended. */
MUST_CHECK int outlet_socket(struct outlet *o, int family, int type);

/* The same for a stream that is connected there, or is being connected: for a process that
 * may not connect. */
MUST_CHECK int outlet_connect(struct outlet *o, const struct endpoint *to);

/* The process outside: waits for a question, and answers it. Returns false when the other end is
 * closed. */
MUST_CHECK bool outlet_serve(int fd);

#endif
