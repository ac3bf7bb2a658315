/* src/wg/keypair.h - which session keys has a peer, and which of them seal and open?
 *
 * There are at most three. `current` seals. `previous` opens what was under way
 * when current came. `next` is the new one of a responder; it becomes current when
 * the initiator has shown, by a packet that is sealed with it, that it has this
 * keypair too (6.3). */
#ifndef TUNION_WG_KEYPAIR_H
#define TUNION_WG_KEYPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "wg/index.h"
#include "wg/noise.h"
#include "wg/replay.h"

/* It is in use while its index is in the table; otherwise it is wiped. */
struct keypair {
	struct index_entry index; /* our index: the peer puts it into its messages */
	uint32_t remote_index;
	bool initiator; /* we were the initiator, so we have to rekey when it gets old */
	bool can_send, can_receive;
	uint64_t born_ns;                /* CLOCK_BOOTTIME */
	uint64_t send_counter;           /* counter of the next packet */
	uint8_t *send_key, *receive_key; /* owned, from secret_new */
	struct replay replay;
};

/* Embedded in a peer. The memory of a keypair stays until the peer is freed: a batch that
 * has looked one up may find it wiped later, but never freed. */
struct keypairs {
	/* owned; allocated when needed, because most peers are idle; otherwise NULL */
	struct keypair *slots[3];
	struct keypair *previous, *current, *next; /* one of the slots, or NULL */
	struct wg_peer *peer;                      /* borrowed */
	struct secrets *secrets;                   /* borrowed: for the keys */
};

void keypairs_init(struct keypairs *k, struct wg_peer *peer, struct secrets *secrets);
/* To be called after keypairs_clear. */
void keypairs_free(struct keypairs *k);
/* Wipes all three. */
void keypairs_clear(struct keypairs *k, struct index_table *t);
/* None of the keypairs seals any more; they still open what is under way. */
void keypairs_expire(struct keypairs *k);

/* A session begins. Its keypair gets the index of the handshake. It becomes `current` for
 * an initiator and `next` for a responder; the oldest keypair is wiped. Returns false if
 * out of memory; then nothing has changed. */
MUST_CHECK bool keypairs_add(struct keypairs *k, struct index_table *t,
                             const struct noise_session *session,
                             struct index_entry *handshake, uint64_t now_ns);
/* An authentic packet came with this keypair. Returns true if this made it current. */
bool keypairs_received(struct keypairs *k, struct index_table *t,
                       struct keypair *keypair);

/* The keypair with which to seal n packets now, or NULL. One that is older than
 * REJECT_AFTER_TIME, or would exceed REJECT_AFTER_MESSAGES, is not used again. */
struct keypair *keypairs_for_sending(struct keypairs *k, uint64_t n, uint64_t now_ns);
/* May a packet with this counter be opened? This is decided before the work of opening
 * it. Whether the packet is a repeat is decided afterwards, by replay_accept. */
bool keypair_may_receive(struct keypair *k, uint64_t counter, uint64_t now_ns);

/* Is it time for a new handshake (6.2)? The first is asked after sending; the
 * second after receiving, when it is the last chance to get a new session before
 * this one ends. */
bool keypairs_stale_for_sender(const struct keypairs *k, uint64_t now_ns);
bool keypairs_stale_for_receiver(const struct keypairs *k, uint64_t now_ns);

#endif
