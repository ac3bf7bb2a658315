/* src/plan/way_compute.c - every peer has at most one next hop. So the ways are a forest,
 * with a cycle here and there. Each peer is passed once: a walk ends at the network, at a
 * failure, at a peer whose way is known, or at a peer that the same walk has passed,
 * which is a loop. */
#include "plan/way_compute.h"

/* Design R8: may leave the decision to the union. */
static struct way_peer *by_arrival(const struct union_table *u, struct way_peer *peer)
{
	struct way_peer *carrier = NULL;

	if (peer->endpoint.arrived_in == 0)
		return NULL;
	if (peer->arrived_by)
		carrier = way_via_peer(peer, peer->arrived_by);
	return carrier ? carrier : union_lookup_outer(u, peer, &peer->endpoint);
}

void way_next(const struct union_table *u, struct way_peer *peer)
{
	struct way_device *via;

	peer->next = NULL;
	peer->hops = 0;
	peer->state = WAY_NO_ENDPOINT;
	if (peer->endpoint.addr.family == IP_NONE)
		return;
	peer->state = WAY_OK;
	switch (way_effective_via(peer, &via)) {
	case WAY_VIA_NETWORK:
		return;
	case WAY_VIA_DEVICE:
		peer->next = via ? way_via_peer(peer, via) : NULL;
		if (!peer->next)
			peer->state = WAY_NO_CARRIER_PEER;
		break;
	case WAY_VIA_UNION:
		peer->next = peer->by_arrival
		                     ? by_arrival(u, peer)
		                     : union_lookup_outer(u, peer, &peer->endpoint);
		break;
	}
	if (peer->next && !way_source(peer))
		peer->state = WAY_NO_CARRIER_ADDRESS;
}

/* Walks from an unmarked peer to the peer that decides its way, and marks all that it
 * passes with `start`. It returns the peer that decides: one that was marked before, one
 * without next or with a failure, or one that this walk has passed (a loop). *passed is
 * the number of peers that it has marked. */
static struct way_peer *walk(struct way_peer *start, unsigned *passed)
{
	struct way_peer *p = start;

	*passed = 0;
	while (!p->mark) {
		p->mark = start;
		*passed += 1;
		if (p->state != WAY_OK || !p->next)
			break;
		p = p->next;
	}
	return p;
}

static void settle(struct way_peer *start)
{
	unsigned passed, hops;
	struct way_peer *end = walk(start, &passed), *p = start;
	enum way_state state = end->state;

	if (end->mark == start) { /* marked by this walk: the end of a way, or a loop */
		hops = passed;
		if (state == WAY_OK && end->next)
			state = WAY_LOOP;
	} else {
		hops = passed + end->hops;
	}
	for (; passed > 0; passed--, hops--, p = p->next) {
		p->hops = hops;
		p->state = state;
		if (state == WAY_OK || state == WAY_TOO_LONG)
			p->state = hops > WAY_MAX ? WAY_TOO_LONG : WAY_OK;
	}
}

void way_compute(const struct union_table *u, struct way_device *devices)
{
	for (struct way_device *d = devices; d; d = d->sibling) {
		for (struct way_peer *p = d->peers; p; p = p->sibling)
			p->passed_over = false;
	}
	for (struct way_device *d = devices; d; d = d->sibling) {
		for (struct way_peer *p = d->peers; p; p = p->sibling) {
			way_next(u, p);
			p->mark = NULL;
		}
	}
	for (struct way_device *d = devices; d; d = d->sibling) {
		for (struct way_peer *p = d->peers; p; p = p->sibling) {
			if (!p->mark)
				settle(p);
		}
	}
}
