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
#include "base/ip.h"
#include "base/rng.h"
#include "wg/message.h"

#define COOKIE_SECRET_BYTES    32
#define COOKIE_SECRET_LIFETIME (120 * NS_PER_SEC)

/* The receiving side, embedded in a device; a zeroed one has no secret yet. The owner
 * wipes it. */
struct cookie_checker {
	uint8_t mac1_key[NOISE_KEY_BYTES];
	uint8_t cookie_key[NOISE_KEY_BYTES];
	uint8_t secret[COOKIE_SECRET_BYTES]; /* the key of all cookies */
	uint64_t secret_expires_ns;          /* CLOCK_BOOTTIME; 0 if there is no secret */
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
/* Does the message have no mac2? Then its sender has no cookie. `message` is as above. */
bool cookie_checker_no_mac2(const void *message, size_t n);
/* True if mac2 is made with the cookie that the sender `from` gets now, so this address
 * and port are really the sender's. `message` is as above. */
bool cookie_checker_mac2(struct cookie_checker *c, const void *message, size_t n,
                         const struct endpoint *from, const struct rng *rng,
                         uint64_t now_ns);
/* Makes the reply to such a message, whose mac1 must be right: the sender's cookie. */
void cookie_checker_reply(struct cookie_checker *c, struct message_cookie_reply *out,
                          const void *message, size_t n, const struct endpoint *from,
                          const struct rng *rng, uint64_t now_ns);

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
