/* src/supervisor/live.h - a running instance follows its tunnel files
 *
 * Reads them again and applies what differs, and nothing else: devices whose files say
 * the same keep sessions, counters and flows. What can't be applied is reported, its old
 * version stays in force, and the rest is applied all the same. Supervisor process;
 * blocks as long as hooks do. */
#ifndef TUNION_SUPERVISOR_LIVE_H
#define TUNION_SUPERVISOR_LIVE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"

struct supervisor;

struct live_result {
	size_t added, changed, removed; /* files, applied */
};

/* After supervisor_up. 0: all is applied, there may be warnings in diag; -EINVAL or
 * another -errno: what is not is in diag, and for `status` in the supervisor's
 * file_errors. */
MUST_CHECK int live_reload(struct supervisor *s, struct live_result *result,
                           struct diag *diag);

#endif
