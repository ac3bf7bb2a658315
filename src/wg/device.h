/* src/wg/device.h - one WireGuard device: key, peers, sessions, timers
 *
 * A library: no socket, no clock, no tun, no other device. Packets come in and go out as
 * batches; time is passed in; what the device has to say goes to the callbacks. Everything
 * runs in the engine thread. Numbers in comments are sections of the WireGuard paper. */
#ifndef TUNION_WG_DEVICE_H
#define TUNION_WG_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/log.h"
#include "base/packet.h"
#include "base/rng.h"
#include "base/timerq.h"
#include "base/trie.h"

struct wg_device;
struct wg_peer;

/* Called from inside the functions below; must not add or remove peers or devices. */
struct wg_callbacks {
	/* Sends messages (handshake, keepalive, staged data now sealed) to the peer's endpoint.
	 * The buffers have the usual headroom, may be overwritten, and are gone after the call.
	 * packet->tos is set. now_ns is that of the call this happens in: a carrier's session is
	 * judged by it. The way of one peer may lead through another peer of the same device, so
	 * wg_peer_seal of that one may be called from in here. */
	void (*emit)(void *context, struct wg_peer *peer, struct packet *const *packets, size_t n,
	             uint64_t now_ns);
	/* Sends a message that belongs to no peer: a cookie reply. */
	void (*emit_to)(void *context, const struct endpoint *to, struct packet *packet,
	                uint64_t now_ns);
	/* The peer's endpoint was learned anew (authenticated packet from elsewhere). */
	void (*endpoint_changed)(void *context, struct wg_peer *peer);
	/* A handshake with the peer has been completed, in either role. */
	void (*handshake_done)(void *context, struct wg_peer *peer);
	/* The peer is about to be freed: what the owner keeps of it must not lead to it any
	 * more. */
	void (*peer_removed)(void *context, struct wg_peer *peer);
};

struct aead_impl;

/* Outlives the device; all borrowed. */
struct wg_env {
	const struct rng *rng;
	struct timerq *timers;
	struct packet_pool *pool;
	struct secrets *secrets;
	const struct log *log; /* may be NULL */
	/* What aead_choose found to work; NULL: whatever the CPU has. */
	const struct aead_impl *aead;
	/* Nanoseconds since 1970 for TAI64N and last-handshake times, from wall clock. */
	uint64_t (*wall_clock_ns)(void *context);
	const struct wg_callbacks *callbacks;
	void *context; /* for all functions above */
};

/* name is copied, for logs. No private key yet, stopped. 0 or -ENOMEM. */
MUST_CHECK int wg_device_new(struct wg_device **out, const char *name, const struct wg_env *env);
/* Removes the peers, wipes. NULL is fine. */
void wg_device_free(struct wg_device *d);

void wg_device_set_context(struct wg_device *d, void *context); /* the owner's, see below */
void *wg_device_context(const struct wg_device *d);
const char *wg_device_name(const struct wg_device *d);

/* Clamped here. NULL or all zeroes: no key. Sessions end; a peer with the device's own public
 * key is removed. */
void wg_device_set_private_key(struct wg_device *d, const uint8_t *private_key);
bool wg_device_has_private_key(const struct wg_device *d);
/* All zeroes without a key. */
void wg_device_private_key(const struct wg_device *d, uint8_t out[static KEY_BYTES]);
const uint8_t *wg_device_public_key(const struct wg_device *d);

/* For padding (5.4.6): the sealed text is padded to a multiple of 16, never past this.
 * Inner MTU in bytes; 0 is unlimited. */
void wg_device_set_mtu(struct wg_device *d, uint32_t mtu_bytes);

/* As the interface going up and down: on start, peers with persistent keepalive send one;
 * on stop, sessions and staged packets go. Stopped, all packets are dropped (DROP_DOWN). */
void wg_device_start(struct wg_device *d, uint64_t now_ns);
void wg_device_stop(struct wg_device *d);
bool wg_device_started(const struct wg_device *d);

/* ---- peers */

/* NULL if unknown. */
struct wg_peer *wg_device_find_peer(const struct wg_device *d, const uint8_t public_key[static KEY_BYTES]);
/* 0; -EEXIST; -EINVAL for the device's own key; -ENOMEM. */
MUST_CHECK int wg_device_add_peer(struct wg_device *d, const uint8_t public_key[static KEY_BYTES],
                                  struct wg_peer **out);
/* Wiped and freed. Not during a batch. */
void wg_device_remove_peer(struct wg_peer *p);
/* In the order they were added: first, then next until NULL. */
struct wg_peer *wg_device_first_peer(const struct wg_device *d);
struct wg_peer *wg_peer_next(const struct wg_peer *p);
size_t wg_device_peer_count(const struct wg_device *d);

