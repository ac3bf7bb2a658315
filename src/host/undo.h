/* src/host/undo.h - puts the host back as it was, by what the journal says */
#ifndef TUNION_HOST_UNDO_H
#define TUNION_HOST_UNDO_H

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "host/journal.h"
#include "host/netlink.h"

/* PreDown hooks; undo_all then leaves them out. 0, or of the first that fails as
 * hooks_run_down; all are told as warnings. */
MUST_CHECK int undo_pre_down(struct journal *j, const struct log *log, struct diag *diag);

/* Puts everything back, in reverse order, between PreDown and PostDown hooks, and saves.
 * What fails is a warning. log may be NULL. 0, or of the first PostDown hook that fails as
 * hooks_run_down. */
int undo_all(struct journal *j, struct netlink *nl, const struct log *log,
             struct diag *diag);

#endif
