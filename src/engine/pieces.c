/* src/engine/pieces.c - a table of sets, each with WAYS entries, which is enough for the few
 * packets that are in fragments at the same time. One device, or the host, has at most half of
 * a full set, and so has one source. Sources whose addresses end in the same byte have at most
 * half of what is held. The hash is keyed, so that nobody can choose addresses and ids that push
 * out other packets' entries. Held fragments are copies from the pool, in a list of their entry. */
#include "engine/pieces.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "engine/rewrite.h"

#define WAYS 4U
#define SETS (PIECES_PACKETS / WAYS)

/* What the fragments of one packet have in common when they come in, according to RFC 791
 * 3.2 and RFC 8200 4.5 (without the protocol). It is hashed as bytes, so it must not have
 * padding. */
struct key {
	uint8_t src[16], dst[16];
	uint32_t device, id;
	uint8_t family, protocol;
	uint8_t zero[2];
};
_Static_assert(sizeof(struct key) == 44, "no padding");

struct held {
	struct held *next;
	struct packet *packet; /* owned by the pool */
	uint8_t source;        /* last byte of its source */
};

struct list {
	struct held *first, **last;
};

enum state {
	UNUSED = 0,
	WAITING, /* the first fragment hasn't come yet */
	KNOWN,
};

struct entry {
	enum state state;
	struct key key;
	uint64_t until_ns;
	struct ip_addr src, dst; /* if KNOWN: what the addresses become */
	uint32_t id;             /* if KNOWN: what the id becomes; only for IPv4 */
	struct list held;        /* if WAITING: the later fragments */
};

/* What is held of one source. */
struct share {
	size_t count, bytes;
};

struct pieces {
	struct pieces_env env;
	struct timer timer; /* armed while fragments wait */
	struct entry entries[SETS][WAYS];
	struct held held[PIECES_HELD];
	struct held *free_list;
	struct list ready;
	size_t held_bytes;
	struct share shares[UINT8_MAX + 1]; /* by the last byte of the source */
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
};

/* ---- lists */

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_add(struct list *l, struct held *h)
{
	h->next = NULL;
	*l->last = h;
	l->last = &h->next;
}

/* Returns NULL if the list is empty. */
static struct held *list_take(struct list *l)
{
	struct held *h = l->first;

	if (h)
		l->first = h->next;
	if (!l->first)
		l->last = &l->first;
	return h;
}

/* Makes the place free for another fragment, and returns the packet to the caller. */
static struct packet *held_end(struct pieces *f, struct held *h)
{
	f->held_bytes -= h->packet->len_bytes;
	f->shares[h->source].count--;
	f->shares[h->source].bytes -= h->packet->len_bytes;
	h->next = f->free_list;
	f->free_list = h;
	return h->packet;
}

/* Returns how many fragments were in the list. */
static size_t list_clear(struct pieces *f, struct list *l)
{
	struct held *h;
	size_t n = 0;

	for (; (h = list_take(l)); n++)
		packet_pool_put(f->env.pool, held_end(f, h));
	return n;
}

/* ---- the table */

static void expire(struct timer *timer, uint64_t now_ns);

struct pieces *pieces_new(const struct pieces_env *env)
{
	struct pieces *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->env = *env;
	timer_init(&f->timer, expire);
	list_init(&f->ready);
	for (size_t i = 0; i < PIECES_HELD; i++) {
		f->held[i].next = f->free_list;
		f->free_list = &f->held[i];
	}
	rng_fill(env->rng, f->hash_key, sizeof(f->hash_key));
	return f;
}

/* Forgets the entry and drops the fragments that wait in it. */
static void entry_end(struct pieces *f, struct entry *e)
{
	size_t n = 0;

	if (e->state == WAITING)
		n = list_clear(f, &e->held);
	if (n > 0)
		f->env.dropped(f->env.context, e->key.device, n);
	e->state = UNUSED;
}

void pieces_free(struct pieces *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < PIECES_PACKETS; i++) {
		struct entry *e = &f->entries[i / WAYS][i % WAYS];

		if (e->state == WAITING)
			(void)list_clear(f, &e->held);
	}
	(void)list_clear(f, &f->ready);
	timerq_disarm(f->env.timers, &f->timer);
	free(f);
}

static void expire(struct timer *timer, uint64_t now_ns)
{
	struct pieces *f = CONTAINER_OF(timer, struct pieces, timer);
	uint64_t next_ns = NEVER_NS;

	for (size_t i = 0; i < PIECES_PACKETS; i++) {
		struct entry *e = &f->entries[i / WAYS][i % WAYS];

		if (e->state != WAITING)
			continue;
		if (e->until_ns <= now_ns)
			entry_end(f, e);
		else if (e->until_ns < next_ns)
			next_ns = e->until_ns;
	}
	timerq_arm(f->env.timers, timer, next_ns);
}

static struct key key_of(uint32_t device, const struct pieces_came *came,
                         const struct ip_view *view)
{
	struct key key = { .device = device,
		           .id = came->id,
		           .family = (uint8_t)view->family,
		           .protocol = view->family == IP_V4 ? view->protocol : 0 };
	size_t n = view->family == IP_V4 ? 4 : 16;

	memcpy(key.src, came->src.b, n);
	memcpy(key.dst, came->dst.b, n);
	return key;
}

/* Have they come the same way, and from the same source? */
static bool same_way(const struct entry *e, const struct key *key)
{
	return e->state != UNUSED && e->key.device == key->device;
}

