/* src/supervisor/takedown.h - may an instance go down, and what is done before it does? Part
 * of supervisor.c */
#ifndef TUNION_SUPERVISOR_TAKEDOWN_H
#define TUNION_SUPERVISOR_TAKEDOWN_H

#include "base/attr.h"
#include "base/diag.h"
#include "supervisor/supervisor_state.h"

/* The exit status of `down` for a hook that ended so, or -errno: could not be run. */
int takedown_status(int hook);

/* PreDown hooks, then SaveConfig. All of it, and the first error: the exit status of a
 * hook, above 0, or -errno; -EIO for a file. */
MUST_CHECK int takedown_prepare(struct supervisor *s, struct diag *diag);

/* A client wants it down: prepares, then stops, or tells that it stays up. As with
 * wg-quick a PreDown that fails, or a file that can't be saved, keeps it up. */
void takedown_consider(struct supervisor *s);

#endif
