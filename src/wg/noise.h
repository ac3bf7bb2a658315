/* src/wg/noise.h - the handshake, Noise_IKpsk2 (5.4.2 to 5.4.5)
 *
 * It knows no socket, no timer and no table. There are two messages: the initiator
 * creates the first and consumes the second, the responder consumes the first and creates
 * the second. Then both begin a session. A message changes the handshake only after it
 * has authenticated. */
#ifndef TUNION_WG_NOISE_H
#define TUNION_WG_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "base/rng.h"
#include "base/secret.h"
#include "wg/message.h"

/* The keys that identify a device. Embedded in it. */
struct noise_identity {
	uint8_t *private_key; /* owned, from secret_new; clamped */
	uint8_t public_key[NOISE_KEY_BYTES];
	bool present; /* if not, both keys are zero */
};

/* How far a handshake has come. Above each state: the fields marked "ephemeral" that are
 * valid in it. */
enum noise_state {
	/* none */
	NOISE_ZEROED,
	/* ephemeral_private, chaining_key, hash */
	NOISE_CREATED_INITIATION,
	/* remote_ephemeral, remote_index, chaining_key, hash */
	NOISE_CONSUMED_INITIATION,
	/* remote_index, chaining_key */
	NOISE_CREATED_RESPONSE,
	/* remote_index, chaining_key */
	NOISE_CONSUMED_RESPONSE,
};

/* Embedded in a peer. */
struct noise_handshake {
	enum noise_state state;                    /* only set by set_state in noise.c */
	uint32_t remote_index;                     /* ephemeral */
	uint8_t remote_ephemeral[NOISE_KEY_BYTES]; /* ephemeral */
	uint8_t hash[NOISE_HASH_BYTES];            /* ephemeral */

	uint8_t remote_static[NOISE_KEY_BYTES];
	/* The secrets: owned, from secret_new. */
	uint8_t *ephemeral_private; /* ephemeral */
	uint8_t *chaining_key;      /* ephemeral */
	uint8_t *static_static;     /* DH of both static keys; zero if there is none */
	uint8_t *preshared_key;     /* zero if there is none */

	uint8_t latest_timestamp[TAI64N_BYTES]; /* greatest of consumed initiations */
	uint64_t next_consume_ns; /* no initiation is consumed before; CLOCK_BOOTTIME */
};

/* The keys of the session that begins when a handshake is done. Whoever gets it wipes
 * it. */
struct noise_session {
	uint8_t send_key[AEAD_KEY_BYTES];
	uint8_t receive_key[AEAD_KEY_BYTES];
	uint32_t remote_index;
	bool initiator; /* we were the initiator */
};

/* The identity has no key yet. 0 or -ENOMEM. */
MUST_CHECK int noise_identity_init(struct noise_identity *id, struct secrets *secrets);
void noise_identity_clear(struct noise_identity *id);
/* Clamps the key. NULL or all zeroes mean that there is no key. */
void noise_identity_set(struct noise_identity *id, const uint8_t *private_key);
/* Makes a clamped copy of a private key; computes the public key that belongs to one. */
void noise_clamp(uint8_t out[static NOISE_KEY_BYTES],
                 const uint8_t private_key[static NOISE_KEY_BYTES]);
void noise_public_key(uint8_t out[static NOISE_KEY_BYTES],
                      const uint8_t private_key[static NOISE_KEY_BYTES]);

/* 0, or -ENOMEM; it may be cleared then, too. */
MUST_CHECK int noise_handshake_init(struct noise_handshake *h, struct secrets *secrets,
                                    const uint8_t remote_static[static NOISE_KEY_BYTES]);
void noise_handshake_clear(struct noise_handshake *h);
/* Must be called again whenever the identity has changed. */
void noise_handshake_set_identity(struct noise_handshake *h,
                                  const struct noise_identity *id);
/* Wipes the ephemeral fields; the state is NOISE_ZEROED then. */
void noise_handshake_reset(struct noise_handshake *h);

/* TAI64N of a wall clock (ns since 1970). It is rounded down, so that it tells a peer no
 * more about our clock than the times of our handshakes do anyway (5.1; the kernel calls
 * this whitening). */
void noise_timestamp(uint8_t out[static TAI64N_BYTES], uint64_t wall_ns);

/* Creates the first message; wg/cookie fills in the MACs. False if there is no identity,
 * or if the DH with the remote key is zero. */
MUST_CHECK bool noise_create_initiation(struct noise_handshake *h,
                                        const struct noise_identity *id,
                                        uint32_t sender_index,
                                        const uint8_t timestamp[static TAI64N_BYTES],
                                        const struct rng *rng,
                                        struct message_initiation *out);
/* `find` returns the handshake of the peer with that public key, or NULL. When it is
 * called the sender has shown only that it knows our public key. On DROP_NONE, *out is
 * the handshake that the initiation belongs to. Otherwise returns DROP_NO_KEY,
 * DROP_BAD_HANDSHAKE, DROP_REPLAYED_HANDSHAKE or DROP_HANDSHAKE_FLOOD. */
MUST_CHECK enum drop noise_consume_initiation(
	const struct noise_identity *id, const struct message_initiation *m,
	uint64_t now_ns,
	struct noise_handshake *(*find)(void *context, const uint8_t *public_key),
	void *context, struct noise_handshake **out);
/* Creates the answer to the initiation that was just consumed. */
MUST_CHECK bool noise_create_response(struct noise_handshake *h, uint32_t sender_index,
                                      const struct rng *rng,
                                      struct message_response *out);
/* `h` is the handshake that the receiver index names. */
MUST_CHECK bool noise_consume_response(struct noise_handshake *h,
                                       const struct noise_identity *id,
                                       const struct message_response *m);
/* To be called after create_response or consume_response; false in any other state.
 * Resets the handshake. */
MUST_CHECK bool noise_begin_session(struct noise_handshake *h, struct noise_session *out);

#endif