static bool same_source(const struct entry *e, const struct key *key)
{
	return same_way(e, key) && memcmp(e->key.src, key->src, sizeof(key->src)) == 0;
}

static unsigned count_of(const struct entry *set, const struct key *key,
                         bool (*same)(const struct entry *e, const struct key *key))
{
	unsigned n = 0;

	for (size_t i = 0; i < WAYS; i++)
		n += same(&set[i], key);
	return n;
}

/* Returns an unused entry. If there is none, returns the oldest one of those of the way that has
 * the most, and among them of the source that has the most. But if half of the set has come this
 * way, or from this source, it is one of these. */
static struct entry *to_forget(struct entry *set, const struct key *key)
{
	const bool way_has_half = count_of(set, key, same_way) >= WAYS / 2;
	const bool source_has_half = count_of(set, key, same_source) >= WAYS / 2;
	struct entry *found = NULL;
	unsigned most = 0;

	for (size_t i = 0; i < WAYS; i++) {
		struct entry *e = &set[i];
		unsigned n;

		if (e->state == UNUSED)
			return e;
		if ((way_has_half && !same_way(e, key)) ||
		    (source_has_half && !same_source(e, key)))
			continue;
		n = count_of(set, &e->key, same_way) * (WAYS + 1) +
		    count_of(set, &e->key, same_source);
		if (!found || n > most || (n == most && e->until_ns < found->until_ns)) {
			found = e;
			most = n;
		}
	}
	return found;
}

/* Returns the entry of the key. If there is none, returns one that is UNUSED and has got
 * this key; for this, an older entry may be forgotten. */
static struct entry *find(struct pieces *f, const struct key *key, uint64_t now_ns)
{
	uint8_t hash[crypto_shorthash_BYTES];
	struct entry *set, *e;
	uint32_t h;

	crypto_shorthash(hash, (const uint8_t *)key, sizeof(*key), f->hash_key);
	memcpy(&h, hash, sizeof(h));
	set = f->entries[h % SETS];
	for (size_t i = 0; i < WAYS; i++) {
		e = &set[i];
		if (e->state != UNUSED && e->until_ns <= now_ns)
			entry_end(f, e);
		if (e->state != UNUSED && memcmp(&e->key, key, sizeof(*key)) == 0)
			return e;
	}
	e = to_forget(set, key);
	entry_end(f, e);
	e->key = *key;
	return e;
}

/* ---- fragments */

static void translate(const struct entry *e, struct packet *p, struct ip_view *view)
{
	struct rewrite x = rewrite_fields(p, view);

	if (!ip_addr_equal(&e->src, &view->src))
		rewrite_addr(&x, true, e->src.b);
	if (!ip_addr_equal(&e->dst, &view->dst))
		rewrite_addr(&x, false, e->dst.b);
	if (view->family == IP_V4 && e->id != view->fragment_id)
		rewrite_ipv4_id(&x, view, (uint16_t)e->id);
	view->src = e->src;
	view->dst = e->dst;
}

void pieces_first(struct pieces *f, uint32_t device, const struct pieces_came *came,
                  const struct ip_view *view, uint64_t now_ns)
{
	struct key key = key_of(device, came, view);
	struct entry *e = find(f, &key, now_ns);
	struct ip_view v;
	struct held *h;

	e->src = view->src;
	e->dst = view->dst;
	e->id = view->fragment_id;
	while (e->state == WAITING && (h = list_take(&e->held))) {
		/* this succeeds, because the packet was already parsed when it came */
		if (ip_view_parse(&v, h->packet->data, h->packet->len_bytes))
			translate(e, h->packet, &v);
		list_add(&f->ready, h);
	}
	e->state = KNOWN;
	e->until_ns = now_ns + PIECES_NS;
}

static bool hold(struct pieces *f, struct list *l, const struct packet *p, uint8_t source)
{
	struct held *h = f->free_list;
	struct share *share = &f->shares[source];

	if (!h || p->len_bytes > PIECES_HELD_BYTES - f->held_bytes ||
	    share->count >= PIECES_HELD / 2 ||
	    p->len_bytes > PIECES_HELD_BYTES / 2 - share->bytes)
		return false;
	h->source = source;
	h->packet = packet_pool_copy(f->env.pool, p);
	if (!h->packet)
		return false;
	f->free_list = h->next;
	f->held_bytes += p->len_bytes;
	share->count++;
	share->bytes += p->len_bytes;
	list_add(l, h);
	return true;
}

bool pieces_later(struct pieces *f, uint32_t device, struct packet *p,
                  struct ip_view *view, uint64_t now_ns)
{
	const struct pieces_came came = { view->src, view->dst, view->fragment_id };
	struct key key = key_of(device, &came, view);
	struct entry *e = find(f, &key, now_ns);

	if (e->state == KNOWN) {
		translate(e, p, view);
		return true;
	}
	if (e->state == UNUSED) {
		e->state = WAITING;
		e->until_ns = now_ns + PIECES_NS;
		list_init(&e->held);
		if (!timer_armed(&f->timer))
			timerq_arm(f->env.timers, &f->timer, e->until_ns);
	}
	if (!hold(f, &e->held, p, key.src[view->family == IP_V4 ? 3 : 15]))
		f->env.dropped(f->env.context, device, 1);
	return false;
}

size_t pieces_ready(struct pieces *f, struct packet **out, size_t max)
{
	struct held *h;
	size_t n = 0;

	while (n < max && (h = list_take(&f->ready)))
		out[n++] = held_end(f, h);
	return n;
}
