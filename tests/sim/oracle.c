/* tests/sim/oracle.c */
#include "oracle.h"

#include <string.h>

#include "draw_plan.h"

#define WAY_LIMIT 8 /* design R2 */

/* ---- R3: the order of devices */

static bool names(const struct plan *plan, size_t device, size_t carrier)
{
	const struct plan_device *d = &plan->devices[device];

	if (d->via == VIA_NAME && d->via_device == carrier)
		return true;
	for (size_t i = 0; i < d->peer_count; i++) {
		if (d->peers[i].via == VIA_NAME && d->peers[i].via_device == carrier)
			return true;
	}
	return false;
}

/* Everything, its halves, and all of the IPv6 internet. */
static bool default_route(const struct ip_prefix *p)
{
	return p->len <= 1 ||
	       (p->addr.family == IP_V6 && p->len == 3 && p->addr.b[0] >> 5 == 1);
}

static bool only_default_routes(const struct plan_device *d)
{
	for (size_t p = 0; p < d->peer_count; p++) {
		for (size_t i = 0; i < d->peers[p].prefix_count; i++) {
			if (!default_route(&d->peers[p].prefixes[i]))
				return false;
		}
	}
	return true;
}

/* Metric, then who has nothing but default routes, then the name. */
static bool is_better(const struct plan_device *a, const struct plan_device *b)
{
	if (a->metric != b->metric)
		return a->metric < b->metric;
	if (only_default_routes(a) != only_default_routes(b))
		return only_default_routes(a);
	return strcmp(a->name, b->name) < 0;
}

/* place[d] is the position of device d in the order; 0 comes first. */
static void order(const struct plan *plan, size_t place[static PLAN_DEVICES])
{
	bool done[PLAN_DEVICES] = { false };

	for (size_t n = 0; n < plan->device_count; n++) {
		const struct plan_device *best = NULL;

		for (size_t c = 0; c < plan->device_count; c++) {
			const struct plan_device *d = &plan->devices[c];
			bool waits = done[c];

			for (size_t o = 0; o < plan->device_count; o++)
				waits = waits || (!done[o] && names(plan, o, c));
			if (waits)
				continue;
			if (!best || is_better(d, best))
				best = d;
		}
		place[best - plan->devices] = n;
		done[best - plan->devices] = true;
	}
}

/* The plan, together with what is needed of it again and again. */
struct oracle {
	const struct plan *plan;
	size_t place[PLAN_DEVICES];
};

/* Does a come before b for a prefix that both name? A device that carries nothing by its
 * prefixes comes after all others. */
static bool before(const struct oracle *o, size_t a, size_t b)
{
	const struct plan_device *d = o->plan->devices;

	if (d[a].table_off != d[b].table_off)
		return d[b].table_off;
	return o->place[a] < o->place[b];
}

/* ---- R4: the longest prefix */

/* The peer of the device that has exactly this prefix for everybody; of several, the
 * last. */
static const struct plan_peer *has(const struct plan_device *d,
                                   const struct ip_prefix *prefix)
{
	const struct plan_peer *peer = NULL;

	for (size_t p = 0; p < d->peer_count && !d->own_tun; p++) {
		for (size_t i = 0; i < d->peers[p].prefix_count; i++) {
			if (ip_prefix_equal(&d->peers[p].prefixes[i], prefix))
				peer = &d->peers[p];
		}
	}
	return peer;
}

/* The first device for the prefix of this length that contains addr, or device_count.
 * Those with skip[d] don't count. */
static size_t first(const struct oracle *o, const struct ip_addr *addr, uint8_t len,
                    const bool skip[static PLAN_DEVICES])
{
	struct ip_prefix prefix = ip_prefix_mask((struct ip_prefix){ *addr, len });
	size_t none = o->plan->device_count, best = none;

	for (size_t d = 0; d < none; d++) {
		if (!skip[d] && has(&o->plan->devices[d], &prefix) &&
		    (best == none || before(o, d, best)))
			best = d;
	}
	return best;
}