struct wg_device *wg_peer_device(const struct wg_peer *p);
const uint8_t *wg_peer_public_key(const struct wg_peer *p);
/* A pointer of the owner's; NULL at first. */
void wg_peer_set_context(struct wg_peer *p, void *context);
void *wg_peer_context(const struct wg_peer *p);

/* NULL or zeroes: none. */
void wg_peer_set_preshared_key(struct wg_peer *p, const uint8_t *preshared_key);
void wg_peer_preshared_key(const struct wg_peer *p, uint8_t out[static KEY_BYTES]);

/* Set by configuration: no callback. local and ifindex of it are cleared unless given. */
void wg_peer_set_endpoint(struct wg_peer *p, const struct endpoint *endpoint);
const struct endpoint *wg_peer_endpoint(const struct wg_peer *p);
/* Forget local and ifindex: the network has changed. */
void wg_peer_clear_local(struct wg_peer *p);

/* Seconds; 0 off. Turning it on sends a keepalive at once if started. */
void wg_peer_set_keepalive(struct wg_peer *p, uint16_t seconds, uint64_t now_ns);
uint16_t wg_peer_keepalive(const struct wg_peer *p);

/* Takes the prefix from any other peer of the device. 0 or -ENOMEM. */
MUST_CHECK int wg_peer_add_allowed_ip(struct wg_peer *p, struct ip_prefix prefix);
/* Fine if it isn't there. */
void wg_peer_remove_allowed_ip(struct wg_peer *p, struct ip_prefix prefix);
void wg_peer_clear_allowed_ips(struct wg_peer *p);
/* In the order they were added, as the kernel lists them (one that is added again moves to
 * the end); stops when visit returns false. */
void wg_peer_walk_allowed_ips(const struct wg_peer *p,
                              bool (*visit)(void *context, const struct ip_prefix *prefix),
                              void *context);
size_t wg_peer_allowed_ip_count(const struct wg_peer *p);
/* The device's table, and whose an entry of it is: for Via lookups. */
const struct trie *wg_device_allowed_ips(const struct wg_device *d);
struct wg_peer *wg_allowed_ip_peer(const struct trie_entry *entry);

/* Sends an initiation, and its retransmissions, unless that is under way. */
void wg_peer_try_handshake(struct wg_peer *p, uint64_t now_ns);

/* The endpoint is another one: what is unanswered, or waits for a session, is tried there at
 * once. Nothing if there is no such thing. */
void wg_peer_handshake_anew(struct wg_peer *p, uint64_t now_ns);

struct wg_peer_stats {
	uint64_t rx_bytes, tx_bytes;        /* WireGuard messages of both kinds, as the kernel counts */
	uint64_t last_handshake_ns;         /* wall clock, since 1970; 0: never */
	bool session;                       /* a current keypair younger than REJECT_AFTER_TIME */
	uint64_t handshake_unanswered_ns;   /* since when (BOOTTIME) handshakes go unanswered, also
	                                     * when that was given up; 0: the last was answered */
	bool silent;                        /* data was sent, and for 15 s nothing authentic has come */
};
void wg_peer_stats(const struct wg_peer *p, struct wg_peer_stats *out, uint64_t now_ns);

/* ---- packets */

/* Inner packets to a peer. With a session: sealed in place (data message: header in front,
 * padding and tag behind), and their tos set to what the outer header has to bear (ECN of the
 * inner one, DSCP 0). Without: copied into the staged queue, handshake started; so are they
 * when the session is too old. Packets whose outer message can be sent now are moved to the
 * front of `packets`, in order; returns how many. Does not emit those. */
MUST_CHECK size_t wg_peer_seal(struct wg_peer *p, struct packet **packets, size_t n, uint64_t now_ns);

/* Would this device take this UDP payload as a WireGuard message of its own? Right type and
 * length; transport data and cookie replies for an index of ours; handshakes with a valid
 * mac1 (R7). Changes nothing. */
bool wg_device_claims(const struct wg_device *d, const struct packet *message);

/* UDP payloads that arrived for the device, each with `from` and `tos`. Handshake messages
 * are dealt with; transport data is authenticated, decrypted in place, checked against replay
 * window and allowed IPs; keepalives counted. The inner packets are moved to the front of
 * `messages`, in order, with data/len_bytes the IP packet (padding cut), peer set, and a CE
 * mark of the outer header copied in where allowed (R9); returns how many. Everything else
 * is counted by reason. */
MUST_CHECK size_t wg_device_open(struct wg_device *d, struct packet **messages, size_t n,
                                 uint64_t now_ns);

struct drop_counts *wg_device_drops(struct wg_device *d);

#endif
