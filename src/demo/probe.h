/* src/demo/probe.h - does real traffic arrive, is it intact, and which source address
 * does the other end see? Pings and a TCP transfer between hosts of the demo's world.
 *
 * A socket stays in the network namespace in which it was made, so one process can
 * have both ends. */
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
	uint64_t best_ns; /* shortest round trip; 0 if there was no answer */
};

struct probe_transfer {
	uint64_t bytes;       /* in each direction, sent and found intact */
	uint64_t duration_ns; /* from the connection on */
	struct ip_addr seen;  /* the client's address as the server saw it */
};

/* Both run the loop until they are done, deadline_ns has come, or *stop is true. They
 * return 0 also if nothing was answered. A transfer that did not arrive completely and
 * intact is -EIO; one that did not arrive in time is -ETIMEDOUT. */
MUST_CHECK int probe_ping(const struct world *w, enum world_host from, const char *to,
                          unsigned count, struct loop *loop, uint64_t deadline_ns,
                          const bool *stop, struct probe_ping *out);
MUST_CHECK int probe_transfer(const struct world *w, enum world_host from,
                              enum world_host server, const char *to, uint64_t bytes,
                              struct loop *loop, uint64_t deadline_ns, const bool *stop,
                              struct probe_transfer *out);

#endif
