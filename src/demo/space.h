/* src/demo/space.h - a user and network namespaces to play in, without root
 *
 * The process that enters is root there and nowhere else: what it does cannot touch the
 * host's network. Network namespaces are held by their fds and go when the last is
 * closed. */
#ifndef TUNION_DEMO_SPACE_H
#define TUNION_DEMO_SPACE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"

/* Moves the calling process, which must have one thread, into a new user namespace where
 * it is root; where the system refuses that to root, only the rest is done. Also makes
 * sure that tun devices can be had. 0 or -errno, the reason in diag in words for people.
 */
MUST_CHECK int space_enter(bool *user_namespace, struct diag *diag);

/* A new network namespace, which the process is in from now on. The fd is the caller's.
 */
MUST_CHECK int space_net_new(int *fd);
MUST_CHECK int space_net_join(int fd);

/* Writes text to a file that exists, such as one in /proc. */
MUST_CHECK int space_write(const char *path, const char *text);

#endif
