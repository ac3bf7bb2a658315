/* src/supervisor/restarts.h - may a process that ended be started once more? Not if it ends
 * again and again */
#ifndef TUNION_SUPERVISOR_RESTARTS_H
#define TUNION_SUPERVISOR_RESTARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define RESTARTS_MAX 5 /* within a minute */

/* Zeroed: there was none. */
struct restarts {
	uint64_t at_ns[RESTARTS_MAX]; /* a ring */
	unsigned count;               /* of all */
};

/* If so, counts it. */
MUST_CHECK bool restarts_allow(struct restarts *r, uint64_t now_ns);

#endif
