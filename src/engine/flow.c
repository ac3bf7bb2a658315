/* src/engine/flow.c - the entries lie in one mapped array. Each entry is in two hash
 * chains, one by what the host sends (forward) and one by what comes back (reverse), and
 * in a list sorted by last use. The hashes are keyed (SipHash), because a stranger whose
 * packets the host forwards can choose ports.
 *
 * Packets of one flow come together, so the entry that was found last is looked at before
 * anything is hashed. It is compared like any other, so it may have become another flow.
 *
 * There is a list for each last byte of a source, so neighbours are in different ones. If
 * the table is full, the longest list loses its oldest flow. So a client of a gate that
 * opens flows without end pushes out its own, and not those of the others. Flows that
 * began outside are in a list of their own, whose length is bounded. */
#include "engine/flow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

#include "engine/rewrite.h"

#define BUCKETS    (2 * FLOWS_MAX) /* a power of two */
#define PORT_TRIES 64
#define PORT_MIN   1024U
#define PORTS      (UINT16_MAX + 1 - PORT_MIN)
#define LISTS      257U /* entries 0 to LISTS - 1 are the heads of the lists by use */
#define OUTSIDE    256U /* the list of the flows that began outside */
#define COUNTERS   64   /* a power of two */
#define NO_FLOW    0U

/* One side of a flow. It is hashed and compared as bytes, so it must not have padding. */
struct key {
	uint8_t here[16]; /* on the host's side: its address, or the translated one */
	uint8_t remote[16];
	uint32_t device;
	struct be16 here_port, remote_port; /* 0: protocol without ports; ICMP: id, 0 */
	uint8_t family, protocol;
	uint8_t zero[2];
};
_Static_assert(sizeof(struct key) == 44, "no padding");

struct flow {
	struct key forward, reverse;
	uint64_t used_ns;
	uint32_t forward_next, reverse_next; /* next entries of the two chains */
	uint32_t newer, older;               /* neighbours in the list by use */
	uint32_t list;                       /* in which it is */
	bool answered, closing;              /* TCP: was answered; FIN or RST was seen */
	bool taken;
};

struct flows {
	struct flow *entries; /* mapped, FLOWS_MAX + LISTS */
	uint32_t forward[BUCKETS], reverse[BUCKETS];
	uint32_t free_list; /* linked by forward_next */
	uint32_t fresh;     /* entries from here on were never used */
	uint32_t latest_forward, latest_reverse; /* found last; NO_FLOW at first */
	size_t count, counts[LISTS];
	uint32_t by_device[COUNTERS]; /* flows of devices with equal id % COUNTERS */
	const struct rng *rng;        /* borrowed */
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
};

#define ENTRIES_BYTES ((FLOWS_MAX + LISTS) * sizeof(struct flow))

struct flows *flows_new(const struct rng *rng)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->entries = mmap(NULL, ENTRIES_BYTES, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->entries == MAP_FAILED) {
		free(f);
		return NULL;
	}
	f->fresh = LISTS;
	for (uint32_t i = 0; i < LISTS; i++)
		f->entries[i].newer = f->entries[i].older = i;
	f->rng = rng;
	rng_fill(rng, f->hash_key, sizeof(f->hash_key));
	return f;
}

void flows_free(struct flows *f)
{
	if (!f)
		return;
	munmap(f->entries, ENTRIES_BYTES);
	free(f);
}

size_t flows_count(const struct flows *f)
{
	return f->count;
}

bool flows_may_have(const struct flows *f, uint32_t device)
{
	return f->by_device[device % COUNTERS] > 0;
}

/* ---- the table */

/* Then forward and reverse are equal. */
static bool began_outside(const struct flow *e)
{
	return e->list == OUTSIDE;
}

static uint32_t *bucket(struct flows *f, uint32_t *table, const struct key *key)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint32_t h;

	crypto_shorthash(hash, (const uint8_t *)key, sizeof(*key), f->hash_key);
	memcpy(&h, hash, sizeof(h));
	return &table[h % BUCKETS];
}

