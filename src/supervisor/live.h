/* src/supervisor/live.h - puts in force what the tunnel files of a running instance now
 * say
 *
 * Reads the files again and applies only what has changed: devices whose files say the
 * same keep their sessions, counters and flows. What can't be applied is reported and its
 * old version stays in force, but the rest is applied all the same. Supervisor process;
 * blocks as long as hooks run. */
#ifndef TUNION_SUPERVISOR_LIVE_H
#define TUNION_SUPERVISOR_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "conf/set.h"
#include "instance/instance.h"
#include "supervisor/changes.h"
#include "supervisor/keeper.h"
#include "supervisor/tunnels.h"
#include "supervisor/underlay.h"

/* Embedded; the pointers are borrowed. */
struct live {
	const struct log *log;
	struct instance *instance;
	struct tunnels *tunnels;
	struct hosts *hosts;
	struct keeper *keeper;
	struct underlay *underlay;
	bool one_tun, applications; /* see plan_env */
	bool host_failed; /* the last host_update failed; the next reload tries again */
	struct conf_set *reading; /* borrowed: of the reload that goes on; or NULL */
	struct diag file_errors;  /* of the last reload: why not all is in force */
};

void live_clear(struct live *l);

/* To be called once the instance is up. Returns 0 if all is applied; diag may contain
 * warnings. Otherwise returns -EINVAL or another -errno; then diag and file_errors say what
 * is not applied. What is new in diag has been logged. */
MUST_CHECK int live_reload(struct live *l, const struct conf_paths *from,
                           struct changes_done *result, struct diag *diag);

#endif
