/* src/wg/noise.c - Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s:
 *
 *     <- s
 *     ...
 *     -> e, es, s, ss, {t}
 *     <- e, ee, se, psk, {}
 *
 * The four functions below process these tokens in this order. Consuming works on a copy
 * of the symmetric state. The copy replaces the state of the handshake only when the last
 * token of the message has authenticated. */
#include "wg/noise.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "crypto/blake2s.h"

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/* C, H and the key of the next part of the message. It is on the stack of a function that
 * wipes it. */
struct symmetric {
	uint8_t chaining_key[NOISE_HASH_BYTES];
	uint8_t hash[NOISE_HASH_BYTES];
	uint8_t key[AEAD_KEY_BYTES];
};

static void set_state(struct noise_handshake *h, enum noise_state state)
{
	h->state = state;
}

/* ---- Noise's operations */

static void mix_hash(struct symmetric *s, const void *bytes, size_t n)
{
	struct blake2s b;

	blake2s_init(&b, NOISE_HASH_BYTES, NULL, 0);
	blake2s_update(&b, s->hash, NOISE_HASH_BYTES);
	blake2s_update(&b, bytes, n);
	blake2s_final(&b, s->hash);
}

/* Both sides start with this: <- s, the responder's static key. */
static void begin(struct symmetric *s, const uint8_t *responder_static)
{
	blake2s(s->chaining_key, NOISE_HASH_BYTES, construction, sizeof(construction) - 1,
	        NULL, 0);
	memcpy(s->hash, s->chaining_key, NOISE_HASH_BYTES);
	mix_hash(s, identifier, sizeof(identifier) - 1);
	mix_hash(s, responder_static, NOISE_KEY_BYTES);
	memset(s->key, 0, sizeof(s->key));
}

/* Mixes in an ephemeral key. It goes into C too, as handshakes with a psk need it. */
static void mix_ephemeral(struct symmetric *s, const uint8_t *public_key)
{
	mix_hash(s, public_key, NOISE_KEY_BYTES);
	kdf(s->chaining_key, NULL, NULL, s->chaining_key, public_key, NOISE_KEY_BYTES);
}

static bool mix_shared(struct symmetric *s, const uint8_t *shared)
{
	if (sodium_is_zero(shared, NOISE_KEY_BYTES))
		return false;
	kdf(s->chaining_key, s->key, NULL, s->chaining_key, shared, NOISE_KEY_BYTES);
	return true;
}

static bool mix_dh(struct symmetric *s, const uint8_t *private_key,
                   const uint8_t *public_key)
{
	uint8_t shared[NOISE_KEY_BYTES];
	bool ok = crypto_scalarmult_curve25519(shared, private_key, public_key) == 0 &&
	          mix_shared(s, shared);

	sodium_memzero(shared, sizeof(shared));
	return ok;
}

static void mix_psk(struct symmetric *s, const uint8_t *preshared_key)
{
	uint8_t t[NOISE_HASH_BYTES];

	kdf(s->chaining_key, t, s->key, s->chaining_key, preshared_key, NOISE_KEY_BYTES);
	mix_hash(s, t, sizeof(t));
	sodium_memzero(t, sizeof(t));
}

static void seal(struct symmetric *s, uint8_t *out, const uint8_t *text, size_t n)
{
	aead_seal(out, text, n, s->hash, NOISE_HASH_BYTES, 0, s->key);
	mix_hash(s, out, SEALED(n));
}

static bool unseal(struct symmetric *s, uint8_t *out, const uint8_t *sealed,
                   size_t sealed_bytes)
{
	if (!aead_open(out, sealed, sealed_bytes, s->hash, NOISE_HASH_BYTES, 0, s->key))
		return false;
	mix_hash(s, sealed, sealed_bytes);
	return true;
}

static void load(struct symmetric *s, const struct noise_handshake *h)
{
	memcpy(s->chaining_key, h->chaining_key, NOISE_HASH_BYTES);
	memcpy(s->hash, h->hash, NOISE_HASH_BYTES);
	memset(s->key, 0, sizeof(s->key));
}

