/* src/wg/env.h - what does a device need, and whom does it tell?
 *
 * The owner fills this in; see device.h. */
#ifndef TUNION_WG_ENV_H
#define TUNION_WG_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/packet.h"
#include "base/rng.h"
#include "base/timerq.h"

struct intake;
struct wg_peer;
struct secrets;

/* Called from inside the functions of device.h. They must not add or remove peers or
 * devices. */
struct wg_callbacks {
	/* Sends messages (handshake, keepalive, sealed data that was staged) to the
	 * peer's endpoint. The buffers have the usual headroom; they may be overwritten
	 * and must not be used after the call. packet->tos is set. now_ns is that of the
	 * call from which this one comes; the age of a carrier's session is judged by it.
	 * The way of one peer may lead through another peer of the same device, so this
	 * callback may call wg_peer_seal for that one. */
	void (*emit)(void *context, struct wg_peer *peer, struct packet *const *packets,
	             size_t n, uint64_t now_ns);
	/* Sends a message that belongs to no peer: a cookie reply. */
	void (*emit_to)(void *context, const struct endpoint *to, struct packet *packet,
	                uint64_t now_ns);
	/* The peer has a new endpoint, learned from an authenticated packet. */
	void (*endpoint_changed)(void *context, struct wg_peer *peer);
	/* A handshake with the peer has been completed, in either role. */
	void (*handshake_done)(void *context, struct wg_peer *peer);
	/* A packet of a peer is dropped because its source isn't the peer's. Returns true
	 * if it was counted, for a reason that says more. May be NULL. */
	bool (*wrong_source)(void *context, const struct packet *packet, uint64_t now_ns);
	/* An initiation is dropped because it was made for another key than ours
	 * (DROP_BAD_MAC1), or is from nobody we know (DROP_BAD_HANDSHAKE). Whoever knows our
	 * address can cause this. May be NULL. */
	void (*refused)(void *context, const struct endpoint *from, enum drop reason,
	                uint64_t now_ns);
	/* The peer is about to be freed: nothing that the owner keeps may point to it
	 * after this call. */
	void (*peer_removed)(void *context, struct wg_peer *peer);
};

struct aead_impl;

/* Lives longer than the device. All pointers are borrowed. */
struct wg_env {
	const struct rng *rng;
	struct timerq *timers;
	struct packet_pool *pool;
	struct secrets *secrets; /* for all keys */
	struct intake *intake;   /* see wg_intake_new */
	const struct log *log;   /* may be NULL */
	/* what aead_choose returned; with NULL the fastest one that the CPU has */
	const struct aead_impl *aead;
	/* The wall clock in nanoseconds since 1970, for TAI64N and
	 * last-handshake times. */
	uint64_t (*wall_clock_ns)(void *context);
	const struct wg_callbacks *callbacks;
	void *context; /* for all functions above */
};

#endif
