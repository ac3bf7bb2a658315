/* src/host/valid_mark.h - the sysctl that lets marked answers pass reverse path filtering */
#ifndef TUNION_HOST_VALID_MARK_H
#define TUNION_HOST_VALID_MARK_H

#include "base/attr.h"
#include "base/diag.h"
#include "host/journal.h"

/* net.ipv4.conf.all.src_valid_mark becomes 1; the journal notes whether that has to be
 * undone. A failure of the sysctl is a warning. 0, or -errno of saving the journal. */
MUST_CHECK int valid_mark_set(struct journal *j, struct diag *diag);
/* Back to 0, unless it was not set for us or is needed by another instance. */
void valid_mark_restore(struct journal *j, struct diag *diag);

#endif