/* WireGuard's cryptokey routing inside one device. */
static bool peer_for(const struct plan_device *d, const struct ip_addr *addr,
                     size_t *peer)
{
	int best = -1;

	for (size_t p = 0; p < d->peer_count; p++) {
		for (size_t i = 0; i < d->peers[p].prefix_count; i++) {
			const struct ip_prefix *prefix = &d->peers[p].prefixes[i];

			/* >=: of equal prefixes the last one counts */
			if (ip_prefix_contains(prefix, addr) && prefix->len >= best) {
				best = prefix->len;
				*peer = p;
			}
		}
	}
	return best >= 0;
}

/* ---- R3: who stands in */

static const bool none_skipped[PLAN_DEVICES];

/* The first device that is usable; of the others only those that stand by for the first
 * one count. usable[d] are devices that count as usable in any case. */
static size_t active(const struct oracle *o, const struct ip_addr *addr, uint8_t len,
                     const bool usable[static PLAN_DEVICES])
{
	struct ip_prefix prefix = ip_prefix_mask((struct ip_prefix){ *addr, len });
	const struct plan_device *devices = o->plan->devices;
	size_t none = o->plan->device_count, head = first(o, addr, len, none_skipped), d;
	bool skip[PLAN_DEVICES] = { false };

	for (d = head; d < none; d = first(o, addr, len, skip)) {
		bool by =
			d == head || (devices[d].has_metric && devices[head].has_metric &&
		                      devices[d].table_off == devices[head].table_off);

		if (by && (usable[d] || !has(&devices[d], &prefix)->unusable))
			return d;
		skip[d] = true;
	}
	return head;
}

/* ---- R1, R5, R13: who carries */

static enum via_kind via_of(const struct plan *plan, struct hop h, size_t *device)
{
	const struct plan_device *d = &plan->devices[h.device];
	const struct plan_peer *p = &d->peers[h.peer];

	*device = p->via != VIA_NOT_SAID ? p->via_device : d->via_device;
	if (p->via == VIA_NOT_SAID && d->via == VIA_NOT_SAID && p->calls)
		return VIA_NETWORK; /* R8: it is answered where it came from */
	return p->via != VIA_NOT_SAID ? p->via : d->via;
}

/* The same for a device, judged by what its file sets for all its peers. */
static bool carried_from(const struct plan *plan, size_t from, size_t device)
{
	while (from != device && plan->devices[from].via == VIA_NAME)
		from = plan->devices[from].via_device;
	return from == device;
}

/* Does `device` carry the peer because of Via, directly or further on? Where no peer of
 * the carrier has the endpoint (yet), what its file sets for all of them counts. */
static bool carried_by(const struct plan *plan, struct hop h, size_t device)
{
	size_t via;
	enum via_kind kind = via_of(plan, h, &via);

	for (size_t i = 0; i < CHAIN_MAX && kind == VIA_NAME; i++) {
		const struct ip_addr *to =
			&plan->devices[h.device].peers[h.peer].endpoint;
		struct hop carrier = { via, 0 };

		if (via == device)
			return true;
		if (!peer_for(&plan->devices[via], to, &carrier.peer))
			return carried_from(plan, via, device);
		h = carrier;
		kind = via_of(plan, h, &via);
	}
	return false;
}

/* Is the peer at this very endpoint (R13)? All servers listen on the same port. */
static bool is_at(const struct plan *plan, struct hop h, const struct ip_addr *to)
{
	return ip_addr_equal(&plan->devices[h.device].peers[h.peer].endpoint, to);
}

/* R1, R13: may the device carry the packets of `from`, and by which peer? */
static bool can_carry(const struct plan *plan, size_t device, struct hop from,
                      struct hop *carrier)
{
	const struct ip_addr *to = &plan->devices[from.device].peers[from.peer].endpoint;
	struct hop h = { device, 0 };

