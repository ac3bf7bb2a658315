/* src/supervisor/reload.h - what differs between the tunnel files as last read and as they
 * are now?
 *
 * Files are told apart by NAME and compared by what they say, not by their bytes: a
 * comment more changes nothing. They are compared with the files as last read, never with
 * what is in force, so what `wg set` has changed stays as long as the file says nothing
 * new about it. Pure functions. */
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
	RELOAD_BAD, /* has errors, or is refused: the old one, if any, stays */
};

struct reload_file {
	enum reload_state state;
	struct conf *old, *fresh; /* borrowed; NULL: there is none */
};

/* In byte order of NAME. Zeroed is empty. */
struct reload {
	struct reload_file *v; /* owned */
	size_t n;
};

/* Adds to errors the files of `fresh` that are without mistakes but must not come, each
 * with what to do: those with hooks that others could have written, and those that have
 * lost their [Interface] or PrivateKey, which is what a full disk or a copy that is not
 * finished leaves of a file. One whose text is that of old, which is then the same conf,
 * was judged when it came. */
void reload_refuse(const struct conf_set *old, const struct conf_set *fresh,
                   struct diag *errors);

/* Both sets must outlive it. `errors` is what reading `fresh` gave, and
 * reload_refuse: a file that has one
 * there is RELOAD_BAD. The addresses that names of Endpoints were resolved to pass from
 * old files to fresh ones where the name has not changed. 0 or -ENOMEM. */
MUST_CHECK int reload_compare(struct reload *out, const struct conf_set *old,
                              const struct conf_set *fresh, const struct diag *errors);
void reload_clear(struct reload *r);

static inline const char *reload_name(const struct reload_file *f)
{
	return (f->old ? f->old : f->fresh)->name;
}
/* What is to be in force of it; NULL: nothing. */
static inline struct conf *reload_conf(const struct reload_file *f)
{
	return f->state == RELOAD_BAD ? f->old : f->fresh;
}
/* Is there anything to be done about it? */
static inline bool reload_differs(const struct reload_file *f)
{
	return f->state == RELOAD_ADDED || f->state == RELOAD_CHANGED ||
	       f->state == RELOAD_REMOVED;
}

/* NULL if there is none of the name. */
struct reload_file *reload_find(const struct reload *r, const char *name);

/* Does the Endpoint say the same? */
bool reload_same_endpoint(const struct conf_peer *a, const struct conf_peer *b);
/* The peer with the key; NULL: none. */
const struct conf_peer *reload_find_peer(const struct conf *conf,
                                         const uint8_t public_key[static KEY_BYTES]);

/* The lines, after set=1, that bring a device from the old file to `to`, whose conf is
 * the new one: nothing is said of what is in both, so sessions live on. It holds keys. */
void reload_print_uapi(struct outbuf *o, const struct conf *old,
                       const struct plan_device *to);

/* Is all that configure_settings tells the engine the same? */
bool reload_same_settings(const struct plan_device *a, const struct plan_device *b);

#endif
