/* src/supervisor/instance.h - which instances run, and where are they spoken to?
 *
 * An instance is named by its tun. In the run directory it has TUN.pid, locked while it
 * lives (so a killed one is told from a running one), TUN.sock, where `status` and `down`
 * ask, and TUN.state, the host's record of what to undo. The devices' UAPI sockets stand
 * in a directory of their own; TUN.pid lists them, so that they can be removed after a
 * kill. */
#ifndef TUNION_SUPERVISOR_INSTANCE_H
#define TUNION_SUPERVISOR_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/diag.h"

#define INSTANCE_DEFAULT_TUN "tunion0"

struct instance {
	char *run_dir, *uapi_dir;                  /* owned */
	char *tun;                                 /* owned */
	char *pid_path, *socket_path, *state_path; /* owned */
	int lock_fd;                               /* owned; -1: not locked */
	int listen_fd;                             /* owned; -1: not listening */
};

/* run_dir NULL: the default, design section 6. Only names; nothing is touched. 0, -EINVAL
 * (no name for a network interface), -ENOMEM, -ENAMETOOLONG; the reason in diag. */
MUST_CHECK int instance_init(struct instance *i, const char *run_dir, const char *tun,
                             struct diag *diag);
/* Frees; also releases. A zeroed one is not fine, one that failed to init is. */
void instance_clear(struct instance *i);
/* In a forked child, whose descriptors are closed: frees it and changes nothing that is
 * its parent's. */
void instance_forget(struct instance *i);

/* Makes the directories and takes the lock, as process `pid`; clears the sockets that a
 * killed instance left. 0 or -errno, -EEXIST: it runs already; the reason in diag. */
MUST_CHECK int instance_lock(struct instance *i, struct diag *diag);
/* Is there something of an instance that does not run any more? */
bool instance_is_stale(const struct instance *i);
/* A listening socket for a device's UAPI, in *fd; it is removed on release. 0 or -errno,
 * the reason in diag: -EEXIST when somebody else serves the name. */
MUST_CHECK int instance_listen_uapi(struct instance *i, const char *name, int *fd,
                                    struct diag *diag);
/* The reverse, once all who had the socket have closed it. */
void instance_unlisten_uapi(struct instance *i, const char *name);
/* Hooks know but the name of the tun: until it is unset, wg(8) finds the device under it,
 * unless a device is called so
 * or the device has no socket. Unsetting where nothing is set is fine. */
void instance_set_alias(const struct instance *i, const char *name);
void instance_unset_alias(const struct instance *i);
/* The path of that socket, to be freed; NULL: no memory. */
char *instance_uapi_path(const struct instance *i, const char *name);
/* Listens for requests from now on, in listen_fd. */
MUST_CHECK int instance_listen(struct instance *i, struct diag *diag);
/* Removes sockets and pid file and gives the lock back. Fine if it isn't locked. */
void instance_release(struct instance *i);

/* The name of the one instance that runs (or, stale, has left something) in the
 * directory. 0, *tun owned by the caller; -ENOENT: none; -ENOTUNIQ: several; the reason
 * in diag. */
MUST_CHECK int instance_find_only(const char *run_dir, char **tun, struct diag *diag);

/* The process that is, or was, the instance's supervisor; 0: unknown. */
pid_t instance_pid(const struct instance *i);

/* Asks a running instance: sends `request` and a newline; *fd then gives the answer, up
 * to its end. -ENOENT, -ECONNREFUSED: it does not run; -ETIMEDOUT: it does, but does not
 * take requests. The reason is not in diag. */
MUST_CHECK int instance_ask(const struct instance *i, const char *request, int *fd);

#endif
