/* src/engine/settle.c - wg owns the peers and their allowed IPs. A struct peer is the
 * shadow of a wg_peer here: it is kept as the context of the wg_peer, and the union's
 * entries point to it. For the touched devices, engine_settle removes their entries from
 * the union, compares the shadows with wg's peers, ranks the devices, and adds the
 * entries again. Then it computes the ways of all peers. */
#include "engine/settle.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/core.h"
#include "engine/device_list.h"
#include "engine/moves.h"
#include "engine/source.h"
#include "engine/standby.h"
#include "plan/way_compute.h"

void settle_touch(struct device *d)
{
	engine_need(d->engine, SETTLE_ALL);
	if (d->settling.touched)
		return;
	d->settling.touched = true;
	d->settling.next_touched = d->engine->touched;
	d->engine->touched = d;
}

/* ---- shadows */

static void each_peer(struct engine *e, void (*fn)(struct peer *peer))
{
	for (struct device *d = e->devices.first; d; d = device_list_next(d)) {
		for (struct way_peer *p = d->way.peers; p; p = p->sibling)
			fn(peer_of_way(p));
	}
}

static int shadow_new_peers(struct device *d)
{
	for (struct wg_peer *w = wg_device_first_peer(d->wg); w; w = wg_peer_next(w)) {
		struct peer *peer;

		if (wg_peer_context(w))
			continue;
		peer = calloc(1, sizeof(*peer));
		if (!peer)
			return -ENOMEM;
		peer->wg = w;
		peer->way.device = &d->way;
		standby_init_peer(peer);
		peer->way.sibling = d->way.peers;
		d->way.peers = &peer->way;
		wg_peer_set_context(w, peer);
	}
	return 0;
}

static void free_unseen(struct device *d)
{
	struct way_peer **at = &d->way.peers;

	while (*at) {
		struct peer *peer = peer_of_way(*at);

		if (peer->seen) {
			peer->seen = false;
			at = &peer->way.sibling;
		} else {
			*at = peer->way.sibling;
			standby_clear_peer(peer);
			moves_forget(peer);
			if (peer->wg)
				wg_peer_set_context(peer->wg, NULL);
			free(peer);
		}
	}
}

static bool note_network(void *context, const struct ip_prefix *prefix)
{
	bool *names_networks = context;

	*names_networks = !way_is_default(prefix);
	return !*names_networks;
}

static bool has_default(const struct device *d, enum ip_family family)
{
	const struct ip_prefix all = { .addr = { .family = (uint8_t)family } };

	return !d->gate.on && !d->left_out && !d->way.table_off && !d->tun.own &&
	       trie_find(wg_device_allowed_ips(d->wg), &all);
}

static int shadow_peers(struct device *d)
{
	int err = shadow_new_peers(d);

	if (err)
		return err;
	d->way.names_networks = d->expects_strangers = false;
	for (struct wg_peer *w = wg_device_first_peer(d->wg); w; w = wg_peer_next(w)) {
		struct peer *peer = wg_peer_context(w);

		if (!d->way.names_networks)
			wg_peer_walk_allowed_ips(w, note_network, &d->way.names_networks);
		peer->seen = true;
		d->expects_strangers |= wg_peer_by_arrival(w);
		peer->way.endpoint = *wg_peer_endpoint(w);
		peer->way.via = WAY_VIA_UNION;
		peer->way.via_device = NULL;
	}
	free_unseen(d);
	d->default4 = has_default(d, IP_V4);
	d->default6 = has_default(d, IP_V6);
	/* a gate carries nobody, not even by Via */
	d->way.allowed_ips = d->gate.on ? NULL : wg_device_allowed_ips(d->wg);
	return 0;
}

void settle_remove(struct device *d)
{
	struct engine *e = d->engine;
	struct device **at = &e->touched;

	union_remove_device(&e->table, &d->way);
	free_unseen(d); /* no peer is marked as seen, so all are freed */
	while (*at && *at != d)
		at = &(*at)->settling.next_touched;
	if (*at)
		*at = d->settling.next_touched;
	engine_need(e, SETTLE_ALL);
}

/* ---- Via and ranks */

static struct way_device *first_way(const struct engine *e)
{
	return e->devices.first ? &e->devices.first->way : NULL;
}

static struct way_device *named(const struct engine *e, const char *name)
{
	struct device *d = name ? device_list_find(e, name) : NULL;

	return d ? &d->way : NULL;
}

/* A name that no device has (yet) becomes NULL, which leads to WAY_NO_CARRIER_PEER. */
static void resolve_vias(struct engine *e)
{
	for (struct device *d = e->devices.first; d; d = device_list_next(d)) {
		d->way.via_device = named(e, d->via_name);
		for (struct peer_via *v = d->vias; v; v = v->next) {
			struct wg_peer *w = wg_device_find_peer(d->wg, v->public_key);
			struct peer *peer = w ? wg_peer_context(w) : NULL;

			v->device = named(e, v->name);
			if (!peer)
				continue;
			peer->way.via = v->via;
			peer->way.via_device = v->device;
		}
	}
}

/* Which way did the peer's newest message come? A datagram that the host has taken out of
 * the tun for us doesn't tell. */
static void note_arrival(struct peer *peer)
{
	const struct endpoint *at = wg_peer_endpoint(peer->wg);
	struct engine *e = peer_device(peer)->engine;
	struct device *carrier =
		at->arrived_in ? device_list_by_id(e, at->arrived_in) : NULL;

	peer->way.by_arrival = wg_peer_by_arrival(peer->wg) &&
	                       (at->arrived_in ? carrier != NULL
	                                       : !source_is_of_a_device(e, &at->local));
	peer->way.arrived_by = carrier ? &carrier->way : NULL;
}

