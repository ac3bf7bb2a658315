/* src/wg/peer.c - one peer: what is configured for it, and which events it is told */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "wg/device.h"
#include "wg/send.h"
#include "wg/state.h"
#include "wg/timers.h"

struct wg_peer *peer_new(struct wg_device *d, const uint8_t public_key[static KEY_BYTES])
{
	struct wg_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->device = d;
	p->handshake_index.peer = p;
	p->by_arrival = true;
	if (noise_handshake_init(&p->handshake, d->env->secrets, public_key)) {
		noise_handshake_clear(&p->handshake);
		free(p);
		return NULL;
	}
	noise_handshake_set_identity(&p->handshake, &d->identity);
	cookie_maker_init(&p->cookie, public_key);
	keypairs_init(&p->keypairs, p, d->env->secrets);
	timers_init(p);
	return p;
}

/* Forgets sessions and handshakes, but not the configuration. */
static void forget_sessions(struct wg_peer *p)
{
	index_table_remove(&p->device->indices, &p->handshake_index);
	noise_handshake_reset(&p->handshake);
	keypairs_clear(&p->keypairs, &p->device->indices);
	p->next_initiation_ns = 0;
	p->unanswered_since_ns = 0;
	p->keepalive_staged = false;
	p->silent_since_ns = 0;
}

void peer_start(struct wg_peer *p, uint64_t now_ns)
{
	if (p->keepalive_s != 0)
		send_keepalive(p, now_ns);
}

void peer_stop(struct wg_peer *p)
{
	timers_stop(p);
	device_drop(p->device, DROP_DOWN, staged_purge(&p->staged, p->device->env->pool));
	forget_sessions(p);
}

void peer_free(struct wg_peer *p)
{
	peer_stop(p);
	keypairs_free(&p->keypairs);
	noise_handshake_clear(&p->handshake);
	wg_peer_clear_allowed_ips(p);
	sodium_memzero(p, sizeof(*p));
	free(p);
}

void peer_set_identity(struct wg_peer *p)
{
	noise_handshake_set_identity(&p->handshake, &p->device->identity);
	index_table_remove(&p->device->indices, &p->handshake_index);
	noise_handshake_reset(&p->handshake);
	keypairs_expire(&p->keypairs);
	p->next_initiation_ns = 0;
	if (p->device->identity.present && (p->keepalive_s != 0 || p->staged.count != 0))
		timers_waiting_soon(p);
}

void peer_learn_endpoint(struct wg_peer *p, const struct endpoint *from)
{
	const struct wg_env *env = p->device->env;
	char text[ENDPOINT_STRLEN];
	bool moved;

	if (!from || from->addr.family == IP_NONE)
		return;
	moved = !endpoint_equal(&p->endpoint, from) ||
	        (p->by_arrival && p->endpoint.arrived_in != from->arrived_in);
	p->endpoint = *from;
	if (!moved)
		return;
	peer_log(p, LOG_LEVEL_DEBUG, "now at %s", endpoint_format(from, text));
	env->callbacks->endpoint_changed(env->context, p);
}

void peer_handshake_done(struct wg_peer *p)
{
	const struct wg_env *env = p->device->env;

	peer_log(p, LOG_LEVEL_DEBUG, "handshake done");
	timers_handshake_done(p);
	p->last_handshake_ns = env->wall_clock_ns(env->context);
	p->unanswered_since_ns = 0;
	env->callbacks->handshake_done(env->context, p);
}

/* ---- device.h */

struct wg_peer *wg_peer_next(const struct wg_peer *p)
{
	return p->next;
}

struct wg_device *wg_peer_device(const struct wg_peer *p)
{
	return p->device;
}

const uint8_t *wg_peer_public_key(const struct wg_peer *p)
{
	return p->handshake.remote_static;
}

void wg_peer_set_context(struct wg_peer *p, void *context)
{
	p->context = context;
}

void *wg_peer_context(const struct wg_peer *p)
{
	return p->context;
}

void wg_peer_set_preshared_key(struct wg_peer *p, const uint8_t *preshared_key)
{
	if (preshared_key)
		memcpy(p->handshake.preshared_key, preshared_key, KEY_BYTES);
	else
		sodium_memzero(p->handshake.preshared_key, KEY_BYTES);
}

void wg_peer_preshared_key(const struct wg_peer *p, uint8_t out[static KEY_BYTES])
{
	memcpy(out, p->handshake.preshared_key, KEY_BYTES);
}

void wg_peer_set_endpoint(struct wg_peer *p, const struct endpoint *endpoint)
{
	bool first = p->endpoint.addr.family == IP_NONE;

	p->endpoint = *endpoint;
	p->by_arrival = false;
	if (endpoint->addr.family == IP_NONE)
		return;
	if (p->staged.count != 0 || (first && p->keepalive_s != 0))
		timers_waiting_soon(p);
}

const struct endpoint *wg_peer_endpoint(const struct wg_peer *p)
{
	return &p->endpoint;
}

bool wg_peer_by_arrival(const struct wg_peer *p)
{
	return p->by_arrival;
}

void wg_peer_set_by_arrival(struct wg_peer *p, bool by_arrival)
{
	p->by_arrival = by_arrival;
}

void wg_peer_clear_local(struct wg_peer *p)
{
	p->endpoint.local = (struct ip_addr){ 0 };
	p->endpoint.ifindex = 0;
}

