/* src/worker/engine_status.h - what does a running engine do? As JSON
 *
 * The worker writes what it knows, and the supervisor adds what it knows itself
 * (supervisor/instance_status.h). The members are documented in tunion-json(5), and are only
 * ever added. No private or preshared keys. */
#ifndef TUNION_WORKER_ENGINE_STATUS_H
#define TUNION_WORKER_ENGINE_STATUS_H

#include <stdint.h>

#include "engine/engine.h"
#include "sandbox/sandbox.h"
#include "worker/uapi.h"

/* Opens what the JSON library opens for its first object. So it has to be called once, as long as
 * the process may still do so. */
void engine_status_prepare(void);

/* Returns {"devices": [...], "drops": {...}, "drop_ages": {...}, "sandbox": [...],
 * "engine_seconds": N}; since_ns is when the engine was made. It must be settled. To be freed;
 * NULL if out of memory. */
char *engine_status_text(const struct engine *e, const struct uapi_host *host,
                         const struct sandbox *sandbox, uint64_t since_ns,
                         uint64_t now_ns);

#endif
