/* src/worker/rights.h - what may the engine process still do? As little as is simple to
 * take
 *
 * Its own user, no capabilities, no new ones by exec, no core dumps, no tracing; and it
 * dies with its parent. What it may call and open is for the sandbox to say. */
#ifndef TUNION_WORKER_RIGHTS_H
#define TUNION_WORKER_RIGHTS_H

#include <sys/types.h>

#include "base/attr.h"

/* Where we are root: becomes the user "nobody" (65534, if this user namespace knows it).
 * 0 or -errno: then the process must not go on. parent: who we are to die with. */
MUST_CHECK int rights_drop(pid_t parent);

#endif
