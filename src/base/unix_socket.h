/* src/base/unix_socket.h - stream sockets of the Unix domain, by their names
 *
 * A name is a path; or, after an @, one of Linux's abstract ones, which are in no folder,
 * and which Android's LocalServerSocket makes. Everybody may connect to an abstract name
 * and, where nobody has it, take it; so whoever uses one has to look who is at the other
 * end (unix_peer_is_trusted). A path is protected by its folder and its mode. */
#ifndef TUNION_BASE_UNIX_SOCKET_H
#define TUNION_BASE_UNIX_SOCKET_H

#include <stdbool.h>

#include "base/attr.h"

/* Is it short enough, and not empty? */
bool unix_name_valid(const char *name);
/* Returns a connected socket that doesn't block and is closed by exec, or -errno: -EAGAIN
 * means that too many wait there already. Doesn't wait. */
MUST_CHECK int unix_connect(const char *name);
/* Returns a listening socket of the same kind, to which only the user and root can connect,
 * if it has a path. Takes the place of one that nobody serves any more. Or returns -errno:
 * -EADDRINUSE means that somebody serves it, or that it is no socket. */
MUST_CHECK int unix_listen(const char *name);
/* Removes it from its folder; the caller closes it. */
void unix_unlink(const char *name);
/* Has the name a path, or is the process at the other end of fd root's or our user's? */
bool unix_peer_is_trusted(const char *name, int fd);

#endif
