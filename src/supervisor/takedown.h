/* src/supervisor/takedown.h - may an instance go down, and what is done before it does? */
#ifndef TUNION_SUPERVISOR_TAKEDOWN_H
#define TUNION_SUPERVISOR_TAKEDOWN_H

#include "base/attr.h"
#include "base/diag.h"
#include "host/host.h"
#include "supervisor/instance.h"
#include "supervisor/keeper.h"
#include "supervisor/tunnels.h"

/* The exit status of `down` for a hook that ended so, or -errno: could not be run. */
int takedown_status(int hook);

/* All borrowed. */
struct takedown {
	struct keeper *keeper;
	struct host *host;
	const struct instance *instance;
	struct tunnels *tunnels;
};

/* PreDown hooks, then SaveConfig. All of it, and the first error: the exit status of a
 * hook, above 0, or -errno; -EIO for a file. */
MUST_CHECK int takedown_prepare(const struct takedown *t, struct diag *diag);

#endif
