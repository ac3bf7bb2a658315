/* src/supervisor/outside.h - makes the sockets to DNS servers that no tunnel leads to
 *
 * The worker asks for them, and may have been taken over: so they are only to port 53 of servers
 * that a file names, they are connected already, and only so many are made in a second. They
 * have no mark, so they leave as the sockets of every program of this host. Supervisor
 * process. */
#ifndef TUNION_SUPERVISOR_OUTSIDE_H
#define TUNION_SUPERVISOR_OUTSIDE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "channel/command.h"
#include "host/host.h"
#include "plan/plan.h"

#define OUTSIDE_DNS_PORT   53
#define OUTSIDE_PER_SECOND 64U

/* Zeroed: none was made. */
struct outside_budget {
	/* See lookup_set_sockets. Then only datagrams are possible, because a connection would
	 * need another socket, through the tun; NULL: the usual sockets. */
	int (*make_socket)(void *context, int family, int type);
	void *socket_context; /* borrowed */
	uint64_t since_ns;
	unsigned made;
};

/* Makes what the request wants, and the answer to be sent; the caller closes its
 * descriptors. Returns 0, or -EPROTO if an honest worker doesn't say this. A failure is in the
 * answer. */
MUST_CHECK int outside_make(struct outside_budget *budget, const struct host *host,
                            const struct plan *plan, const struct command *request,
                            struct command *answer);

#endif
