/* src/supervisor/tunnels.h - the tunnels of an instance: files, plan, sockets
 *
 * The three belong together: the plan is made of the files, and there is a struct tunnel
 * for each of the plan's devices, in the same order. */
#ifndef TUNION_SUPERVISOR_TUNNELS_H
#define TUNION_SUPERVISOR_TUNNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/key.h"
#include "base/log.h"
#include "conf/set.h"
#include "plan/plan.h"
#include "supervisor/tunnel.h"

/* All zeroes: there are none. */
struct tunnels {
	struct conf_set files; /* as they were read and accepted last */
	struct plan plan;
	struct tunnel *v; /* owned */
	size_t count;
	/* Borrowed: those that the worker has beside those of the plan, because hooks use
	 * them: of files that are coming, or that are going. */
	struct tunnel *beside;
	bool endpoints_moved; /* since the ways were last computed */
};

/* Closes the sockets, wipes the keys, and frees all. */
void tunnels_clear(struct tunnels *t);
/* For a forked child, whose descriptors are already closed: only frees, and wipes the keys, also
 * those of a reload that goes on; NULL: there is none. */
void tunnels_forget(struct tunnels *t, struct conf_set *reading);

/* Reads the files and reports the errors of all, and those between them, in one run. The plan
 * is only a test: addresses of names and path MTUs aren't known yet, so its warnings are only
 * reported if it fails. Returns 0 or -errno, with the reasons in diag. */
MUST_CHECK int tunnels_read(struct tunnels *t, const struct conf_paths *from,
                            const struct plan_env *env, struct diag *diag);
/* Tells the log where that is which opens the files' keys (base/sealed.h). */
void tunnels_log_keys(const struct tunnels *t, const struct log *log);
/* Makes a struct tunnel for each device of the plan, without sockets. 0 or -ENOMEM. */
MUST_CHECK int tunnels_make(struct tunnels *t);

/* The worker has it beside those of the plan. */
void tunnels_put_beside(struct tunnels *t, struct tunnel *tunnel);
/* Does this with those of the old plan that the new one, which is in force now, doesn't
 * have. */
void tunnels_put_gone_beside(struct tunnels *t, struct tunnel *gone, size_t count);
/* Does nothing if it isn't there. */
void tunnels_take_from_beside(struct tunnels *t, struct tunnel *tunnel);
/* The worker has none of them any more: wipes the keys of their hooks. */
void tunnels_leave_beside(struct tunnels *t);

/* Also finds those beside the plan. Returns NULL if none has this name. */
struct tunnel *tunnels_find(const struct tunnels *t, const char *name);
/* Returns NULL if the plan has no such peer, which a UAPI client may have added. */
struct plan_peer *tunnels_find_peer(const struct tunnels *t, const char *name,
                                    const uint8_t public_key[static KEY_BYTES]);

/* The peer is now at this endpoint. */
void tunnels_peer_moved(struct tunnels *t, struct plan_peer *peer,
                        const struct endpoint *endpoint);

#endif