	if (device == from.device || plan->devices[device].table_off ||
	    !peer_for(&plan->devices[device], to, &h.peer) ||
	    carried_by(plan, h, from.device) || is_at(plan, h, to))
		return false;
	*carrier = h;
	return true;
}

/* R3: where it is asked who carries the packets of `from`, its own devices, those that it
 * carries and those that carry nobody count as usable. */
static void count_as_usable(const struct plan *plan, const struct ip_prefix *prefix,
                            struct hop from, bool usable[static PLAN_DEVICES])
{
	for (size_t d = 0; d < plan->device_count; d++) {
		const struct plan_device *device = &plan->devices[d];
		const struct plan_peer *p = has(device, prefix);

		usable[d] =
			p &&
			(d == from.device || device->table_off ||
		         carried_by(plan, (struct hop){ d, (size_t)(p - device->peers) },
		                    from.device));
	}
}

/* All, a half of it, or what the internet of IPv6 has. */
static bool is_default(const struct ip_prefix *p)
{
	return p->len <= 1 ||
	       (p->addr.family == IP_V6 && p->len == 3 && p->addr.b[0] == 0x20);
}

static bool by_union(const struct oracle *o, struct hop from, struct hop *carrier)
{
	const struct plan *plan = o->plan;
	const struct ip_addr *to = &plan->devices[from.device].peers[from.peer].endpoint;

	for (int len = ip_addr_bits(to); len >= 0; len--) {
		struct ip_prefix prefix =
			ip_prefix_mask((struct ip_prefix){ *to, (uint8_t)len });
		bool usable[PLAN_DEVICES] = { false };
		size_t d, head = first(o, to, (uint8_t)len, none_skipped);

		if (head == plan->device_count ||
		    (plan->devices[from.device].has_fwmark && is_default(&prefix)))
			continue;
		count_as_usable(plan, &prefix, from, usable);
		d = active(o, to, (uint8_t)len, usable);
		if (can_carry(plan, d, from, carrier))
			return true;
		/* a standby that can't carry it: it stays where it was, and is lost */
		if (d != from.device && can_carry(plan, head, from, carrier))
			return true;
	}
	return false;
}

/* CHAIN_NETWORK with *found false means that the network carries it. */
static enum chain_end next(const struct oracle *o, struct hop from, bool *found,
                           struct hop *carrier)
{
	const struct plan *plan = o->plan;
	const struct ip_addr *to = &plan->devices[from.device].peers[from.peer].endpoint;
	const struct plan_device *d;

	*found = false;
	switch (via_of(plan, from, &carrier->device)) {
	case VIA_NETWORK:
		return CHAIN_NETWORK;
	case VIA_NAME:
		if (!peer_for(&plan->devices[carrier->device], to, &carrier->peer))
			return CHAIN_NO_CARRIER_PEER;
		*found = true;
		break;
	case VIA_NOT_SAID:
		*found = by_union(o, from, carrier);
		break;
	}
	if (!*found)
		return CHAIN_NETWORK;
	d = &plan->devices[carrier->device];
	return (to->family == IP_V4 ? d->v4 : d->v6) ? CHAIN_NETWORK
	                                             : CHAIN_NO_CARRIER_ADDRESS;
}

static bool comes_again(const struct chain *c, struct hop h)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->hops[i].device == h.device && c->hops[i].peer == h.peer)
			return true;
	}
	return false;
}

/* R14: of the devices with this prefix, `from` goes first. If it is unusable, the first
 * one that is usable does, if both want that. */
