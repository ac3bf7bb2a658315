/* src/wg/device.h - one WireGuard device: key, peers, sessions, timers
 *
 * This is a library: it knows no socket, no clock, no tun and no other device. Packets
 * come in and go out as batches; time is passed in; the callbacks get what the device has
 * to say. Everything runs in one thread. The numbers in comments are sections of
 * the WireGuard paper. */
#ifndef TUNION_WG_DEVICE_H
#define TUNION_WG_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/packet.h"
#include "base/trie.h"
#include "wg/env.h"

struct wg_device;
struct wg_peer;

/* `name` is copied; logs use it. The new device has no private key and is stopped.
 * 0 or -ENOMEM. */
MUST_CHECK int wg_device_new(struct wg_device **out, const char *name,
                             const struct wg_env *env);
/* Removes the peers and wipes the keys. NULL is fine. */
void wg_device_free(struct wg_device *d);

/* A pointer that belongs to the owner of the device; NULL at first. */
void wg_device_set_context(struct wg_device *d, void *context);
void *wg_device_context(const struct wg_device *d);
const char *wg_device_name(const struct wg_device *d);

/* The key is clamped here. NULL or all zeroes mean that there is no key. All sessions
 * end, and a peer with the device's own public key is removed. */
void wg_device_set_private_key(struct wg_device *d, const uint8_t *private_key);
bool wg_device_has_private_key(const struct wg_device *d);
/* Writes zeroes if there is no key. */
void wg_device_private_key(const struct wg_device *d, uint8_t out[static KEY_BYTES]);
const uint8_t *wg_device_public_key(const struct wg_device *d);

/* The inner MTU in bytes, 0 for unlimited. It is for padding (5.4.6): the text is padded
 * to a multiple of 16, but never beyond the MTU. */
void wg_device_set_mtu(struct wg_device *d, uint32_t mtu_bytes);

/* Like an interface that goes up or down. On start, peers with a persistent keepalive
 * send one. On stop, sessions and staged packets are dropped. A stopped device drops all
 * packets (DROP_DOWN). */
void wg_device_start(struct wg_device *d, uint64_t now_ns);
void wg_device_stop(struct wg_device *d);
bool wg_device_started(const struct wg_device *d);

/* ---- peers */

/* NULL if there is no such peer. */
struct wg_peer *wg_device_find_peer(const struct wg_device *d,
                                    const uint8_t public_key[static KEY_BYTES]);
/* 0, -EEXIST, -EINVAL for the device's own key, or -ENOMEM. */
MUST_CHECK int wg_device_add_peer(struct wg_device *d,
                                  const uint8_t public_key[static KEY_BYTES],
                                  struct wg_peer **out);
/* Wipes the peer's keys and frees it. Not to be called during a batch. */
void wg_device_remove_peer(struct wg_peer *p);
/* Peers are in the order in which they were added: first, then next until NULL. */
struct wg_peer *wg_device_first_peer(const struct wg_device *d);
struct wg_peer *wg_peer_next(const struct wg_peer *p);
size_t wg_device_peer_count(const struct wg_device *d);

struct wg_device *wg_peer_device(const struct wg_peer *p);
const uint8_t *wg_peer_public_key(const struct wg_peer *p);
/* A pointer that belongs to the owner of the peer; NULL at first. */
void wg_peer_set_context(struct wg_peer *p, void *context);
void *wg_peer_context(const struct wg_peer *p);

/* NULL or zeroes mean that there is no preshared key. */
void wg_peer_set_preshared_key(struct wg_peer *p, const uint8_t *preshared_key);
void wg_peer_preshared_key(const struct wg_peer *p, uint8_t out[static KEY_BYTES]);

/* For configuration: no callback is called. The whole endpoint is taken, so `local` and
 * `ifindex` are cleared if they are not given. What waits for an endpoint is sent at the
 * next run of the timers, or a handshake is begun for it. */
void wg_peer_set_endpoint(struct wg_peer *p, const struct endpoint *endpoint);
const struct endpoint *wg_peer_endpoint(const struct wg_peer *p);
/* Is the peer answered by the way that its newest authenticated message came, since no
 * Endpoint says where it is (design R8)? At first it is; wg_peer_set_endpoint ends it. */
bool wg_peer_by_arrival(const struct wg_peer *p);
void wg_peer_set_by_arrival(struct wg_peer *p, bool by_arrival);
/* Forgets local and ifindex, because the network has changed. */
void wg_peer_clear_local(struct wg_peer *p);

/* In seconds; 0 is off. Turning it on sends a keepalive at once if the device is
 * started. */
void wg_peer_set_keepalive(struct wg_peer *p, uint16_t seconds, uint64_t now_ns);
uint16_t wg_peer_keepalive(const struct wg_peer *p);

/* If another peer of the device has the prefix, it is taken away from that one.
 * 0 or -ENOMEM. */
