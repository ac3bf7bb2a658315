/* src/supervisor/reload.h - what has changed between the tunnel files as they were read
 * last and as they are now?
 *
 * Files are identified by NAME. They are compared by what they mean, not by their bytes:
 * a new comment changes nothing. They are compared with the files as they were read last,
 * and not with what is in force. So what `wg set` has changed stays until the file says
 * something new about it. Pure functions. */
#ifndef TUNION_SUPERVISOR_RELOAD_H
#define TUNION_SUPERVISOR_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "channel/outbuf.h"
#include "conf/set.h"
#include "plan/plan.h"

enum reload_state {
	RELOAD_SAME,
	RELOAD_ADDED,
	RELOAD_CHANGED,
	RELOAD_REMOVED,
	RELOAD_BAD, /* has errors, or is refused: the old version, if any, stays */
};

struct reload_file {
	enum reload_state state;
	struct conf *old, *fresh; /* borrowed; NULL: there is none */
};

/* Sorted by the bytes of NAME. All zeroes: empty. */
struct reload {
	struct reload_file *v; /* owned */
	size_t n;
};

/* Adds to errors those files of `fresh` that have no mistakes but must not be used, and
 * says for each what to do. These are files with hooks that others could have written,
 * and files that have lost their [Interface] or PrivateKey, which happens when the disk
 * is full or a copy is not finished. A file with the same text as in old is the same
 * conf; it was checked when it was new. */
void reload_refuse(const struct conf_set *old, const struct conf_set *fresh,
                   struct diag *errors);

/* Both sets must live longer than the result. `errors` comes from reading `fresh` and
 * from reload_refuse: a file with an error becomes RELOAD_BAD. If the name in an Endpoint
 * hasn't changed, its address is copied from the old file to the fresh one. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int reload_compare(struct reload *out, const struct conf_set *old,
                              const struct conf_set *fresh, const struct diag *errors);
void reload_clear(struct reload *r);

static inline const char *reload_name(const struct reload_file *f)
{
	return (f->old ? f->old : f->fresh)->name;
}
/* Returns the version of it that should be in force; NULL: none. */
static inline struct conf *reload_conf(const struct reload_file *f)
{
	return f->state == RELOAD_BAD ? f->old : f->fresh;
}
/* Does something have to be done about it? */
static inline bool reload_differs(const struct reload_file *f)
{
	return f->state == RELOAD_ADDED || f->state == RELOAD_CHANGED ||
	       f->state == RELOAD_REMOVED;
}

/* Puts the confs that are to be in force into kept, which has room for r->n, and frees the others.
 * Then r is no longer valid. */
void reload_keep(const struct reload *r, struct conf_set *kept);

/* Returns NULL if there is no file with this name. */
struct reload_file *reload_find(const struct reload *r, const char *name);

/* Do both have the same Endpoint? */
bool reload_same_endpoint(const struct conf_peer *a, const struct conf_peer *b);

/* Prints the lines, without set=1, that change a device from the old file to `to`, whose
 * conf is the new one. What is in both isn't mentioned, so that sessions survive. The
 * text contains keys. */
void reload_print_uapi(struct outbuf *o, const struct conf *old,
                       const struct plan_device *to);

/* Does the file want sockets of its own, or other ones than before? */
bool reload_changes_sockets(const struct reload_file *f);
/* Would configure_settings tell the worker the same about both? */
bool reload_same_settings(const struct plan_device *a, const struct plan_device *b);

#endif
