/* src/wg/state.h - what are a device and its peers made of? Only src/wg may include this;
 * for others there is device.h. */
#ifndef TUNION_WG_STATE_H
#define TUNION_WG_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/drop.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/log.h"
#include "base/timerq.h"
#include "base/trie.h"
#include "wg/cookie.h"
#include "wg/env.h"
#include "wg/index.h"
#include "wg/keypair.h"
#include "wg/noise.h"
#include "wg/staged.h"

/* The timers of a peer; see wg/timers.c. */
enum peer_timer {
	TIMER_RETRANSMIT_HANDSHAKE,
	TIMER_SEND_KEEPALIVE,
	TIMER_NEW_HANDSHAKE,
	TIMER_ZERO_KEY_MATERIAL,
	TIMER_PERSISTENT_KEEPALIVE,
	PEER_TIMER_COUNT,
};

struct peer_timers {
	struct timer timer; /* armed for the earliest deadline or before: wg/timers.c */
	uint64_t deadline_ns[PEER_TIMER_COUNT]; /* NEVER_NS if the timer is off */
	uint64_t jitter_ns;          /* drawn with each initiation and session */
	uint32_t handshake_attempts; /* retransmissions since the last new reason */
	bool need_another_keepalive;
	bool sent_lastminute_handshake;
};

/* One prefix of one peer. The list of the peer owns it; it is in the device's trie. */
struct allowed_ip {
	struct trie_entry entry;
	struct wg_peer *peer; /* borrowed */
	struct allowed_ip *next, *previous;
	bool old; /* see wg_peer_age_allowed_ips */
};

struct allowed_list {
	struct allowed_ip *first, *last;
	size_t count;
};

/* Bytes of WireGuard messages. */
struct peer_transfer {
	uint64_t rx_bytes, tx_bytes;
};

/* On the heap, from wg_device_add_peer until wg_device_remove_peer. */
struct wg_peer {
	struct wg_device *device;         /* borrowed: it owns the peer */
	struct wg_peer *next, *previous;  /* in the order in which peers were added */
	struct bucket_link by_key;        /* in the device's table of public keys */
	void *context;                    /* borrowed: set by the engine */
	struct noise_handshake handshake; /* contains the public key */
	struct index_entry handshake_index;
	struct cookie_maker cookie;
	struct keypairs keypairs;
	struct peer_timers timers;
	struct endpoint endpoint;
	struct staged staged;
	struct allowed_list allowed;
	struct peer_transfer transfer;
	uint64_t last_handshake_ns;   /* wall clock */
	uint64_t unanswered_since_ns; /* CLOCK_BOOTTIME; 0: no handshake is unanswered */
	uint64_t silent_since_ns;     /* CLOCK_BOOTTIME; 0: it isn't; see wg_peer_stats */
	uint64_t next_initiation_ns;  /* none is sent before this: see REKEY_TIMEOUT */
	uint16_t keepalive_s;         /* 0 if it is off */
	bool keepalive_staged;        /* one is sent when there is a session */
	bool by_arrival;              /* see wg_peer_by_arrival */
};

/* On the heap, from wg_device_new until wg_device_free. */
struct wg_device {
	const struct wg_env *env; /* borrowed */
	char *name;               /* owned */
	void *context;            /* borrowed: set by the engine */
	struct noise_identity identity;
	struct cookie_checker cookie_checker;
	struct wg_peer *first_peer, *last_peer; /* owned */
	struct bucket_table by_key; /* the peers, by a hash of their public keys */
	uint8_t bucket_key[16]; /* random key for SipHash: no one can aim at a bucket */
	struct index_table indices;
	struct trie *allowed_ips; /* owned; contains struct allowed_ip */
	uint32_t mtu_bytes;
	bool started;
	struct drop_counts drops;
};

/* Counts n packets that were dropped for one reason; all drops of wg go through here. */
static inline void device_drop(struct wg_device *d, enum drop reason, uint64_t n)
{
	drop_count(&d->drops, reason, n);
}

/* Logs "NAME: peer abcd…wxyz: ...". Only for events that a stranger can't provoke. */
#define peer_log(peer, severity, fmt, ...)                                               \
	do {                                                                             \
		const struct log *peer_log_to = (peer)->device->env->log;                \
		char peer_log_key[KEY_SHORT_STRLEN];                                     \
                                                                                         \
		if (peer_log_to && (severity) <= peer_log_to->level)                     \
			log_line(peer_log_to, severity, (peer)->device->name,            \
			         "peer %s: " fmt,                                        \
			         key_short((peer)->handshake.remote_static,              \
			                   peer_log_key),                                \
			         ##__VA_ARGS__);                                         \
	} while (0)

/* ---- peer.c */

/* Makes a peer of d with no key but its public one; it is in no list yet. NULL if
 * out of memory. */
struct wg_peer *peer_new(struct wg_device *d, const uint8_t public_key[static KEY_BYTES]);
/* The peer must not be in any list any more. Wipes its keys. */
void peer_free(struct wg_peer *p);
/* The device has come up: a peer with a persistent keepalive sends one. */
void peer_start(struct wg_peer *p, uint64_t now_ns);
/* The device goes down: the peer is as after its creation, but keeps its configuration
 * and the latest timestamp. */
void peer_stop(struct wg_peer *p);
/* To be called when the device's key has changed. */
void peer_set_identity(struct wg_peer *p);
/* To be called when an authentic message came from this endpoint. */
void peer_learn_endpoint(struct wg_peer *p, const struct endpoint *from);
/* To be called when a handshake is confirmed, in either role. */
void peer_handshake_done(struct wg_peer *p);

#endif