static uint32_t list_of(const struct key *forward)
{
	return forward->here[forward->family == IP_V4 ? 3 : 15];
}

static void use_unlink(struct flows *f, struct flow *e)
{
	f->entries[e->newer].older = e->older;
	f->entries[e->older].newer = e->newer;
}

/* Makes the entry the newest. The head stands between the oldest and the newest entry. */
static void use_newest(struct flows *f, struct flow *e, uint64_t now_ns)
{
	uint32_t index = (uint32_t)(e - f->entries);
	struct flow *head = &f->entries[e->list];

	e->used_ns = now_ns;
	e->newer = e->list;
	e->older = head->older;
	f->entries[head->older].newer = index;
	head->older = index;
}

static uint64_t idle_limit_ns(const struct flow *e)
{
	switch (e->forward.protocol) {
	case PROTO_TCP:
		return e->answered && !e->closing ? FLOW_TCP_ESTABLISHED_NS
		                                  : FLOW_TCP_TRANSITORY_NS;
	case PROTO_UDP:
		return FLOW_UDP_NS;
	default:
		return FLOW_OTHER_NS;
	}
}

static bool expired(const struct flow *e, uint64_t now_ns)
{
	return now_ns - e->used_ns > idle_limit_ns(e);
}

static void forget(struct flows *f, struct flow *e)
{
	uint32_t index = (uint32_t)(e - f->entries);
	uint32_t *at;

	for (at = bucket(f, f->forward, &e->forward); *at != index;)
		at = &f->entries[*at].forward_next;
	*at = e->forward_next;
	for (at = bucket(f, f->reverse, &e->reverse); *at != index;)
		at = &f->entries[*at].reverse_next;
	*at = e->reverse_next;
	use_unlink(f, e);
	f->counts[e->list]--;
	f->by_device[e->forward.device % COUNTERS]--;
	*e = (struct flow){ .forward_next = f->free_list };
	f->free_list = index;
	f->count--;
}

