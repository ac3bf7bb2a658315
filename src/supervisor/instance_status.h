/* src/supervisor/instance_status.h - what does a running instance do? As JSON
 *
 * The worker writes what its engine does (worker/engine_status.h). Here the instance's
 * part is added, and `tunion status` makes text of it all (cmd/status_text.h). The
 * members are documented in tunion-json(5), and are only ever added. */
#ifndef TUNION_SUPERVISOR_INSTANCE_STATUS_H
#define TUNION_SUPERVISOR_INSTANCE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "conf/set.h"
#include "host/yield.h"
#include "names/names.h"
#include "plan/plan.h"
#include "supervisor/helper_log.h"

#define INSTANCE_STATUS_HELPERS 3

struct hosts;

/* What only the supervisor knows. The worker is called engine in the members of the
 * JSON. */
struct instance_status {
	const char *tun;
	uint32_t tun_mtu_bytes;
	uint32_t mark;
	int pid, engine_pid;
	unsigned engine_restarts;
	uint64_t up_s;
	uint64_t now_ns;
	struct conf_paths files;   /* the files and folders that are followed */
	const struct names *names; /* borrowed: of Endpoints */
	/* names_walk; NULL: there are no names. It is passed on because not everybody who
	 * makes a status has names, which need a resolver. */
	void (*walk_names)(const struct names *names,
	                   void (*visit)(void *context, const struct names_state *state),
	                   void *context);
	const struct diag *errors;  /* borrowed: of the last reload; NULL: none */
	const struct yield *yields; /* borrowed: prefixes that another link has, too */
	size_t yield_count;
	const struct plan *plan;   /* borrowed: in force; NULL: none */
	const struct hosts *hosts; /* borrowed */
	/* hosts_is_missing, passed on for the same reason; NULL if there is no plan */
	bool (*is_missing)(const struct hosts *hosts, const struct plan_device *d);
	/* borrowed: what the other processes say; NULL: they have said nothing */
	const struct helper_log *helpers[INSTANCE_STATUS_HELPERS];
};

/* Adds the instance's members to the worker's text, which can't replace them, and what is
 * wrong according to all of them (show/status_health.h). To be freed;
 * NULL if out of memory, or if the text is no JSON object, is nested too deeply, or
 * contains what must not be printed. */
char *instance_status_text(const char *worker_text, size_t worker_bytes,
                           const struct instance_status *instance);

#endif
