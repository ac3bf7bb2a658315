/* src/supervisor/takedown.h - may an instance go down, and what is done before it
 * does? */
#ifndef TUNION_SUPERVISOR_TAKEDOWN_H
#define TUNION_SUPERVISOR_TAKEDOWN_H

#include "base/attr.h"
#include "base/diag.h"
#include "instance/instance.h"
#include "supervisor/keeper.h"
#include "supervisor/tunnels.h"

/* Returns the exit status of `down` for what a hook returned: its exit status, or -errno
 * if it couldn't be run. */
int takedown_status(int hook);

/* All borrowed. */
struct takedown {
	struct keeper *keeper;
	struct hosts *hosts;
	struct instance *instance;
	struct tunnels *tunnels;
};

/* Runs PreDown hooks and then saves files. Does all of this even after an error, and
 * returns the first one: the exit status of a hook, which is above 0, or -errno; -EIO for
 * a file. */
MUST_CHECK int takedown_prepare(const struct takedown *t, struct diag *diag);

/* Saves one file that is taken out, if it wants that. Returns 0 or -errno. */
MUST_CHECK int takedown_save(const struct takedown *t, struct conf *conf,
                             struct diag *diag);

/* Says that nothing is up after an `up` that has failed, and that has undone what it did. */
void takedown_tell_failed(struct diag *diag);

/* After a failed `up`: does it leave the host closed, because it has found it so? Also told in
 * *told, which may be NULL. */
bool takedown_stays_closed(const struct takedown *t, bool *told);

/* For an end that nobody has asked for: the tun was lost, or a worker that somebody else rules
 * has said so. Instead of undoing anything, leaves the host and the instance's files as after
 * a kill. Then what belongs to the tunnels is unreachable until `down` or another `up` clears
 * up (design section 4). The process must end soon, because the tun stays open. log may be NULL. */
void takedown_leave_closed(const struct takedown *t, const struct log *log);

#endif
