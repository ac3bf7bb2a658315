/* src/supervisor/follow.h - which files does a running instance follow, and have they
 * changed on the disk? */
#ifndef TUNION_SUPERVISOR_FOLLOW_H
#define TUNION_SUPERVISOR_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/log.h"
#include "conf/set.h"
#include "io/loop.h"

struct watch;

/* Embedded. All zeroes: follow_init wasn't called. */
struct follow {
	char **paths; /* owned */
	size_t path_count;
	char *gate;     /* owned; may be NULL */
	char **without; /* owned: NAMEs whose files are left out */
	size_t without_count;
	struct watch *watch; /* owned; NULL: they can't be watched, or should not be */
	int watch_err;       /* why they can't: -errno */
	struct loop *loop;   /* borrowed; NULL: follow_start wasn't called */
	struct loop_source source;
};

/* To be called before the files are read for the first time, so that no change is missed.
 * The paths are copied. Returns 0 or -ENOMEM. */
MUST_CHECK int follow_init(struct follow *f, const struct conf_paths *from,
                           bool no_watch);
/* What was copied, and what has been added and left out; valid until the next change. */
struct conf_paths follow_paths(const struct follow *f);
/* From here on the loop watches the files. If they can't be watched although they could be
 * read, this is only logged. Returns 0 or -errno. */
MUST_CHECK int follow_start(struct follow *f, struct loop *loop, const struct log *log);
void follow_clear(struct follow *f);

/* From now on the file with this NAME is left out, as if it were gone. Returns 0 or -ENOMEM. */
MUST_CHECK int follow_leave_out(struct follow *f, const char *name);
bool follow_leaves_out(const struct follow *f, const char *name);
/* Undoes that. Returns false if it wasn't left out. */
bool follow_take_in(struct follow *f, const char *name);
/* Is this file, by its absolute path, one of those that are followed, or in a folder that is? */
bool follow_has(const struct follow *f, const char *path);
/* Follows a file more, the last of them all. Returns 0 or -ENOMEM. follow_drop undoes it. */
MUST_CHECK int follow_add(struct follow *f, const char *path);
void follow_drop(struct follow *f);

/* The time at which follow_due has to be called at the latest. */
uint64_t follow_deadline_ns(const struct follow *f);
/* Have files changed, and has nothing changed for a while since? True once each time. */
MUST_CHECK bool follow_due(struct follow *f, uint64_t now_ns);

#endif
