/* src/host/valid_mark.h - the sysctl that lets marked answers pass a reverse path
 * filter */
#ifndef TUNION_HOST_VALID_MARK_H
#define TUNION_HOST_VALID_MARK_H

#include "base/attr.h"
#include "base/diag.h"
#include "host/journal.h"

/* Sets net.ipv4.conf.all.src_valid_mark to 1. The journal notes whether this has to be
 * undone. If the sysctl fails, this is a warning. Returns 0, or -errno if the journal
 * can't be saved. */
MUST_CHECK int valid_mark_set(struct journal *j, struct diag *diag);
/* Sets it back to 0, unless it was not set for us or another instance needs it. */
void valid_mark_restore(struct journal *j, struct diag *diag);

#endif
