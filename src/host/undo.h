/* src/host/undo.h - restores the host as the journal says */
#ifndef TUNION_HOST_UNDO_H
#define TUNION_HOST_UNDO_H

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "host/journal.h"
#include "netlink/netlink.h"

/* Runs the PreDown hooks of files for which they have not succeeded yet. All failures are warnings.
 * Returns 0, or what hooks_run_down has returned for the first one that has failed. */
MUST_CHECK int undo_pre_down(struct journal *j, const struct log *log, struct diag *diag);

/* Runs all PreDown and PostDown hooks, and forgets them. All failures are warnings. */
void undo_hooks(struct journal *j, const struct log *log, struct diag *diag);
/* Removes the barriers of tuns of killed instances. */
void undo_stale(struct journal *j, struct netlink *nl, struct diag *diag);

/* Undoes everything in reverse order, between PreDown and PostDown hooks, and saves.
 * Failures are warnings, and what is left stays in the journal. log may be NULL. Returns 0,
 * or what hooks_run_down has returned for the first PostDown hook that has failed. */
int undo_all(struct journal *j, struct netlink *nl, const struct log *log,
             struct diag *diag);

#endif
