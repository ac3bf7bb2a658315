/* src/inside/insiders.h - which commands are inside, and who may follow them?
 *
 * An instance of `exec` lives as long as one of its commands. A command that was started
 * inside by another one doesn't count. Meanwhile their name look-ups are kept inside
 * (inside_mend), whatever others do to the files of the host. */
#ifndef TUNION_INSIDE_INSIDERS_H
#define TUNION_INSIDE_INSIDERS_H

#include "base/attr.h"
#include "base/ending.h"
#include "base/log.h"
#include "inside/handover.h"
#include "io/loop.h"

struct insider;

/* Embedded. All zeroes: there is no inside. */
struct insiders {
	const struct handover_fds *fds; /* borrowed; NULL: there is no inside */
	struct ending *ending;          /* borrowed */
	struct loop *loop;              /* borrowed; NULL before insiders_start */
	const struct log *log;          /* borrowed */
	struct insider *first;          /* owned */
	struct loop_source mounts;      /* its fd is borrowed */
	struct loop_source etc;         /* its fd is owned: inotify of /etc */
};

/* fds, ending and log must be set. The first command is the process of this pidfd, which is
 * owned from here on. Returns 0 or -errno. */
MUST_CHECK int insiders_start(struct insiders *i, struct loop *loop, int pidfd);
/* Gives the namespaces to the process on the other side of a control socket, and counts
 * it. Returns 0, -ENOENT (there is no inside), or another -errno. */
MUST_CHECK int insiders_admit(struct insiders *i, int client_fd);
/* Forgets all, who then have no network any more. */
void insiders_clear(struct insiders *i);

#endif
