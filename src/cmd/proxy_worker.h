/* src/cmd/proxy_worker.h - the proxy inside the worker, over lwIP
 *
 * It is what stands in for the tun (worker/stand_in.h). The sockets at which clients arrive
 * were made by the supervisor, which gives them to each worker. */
#ifndef TUNION_CMD_PROXY_WORKER_H
#define TUNION_CMD_PROXY_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "channel/worker_entry.h"
#include "cmd/proxy_ports.h"
#include "proxy/users.h"

/* What the worker's copy of the supervisor's memory contains; all borrowed. */
struct proxy_worker_setup {
	struct proxy_ports *ports;
	const struct users *users; /* may be NULL */
	bool direct, page;         /* page: connections can be given to it */
};

/* Is lwIP built in? */
bool proxy_worker_is_built(void);

/* How the proxy begins in the worker; `entry` borrows the setup. Only if it is built in. */
struct stand_in_entry;
void proxy_worker_entry(struct stand_in_entry *entry, struct proxy_worker_setup *setup);

/* What has to be given to each worker: the sockets of the ports, and two that are borrowed:
 * to the outlet, and to the process of the page (-1: none). Returns 0, with an array to be
 * freed, whose words are borrowed; or -ENOMEM. */
MUST_CHECK int proxy_worker_gifts(struct worker_gift **out, size_t *n,
                                  const struct proxy_ports *ports, int outlet, int page);

#endif
