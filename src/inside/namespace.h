/* src/inside/namespace.h - moves a process into new namespaces, and explains to people why
 * the system refuses that
 *
 * The process must have one thread. In the messages, `what` is what needs the namespaces,
 * such as "the demo". Functions return 0, or -errno with the reason in diag; each reason
 * says what can be done about it. */
#ifndef TUNION_INSIDE_NAMESPACE_H
#define TUNION_INSIDE_NAMESPACE_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/diag.h"

/* Moves it into a new user namespace, in which it has this uid and gid instead of its
 * own (or the same ones), and all capabilities. It has none elsewhere, and setgroups(2)
 * is no longer possible. */
MUST_CHECK int namespace_user_new(uid_t uid, gid_t gid, const char *what,
                                  struct diag *diag);
/* Moves it into other new namespaces: flags are CLONE_NEWNET, CLONE_NEWNS or both. */
MUST_CHECK int namespace_new(int flags, const char *what, struct diag *diag);

/* Writes text to a file that exists, such as one in /proc. Returns 0 or -errno. */
MUST_CHECK int namespace_write(const char *path, const char *text);

#endif
