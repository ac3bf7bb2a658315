/* src/supervisor/follow.h - when does a running instance read its tunnel files again?
 *
 * When a client asks for it, and when they change on the disk. Part of the supervisor's
 * loop. */
#ifndef TUNION_SUPERVISOR_FOLLOW_H
#define TUNION_SUPERVISOR_FOLLOW_H

#include <stdint.h>

#include "base/attr.h"
#include "supervisor/supervisor.h"

/* Before the files are read for the first time, so that no change is missed. 0 or
 * -ENOMEM; where files can't be watched that is logged. */
MUST_CHECK int follow_init(struct supervisor *s,
                           const struct supervisor_options *options);
/* From here on the loop watches. 0 or -errno. */
MUST_CHECK int follow_start(struct supervisor *s);
void follow_clear(struct supervisor *s);

/* When to call follow_round at the latest. */
uint64_t follow_deadline_ns(const struct supervisor *s);
/* Reloads if it's time to, once per round of the loop. */
void follow_round(struct supervisor *s);

#endif