static bool same(const struct key *a, const struct key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The key of a free entry is zero, which is that of no packet. */
static struct flow *find_forward(struct flows *f, const struct key *key)
{
	uint32_t i = f->latest_forward;

	if (same(&f->entries[i].forward, key))
		return &f->entries[i];
	i = *bucket(f, f->forward, key);
	while (i != NO_FLOW && !same(&f->entries[i].forward, key))
		i = f->entries[i].forward_next;
	f->latest_forward = i;
	return i == NO_FLOW ? NULL : &f->entries[i];
}

static struct flow *find_reverse(struct flows *f, const struct key *key)
{
	uint32_t i = f->latest_reverse;

	if (same(&f->entries[i].reverse, key))
		return &f->entries[i];
	i = *bucket(f, f->reverse, key);
	while (i != NO_FLOW && !same(&f->entries[i].reverse, key))
		i = f->entries[i].reverse_next;
	f->latest_reverse = i;
	return i == NO_FLOW ? NULL : &f->entries[i];
}

static uint32_t longest_list(const struct flows *f)
{
	uint32_t longest = 0;

	for (uint32_t i = 1; i < LISTS; i++) {
		if (f->counts[i] > f->counts[longest])
			longest = i;
	}
	return longest;
}

/* Returns a free entry. If there is none, one is freed that wasn't used for longest. */
static struct flow *take_entry(struct flows *f, uint32_t list)
{
	bool full = f->free_list == NO_FLOW && f->fresh >= FLOWS_MAX + LISTS;

	if (list == OUTSIDE && f->counts[OUTSIDE] > 0 &&
	    (full || f->counts[OUTSIDE] == FLOWS_OUTSIDE_MAX))
		forget(f, &f->entries[f->entries[OUTSIDE].newer]);
	else if (full)
		forget(f, &f->entries[f->entries[longest_list(f)].newer]);
	if (f->free_list != NO_FLOW) {
		struct flow *e = &f->entries[f->free_list];

		f->free_list = e->forward_next;
		return e;
	}
	return &f->entries[f->fresh++];
}

/* Chooses a port that no other flow to the same remote has: the host's own port if it is
 * free, else a random one. Ports in use often lie side by side, so each try is random.
 * False if none was found. */
static bool choose_port(struct flows *f, struct key *reverse, uint64_t now_ns)
{
	struct flow *other;

	for (uint32_t i = 0; i < PORT_TRIES; i++) {
		if (i > 0)
			reverse->here_port =
				be16_put((uint16_t)(PORT_MIN + rng_u32(f->rng) % PORTS));
		other = find_reverse(f, reverse);
		if (other && expired(other, now_ns)) {
			forget(f, other);
			other = NULL;
		}
		if (!other)
			return true;
		if (reverse->protocol != PROTO_TCP && reverse->protocol != PROTO_UDP &&
		    reverse->protocol != PROTO_ICMP && reverse->protocol != PROTO_ICMPV6)
			return false; /* no ports, so there is only one flow per remote */
	}
	return false;
}

static struct flow *add(struct flows *f, const struct key *forward,
                        const struct key *reverse, uint32_t list, uint64_t now_ns)
{
	struct flow *e = take_entry(f, list);
	uint32_t index = (uint32_t)(e - f->entries), *at;

	*e = (struct flow){
		.forward = *forward, .reverse = *reverse, .list = list, .taken = true
	};
	f->counts[list]++;
	f->by_device[forward->device % COUNTERS]++;
	at = bucket(f, f->forward, forward);
	e->forward_next = *at;
	*at = index;
	at = bucket(f, f->reverse, reverse);
	e->reverse_next = *at;
	*at = index;
	use_newest(f, e, now_ns);
	f->count++;
	return e;
}

static struct flow *remember(struct flows *f, const struct key *forward,
                             const struct ip_addr *own, uint64_t now_ns)
{
	struct key reverse = *forward;

	memcpy(reverse.here, own->b, sizeof(reverse.here));
	return choose_port(f, &reverse, now_ns)
	               ? add(f, forward, &reverse, list_of(forward), now_ns)
	               : NULL;
}

static void touch(struct flows *f, struct flow *e, uint64_t now_ns)
{
	use_unlink(f, e);
	use_newest(f, e, now_ns);
}

void flows_forget_device(struct flows *f, uint32_t device)
{
	for (uint32_t i = LISTS; i < f->fresh; i++)
		if (f->entries[i].taken && f->entries[i].forward.device == device)
			forget(f, &f->entries[i]);
}

/* ---- packets */

enum {
	TCP_FLAGS_AT = 13,
	TCP_CLOSE = 0x05, /* FIN, RST */
};

/* Returns the key of a packet. The host is at its source if `source` is true, else at its
 * destination. */
static struct key key_of(const struct rewrite *x, uint32_t device, bool source)
{
	size_t n = x->family == IP_V4 ? 4 : 16;
	struct key k = { .device = device,
		         .family = (uint8_t)x->family,
		         .protocol = x->protocol };

	memcpy(k.here, rewrite_addr_at(x, source), n);
	memcpy(k.remote, rewrite_addr_at(x, !source), n);
	k.here_port = rewrite_port_at(source ? x->src_port : x->dst_port);
	k.remote_port = rewrite_port_at(source ? x->dst_port : x->src_port);
	return k;
}

static void note_tcp(struct flow *e, const struct rewrite *x, bool inbound)
{
	if (x->protocol != PROTO_TCP || !x->l4 || !x->checksum)
		return;
	e->answered |= inbound != began_outside(e);
	e->closing |= (x->l4[TCP_FLAGS_AT] & TCP_CLOSE) != 0;
}

/* Translates an ICMP error of the host about a packet that came to a translated
 * address. Returns false if that packet came to the very address that it was sent to. */
static bool error_out(struct flows *f, uint32_t device, const struct rewrite *x,
                      const struct rewrite *quoted, const struct ip_addr *own)
{
	struct key key = key_of(quoted, device, false);
	struct flow *e = find_forward(f, &key);

	if (e && began_outside(e))
		return false;
	if (e) {
		rewrite_addr(quoted, false, e->reverse.here);
		rewrite_port(quoted, quoted->dst_port, e->reverse.here_port);
	}
	rewrite_addr(x, true, own->b);
	return true;
}

bool flow_out(struct flows *f, uint32_t device, const struct ip_addr *own,
              struct packet *p, struct ip_view *view, uint64_t now_ns)
{
	struct rewrite x = rewrite_fields(p, view), quoted;
	struct key key;
	struct flow *e;

	if (!x.l4) /* a later fragment: see pieces.h */
		return false;
	if (rewrite_quoted(&quoted, &x, view)) {
		if (error_out(f, device, &x, &quoted, own))
			view->src = *own;
		return true;
	}
	key = key_of(&x, device, true);
	e = find_forward(f, &key);
	if (e &&
	    (expired(e, now_ns) || (!began_outside(e) && memcmp(e->reverse.here, own->b,
	                                                        sizeof(own->b)) != 0))) {
		forget(f, e);
		e = NULL;
	}
	if (e && began_outside(e)) {
		touch(f, e, now_ns);
		note_tcp(e, &x, false);
		return true;
	}
	view->src = *own;
	if (!e)
		e = remember(f, &key, own, now_ns);
	if (!e)
		return false;
	touch(f, e, now_ns);
	note_tcp(e, &x, false);
	rewrite_addr(&x, true, e->reverse.here);
	rewrite_port(&x, x.src_port, e->reverse.here_port);
	return true;
}

bool flow_collides(struct flows *f, uint32_t device, const struct packet *p,
                   const struct ip_view *view, uint64_t now_ns)
{
	struct rewrite x = rewrite_fields(p, view), quoted;
	bool error = x.l4 && rewrite_quoted(&quoted, &x, view);
	struct flow *e;
	struct key key;

	if (!x.l4)
		return false;
	key = error ? key_of(&quoted, device, false) : key_of(&x, device, true);
	e = find_forward(f, &key);
	if (!e && !error)
		e = find_reverse(f, &key);
	return e && !began_outside(e) && !expired(e, now_ns);
}

void flow_begun_outside(struct flows *f, uint32_t device, const struct packet *p,
                        const struct ip_view *view, uint64_t now_ns)
{
	struct rewrite x = rewrite_fields(p, view), quoted;
	struct key key;
	struct flow *e;

	if (!x.l4 || rewrite_quoted(&quoted, &x, view))
		return;
	key = key_of(&x, device, false);
	e = find_forward(f, &key);
	if (e && expired(e, now_ns)) {
		forget(f, e);
		e = NULL;
	}
	if (!e)
		note_tcp(add(f, &key, &key, OUTSIDE, now_ns), &x, true);
}

bool flow_in(struct flows *f, uint32_t device, struct packet *p, struct ip_view *view,
             uint64_t now_ns)
{
	struct rewrite x, quoted;
	struct key key;
	struct flow *e;
	bool error;

	if (f->count == 0)
		return false;
	x = rewrite_fields(p, view);
	if (!x.l4)
		return false;
	error = rewrite_quoted(&quoted, &x, view);
	key = error ? key_of(&quoted, device, true) : key_of(&x, device, false);
	e = find_reverse(f, &key);
	if (!e || expired(e, now_ns))
		return false;
	if (error) { /* an error doesn't show that the flow is still used */
		rewrite_addr(&quoted, true, e->forward.here);
		rewrite_port(&quoted, quoted.src_port, e->forward.here_port);
	} else {
		touch(f, e, now_ns);
		note_tcp(e, &x, true);
		rewrite_port(&x, x.dst_port, e->forward.here_port);
	}
	rewrite_addr(&x, false, e->forward.here);
	view->dst = ip_addr_from_bytes(view->family, e->forward.here);
	return true;
}
