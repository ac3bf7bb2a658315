/* src/supervisor/tunnels.h - the tunnels of an instance: files, plan, sockets
 *
 * The three go together: the plan is made of the files, and there is a struct tunnel for
 * each of the plan's devices, in the same order. */
#ifndef TUNION_SUPERVISOR_TUNNELS_H
#define TUNION_SUPERVISOR_TUNNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/key.h"
#include "conf/set.h"
#include "plan/plan.h"
#include "supervisor/tunnel.h"

/* Zeroed: none. */
struct tunnels {
	struct conf_set files; /* as last read and taken */
	struct plan plan;
	struct tunnel *v; /* owned */
	size_t count;
	/* Borrowed: of a file that is being added, while its PreUp hooks run; else NULL. */
	struct tunnel *coming;
	bool endpoints_moved; /* since the ways were computed last */
};

/* Closes the sockets, wipes, frees. */
void tunnels_clear(struct tunnels *t);
/* In a forked child, whose descriptors are closed already: only frees. */
void tunnels_forget(struct tunnels *t);

/* Makes a struct tunnel for each device of the plan, without sockets. 0 or -ENOMEM. */
MUST_CHECK int tunnels_make(struct tunnels *t);

/* Also the one that is coming. NULL: there is none of the name. */
struct tunnel *tunnels_find(const struct tunnels *t, const char *name);
/* NULL: the plan knows no such peer; it may have been added by a UAPI client. */
struct plan_peer *tunnels_find_peer(const struct tunnels *t, const char *name,
                                    const uint8_t public_key[static KEY_BYTES]);

/* The peer is there now. */
void tunnels_peer_moved(struct tunnels *t, struct plan_peer *peer,
                        const struct endpoint *endpoint);

#endif
