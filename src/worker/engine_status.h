/* src/worker/engine_status.h - what does a running engine do? As JSON
 *
 * The worker writes what it knows; the supervisor adds what is the host's
 * (supervisor/instance_status.h). The members are documented in doc/json.md and only get
 * more. No private or preshared keys. */
#ifndef TUNION_WORKER_ENGINE_STATUS_H
#define TUNION_WORKER_ENGINE_STATUS_H

#include <stdint.h>

#include "engine/engine.h"
#include "worker/uapi.h"

/* {"devices": [...], "drops": {...}}. The engine must be settled. Free it; NULL if out of
 * memory. */
char *engine_status_text(const struct engine *e, const struct uapi_host *host,
                         uint64_t now_ns);

#endif