void wg_peer_set_keepalive(struct wg_peer *p, uint16_t seconds, uint64_t now_ns)
{
	bool turned_on = p->keepalive_s == 0 && seconds != 0;

	p->keepalive_s = seconds;
	if (turned_on)
		send_keepalive(p, now_ns);
}

uint16_t wg_peer_keepalive(const struct wg_peer *p)
{
	return p->keepalive_s;
}

/* A handshake after a silence is asked for because data was not answered before. */
static uint64_t owed_since_ns(const struct wg_peer *p)
{
	return p->silent_since_ns ? p->silent_since_ns : p->unanswered_since_ns;
}

void wg_peer_stats(const struct wg_peer *p, struct wg_peer_stats *out, uint64_t now_ns)
{
	const struct keypair *k = p->keypairs.current;

	*out = (struct wg_peer_stats){
		.rx_bytes = p->transfer.rx_bytes,
		.tx_bytes = p->transfer.tx_bytes,
		.last_handshake_ns = p->last_handshake_ns,
		.session = k && k->can_send && now_ns - k->born_ns < REJECT_AFTER_TIME,
		.handshake_unanswered_ns = p->unanswered_since_ns,
		.silent = p->silent_since_ns != 0,
		.owed_since_ns = owed_since_ns(p),
	};
}

void wg_peer_try_handshake(struct wg_peer *p, uint64_t now_ns)
{
	if (!timers_handshake_pending(p))
		send_initiation(p, now_ns);
}

void wg_peer_handshake_anew(struct wg_peer *p, uint64_t now_ns)
{
	if (p->unanswered_since_ns == 0 && p->staged.count == 0)
		return;
	p->next_initiation_ns =
		0; /* the limit on initiations is meant for one endpoint */
	send_initiation(p, now_ns);
}

void wg_peer_try_endpoint(struct wg_peer *p, uint64_t now_ns)
{
	if (p->unanswered_since_ns == 0 && p->staged.count == 0)
		return;
	if (timers_handshake_pending(p))
		timers_hasten_handshake(p);
	else
		send_initiation(p, now_ns);
}

/* ---- allowed IPs: one trie per device, a list per peer */

static void unlink_allowed(struct allowed_ip *a)
{
	struct allowed_list *list = &a->peer->allowed;

	*(a->previous ? &a->previous->next : &list->first) = a->next;
	*(a->next ? &a->next->previous : &list->last) = a->previous;
	list->count--;
}

static void append_allowed(struct wg_peer *p, struct allowed_ip *a)
{
	struct allowed_list *list = &p->allowed;

	a->peer = p;
	a->old = false;
	a->next = NULL;
	a->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = a;
	list->last = a;
	list->count++;
}

static void remove_allowed(struct allowed_ip *a)
{
	trie_remove(a->peer->device->allowed_ips, &a->entry);
	unlink_allowed(a);
	free(a);
}

static struct allowed_ip *find_allowed(const struct wg_device *d,
                                       const struct ip_prefix *prefix)
{
	struct trie_entry *entry = trie_find(d->allowed_ips, prefix);

	return entry ? CONTAINER_OF(entry, struct allowed_ip, entry) : NULL;
}

int wg_peer_add_allowed_ip(struct wg_peer *p, struct ip_prefix prefix)
{
	struct allowed_ip *a = find_allowed(p->device, &prefix);
	int err;

	if (a) {
		unlink_allowed(a);
		append_allowed(p, a);
		return 0;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	err = trie_insert(p->device->allowed_ips, prefix, &a->entry);
	if (err) {
		free(a);
		return err;
	}
	append_allowed(p, a);
	return 0;
}

void wg_peer_remove_allowed_ip(struct wg_peer *p, struct ip_prefix prefix)
{
	struct allowed_ip *a = find_allowed(p->device, &prefix);

	if (a && a->peer == p)
		remove_allowed(a);
}

void wg_peer_clear_allowed_ips(struct wg_peer *p)
{
	for (struct allowed_ip *a = p->allowed.first, *next; a; a = next) {
		next = a->next;
		remove_allowed(a);
	}
}

void wg_peer_age_allowed_ips(struct wg_peer *p)
{
	for (struct allowed_ip *a = p->allowed.first; a; a = a->next)
		a->old = true;
}

bool wg_peer_remove_old_allowed_ips(struct wg_peer *p)
{
	bool any = false;

	for (struct allowed_ip *a = p->allowed.first, *next; a; a = next) {
		next = a->next;
		if (!a->old)
			continue;
		remove_allowed(a);
		any = true;
	}
	return any;
}

void wg_peer_walk_allowed_ips(const struct wg_peer *p,
                              bool (*visit)(void *context,
                                            const struct ip_prefix *prefix),
                              void *context)
{
	for (const struct allowed_ip *a = p->allowed.first; a; a = a->next)
		if (!visit(context, &a->entry.prefix))
			return;
}

size_t wg_peer_allowed_ip_count(const struct wg_peer *p)
{
	return p->allowed.count;
}

struct wg_peer *wg_allowed_ip_peer(const struct trie_entry *entry)
{
	const struct allowed_ip *a =
		(const void *)((const char *)entry - offsetof(struct allowed_ip, entry));

	return a->peer;
}
