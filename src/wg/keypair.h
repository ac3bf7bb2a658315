/* src/wg/keypair.h - which session keys has a peer, and which of them seal and open?
 *
 * Three at most: `current` seals; `previous` still opens what was under way when current
 * came; `next` is a responder's new one, which becomes current when the initiator has
 * shown, by a packet sealed with it, that he has it too (6.3). */
#ifndef TUNION_WG_KEYPAIR_H
#define TUNION_WG_KEYPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "wg/index.h"
#include "wg/noise.h"
#include "wg/replay.h"

/* In use while its index is in the table; wiped when not. */
struct keypair {
	struct index_entry index; /* ours: the peer puts it into what he sends */
	uint32_t remote_index;
	bool initiator; /* we were it: rekeying by age is our task */
	bool can_send, can_receive;
	uint64_t born_ns;      /* CLOCK_BOOTTIME */
	uint64_t send_counter; /* of the next packet */
	uint8_t send_key[AEAD_KEY_BYTES];
	uint8_t receive_key[AEAD_KEY_BYTES];
	struct replay replay;
};

/* Embedded in a peer. A keypair's memory stays until the peer goes: who looked one up for
 * a batch may find it wiped, but can look. */
struct keypairs {
	struct keypair
		*slots[3]; /* owned; made as needed, or NULL: most peers are idle */
	struct keypair *previous, *current, *next; /* among slots, or NULL */
	struct wg_peer *peer;                      /* borrowed */
};

void keypairs_init(struct keypairs *k, struct wg_peer *peer);
/* After keypairs_clear. */
void keypairs_free(struct keypairs *k);
/* Wipes all three. */
void keypairs_clear(struct keypairs *k, struct index_table *t);
/* No keypair seals any more; what is under way can still be opened. */
void keypairs_expire(struct keypairs *k);

/* A session begins: it gets the index of its handshake, and is current for an initiator,
 * next for a responder; the oldest goes. False if out of memory, and nothing changes. */
MUST_CHECK bool keypairs_add(struct keypairs *k, struct index_table *t,
                             const struct noise_session *session,
                             struct index_entry *handshake, uint64_t now_ns);
/* An authentic packet came with this keypair. True if that made it current. */
bool keypairs_received(struct keypairs *k, struct index_table *t,
                       struct keypair *keypair);

/* The keypair to seal n packets with now, or NULL; one that is past REJECT_AFTER_TIME or
 * would pass REJECT_AFTER_MESSAGES is not used again. */
struct keypair *keypairs_for_sending(struct keypairs *k, size_t n, uint64_t now_ns);
/* May a packet with this counter be opened? Settles it before the work of opening;
 * whether it is a repeat, replay_accept says afterwards. */
bool keypair_may_receive(struct keypair *k, uint64_t counter, uint64_t now_ns);

/* Is it time for a new handshake (6.2), after sending; after receiving, when it is the
 * last chance not to be cut off? */
bool keypairs_stale_for_sender(const struct keypairs *k, uint64_t now_ns);
bool keypairs_stale_for_receiver(const struct keypairs *k, uint64_t now_ns);

#endif
