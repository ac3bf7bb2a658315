/* src/sandbox/landlock.h - how does a process give up all files, whatever its root directory?
 *
 * By Landlock (Linux 5.13), which needs neither rights nor namespaces. Descriptors that the
 * process has stay usable. */
#ifndef TUNION_SANDBOX_LANDLOCK_H
#define TUNION_SANDBOX_LANDLOCK_H

#include <stdbool.h>

#include "base/attr.h"

/* After this, no path can be opened, made, removed, renamed or executed. Where the kernel
 * knows how, TCP can't be bound or connected (6.7) unless it keeps the network, and neither
 * a signal (6.12) nor a connection to an abstract socket (6.12) reaches other processes.
 * no_new_privs must be set. Returns 0, or -errno: -ENOSYS or -EOPNOTSUPP if the kernel has
 * no Landlock or it is off. */
MUST_CHECK int landlock_close(bool keep_network);

#endif