static size_t taker(const struct oracle *o, size_t from, const struct ip_addr *dst,
                    uint8_t len)
{
	struct ip_prefix prefix = ip_prefix_mask((struct ip_prefix){ *dst, len });
	const struct plan_device *devices = o->plan->devices;
	bool skip[PLAN_DEVICES] = { false };
	size_t d;

	if (from == NO_DEVICE || devices[from].table_off || !has(&devices[from], &prefix))
		return active(o, dst, len, none_skipped);
	if (!has(&devices[from], &prefix)->unusable || !devices[from].has_metric)
		return from;
	while ((d = first(o, dst, len, skip)) < o->plan->device_count) {
		if (devices[d].has_metric && !devices[d].table_off &&
		    !has(&devices[d], &prefix)->unusable)
			return d;
		skip[d] = true;
	}
	return from;
}

struct chain oracle_chain_from(const struct plan *plan, size_t device,
                               const struct ip_addr *dst)
{
	struct chain c = { .end = CHAIN_NO_ROUTE };
	struct oracle o = { .plan = plan };
	struct hop h = { .device = device };
	bool found = peer_for(&plan->devices[device], dst, &h.peer);

	if (!found)
		return c;
	order(plan, o.place);
	c.end = CHAIN_NETWORK;
	while (found) {
		c.hops[c.n++] = h;
		c.end = next(&o, h, &found, &h);
		if (c.end != CHAIN_NETWORK)
			return c;
		if (found && comes_again(&c, h)) {
			c.end = CHAIN_LOOP;
			return c;
		}
	}
	if (c.n > WAY_LIMIT)
		c.end = CHAIN_TOO_LONG;
	return c;
}

struct chain oracle_chain(const struct plan *plan, size_t from, const struct ip_addr *dst)
{
	struct oracle o = { .plan = plan };
	size_t device = plan->device_count;

	order(plan, o.place);
	for (int len = ip_addr_bits(dst); len >= 0 && device == plan->device_count; len--)
		device = taker(&o, from, dst, (uint8_t)len);
	if (device == plan->device_count)
		return (struct chain){ .end = CHAIN_NO_ROUTE };
	return oracle_chain_from(plan, device, dst);
}

static int longest_of(const struct plan_device *d, const struct ip_addr *addr)
{
	int best = -1;

	for (size_t p = 0; p < d->peer_count; p++) {
		for (size_t i = 0; i < d->peers[p].prefix_count; i++) {
			const struct ip_prefix *prefix = &d->peers[p].prefixes[i];

			if (ip_prefix_contains(prefix, addr) && prefix->len > best)
				best = prefix->len;
		}
	}
	return best;
}

int oracle_longest(const struct plan *plan, const struct ip_addr *dst)
{
	int best = -1;

	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];
		int longest = d->own_tun ? -1 : longest_of(d, dst);

		if (longest > best)
			best = longest;
	}
	return best;
}

/* ---- R12: who may say what */

static bool has_family(const struct plan_device *d, enum ip_family family)
{
	return family == IP_V4 ? d->v4 : d->v6;
}

static bool is_guarded(const struct plan_device *d, enum ip_family family)
{
	const struct ip_prefix all = { .addr = { .family = (uint8_t)family } };

	return !d->table_off && has_family(d, family) && has(d, &all);
}

enum heard oracle_hears(const struct plan *plan, struct hop from,
                        const struct ip_addr *src, size_t owner, bool src_is_client)
{
	const struct plan_device *self = &plan->devices[from.device];
	size_t peer;

	if (!peer_for(self, src, &peer) || peer != from.peer)
		return HEARD_NOT_ITS_OWN;
	if (self->own_tun)
		return HEARD;
	if (owner != from.device && is_guarded(&plan->devices[owner], src->family))
		return HEARD_FOR_ANOTHER;
	if (src_is_client || oracle_longest(plan, src) > longest_of(self, src))
		return HEARD_OF_ANOTHER;
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];
		struct ip_addr addr = draw_tunnel_of(src->family, i);

		if (i != from.device && has_family(d, src->family) &&
		    ip_addr_equal(&addr, src))
			return HEARD_OF_ANOTHER;
	}
	return HEARD;
}