static void store(struct noise_handshake *h, const struct symmetric *s)
{
	memcpy(h->chaining_key, s->chaining_key, NOISE_HASH_BYTES);
	memcpy(h->hash, s->hash, NOISE_HASH_BYTES);
}

/* ---- identity and handshake */

int noise_identity_init(struct noise_identity *id, struct secrets *secrets)
{
	*id = (struct noise_identity){ .private_key = secret_new(secrets) };
	return id->private_key ? 0 : -ENOMEM;
}

void noise_identity_clear(struct noise_identity *id)
{
	secret_free(id->private_key);
	*id = (struct noise_identity){ 0 };
}

void noise_clamp(uint8_t out[static NOISE_KEY_BYTES],
                 const uint8_t private_key[static NOISE_KEY_BYTES])
{
	memmove(out, private_key, NOISE_KEY_BYTES);
	out[0] &= 248;
	out[31] = (uint8_t)((out[31] & 127) | 64);
}

void noise_public_key(uint8_t out[static NOISE_KEY_BYTES],
                      const uint8_t private_key[static NOISE_KEY_BYTES])
{
	crypto_scalarmult_curve25519_base(out, private_key);
}

void noise_identity_set(struct noise_identity *id, const uint8_t *private_key)
{
	id->present = private_key && !sodium_is_zero(private_key, NOISE_KEY_BYTES);
	if (id->present) {
		noise_clamp(id->private_key, private_key);
		noise_public_key(id->public_key, id->private_key);
	} else {
		sodium_memzero(id->private_key, NOISE_KEY_BYTES);
		memset(id->public_key, 0, NOISE_KEY_BYTES);
	}
}

_Static_assert(NOISE_KEY_BYTES == SECRET_BYTES && NOISE_HASH_BYTES == SECRET_BYTES &&
                       AEAD_KEY_BYTES == SECRET_BYTES,
               "each of them is kept by base/secret");

int noise_handshake_init(struct noise_handshake *h, struct secrets *secrets,
                         const uint8_t remote_static[static NOISE_KEY_BYTES])
{
	*h = (struct noise_handshake){ .state = NOISE_ZEROED,
		                       .ephemeral_private = secret_new(secrets),
		                       .chaining_key = secret_new(secrets),
		                       .static_static = secret_new(secrets),
		                       .preshared_key = secret_new(secrets) };
	memcpy(h->remote_static, remote_static, NOISE_KEY_BYTES);
	return h->ephemeral_private && h->chaining_key && h->static_static &&
	                       h->preshared_key
	               ? 0
	               : -ENOMEM;
}

void noise_handshake_clear(struct noise_handshake *h)
{
	secret_free(h->ephemeral_private);
	secret_free(h->chaining_key);
	secret_free(h->static_static);
	secret_free(h->preshared_key);
	sodium_memzero(h, sizeof(*h));
}

void noise_handshake_set_identity(struct noise_handshake *h,
                                  const struct noise_identity *id)
{
	if (!id->present ||
	    crypto_scalarmult_curve25519(h->static_static, id->private_key,
	                                 h->remote_static) != 0)
		sodium_memzero(h->static_static, NOISE_KEY_BYTES);
}

void noise_handshake_reset(struct noise_handshake *h)
{
	sodium_memzero(h->ephemeral_private, NOISE_KEY_BYTES);
	sodium_memzero(h->remote_ephemeral, NOISE_KEY_BYTES);
	sodium_memzero(h->hash, NOISE_HASH_BYTES);
	sodium_memzero(h->chaining_key, NOISE_HASH_BYTES);
	h->remote_index = 0;
	set_state(h, NOISE_ZEROED);
}

/* The TAI64 label of 1970, plus the 10 leap seconds before it, as all WireGuard
 * implementations have it. */
#define TAI64_1970  UINT64_C(0x400000000000000a)
#define WHITEN_BITS 24 /* the greatest power of two that is not above 1/50 s in ns */
_Static_assert((UINT64_C(1) << WHITEN_BITS) <= NS_PER_SEC / INITIATIONS_PER_SEC &&
                       (UINT64_C(2) << WHITEN_BITS) > NS_PER_SEC / INITIATIONS_PER_SEC,
               "whitened to the rate of initiations");

