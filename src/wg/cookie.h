/* src/wg/cookie.h - the two MACs of a handshake message, and the cookie for the second
 * one (5.4.4, 5.4.7)
 *
 * mac1 shows that the sender knows the public key of the receiver. mac2 shows that the
 * sender receives what is sent to its address. A responder under load sends a cookie
 * reply: it demands a mac2 that is made with this cookie. */
#ifndef TUNION_WG_COOKIE_H
#define TUNION_WG_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "wg/message.h"

/* The receiving side, embedded in a device. */
struct cookie_checker {
	uint8_t mac1_key[NOISE_KEY_BYTES];
};

/* The sending side, embedded in a peer. */
struct cookie_maker {
	uint8_t mac1_key[NOISE_KEY_BYTES];
	uint8_t cookie_key[NOISE_KEY_BYTES];
	uint8_t cookie[COOKIE_BYTES];
	uint64_t cookie_expires_ns; /* CLOCK_BOOTTIME; 0 if there is no cookie */
	uint8_t last_mac1[MAC_BYTES];
	bool sent_mac1; /* last_mac1 was sent, and no cookie was consumed for it */
};

/* To be called when the device gets a public key. */
void cookie_checker_set(struct cookie_checker *c,
                        const uint8_t public_key[static NOISE_KEY_BYTES]);
/* True if mac1 is right. `message` is a whole initiation or response; the MACs
 * are its end. */
bool cookie_checker_mac1(const struct cookie_checker *c, const void *message, size_t n);

/* For messages to the peer with this public key. */
void cookie_maker_init(struct cookie_maker *m,
                       const uint8_t public_key[static NOISE_KEY_BYTES]);
/* Fills in both MACs of a whole message; mac2 is zero while there is no cookie. */
void cookie_maker_sign(struct cookie_maker *m, void *message, size_t n, uint64_t now_ns);
/* DROP_NONE; or DROP_BAD_COOKIE if the reply did not authenticate, or if nothing was sent
 * to which it is the answer. */
MUST_CHECK enum drop cookie_maker_consume(struct cookie_maker *m,
                                          const struct message_cookie_reply *reply,
                                          uint64_t now_ns);

#endif
