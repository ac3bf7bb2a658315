/* src/demo/stage.h - shows the case for which tunion exists, live, on one
 * machine, without root
 *
 * There are a provider, the internet, a home network, and a client with both tunnel
 * files. Each of them is a network namespace; provider, home and client run tunion. Real
 * packets are sent from the client to the internet and to the home network. What the
 * client's uplink carried meanwhile is shown and judged. */
#ifndef TUNION_DEMO_STAGE_H
#define TUNION_DEMO_STAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"

struct stage_options {
	bool keep; /* stay until SIGINT or SIGTERM, and say how to enter the namespaces */
	bool color;
	FILE *out;          /* borrowed; if its reader goes away, this is like a signal */
	const char *folder; /* borrowed: where `up` looks for files */
};

/* Returns 0 if all of the demo's checks hold, -EIO if one does not, -EINTR after a
 * signal, -EPIPE if the reader went away, and -errno with the reason in diag if the system
 * does not let it run. Afterwards the process is in namespaces of its own, and SIGINT,
 * SIGTERM and SIGHUP are still blocked: end it. */
MUST_CHECK int stage_run(const struct stage_options *options, struct diag *diag);

#endif
