/* src/engine/reassembly.c - only few datagrams are in fragments at the same time, so they
 * are searched one by one. A held fragment is a copy from the pool; the fragments of a
 * datagram are linked in the order of their offsets. */
#include "engine/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "engine/fragment.h"

/* One fragment as it came in. */
struct piece {
	uint32_t carrier;
	enum ip_family family;
	struct ip_addr src, dst;
	uint32_t id;
	uint32_t offset, bytes; /* of the datagram's payload */
	uint32_t payload_at;    /* in the packet */
	bool more;
};

struct held {
	struct held *next;
	struct packet *packet; /* owned by the pool */
	uint32_t offset, bytes, payload_at;
};

enum whose {
	UNUSED = 0,
	UNDECIDED, /* the first fragment hasn't come yet */
	DEVICE,
	HOST,
	REFUSED, /* was wrong, so fragments that still come are dropped, too */
};

struct datagram {
	enum whose whose;
	struct piece key; /* the fragment that came in first; identifies the datagram */
	uint64_t until_ns;
	struct held *first;
	size_t count;
	uint32_t have_bytes, total_bytes; /* total is 0 until the last fragment comes */
};

struct reassembly {
	struct reassembly_env env;
	struct timer timer;
	struct datagram datagrams[REASSEMBLY_DATAGRAMS];
	struct held held[REASSEMBLY_FRAGMENTS];
	struct held *free_list;
};

static void expire(struct timer *timer, uint64_t now_ns);

struct reassembly *reassembly_new(const struct reassembly_env *env)
{
	struct reassembly *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->env = *env;
	timer_init(&r->timer, expire);
	for (size_t i = 0; i < REASSEMBLY_FRAGMENTS; i++) {
		r->held[i].next = r->free_list;
		r->free_list = &r->held[i];
	}
	return r;
}

/* ---- what is held */

static void let_go(struct reassembly *r, struct datagram *d)
{
	struct held *h;

	while ((h = d->first)) {
		d->first = h->next;
		packet_pool_put(r->env.pool, h->packet);
		h->next = r->free_list;
		r->free_list = h;
	}
	d->count = 0;
}

static void drop(struct reassembly *r, struct datagram *d, size_t more)
{
	if (d->count + more > 0)
		r->env.dropped(r->env.context, d->key.carrier, d->count + more);
	let_go(r, d);
}

void reassembly_free(struct reassembly *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < REASSEMBLY_DATAGRAMS; i++)
		let_go(r, &r->datagrams[i]);
	timerq_disarm(r->env.timers, &r->timer);
	free(r);
}

static void expire(struct timer *timer, uint64_t now_ns)
{
	struct reassembly *r = CONTAINER_OF(timer, struct reassembly, timer);
	uint64_t next_ns = NEVER_NS;

	for (size_t i = 0; i < REASSEMBLY_DATAGRAMS; i++) {
		struct datagram *d = &r->datagrams[i];

		if (d->whose == UNUSED)
			continue;
		if (d->until_ns <= now_ns) {
			drop(r, d, 0);
			d->whose = UNUSED;
		} else if (d->until_ns < next_ns) {
			next_ns = d->until_ns;
		}
	}
	timerq_arm(r->env.timers, timer, next_ns);
}

static bool same_datagram(const struct piece *a, const struct piece *b)
{
	return a->carrier == b->carrier && a->id == b->id &&
	       ip_addr_equal(&a->src, &b->src) && ip_addr_equal(&a->dst, &b->dst);
}

/* How many datagrams of this carrier are there? */
static size_t count_of(const struct reassembly *r, uint32_t carrier)
{
	size_t n = 0;

	for (size_t i = 0; i < REASSEMBLY_DATAGRAMS; i++)
		n += r->datagrams[i].key.carrier == carrier;
	return n;
}

/* All places are taken. Returns the oldest datagram of the carrier that has the most, so that
 * whoever is behind one carrier can't push out those of the others. */
static struct datagram *to_forget(struct reassembly *r)
{
	struct datagram *found = NULL;
	size_t most = 0;