/* Ranks the devices. Returns true if a rank has changed, so that the entries in the union
 * may be in the wrong order. */
static bool rank_devices(struct engine *e)
{
	bool changed = false;

	for (struct device *d = e->devices.first; d; d = device_list_next(d))
		d->settling.old_rank = d->way.rank;
	way_rank(first_way(e));
	for (struct device *d = e->devices.first; d; d = device_list_next(d))
		changed = changed || d->settling.old_rank != d->way.rank;
	return changed;
}

/* ---- the union and the ways */

struct adding {
	struct union_table *table;
	struct way_peer *peer;
	int err;
};

static bool add_entry(void *context, const struct ip_prefix *prefix)
{
	struct adding *a = context;

	a->err = union_add(a->table, prefix, a->peer);
	return a->err == 0;
}

static int add_device(struct device *d)
{
	struct adding a = { .table = &d->engine->table };

	if (d->gate.on || d->left_out || d->tun.own)
		return 0;
	for (a.peer = d->way.peers; a.peer && !a.err; a.peer = a.peer->sibling)
		wg_peer_walk_allowed_ips(peer_of_way(a.peer)->wg, add_entry, &a);
	return a.err;
}

static int settle_union(struct engine *e)
{
	struct device *d;
	int err;

	for (d = e->touched; d; d = d->settling.next_touched) {
		union_remove_device(&e->table, &d->way);
		err = shadow_peers(d);
		if (err)
			return err;
	}
	resolve_vias(e);
	each_peer(e, note_arrival);
	if (rank_devices(e))
		union_sort(&e->table);
	while ((d = e->touched)) {
		err = add_device(d);
		if (err)
			return err;
		e->touched = d->settling.next_touched;
		d->settling.touched = false;
	}
	return 0;
}

/* ---- the virtual resolver */

/* Returns the id of the file that has the default route of the family `route`, or else of
 * the first one in the order of R3 that names it, which must have a server of the family
 * `server`; or 0 if there is none. */
static uint32_t default_file(const struct engine *e, enum ip_family route,
                             enum ip_family server)
{
	struct ip_prefix all = { .addr = { .family = (uint8_t)route } };
	const struct union_node *node = union_find(&e->table, &all);

	uint32_t id = node ? device_of_way(node->active->device)->id : 0;

	if (node && resolver_has_server(e->resolver, id, server))
		return id;
	for (const struct union_entry *u = node ? node->first : NULL; u; u = u->next) {
		id = device_of_way(u->peer->device)->id;
		if (resolver_has_server(e->resolver, id, server))
			return id;
	}
	return 0;
}

/* Names that are in no search domain are asked where everything else goes, too. So when a
 * standby takes over the default route, it takes over these queries. */
static void settle_resolver(struct engine *e)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		uint32_t id = default_file(e, families[i], families[i]);

		if (id == 0) /* try a file that only has the other family's route */
			id = default_file(e, families[!i], families[i]);
		resolver_set_default(e->resolver, families[i], id);
	}
}

int engine_settle(struct engine *e)
{
	int err;

	if (e->need == SETTLE_NOTHING)
		return 0;
	err = e->need == SETTLE_ALL ? settle_union(e) : 0;
	if (err)
		return err;
	standby_arrange(e);
	settle_resolver(e);
	e->need = SETTLE_NOTHING;
	return 0;
}

/* ---- one peer has moved */

/* Does another peer's way depend on this one? way_next may have found a new one. */
static bool others_depend_on(const struct peer *peer)
{
	return peer->depended_on || peer->way.passed_over;
}

/* Its own way is the way of its next hop plus one hop. No other peer's way depends on it,
 * so it can't close a loop. */
static void join_way(struct engine *e, struct way_peer *way)
{
	way_next(&e->table, way);
	if (way->next)
		peer_of_way(way->next)->depended_on = true;
	if (way->state != WAY_OK)
		return;
	way->hops = 1;
	if (way->next) {
		way->state = way->next->state;
		way->hops += way->next->hops;
	}
	if (way->state == WAY_OK && way->hops > WAY_MAX)
		way->state = WAY_TOO_LONG;
}

/* Does the way of a peer depend on which standbys are used? */
static bool depends_on_standbys(const struct engine *e, const struct way_peer *way)
{
	const struct trie *trie = e->table.trie;
	struct trie_entry *t = trie_lookup(trie, &way->endpoint.addr);

	for (; t; t = trie_shorter(trie, t)) {
		if (CONTAINER_OF(t, struct union_node, trie)->first->next)
			return true;
	}
	return false;
}

/* While a peer fails, standby_arrange has to decide again, unless its result would be the
 * same: the peer goes through the same next hop as before, whatever it decides. */
void settle_endpoint(struct peer *peer)
{
	struct engine *e = peer_device(peer)->engine;
	struct way_peer *way = &peer->way, before = peer->way;

	way->endpoint = *wg_peer_endpoint(peer->wg);
	note_arrival(peer);
	if (e->need == SETTLE_NOTHING && !others_depend_on(peer)) {
		join_way(e, way);
		if (e->failing_count == 0)
			return;
		if (before.state == WAY_OK && way->state == WAY_OK &&
		    before.next == way->next && !depends_on_standbys(e, &before) &&
		    !depends_on_standbys(e, way))
			return;
	}
	engine_need(e, SETTLE_WAYS);
}
