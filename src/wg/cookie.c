/* src/wg/cookie.c */
#include "wg/cookie.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "crypto/blake2s.h"

#define LABEL_BYTES 8
_Static_assert(offsetof(struct message_initiation, sender) ==
                       offsetof(struct message_response, sender),
               "see cookie_checker_reply");

static const char label_mac1[] = "mac1----";
static const char label_cookie[] = "cookie--";

/* HASH(label || public key) */
static void derive_key(uint8_t out[static NOISE_KEY_BYTES], const char *label,
                       const uint8_t *public_key)
{
	struct blake2s s;

	blake2s_init(&s, NOISE_KEY_BYTES, NULL, 0);
	blake2s_update(&s, label, LABEL_BYTES);
	blake2s_update(&s, public_key, NOISE_KEY_BYTES);
	blake2s_final(&s, out);
}

/* mac1 covers everything before it; mac2 everything before it, mac1 included. */
static void make_mac1(uint8_t out[static MAC_BYTES], const uint8_t *key,
                      const void *message, size_t n)
{
	blake2s(out, MAC_BYTES, message, n - sizeof(struct message_macs), key,
	        NOISE_KEY_BYTES);
}

static void make_mac2(uint8_t out[static MAC_BYTES], const uint8_t *cookie,
                      const void *message, size_t n)
{
	blake2s(out, MAC_BYTES, message, n - sizeof(struct message_macs) + MAC_BYTES,
	        cookie, COOKIE_BYTES);
}

void cookie_checker_set(struct cookie_checker *c,
                        const uint8_t public_key[static NOISE_KEY_BYTES])
{
	derive_key(c->mac1_key, label_mac1, public_key);
	derive_key(c->cookie_key, label_cookie, public_key);
}

/* The MACs are the end of the message. NULL if it is too short for them. */
static const struct message_macs *macs_of(const void *message, size_t n)
{
	if (n < sizeof(struct message_macs))
		return NULL;
	return (const void *)((const uint8_t *)message + n - sizeof(struct message_macs));
}

bool cookie_checker_mac1(const struct cookie_checker *c, const void *message, size_t n)
{
	const struct message_macs *received = macs_of(message, n);
	uint8_t mac1[MAC_BYTES];

	if (!received)
		return false;
	make_mac1(mac1, c->mac1_key, message, n);
	return sodium_memcmp(mac1, received->mac1, MAC_BYTES) == 0;
}

/* 5.4.7: Mac(secret, address || port). The secret lives for two minutes. */
static void make_cookie(struct cookie_checker *c, uint8_t out[static COOKIE_BYTES],
                        const struct endpoint *from, const struct rng *rng,
                        uint64_t now_ns)
{
	struct be16 port = be16_put(from->port);
	struct blake2s s;

	if (now_ns >= c->secret_expires_ns) {
		rng_fill(rng, c->secret, sizeof(c->secret));
		c->secret_expires_ns = now_ns + COOKIE_SECRET_LIFETIME;
	}
	blake2s_init(&s, COOKIE_BYTES, c->secret, sizeof(c->secret));
	blake2s_update(&s, from->addr.b, ip_addr_bytes(&from->addr));
	blake2s_update(&s, &port, sizeof(port));
	blake2s_final(&s, out);
}

bool cookie_checker_no_mac2(const void *message, size_t n)
{
	const struct message_macs *received = macs_of(message, n);

	return !received || sodium_is_zero(received->mac2, MAC_BYTES);
}

bool cookie_checker_mac2(struct cookie_checker *c, const void *message, size_t n,
                         const struct endpoint *from, const struct rng *rng,
                         uint64_t now_ns)
{
	const struct message_macs *received = macs_of(message, n);
	uint8_t cookie[COOKIE_BYTES], mac2[MAC_BYTES];

	if (cookie_checker_no_mac2(message, n)) /* it is not worth two hashes */
		return false;
	make_cookie(c, cookie, from, rng, now_ns);
	make_mac2(mac2, cookie, message, n);
	sodium_memzero(cookie, sizeof(cookie));
	return sodium_memcmp(mac2, received->mac2, MAC_BYTES) == 0;
}

void cookie_checker_reply(struct cookie_checker *c, struct message_cookie_reply *out,
                          const void *message, size_t n, const struct endpoint *from,
                          const struct rng *rng, uint64_t now_ns)
{
	const struct message_macs *received = macs_of(message, n);
	uint8_t cookie[COOKIE_BYTES];

	assert(n >= sizeof(struct message_response) && received);
	*out = (struct message_cookie_reply){ .type = le32_put(MESSAGE_COOKIE_REPLY) };
	/* initiation and response have the sender index in the same place */
	memcpy(out->receiver.b,
	       (const uint8_t *)message + offsetof(struct message_initiation, sender),
	       sizeof(out->receiver.b));
	rng_fill(rng, out->nonce, sizeof(out->nonce));
	make_cookie(c, cookie, from, rng, now_ns);
	xaead_seal(out->sealed_cookie, cookie, sizeof(cookie), received->mac1, MAC_BYTES,
	           out->nonce, c->cookie_key);
	sodium_memzero(cookie, sizeof(cookie));
}

void cookie_maker_init(struct cookie_maker *m,
                       const uint8_t public_key[static NOISE_KEY_BYTES])
{
	*m = (struct cookie_maker){ 0 };
	derive_key(m->mac1_key, label_mac1, public_key);
	derive_key(m->cookie_key, label_cookie, public_key);
}

void cookie_maker_sign(struct cookie_maker *m, void *message, size_t n, uint64_t now_ns)
{
	struct message_macs *macs;

	assert(n >= sizeof(*macs));
	macs = (struct message_macs *)(void *)((uint8_t *)message + n - sizeof(*macs));
	make_mac1(macs->mac1, m->mac1_key, message, n);
	memcpy(m->last_mac1, macs->mac1, MAC_BYTES);
	m->sent_mac1 = true;
	if (now_ns < m->cookie_expires_ns)
		make_mac2(macs->mac2, m->cookie, message, n);
	else
		memset(macs->mac2, 0, MAC_BYTES);
}

enum drop cookie_maker_consume(struct cookie_maker *m,
                               const struct message_cookie_reply *reply, uint64_t now_ns)
{
	uint8_t cookie[COOKIE_BYTES];

	if (!m->sent_mac1 ||
	    !xaead_open(cookie, reply->sealed_cookie, sizeof(reply->sealed_cookie),
	                m->last_mac1, MAC_BYTES, reply->nonce, m->cookie_key))
		return DROP_BAD_COOKIE;
	memcpy(m->cookie, cookie, COOKIE_BYTES);
	sodium_memzero(cookie, sizeof(cookie));
	m->cookie_expires_ns = now_ns + COOKIE_LIFETIME;
	m->sent_mac1 = false;
	return DROP_NONE;
}