	for (size_t i = 0; i < REASSEMBLY_DATAGRAMS; i++) {
		struct datagram *d = &r->datagrams[i];
		size_t n = found && d->key.carrier == found->key.carrier
		                   ? most
		                   : count_of(r, d->key.carrier);

		if (!found || n > most || (n == most && d->until_ns < found->until_ns)) {
			found = d;
			most = n;
		}
	}
	return found;
}

/* Returns the datagram of the piece. If there is none yet, a free place becomes it; if no
 * place is free, another datagram is dropped. */
static struct datagram *find(struct reassembly *r, const struct piece *piece,
                             uint64_t now_ns)
{
	struct datagram *unused = NULL;

	for (size_t i = 0; i < REASSEMBLY_DATAGRAMS; i++) {
		struct datagram *d = &r->datagrams[i];

		if (d->whose == UNUSED)
			unused = d;
		else if (same_datagram(&d->key, piece))
			return d;
	}
	if (!unused) {
		unused = to_forget(r);
		drop(r, unused, 0);
	}
	*unused = (struct datagram){ .whose = UNDECIDED,
		                     .key = *piece,
		                     .until_ns = now_ns + REASSEMBLY_NS };
	if (!timer_armed(&r->timer))
		timerq_arm(r->env.timers, &r->timer, unused->until_ns);
	return unused;
}

/* ---- one fragment */

static bool parse_ipv4(struct piece *out, const struct packet *p, const struct ip_view *v)
{
	struct ipv4_header h;
	uint32_t fragment;

	memcpy(&h, p->data, sizeof(h));
	fragment = be16_get(h.flags_offset);
	out->id = be16_get(h.id);
	out->offset = 8 * (fragment & IPV4_OFFSET_MASK);
	out->more = fragment & IPV4_MF;
	out->payload_at = v->payload_at;
	return h.protocol == PROTO_UDP;
}

/* Accepts only what our peers send: the fragment header directly behind the IP header,
 * and UDP directly behind that. */
static bool parse_ipv6(struct piece *out, const struct packet *p)
{
	const struct ipv6_header *h = (const void *)p->data;
	struct ipv6_fragment_header f;

	if (h->next_header != PROTO_IPV6_FRAGMENT ||
	    p->len_bytes < sizeof(*h) + sizeof(f))
		return false;
	memcpy(&f, p->data + sizeof(*h), sizeof(f));
	out->id = be32_get(f.id);
	out->offset = be16_get(f.offset_more) & 0xfff8U;
	out->more = be16_get(f.offset_more) & 1;
	out->payload_at = sizeof(*h) + sizeof(f);
	return f.next_header == PROTO_UDP;
}

static bool parse(struct piece *out, uint32_t carrier, const struct packet *p)
{
	struct ip_view v;

	if (!ip_view_parse(&v, p->data, p->len_bytes) || !v.fragment)
		return false;
	*out = (struct piece){
		.carrier = carrier, .family = v.family, .src = v.src, .dst = v.dst
	};
	if (!(v.family == IP_V4 ? parse_ipv4(out, p, &v) : parse_ipv6(out, p)))
		return false;
	out->bytes = v.total_bytes - out->payload_at;
	return true;
}

/* RFC 791, RFC 8200 4.5: only the length of the last fragment may be no multiple of 8,
 * and the packet must not be longer than 65,535 bytes. */
static bool sensible(const struct piece *piece)
{
	return piece->bytes > 0 && (!piece->more || piece->bytes % 8 == 0) &&
	       piece->offset + piece->bytes <= UINT16_MAX - 40;
}

/* Links the fragment in. Returns false if it overlaps another one, contradicts the known
 * end, or can't be held. */
static bool hold(struct reassembly *r, struct datagram *d, const struct piece *piece,
                 const struct packet *p)
{
	struct held **at = &d->first, *h = r->free_list;
	uint32_t end = piece->offset + piece->bytes;

	while (*at && (*at)->offset < piece->offset) {
		if ((*at)->offset + (*at)->bytes > piece->offset)
			return false;
		at = &(*at)->next;
	}
	if ((*at && (end > (*at)->offset || !piece->more)) || !h)
		return false;
	if (d->total_bytes && (!piece->more || end > d->total_bytes))
		return false;
	h->packet = packet_pool_copy(r->env.pool, p);
	if (!h->packet)
		return false;
	r->free_list = h->next;
	h->offset = piece->offset;
	h->bytes = piece->bytes;
	h->payload_at = piece->payload_at;
	h->next = *at;
	*at = h;
	d->count++;
	d->have_bytes += piece->bytes;
	if (!piece->more)
		d->total_bytes = end;
	return true;
}

