/* src/sandbox/empty_root.h - how does a process lose sight of the host?
 *
 * It moves into namespaces of its own: its only directory is empty and can't be written, and
 * there are no network interfaces (unless it keeps its network), no System V IPC and no POSIX
 * queues. Sockets and other descriptors that it has stay what they are, in the namespaces
 * where they were made.
 *
 * There is no PID namespace: a process can't move into one, only its children can, and the
 * first process there ignores signals that should end it. */
#ifndef TUNION_SANDBOX_EMPTY_ROOT_H
#define TUNION_SANDBOX_EMPTY_ROOT_H

#include <stdbool.h>

#include "base/attr.h"

/* Root needs CAP_SYS_ADMIN. Others also get a user namespace, in which nobody else exists.
 * There they have all capabilities, which are worth nothing outside, until they drop them.
 * Returns 0, or -errno if the system doesn't let us: then some of it may be done. */
MUST_CHECK int empty_root_enter(bool keep_network);

#endif
