/* src/demo/space.h - one user namespace and several network namespaces for the
 * demo, without root
 *
 * The process that enters is root in there and nowhere else: it cannot change the
 * network of the host. An fd keeps a network namespace alive; the namespace ends when
 * the last fd is closed. */
#ifndef TUNION_DEMO_SPACE_H
#define TUNION_DEMO_SPACE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"

/* Moves the calling process, which must have one thread, into a new user namespace
 * where it is root. If the system refuses this to root, root goes on without one. Also
 * checks that tun devices can be opened. 0, or -errno with the reason in diag, in
 * words for people. */
MUST_CHECK int space_enter(bool *user_namespace, struct diag *diag);

/* Makes a new network namespace and moves the process into it. The caller owns the fd. */
MUST_CHECK int space_net_new(int *fd);
MUST_CHECK int space_net_join(int fd);

#endif
