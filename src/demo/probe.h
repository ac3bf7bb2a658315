/* src/demo/probe.h - does real traffic get there, intact, and under which name? Pings and
 * a TCP transfer between hosts of the demo's world
 *
 * Sockets stay in the network namespace they were made in, so one process has both ends.
 */
#ifndef TUNION_DEMO_PROBE_H
#define TUNION_DEMO_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "demo/world.h"
#include "io/loop.h"

struct probe_ping {
	unsigned sent, answered;
	uint64_t best_ns; /* shortest round trip; 0 without an answer */
};

struct probe_transfer {
	uint64_t bytes;       /* each way, sent and found intact */
	uint64_t duration_ns; /* from the connection on */
	struct ip_addr seen;  /* the client's address as the server saw it */
};

/* Both run the loop until done, deadline_ns or *stop. 0 also when nothing was answered; a
 * transfer that did not arrive in full and intact is -EIO, one not in time -ETIMEDOUT. */
MUST_CHECK int probe_ping(const struct world *w, enum world_host from, const char *to,
                          unsigned count, struct loop *loop, uint64_t deadline_ns,
                          const bool *stop, struct probe_ping *out);
MUST_CHECK int probe_transfer(const struct world *w, enum world_host from,
                              enum world_host server, const char *to, uint64_t bytes,
                              struct loop *loop, uint64_t deadline_ns, const bool *stop,
                              struct probe_transfer *out);

#endif