MUST_CHECK int wg_peer_add_allowed_ip(struct wg_peer *p, struct ip_prefix prefix);
/* Does nothing if the peer doesn't have the prefix. */
void wg_peer_remove_allowed_ip(struct wg_peer *p, struct ip_prefix prefix);
void wg_peer_clear_allowed_ips(struct wg_peer *p);
/* To replace them, without a moment in which one that stays isn't there: the present ones are
 * old from now on, until they are added again. Then remove those that are still old. Returns
 * false if there are none. */
void wg_peer_age_allowed_ips(struct wg_peer *p);
bool wg_peer_remove_old_allowed_ips(struct wg_peer *p);
/* In the order in which they were added, as the kernel lists them (a prefix that is added
 * again moves to the end); ends when visit returns false. */
void wg_peer_walk_allowed_ips(const struct wg_peer *p,
                              bool (*visit)(void *context,
                                            const struct ip_prefix *prefix),
                              void *context);
size_t wg_peer_allowed_ip_count(const struct wg_peer *p);
/* The device's table, and the peer that an entry of it belongs to. For lookups of Via. */
const struct trie *wg_device_allowed_ips(const struct wg_device *d);
struct wg_peer *wg_allowed_ip_peer(const struct trie_entry *entry);

/* Sends an initiation, to be repeated until it is answered, unless one is under way. */
void wg_peer_try_handshake(struct wg_peer *p, uint64_t now_ns);

/* To be called when the way to the endpoint has changed: if a handshake is unanswered or
 * packets wait for a session, an initiation is sent at once. Otherwise does nothing. */
void wg_peer_handshake_anew(struct wg_peer *p, uint64_t now_ns);

/* To be called when the peer has got another endpoint. Does the same, but not before
 * REKEY_TIMEOUT has passed since the latest initiation, because both endpoints may belong
 * to one server. If it got two initiations at once, it would answer the first, whose keys
 * we have forgotten by then, and drop the second, because it takes only one in 20 ms. */
void wg_peer_try_endpoint(struct wg_peer *p, uint64_t now_ns);

struct wg_peer_stats {
	uint64_t rx_bytes, tx_bytes; /* WireGuard messages, counted as in the kernel */
	uint64_t last_handshake_ns;  /* wall clock, since 1970; 0 if there was none */
	bool session; /* the current keypair is younger than REJECT_AFTER_TIME */
	/* Since this time (CLOCK_BOOTTIME) no handshake has been answered, even if it was
	 * given up meanwhile; 0 if the last one was answered. */
	uint64_t handshake_unanswered_ns;
	bool silent; /* data was sent, and nothing authentic came for 15 s */
	/* Since this time (CLOCK_BOOTTIME) it has owed an answer: to data if it is silent, or
	 * else to a handshake. 0: it owes none. */
	uint64_t owed_since_ns;
};
void wg_peer_stats(const struct wg_peer *p, struct wg_peer_stats *out, uint64_t now_ns);

/* ---- packets */

/* Inner packets for a peer. If there is a session, they are sealed in place: the header
 * of the data message is put in front, padding and tag behind. Their tos is set to what
 * the outer header must have (ECN of the inner packet, DSCP 0). If there is no session,
 * or it is too old, they are copied into the staged queue and a handshake is started.
 * Sealed packets are moved to the front of `packets`, in order; the function returns how
 * many there are. It does not emit them. */
MUST_CHECK size_t wg_peer_seal(struct wg_peer *p, struct packet **packets, size_t n,
                               uint64_t now_ns);

/* Would this device accept this UDP payload as a WireGuard message for itself (R7)? Type
 * and length must be right; transport data and cookie replies must be for an index of
 * this device; handshake messages must have a valid mac1. Changes nothing. */
bool wg_device_claims(const struct wg_device *d, const struct packet *message);

/* UDP payloads that arrived for the device, each with `from` and `tos`. Handshake
 * messages are put aside for wg_answer_handshakes. Transport data is authenticated,
 * decrypted in place, and checked against replay window and allowed IPs. Keepalives are
 * counted. The inner packets are moved to the front of `messages`, in order; the function
 * returns how many there are. Their bytes are the IP packet without padding, and a CE mark
 * of the outer header is copied in where this is allowed (R9). Everything else is counted
 * by reason. */
MUST_CHECK size_t wg_device_open(struct wg_device *d, struct packet **messages, size_t n,
                                 uint64_t now_ns);

/* ---- handshake messages that are put aside */

/* What wg_env needs: where handshake messages wait, for all devices of the owner. Both
 * pointers are as in intake_new. Free it, by intake_free, after the devices. 0 or
 * -ENOMEM. */
MUST_CHECK int wg_intake_new(struct intake **out, const struct rng *rng,
                             struct timerq *timers);

/* To be called when the data of a batch is on its way. Answers the first few handshake
 * messages that were put aside. If there are more, a timer goes on with them, a few each
 * time that the timers are run, and until it is done this function does nothing: however
 * many there are, data comes in between. */
void wg_answer_handshakes(struct intake *in, uint64_t now_ns);

struct drop_counts *wg_device_drops(struct wg_device *d);

#endif
