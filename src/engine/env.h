/* src/engine/env.h - what an engine is given: randomness, clock, log, and callbacks */
#ifndef TUNION_ENGINE_ENV_H
#define TUNION_ENGINE_ENV_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/rng.h"

struct aead_impl;
struct device;
struct ip_addr;
struct wg_peer;

struct engine_env {
	struct rng rng;
	const struct log *log; /* borrowed; may be NULL */
	/* What aead_choose has found to work. NULL: the best one that the CPU has. */
	const struct aead_impl *aead;
	uint64_t (*wall_clock_ns)(void *context);
	/* May be NULL. Called when a peer's endpoint has moved, so that the host's rules may
	 * have to change: by engine_run_timers, and once for several moves (moves.h). It
	 * must not change anything in the engine. */
	void (*endpoint_changed)(void *context, struct device *device,
	                         struct wg_peer *peer);
	/* May be NULL. Called when REKEY_TIMEOUT has passed since an initiation and the
	 * peer still owes an answer. So the peer may be somewhere else than at `tried`,
	 * where that initiation was sent (borrowed during the call). It is called again
	 * for each initiation, shortly before the next one is sent. It must not change
	 * anything in the engine. */
	void (*unanswered)(void *context, struct device *device, struct wg_peer *peer,
	                   const struct endpoint *tried);
	/* May be NULL. Called for a DNS query (borrowed) to a server that no tunnel leads to:
	 * see outside.h. It must not change anything in the engine. */
	void (*ask_outside)(void *context, const struct ip_addr *server,
	                    const void *query, size_t n);
	/* May be NULL. The same for a TCP connection: see outside_meeting.h. */
	void (*connect_outside)(void *context, const struct ip_addr *server,
	                        uint16_t port);
	void *context; /* borrowed */
};

#endif
