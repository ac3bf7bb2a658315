/* src/supervisor/instance_status.h - what does a running instance do? As JSON
 *
 * The worker has written what its engine does (worker/engine_status.h), the host's part
 * is added here, `tunion status` makes text of both (cmd/status_text). The members are
 * documented in doc/json.md and only get more. */
#ifndef TUNION_SUPERVISOR_INSTANCE_STATUS_H
#define TUNION_SUPERVISOR_INSTANCE_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* What only the supervisor knows. */
struct instance_status {
	const char *tun;
	uint32_t tun_mtu_bytes;
	uint32_t mark;
	int pid, engine_pid;
	unsigned engine_restarts;
	uint64_t up_s;
	const struct diag *errors; /* borrowed: of the last reload; NULL: none */
};

/* The worker's text with the instance's members. Free it; NULL: out of memory, or the
 * text is no JSON object. */
char *instance_status_text(const char *worker_text, size_t worker_bytes,
                           const struct instance_status *instance);

#endif