void noise_timestamp(uint8_t out[static TAI64N_BYTES], uint64_t wall_ns)
{
	struct be64 seconds = be64_put(TAI64_1970 + wall_ns / NS_PER_SEC);
	struct be32 ns =
		be32_put((uint32_t)(wall_ns % NS_PER_SEC) >> WHITEN_BITS << WHITEN_BITS);

	memcpy(out, seconds.b, sizeof(seconds));
	memcpy(out + sizeof(seconds), ns.b, sizeof(ns));
}

static void new_ephemeral(struct noise_handshake *h, const struct rng *rng,
                          uint8_t *public_key)
{
	rng_fill(rng, h->ephemeral_private, NOISE_KEY_BYTES);
	noise_clamp(h->ephemeral_private, h->ephemeral_private);
	noise_public_key(public_key, h->ephemeral_private);
}

/* ---- -> e, es, s, ss, {t} */

bool noise_create_initiation(struct noise_handshake *h, const struct noise_identity *id,
                             uint32_t sender_index,
                             const uint8_t timestamp[static TAI64N_BYTES],
                             const struct rng *rng, struct message_initiation *out)
{
	struct symmetric s;
	bool ok = false;

	if (!id->present)
		return false;
	noise_handshake_reset(h);
	*out = (struct message_initiation){ .type = le32_put(MESSAGE_INITIATION),
		                            .sender = le32_put(sender_index) };
	begin(&s, h->remote_static);

	/* e */
	new_ephemeral(h, rng, out->ephemeral);
	mix_ephemeral(&s, out->ephemeral);
	/* es */
	if (!mix_dh(&s, h->ephemeral_private, h->remote_static))
		goto out;
	/* s */
	seal(&s, out->sealed_static, id->public_key, NOISE_KEY_BYTES);
	/* ss */
	if (!mix_shared(&s, h->static_static))
		goto out;
	/* {t} */
	seal(&s, out->sealed_timestamp, timestamp, TAI64N_BYTES);

	store(h, &s);
	set_state(h, NOISE_CREATED_INITIATION);
	ok = true;
out:
	sodium_memzero(&s, sizeof(s));
	return ok;
}

/* Is the timestamp new enough, so that the initiation may be consumed now? */
static enum drop fresh(const struct noise_handshake *h, const uint8_t *timestamp,
                       uint64_t now_ns)
{
	if (memcmp(timestamp, h->latest_timestamp, TAI64N_BYTES) <= 0)
		return DROP_REPLAYED_HANDSHAKE;
	if (now_ns < h->next_consume_ns)
		return DROP_HANDSHAKE_FLOOD;
	return DROP_NONE;
}

enum drop noise_consume_initiation(
	const struct noise_identity *id, const struct message_initiation *m,
	uint64_t now_ns,
	struct noise_handshake *(*find)(void *context, const uint8_t *public_key),
	void *context, struct noise_handshake **out)
{
	enum drop drop = DROP_BAD_HANDSHAKE;
	uint8_t remote_static[NOISE_KEY_BYTES], timestamp[TAI64N_BYTES];
	struct noise_handshake *h;
	struct symmetric s;

	*out = NULL;
	if (!id->present)
		return DROP_NO_KEY;
	begin(&s, id->public_key);

	/* e */
	mix_ephemeral(&s, m->ephemeral);
	/* es */
	if (!mix_dh(&s, id->private_key, m->ephemeral))
		goto out;
	/* s */
	if (!unseal(&s, remote_static, m->sealed_static, sizeof(m->sealed_static)))
		goto out;
	h = find(context, remote_static);
	if (!h)
		goto out;
	/* ss */
	if (!mix_shared(&s, h->static_static))
		goto out;
	/* {t} */
	if (!unseal(&s, timestamp, m->sealed_timestamp, sizeof(m->sealed_timestamp)))
		goto out;
	drop = fresh(h, timestamp, now_ns);
	if (drop != DROP_NONE)
		goto out;

	noise_handshake_reset(h);
	memcpy(h->remote_ephemeral, m->ephemeral, NOISE_KEY_BYTES);
	memcpy(h->latest_timestamp, timestamp, TAI64N_BYTES);
	h->next_consume_ns = now_ns + NS_PER_SEC / INITIATIONS_PER_SEC;
	h->remote_index = le32_get(m->sender);
	store(h, &s);
	set_state(h, NOISE_CONSUMED_INITIATION);
	*out = h;
out:
	sodium_memzero(&s, sizeof(s));
	return drop;
}

