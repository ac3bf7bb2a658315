/* src/base/process.h - what does a process hold, and how much may it hold? */
#ifndef TUNION_BASE_PROCESS_H
#define TUNION_BASE_PROCESS_H

#include <sys/types.h>

#include "base/attr.h"

/* Allows as many open files and as much locked memory as the system lets us: thousands of
 * devices need three descriptors each. It does not matter if that fails. */
void process_raise_limits(void);

/* Closes every descriptor from `first` on. */
void process_close_from(int first);
/* Closes every descriptor except the standard streams, a and b. b may be -1. */
void process_close_all_but(int a, int b);

/* Returns a descriptor that is readable once the process has ended, see pidfd_open(2); or -1
 * with errno: before Linux 5.3 there is none. */
MUST_CHECK int process_pidfd(pid_t pid);

/* Makes the standard streams from..to /dev/null. Whoever reads what we write to one of
 * them waits until nobody has its other end. */
void process_leave_streams(int from, int to);

#endif
