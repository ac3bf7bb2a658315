/* src/base/rights.h - what may a process still do that strangers talk to? As little as can be
 * taken from it in a simple way
 *
 * It has its own user and no capabilities; exec gives it no new ones; there are no core
 * dumps and no tracing; and it dies with its parent. */
#ifndef TUNION_BASE_RIGHTS_H
#define TUNION_BASE_RIGHTS_H

#include <sys/types.h>

#include "base/attr.h"

/* If we are root, becomes the user "nobody" (65534, if this user namespace has it).
 * Returns 0, or -errno; then the process must not continue. parent is the process to die
 * with. */
MUST_CHECK int rights_drop(pid_t parent);

#endif