/* ---- <- e, ee, se, psk, {} */

bool noise_create_response(struct noise_handshake *h, uint32_t sender_index,
                           const struct rng *rng, struct message_response *out)
{
	struct symmetric s;
	bool ok = false;

	if (h->state != NOISE_CONSUMED_INITIATION)
		return false;
	*out = (struct message_response){ .type = le32_put(MESSAGE_RESPONSE),
		                          .sender = le32_put(sender_index),
		                          .receiver = le32_put(h->remote_index) };
	load(&s, h);

	/* e */
	new_ephemeral(h, rng, out->ephemeral);
	mix_ephemeral(&s, out->ephemeral);
	/* ee */
	if (!mix_dh(&s, h->ephemeral_private, h->remote_ephemeral))
		goto out;
	/* se */
	if (!mix_dh(&s, h->ephemeral_private, h->remote_static))
		goto out;
	/* psk */
	mix_psk(&s, h->preshared_key);
	/* {} */
	seal(&s, out->sealed_nothing, NULL, 0);

	store(h, &s);
	set_state(h, NOISE_CREATED_RESPONSE);
	ok = true;
out:
	sodium_memzero(&s, sizeof(s));
	return ok;
}

bool noise_consume_response(struct noise_handshake *h, const struct noise_identity *id,
                            const struct message_response *m)
{
	struct symmetric s;
	uint8_t nothing[1];
	bool ok = false;

	if (h->state != NOISE_CREATED_INITIATION || !id->present)
		return false;
	load(&s, h);

	/* e */
	mix_ephemeral(&s, m->ephemeral);
	/* ee */
	if (!mix_dh(&s, h->ephemeral_private, m->ephemeral))
		goto out;
	/* se */
	if (!mix_dh(&s, id->private_key, m->ephemeral))
		goto out;
	/* psk */
	mix_psk(&s, h->preshared_key);
	/* {} */
	if (!unseal(&s, nothing, m->sealed_nothing, sizeof(m->sealed_nothing)))
		goto out;

	memcpy(h->remote_ephemeral, m->ephemeral, NOISE_KEY_BYTES);
	h->remote_index = le32_get(m->sender);
	store(h, &s);
	set_state(h, NOISE_CONSUMED_RESPONSE);
	ok = true;
out:
	sodium_memzero(&s, sizeof(s));
	return ok;
}

/* ---- 5.4.5 */

bool noise_begin_session(struct noise_handshake *h, struct noise_session *out)
{
	uint8_t initiator_sends[AEAD_KEY_BYTES], responder_sends[AEAD_KEY_BYTES];

	if (h->state != NOISE_CREATED_RESPONSE && h->state != NOISE_CONSUMED_RESPONSE)
		return false;
	kdf(initiator_sends, responder_sends, NULL, h->chaining_key, NULL, 0);
	out->initiator = h->state == NOISE_CONSUMED_RESPONSE;
	out->remote_index = h->remote_index;
	memcpy(out->send_key, out->initiator ? initiator_sends : responder_sends,
	       AEAD_KEY_BYTES);
	memcpy(out->receive_key, out->initiator ? responder_sends : initiator_sends,
	       AEAD_KEY_BYTES);
	sodium_memzero(initiator_sends, sizeof(initiator_sends));
	sodium_memzero(responder_sends, sizeof(responder_sends));
	noise_handshake_reset(h);
	return true;
}
