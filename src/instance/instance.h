/* src/instance/instance.h - which instances run, and how can they be reached?
 *
 * An instance has the name of its tun. In the run directory it has three files:
 *   TUN.pid     locked while the instance lives, so that a killed one is recognised
 *   TUN.sock    where `status`, `reload` and `down` ask
 *   TUN.state   the host's record of what has to be undone
 * The UAPI sockets of the devices are in another directory. TUN.pid lists them, so that
 * they can be removed after the instance was killed. */
#ifndef TUNION_INSTANCE_INSTANCE_H
#define TUNION_INSTANCE_INSTANCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ifname.h"

#define INSTANCE_DEFAULT_TUN "tunion0"
#define INSTANCE_PID_SUFFIX  ".pid"

struct instance {
	char *run_dir, *uapi_dir;                  /* owned */
	char *tun;                                 /* owned */
	char *pid_path, *socket_path, *state_path; /* owned */
	bool separate_uapi; /* uapi_dir belongs to this instance alone */
	int lock_fd;        /* owned; -1: not locked */
	int listen_fd;      /* owned; -1: not listening */
};

/* Only makes names and changes nothing outside. run_dir may be NULL for the default: of
 * root RUNSTATEDIR/tunion, of others $XDG_RUNTIME_DIR/tunion or, without that variable,
 * RUNSTATEDIR/tunion if they may write there, else /tmp/tunion-UID. In Termux, also for
 * root, it is $PREFIX/var/run/tunion instead of these, or $TMPDIR/tunion-UID if that
 * belongs to another user. A relative run_dir is one of the present working directory, which
 * may be left after that. Returns 0, -EINVAL
 * (tun can't be the name of a network interface), -EPERM (somebody else has made
 * /tmp/tunion-UID), -ENOMEM or -ENAMETOOLONG; the reason is in diag. */
MUST_CHECK int instance_init(struct instance *i, const char *run_dir, const char *tun,
                             struct diag *diag);
/* Returns this default, to be freed; NULL if out of memory. */
char *instance_default_dir(void);
/* Frees, and also releases. May be called after a failed instance_init, but not on a
 * struct that is all zeroes. */
void instance_clear(struct instance *i);
/* For a forked child, whose descriptors are closed: frees it, but changes nothing that
 * belongs to its parent. */
void instance_forget(struct instance *i);

/* Leaves everything as if we had been killed, but lets the lock go: for `down` and `up` it is
 * a stale one. */
void instance_abandon(struct instance *i);

/* Makes the directories, takes the lock for this process, and removes sockets that a
 * killed instance has left. Returns 0 or -errno, with the reason in diag; -EEXIST means
 * that it is already running. */
MUST_CHECK int instance_lock(struct instance *i, struct diag *diag);
/* The same to clear up after a killed instance: its pid file stays as it is until the release,
 * so nothing has to be written, which a full disk wouldn't allow. */
MUST_CHECK int instance_lock_killed(struct instance *i, struct diag *diag);
/* Gives it a directory of its own for the sockets of its devices, RUNDIR/TUN.wireguard,
 * because several instances may have devices of the same names. To be called before
 * instance_lock. Returns 0 or -ENOMEM. */
MUST_CHECK int instance_separate_uapi(struct instance *i);
/* Does all this, and locks it, with the first tun that is free of BASE0, BASE1 and so
 * on. Returns what instance_lock returns. */
MUST_CHECK int instance_lock_numbered(struct instance *i, const char *run_dir,
                                      const char *base, struct diag *diag);
/* Is there something left of an instance that no longer runs? */
bool instance_is_stale(const struct instance *i);
/* Does nobody run who has locked this pid file? */
bool instance_file_is_stale(const char *pid_path);
/* Makes a listening socket for a device's UAPI; if the instance is locked, it is removed on
 * release. Returns 0 or -errno, with the reason in diag; -EEXIST means that another program
 * serves this name. */
MUST_CHECK int instance_listen_uapi(struct instance *i, const char *name, int *fd,
                                    struct diag *diag);
/* Removes this socket, after all who had it have closed it. */
void instance_unlisten_uapi(struct instance *i, const char *name);
/* Hooks only know the name of the tun. After set_alias, wg(8) finds the device `name`
 * under the name of the tun, unless another device is called like the tun, or the device
 * has no socket. unset_alias ends this; it may be called even if nothing is set. */
void instance_set_alias(const struct instance *i, const char *name);
void instance_unset_alias(const struct instance *i);
/* Returns the path of that socket, to be freed; NULL if out of memory. */
char *instance_uapi_path(const struct instance *i, const char *name);
/* Listens for requests from now on, with listen_fd. */
MUST_CHECK int instance_listen(struct instance *i, struct diag *diag);
/* Removes the sockets and the pid file, and releases the lock. The pid file stays if there is a
 * state file, since something is left on the host then. May be called if it isn't locked. */
void instance_release(struct instance *i);

#define INSTANCE_OPTIONS_MAX (PATH_MAX + IFNAME_MAX + 32)
/* Writes the options with which a command finds this instance, such as " --tun lab", each after
 * a space, and only those that it needs. Returns out. */
const char *instance_options(const struct instance *i,
                             char out[static INSTANCE_OPTIONS_MAX]);

/* Returns the pid of the instance's present or last supervisor; 0 if it isn't known. */
pid_t instance_pid(const struct instance *i);

/* Asks a running instance: sends `request` and a newline. Then the answer can be read
 * from *fd, up to its end. Returns 0, -ENOENT or -ECONNREFUSED (it doesn't run),
 * -ETIMEDOUT (it runs, but takes no requests), or another -errno. Adds no message. */
MUST_CHECK int instance_ask(const struct instance *i, const char *request, int *fd);

#endif
