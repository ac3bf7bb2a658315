/* src/demo/stage.h - the case that tunion exists for, live, on one machine, without root
 *
 * A provider, the internet, a home network and a client with both tunnel files, each a
 * network namespace; provider, home and client run tunion. Real packets go to both ends
 * of the world, and what the client's uplink carried meanwhile is shown and judged. */
#ifndef TUNION_DEMO_STAGE_H
#define TUNION_DEMO_STAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"

struct stage_options {
	bool keep; /* stay until SIGINT or SIGTERM, and say how to enter the namespaces */
	bool color;
	FILE *out; /* borrowed */
};

/* 0 when all its own checks hold; -EIO when one does not; -EINTR; -errno, with the reason
 * in diag, when the system does not let it run. The process is in namespaces of its own
 * afterwards, and SIGINT, SIGTERM and SIGHUP stay blocked: end it. */
MUST_CHECK int stage_run(const struct stage_options *options, struct diag *diag);

#endif
