/* src/wg/cookie.c */
#include "wg/cookie.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "crypto/blake2s.h"

#define LABEL_BYTES 8
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
}

bool cookie_checker_mac1(const struct cookie_checker *c, const void *message, size_t n)
{
	uint8_t mac1[MAC_BYTES];
	const uint8_t *received;

	if (n < sizeof(struct message_macs))
		return false;
	received = (const uint8_t *)message + n - sizeof(struct message_macs);
	make_mac1(mac1, c->mac1_key, message, n);
	return sodium_memcmp(mac1, received, MAC_BYTES) == 0;
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
