/* src/supervisor/instance_status.h - what does a running instance do? As JSON
 *
 * The worker writes what its engine does (worker/engine_status.h). Here the instance's
 * part is added, and `tunion status` makes text of it all (cmd/status_text.h). The
 * members are documented in doc/json.md, and are only ever added. */
#ifndef TUNION_SUPERVISOR_INSTANCE_STATUS_H
#define TUNION_SUPERVISOR_INSTANCE_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "host/yield.h"

/* What only the supervisor knows. The worker is called engine in the members of the
 * JSON. */
struct instance_status {
	const char *tun;
	uint32_t tun_mtu_bytes;
	uint32_t mark;
	int pid, engine_pid;
	unsigned engine_restarts;
	uint64_t up_s;
	const struct diag *errors;  /* borrowed: of the last reload; NULL: none */
	const struct yield *yields; /* borrowed: prefixes that another link has, too */
	size_t yield_count;
};

/* Adds the instance's members to the worker's text, which can't replace them. To be freed;
 * NULL if out of memory, or if the text is no JSON object, is nested too deeply, or
 * contains what must not be printed. */
char *instance_status_text(const char *worker_text, size_t worker_bytes,
                           const struct instance_status *instance);

#endif
