/* src/wg/device.c - the device itself, its key and its list of peers */
#include "wg/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "wg/intake.h"
#include "wg/state.h"

#define INDICES_PER_PEER 4 /* a handshake and three keypairs */

int wg_device_new(struct wg_device **out, const char *name, const struct wg_env *env)
{
	struct wg_device *d;

	*out = NULL;
	if (sodium_init() < 0)
		return -ENOSYS;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->env = env;
	d->name = strdup(name);
	d->allowed_ips = trie_new();
	if (!d->name || !d->allowed_ips ||
	    noise_identity_init(&d->identity, env->secrets)) {
		wg_device_free(d);
		return -ENOMEM;
	}
	rng_fill(env->rng, d->bucket_key, sizeof(d->bucket_key));
	*out = d;
	return 0;
}

void wg_device_free(struct wg_device *d)
{
	if (!d)
		return;
	while (d->first_peer)
		wg_device_remove_peer(d->first_peer);
	intake_forget(d->env->intake, d);
	noise_identity_clear(&d->identity);
	index_table_clear(&d->indices);
	trie_free(d->allowed_ips);
	bucket_clear(&d->by_key);
	free(d->name);
	sodium_memzero(d, sizeof(*d));
	free(d);
}

void wg_device_set_context(struct wg_device *d, void *context)
{
	d->context = context;
}

void *wg_device_context(const struct wg_device *d)
{
	return d->context;
}

const char *wg_device_name(const struct wg_device *d)
{
	return d->name;
}

/* ---- the key */

/* Is this the key that the device has, once it is clamped? */
static bool same_key(const struct wg_device *d, const uint8_t *private_key)
{
	uint8_t clamped[KEY_BYTES];
	bool same;

	if (!d->identity.present || !private_key)
		return false;
	noise_clamp(clamped, private_key);
	same = sodium_memcmp(clamped, d->identity.private_key, KEY_BYTES) == 0;
	sodium_memzero(clamped, sizeof(clamped));
	return same;
}

void wg_device_set_private_key(struct wg_device *d, const uint8_t *private_key)
{
	struct wg_peer *self;

	if (same_key(d, private_key))
		return;
	noise_identity_set(&d->identity, private_key);
	cookie_checker_set(&d->cookie_checker, d->identity.public_key);
	self = d->identity.present ? wg_device_find_peer(d, d->identity.public_key)
	                           : NULL;
	if (self)
		wg_device_remove_peer(self);
	for (struct wg_peer *p = d->first_peer; p; p = p->next)
		peer_set_identity(p);
}

bool wg_device_has_private_key(const struct wg_device *d)
{
	return d->identity.present;
}

void wg_device_private_key(const struct wg_device *d, uint8_t out[static KEY_BYTES])
{
	memcpy(out, d->identity.private_key, KEY_BYTES);
}

const uint8_t *wg_device_public_key(const struct wg_device *d)
{
	return d->identity.public_key;
}

/* ---- up and down */

void wg_device_set_mtu(struct wg_device *d, uint32_t mtu_bytes)
{
	d->mtu_bytes = mtu_bytes;
}

void wg_device_start(struct wg_device *d, uint64_t now_ns)
{
	if (d->started)
		return;
	d->started = true;
	for (struct wg_peer *p = d->first_peer; p; p = p->next)
		peer_start(p, now_ns);
}

void wg_device_stop(struct wg_device *d)
{
	if (!d->started)
		return;
	d->started = false;
	for (struct wg_peer *p = d->first_peer; p; p = p->next)
		peer_stop(p);
}

bool wg_device_started(const struct wg_device *d)
{
	return d->started;
}

/* ---- peers */

static uint32_t hash_key(const struct wg_device *d, const uint8_t *public_key)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4");
	_Static_assert(sizeof(d->bucket_key) == crypto_shorthash_KEYBYTES, "SipHash-2-4");
	crypto_shorthash((unsigned char *)&hash, public_key, KEY_BYTES, d->bucket_key);
	return (uint32_t)hash;
}

/* Makes room for one more peer. 0 or -ENOMEM. */
static int grow(struct wg_device *d)
{
	size_t peers = d->by_key.count + 1;

	if (index_table_reserve(&d->indices, INDICES_PER_PEER * peers) != 0)
		return -ENOMEM;
	return bucket_reserve(&d->by_key, peers);
}

struct wg_peer *wg_device_find_peer(const struct wg_device *d,
                                    const uint8_t public_key[static KEY_BYTES])
{
	struct bucket_link *l = bucket_first(&d->by_key, hash_key(d, public_key));

	for (; l; l = bucket_next(l)) {
		struct wg_peer *p = CONTAINER_OF(l, struct wg_peer, by_key);

		if (sodium_memcmp(p->handshake.remote_static, public_key, KEY_BYTES) == 0)
			return p;
	}
	return NULL;
}

int wg_device_add_peer(struct wg_device *d, const uint8_t public_key[static KEY_BYTES],
                       struct wg_peer **out)
{
	struct wg_peer *p;

	*out = NULL;
	if (d->identity.present &&
	    sodium_memcmp(public_key, d->identity.public_key, KEY_BYTES) == 0)
		return -EINVAL;
	if (wg_device_find_peer(d, public_key))
		return -EEXIST;
	if (grow(d))
		return -ENOMEM;
	p = peer_new(d, public_key);
	if (!p)
		return -ENOMEM;
	p->previous = d->last_peer;
	*(d->last_peer ? &d->last_peer->next : &d->first_peer) = p;
	d->last_peer = p;
	bucket_add(&d->by_key, &p->by_key, hash_key(d, public_key));
	*out = p;
	return 0;
}

void wg_device_remove_peer(struct wg_peer *p)
{
	struct wg_device *d = p->device;

	d->env->callbacks->peer_removed(d->env->context, p);
	bucket_remove(&d->by_key, &p->by_key);
	*(p->previous ? &p->previous->next : &d->first_peer) = p->next;
	*(p->next ? &p->next->previous : &d->last_peer) = p->previous;
	peer_free(p);
}

struct wg_peer *wg_device_first_peer(const struct wg_device *d)
{
	return d->first_peer;
}

size_t wg_device_peer_count(const struct wg_device *d)
{
	return d->by_key.count;
}

const struct trie *wg_device_allowed_ips(const struct wg_device *d)
{
	return d->allowed_ips;
}

struct drop_counts *wg_device_drops(struct wg_device *d)
{
	return &d->drops;
}
