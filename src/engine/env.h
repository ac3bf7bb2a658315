/* src/engine/env.h - what an engine is given: randomness, clock, log, whom to tell */
#ifndef TUNION_ENGINE_ENV_H
#define TUNION_ENGINE_ENV_H

#include <stdint.h>

#include "base/log.h"
#include "base/rng.h"

struct aead_impl;
struct device;
struct wg_peer;

struct engine_env {
	struct rng rng;
	const struct log *log; /* borrowed; may be NULL */
	/* What aead_choose found to work; NULL: whatever the CPU has. */
	const struct aead_impl *aead;
	uint64_t (*wall_clock_ns)(void *context);
	/* May be NULL. A peer's endpoint has moved, so ways and the host's rules may
	 * change. */
	void (*endpoint_changed)(void *context, struct device *device,
	                         struct wg_peer *peer);
	/* May be NULL. An initiation has had its REKEY_TIMEOUT and the peer owes an
	 * answer, so it may be elsewhere than at `tried` (borrowed during the call), to
	 * which that initiation went. Called again and again, for each initiation,
	 * shortly before the next one. It must not change anything in the engine. */
	void (*unanswered)(void *context, struct device *device, struct wg_peer *peer,
	                   const struct endpoint *tried);
	void *context; /* borrowed */
};

#endif
