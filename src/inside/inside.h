/* src/inside/inside.h - moves the process that will become a command to where a tun is the
 * only way out
 *
 * The network namespace has nothing but its loopback device and the tun. In the mount
 * namespace, name look-ups lead nowhere but into the tun: see mounts.h. Everything
 * else is as outside: files, terminal, uid and gid. An ordinary user needs a user
 * namespace for this, in which he has his own ids. The capabilities that he has there end
 * when the command is executed. Root needs none, unless a container has left him without
 * rights. */
#ifndef TUNION_INSIDE_INSIDE_H
#define TUNION_INSIDE_INSIDE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"
#include "inside/handover.h"

/* The process must have one thread. `what` is what it will be, such as "the command", for
 * messages. fds is filled even after an error; the caller owns
 * them. Returns 0 or -errno, with the reason in diag. */
MUST_CHECK int inside_enter(struct handover_fds *fds, const char *what,
                            struct diag *diag);
#define INSIDE_WHY_STRLEN 512

/* Can inside_enter succeed, and is a tun to be had there? Tries it in another process.
 * If not, `why` is a text that says why. */
bool inside_is_possible(char why[static INSIDE_WHY_STRLEN]);
/* Does what the supervisor asks for, until it says that everything is up. Returns 0, or
 * -errno with the reason in diag; -ECANCELED without a reason: the supervisor has said it;
 * -ENOTCONN without a reason: it has ended. */
MUST_CHECK int inside_serve(int socket, struct diag *diag);

/* For the supervisor, when mounts in there have changed: puts the files that lead name
 * look-ups inside back to their places. Somebody outside may have replaced what they are
 * mounted on; then the kernel has removed these mounts. Returns 0 or -errno. */
MUST_CHECK int inside_mend(const struct handover_fds *fds);

/* Moves the process into namespaces that exist. Returns 0 or -errno, with the reason in
 * diag. */
MUST_CHECK int inside_join(const struct handover_fds *fds, struct diag *diag);

#endif
