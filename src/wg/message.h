/* src/wg/message.h - the four messages on the wire, and the constants of the paper */
#ifndef TUNION_WG_MESSAGE_H
#define TUNION_WG_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/wire.h"
#include "crypto/aead.h"

#define NOISE_KEY_BYTES  32 /* of Curve25519 */
#define NOISE_HASH_BYTES 32
#define TAI64N_BYTES     12
#define MAC_BYTES        16
#define COOKIE_BYTES     16
#define NONCE_BYTES      24 /* of XChaCha20 */

#define SEALED(n) ((n) + AEAD_TAG_BYTES)

/* 5.4: one byte of type and three zero bytes, read as one number. */
enum message_type {
	MESSAGE_NONE = 0, /* nothing that a peer would send */
	MESSAGE_INITIATION = 1,
	MESSAGE_RESPONSE = 2,
	MESSAGE_COOKIE_REPLY = 3,
	MESSAGE_DATA = 4,
};

/* 5.4.4: the last bytes of both handshake messages. */
struct message_macs {
	uint8_t mac1[MAC_BYTES];
	uint8_t mac2[MAC_BYTES];
};

/* 5.4.2 */
struct message_initiation {
	struct le32 type;
	struct le32 sender;
	uint8_t ephemeral[NOISE_KEY_BYTES];
	uint8_t sealed_static[SEALED(NOISE_KEY_BYTES)];
	uint8_t sealed_timestamp[SEALED(TAI64N_BYTES)];
	struct message_macs macs;
};
_Static_assert(sizeof(struct message_initiation) == 148, "wire size");

/* 5.4.3 */
struct message_response {
	struct le32 type;
	struct le32 sender;
	struct le32 receiver;
	uint8_t ephemeral[NOISE_KEY_BYTES];
	uint8_t sealed_nothing[SEALED(0)];
	struct message_macs macs;
};
_Static_assert(sizeof(struct message_response) == 92, "wire size");

/* 5.4.7 */
struct message_cookie_reply {
	struct le32 type;
	struct le32 receiver;
	uint8_t nonce[NONCE_BYTES];
	uint8_t sealed_cookie[SEALED(COOKIE_BYTES)];
};
_Static_assert(sizeof(struct message_cookie_reply) == 64, "wire size");

/* 5.4.6: the header in front of the sealed packet. */
struct message_data {
	struct le32 type;
	struct le32 receiver;
	struct le64 counter;
};
_Static_assert(sizeof(struct message_data) == 16, "wire size");

#define MESSAGE_DATA_MIN_BYTES (sizeof(struct message_data) + SEALED(0)) /* a keepalive */
#define MESSAGE_PADDING        16U

/* 6.1 and 6.5. What the paper leaves open is as in the kernel module. */
#define REKEY_AFTER_MESSAGES  (UINT64_C(1) << 60)
#define REJECT_AFTER_MESSAGES (UINT64_MAX - 8128 - 1)
#define REKEY_AFTER_TIME      (120 * NS_PER_SEC)
#define REJECT_AFTER_TIME     (180 * NS_PER_SEC)
#define REKEY_ATTEMPT_TIME    (90 * NS_PER_SEC)
#define REKEY_TIMEOUT         (5 * NS_PER_SEC)
#define REKEY_TIMEOUT_JITTER  (NS_PER_SEC / 3) /* the jitter is less than this */
#define KEEPALIVE_TIMEOUT     (10 * NS_PER_SEC)
#define COOKIE_LIFETIME       ((120 - 5) * NS_PER_SEC) /* its maker keeps it 5 s longer */
#define INITIATIONS_PER_SEC   50U   /* as many of one peer may be consumed */
#define HANDSHAKE_TOS         0x88U /* DSCP AF41, ECN bits clear */

/* The kind of message that n received bytes are, judged by type and length; MESSAGE_NONE
 * if they can't be one. A handshake message or cookie reply then has exactly its size; a
 * data message has at least its header and a tag. */
enum message_type message_type_of(const void *bytes, size_t n);

#endif
