/* src/control/status.h - what does a running instance do? As JSON
 *
 * The engine writes what it knows, the supervisor adds what is the host's, `tunion
 * status` makes text of it (cmd/status_text). The members are documented in doc/json.md
 * and only get more. No private or preshared keys. */
#ifndef TUNION_CONTROL_STATUS_H
#define TUNION_CONTROL_STATUS_H

#include <jansson.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "control/uapi.h"
#include "engine/engine.h"

/* {"devices": [...], "drops": {...}}. The engine must be settled. Free it; NULL if out of
 * memory. */
char *status_of_engine(const struct engine *e, const struct uapi_host *host,
                       uint64_t now_ns);

/* What only the supervisor knows. */
struct status_instance {
	const char *tun;
	uint32_t tun_mtu_bytes;
	uint32_t mark;
	int pid, engine_pid;
	unsigned engine_restarts;
	uint64_t up_s;
	const struct diag *errors; /* borrowed: of the last reload; NULL: none */
};

/* The engine's text with the instance's members. Free it; NULL: out of memory, or the
 * text is no JSON object. */
char *status_complete(const char *engine_text, size_t engine_bytes,
                      const struct status_instance *instance);

#endif