static void release(struct reassembly *r, struct datagram *d, uint64_t now_ns)
{
	for (const struct held *h = d->first; h; h = h->next)
		r->env.release(r->env.context, d->key.carrier, h->packet, now_ns);
	let_go(r, d);
}

/* The first fragment decides who gets the datagram. */
static void decide(struct reassembly *r, struct datagram *d, const struct piece *piece,
                   const struct packet *p, uint64_t now_ns)
{
	struct udp_header u;

	if (d->whose != UNDECIDED || piece->offset != 0)
		return;
	d->whose = HOST;
	if (piece->bytes >= sizeof(u)) {
		memcpy(&u, p->data + piece->payload_at, sizeof(u));
		if (r->env.wanted(r->env.context, piece->carrier, be16_get(u.dst_port)))
			d->whose = DEVICE;
	}
	if (d->whose == HOST)
		release(r, d, now_ns);
}

/* ---- the complete datagram */

static uint32_t header_bytes(const struct datagram *d)
{
	return d->key.family == IP_V4 ? sizeof(struct ipv4_header)
	                              : sizeof(struct ipv6_header);
}

/* Writes the first fragment's header, without the fields that make it a fragment. */
static void put_header(const struct datagram *d, uint8_t *out)
{
	const uint8_t *from = d->first->packet->data;

	if (d->key.family == IP_V4) {
		struct ipv4_header h;

		memcpy(&h, from, sizeof(h));
		h.version_ihl = 0x45;
		h.total_len = be16_put((uint16_t)(sizeof(h) + d->total_bytes));
		h.flags_offset = h.checksum = be16_put(0);
		h.checksum = be16_put(checksum_finish(checksum_add(0, &h, sizeof(h))));
		memcpy(out, &h, sizeof(h));
	} else {
		struct ipv6_header h;

		memcpy(&h, from, sizeof(h));
		h.payload_len = be16_put((uint16_t)d->total_bytes);
		h.next_header = PROTO_UDP;
		memcpy(out, &h, sizeof(h));
	}
}

/* Returns NULL if the pool has no room. */
static struct packet *join(struct reassembly *r, const struct datagram *d)
{
	struct packet *whole =
		packet_pool_take(r->env.pool, header_bytes(d) + d->total_bytes);
	uint8_t *at;

	if (!whole)
		return NULL;
	put_header(d, whole->data);
	at = whole->data + header_bytes(d);
	for (const struct held *h = d->first; h; h = h->next) {
		memcpy(at, h->packet->data + h->payload_at, h->bytes);
		at += h->bytes;
	}
	return whole;
}

enum reassembly_result reassembly_add(struct reassembly *r, uint32_t carrier,
                                      const struct packet *p, uint64_t now_ns,
                                      struct packet **whole)
{
	struct piece piece;
	struct datagram *d;

	if (!parse(&piece, carrier, p))
		return REASSEMBLY_PASS;
	d = find(r, &piece, now_ns);
	decide(r, d, &piece, p, now_ns);
	if (d->whose == HOST)
		return REASSEMBLY_PASS;
	if (d->whose == REFUSED || !sensible(&piece) || !hold(r, d, &piece, p)) {
		drop(r, d, 1);
		d->whose = REFUSED;
		return REASSEMBLY_TAKEN;
	}
	if (d->whose != DEVICE || d->have_bytes != d->total_bytes)
		return REASSEMBLY_TAKEN;
	*whole = join(r, d);
	if (!*whole) {
		drop(r, d, 0);
		d->whose = REFUSED;
		return REASSEMBLY_TAKEN;
	}
	let_go(r, d);
	d->whose = UNUSED;
	return REASSEMBLY_WHOLE;
}
