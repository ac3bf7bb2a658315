/* src/supervisor/live.h - a running instance takes over what its tunnel files say now
 *
 * Reads them again and applies what differs, and nothing else: devices whose files say
 * the same keep sessions, counters and flows. What can't be applied is reported, its old
 * version stays in force, and the rest is applied all the same. Supervisor process;
 * blocks as long as hooks do. */
#ifndef TUNION_SUPERVISOR_LIVE_H
#define TUNION_SUPERVISOR_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "host/host.h"
#include "supervisor/instance.h"
#include "supervisor/keeper.h"
#include "supervisor/tunnels.h"
#include "supervisor/underlay.h"

/* Embedded; the pointers are borrowed. */
struct live {
	const struct log *log;
	struct instance *instance;
	struct tunnels *tunnels;
	struct host *host;
	struct keeper *keeper;
	struct underlay *underlay;
	bool host_failed;        /* the last time: it's tried again by the next one */
	struct diag file_errors; /* of the last time: why it is not all in force */
};

void live_clear(struct live *l);

struct live_result {
	size_t added, changed, removed; /* files, applied */
};

/* Once the instance is up. paths: files and directories, as conf_set_read takes them. 0:
 * all is applied, there may be warnings in diag; -EINVAL or another -errno: what is not is
 * in diag, and in file_errors. What is new in diag has been logged. */
MUST_CHECK int live_reload(struct live *l, const char *const *paths, size_t n,
                           struct live_result *result, struct diag *diag);

#endif
