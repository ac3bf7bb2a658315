/* src/supervisor/supervisor_state.h - what the supervisor is made of. Part of supervisor.c
 * and of what it is divided into; see supervisor.h */
#ifndef TUNION_SUPERVISOR_SUPERVISOR_STATE_H
#define TUNION_SUPERVISOR_SUPERVISOR_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "conf/set.h"
#include "host/host.h"
#include "io/loop.h"
#include "plan/plan.h"
#include "supervisor/clients.h"
#include "supervisor/configure.h"
#include "supervisor/instance.h"
#include "supervisor/underlay.h"
#include "supervisor/worker_child.h"

struct names;

#define RESTARTS_MAX 5 /* in RESTARTS_PERIOD_NS */

struct supervisor {
	struct log log;
	bool foreground, no_offload;
	struct instance instance;
	char **paths; /* owned: absolute, as relative ones end with the directory */
	size_t path_count;
	struct conf_set files;   /* as last read and taken */
	bool host_failed;        /* the last reload: it's tried again by the next one */
	struct diag file_errors; /* of the last reload: why it is not all in force */
	struct plan plan;
	struct host *host;
	struct hooks_events hooks_events;
	bool host_is_up;
	struct configured *devices; /* owned; one for each of the plan's */
	size_t device_count;
	/* Borrowed: of a file that is being added, while its PreUp hooks run; else NULL. */
	struct configured *coming;
	struct worker_child engine;

	struct underlay underlay;
	struct names *names; /* owned; NULL: not begun */
	struct loop *loop;
	struct loop_source signals, channel;
	uint32_t channel_events; /* what is waited for; 0: not in the loop */
	struct clients clients;
	struct outbuf status_text; /* of the engine, so far */
	bool status_asked;
	uint64_t status_due_ns; /* NEVER_NS: no client waits */

	struct watch *watch; /* owned; NULL: the files can't be watched */
	struct loop_source watch_source;
	bool reload_asked;
	bool endpoints_moved;
	uint64_t next_update_ns; /* of the host, at the earliest */
	bool down_wanted;        /* by a client: it may be refused */
	bool ready_for_down;     /* PreDown has run, files are saved */
	struct diag prepared;    /* what was told of that, for the answer */
	bool stop;
	int error; /* why it has to end; 0: it was asked to */
	uint64_t up_since_ns;
	uint64_t restarts_ns[RESTARTS_MAX]; /* ring: when the engine was restarted */
	unsigned restart_count;
};

/* The end of supervisor_serve; error 0: as it was asked to. */
void supervisor_stop(struct supervisor *s, int error);
/* To the log: there is nobody left to print a diag for. */
void supervisor_log_diag(const struct supervisor *s, const struct diag *diag);

/* Sockets for the port of the device's file, or any. 0 or -errno, the reason in diag. */
MUST_CHECK int supervisor_open_udp(struct supervisor *s, struct configured *d,
                                   struct diag *diag);
MUST_CHECK int supervisor_send_resolver(struct supervisor *s);
/* What worker_child_wait returned, in words. */
void supervisor_say_engine_error(const struct supervisor *s, int err, struct diag *diag);
/* Also the one that is coming. NULL: there is none of the name. */
struct configured *supervisor_find_device(const struct supervisor *s, const char *name);
/* It is on its way down. Fine if there is none any more. */
void supervisor_end_engine(struct supervisor *s);
void supervisor_close_udp(struct configured *d);
void supervisor_close_device(struct configured *d);

#endif
