/* src/wg/noise.h - the handshake, Noise_IKpsk2 (5.4.2 to 5.4.5)
 *
 * Knows no socket, no timer and no table. Two messages; the initiator creates the first
 * and consumes the second, the responder the reverse; then both begin a session. Nothing
 * of a handshake changes before the message that would change it has authenticated. */
#ifndef TUNION_WG_NOISE_H
#define TUNION_WG_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "base/rng.h"
#include "base/secret.h"
#include "wg/message.h"

/* Who a device is. Embedded in it. */
struct noise_identity {
	uint8_t *private_key; /* owned, of secret_new; clamped */
	uint8_t public_key[NOISE_KEY_BYTES];
	bool present; /* else both keys are zero */
};

/* What a handshake has got to. Beside each: what of the fields marked "ephemeral" counts.
 */
enum noise_state {
	NOISE_ZEROED,              /* nothing */
	NOISE_CREATED_INITIATION,  /* ephemeral_private, chaining_key, hash */
	NOISE_CONSUMED_INITIATION, /* remote_ephemeral, remote_index, chaining_key, hash
	                            */
	NOISE_CREATED_RESPONSE,    /* remote_index, chaining_key */
	NOISE_CONSUMED_RESPONSE,   /* remote_index, chaining_key */
};

/* Embedded in a peer. */
struct noise_handshake {
	enum noise_state state; /* set by set_state in noise.c alone */
	uint32_t remote_index;  /* ephemeral */
	uint8_t ephemeral_private[NOISE_KEY_BYTES]; /* ephemeral */
	uint8_t remote_ephemeral[NOISE_KEY_BYTES];  /* ephemeral */
	uint8_t hash[NOISE_HASH_BYTES];             /* ephemeral */
	uint8_t chaining_key[NOISE_HASH_BYTES];     /* ephemeral */

	uint8_t remote_static[NOISE_KEY_BYTES];
	uint8_t static_static[NOISE_KEY_BYTES]; /* DH of both; zero: there is none */
	uint8_t preshared_key[NOISE_KEY_BYTES]; /* zero: none */
	uint8_t latest_timestamp[TAI64N_BYTES]; /* greatest of the initiations consumed */
	uint64_t next_consume_ns; /* none is consumed before; CLOCK_BOOTTIME */
};

/* What begins when a handshake is done. Whoever gets it wipes it. */
struct noise_session {
	uint8_t send_key[AEAD_KEY_BYTES];
	uint8_t receive_key[AEAD_KEY_BYTES];
	uint32_t remote_index;
	bool initiator; /* we were it */
};

/* 0 or -ENOMEM. No key yet. */
MUST_CHECK int noise_identity_init(struct noise_identity *id, struct secrets *secrets);
void noise_identity_clear(struct noise_identity *id);
/* Clamps. NULL or all zeroes: no key. */
void noise_identity_set(struct noise_identity *id, const uint8_t *private_key);
/* Clamped copy of a private key, and its public key. */
void noise_clamp(uint8_t out[static NOISE_KEY_BYTES],
                 const uint8_t private_key[static NOISE_KEY_BYTES]);
void noise_public_key(uint8_t out[static NOISE_KEY_BYTES],
                      const uint8_t private_key[static NOISE_KEY_BYTES]);

void noise_handshake_init(struct noise_handshake *h,
                          const uint8_t remote_static[static NOISE_KEY_BYTES]);
/* To be called again whenever the identity has changed. */
void noise_handshake_set_identity(struct noise_handshake *h,
                                  const struct noise_identity *id);
/* Wipes what is ephemeral: back to NOISE_ZEROED. */
void noise_handshake_reset(struct noise_handshake *h);

/* TAI64N of a wall clock (ns since 1970), rounded down so that it tells a peer no more of
 * our clock than when handshakes are possible anyway (5.1, and the kernel's whitening).
 */
void noise_timestamp(uint8_t out[static TAI64N_BYTES], uint64_t wall_ns);

/* The first message; the MACs are left to wg/cookie. False without an identity, or with a
 * remote key whose DH with anything is zero. */
MUST_CHECK bool noise_create_initiation(struct noise_handshake *h,
                                        const struct noise_identity *id,
                                        uint32_t sender_index,
                                        const uint8_t timestamp[static TAI64N_BYTES],
                                        const struct rng *rng,
                                        struct message_initiation *out);
/* find gives the handshake with that public key, or NULL; it is called once the sender
 * has shown nothing but that he knows our public key. On DROP_NONE *out is whose it was.
 * Else DROP_NO_KEY, DROP_BAD_HANDSHAKE, DROP_REPLAYED_HANDSHAKE, DROP_HANDSHAKE_FLOOD. */
MUST_CHECK enum drop noise_consume_initiation(
	const struct noise_identity *id, const struct message_initiation *m,
	uint64_t now_ns,
	struct noise_handshake *(*find)(void *context, const uint8_t *public_key),
	void *context, struct noise_handshake **out);
/* The answer to the initiation just consumed. */
MUST_CHECK bool noise_create_response(struct noise_handshake *h, uint32_t sender_index,
                                      const struct rng *rng,
                                      struct message_response *out);
/* h is the handshake that the receiver index names. */
MUST_CHECK bool noise_consume_response(struct noise_handshake *h,
                                       const struct noise_identity *id,
                                       const struct message_response *m);
/* After create_response or consume_response; resets the handshake. False in other states.
 */
MUST_CHECK bool noise_begin_session(struct noise_handshake *h, struct noise_session *out);

#endif
