/* src/engine/outbound.c - one pass over the batch decides for each packet to which peer
 * it goes, or which error goes back to where it came from. Then the packets are grouped by peer,
 * and each group is carried on. */
#include "engine/outbound.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine/carry.h"
#include "engine/device_list.h"
#include "engine/gate.h"
#include "engine/outside.h"
#include "engine/rewrite.h"
#include "engine/same_flow.h"
#include "engine/source.h"

/* Where does a packet go? */
struct target {
	struct way_peer *way; /* NULL: to the host, or nowhere */
	bool is_host;
	/* The query is for a server of this file, whatever the way; 0: it is no query. */
	uint32_t server_of;
};

struct outbound {
	struct engine *engine;
	/* Where the packets come from: from the shared tun if both are NULL. */
	struct device *gate; /* its clients have sent them */
	struct device *own;  /* they were read from the tun of its own */
	bool were_held;      /* they have waited for their first fragment: see pieces.h */
	bool translated;     /* the packet at hand was, like its first fragment */
	uint64_t now_ns;
	/* packets of one flow come together, so the last result is mostly right for the
	 * next packet, too */
	struct ip_addr last_dst;
	struct target last;
	/* then the source of each packet counts, too; mostly NULL */
	const struct union_node *shared;
	struct same_flow flow; /* of the packet before, if that went to: */
	struct peer *flow_peer;
	uint32_t flow_max_bytes; /* that this peer's device takes */
	struct grouping grouping;
	struct packet *errors[BATCH_MAX]; /* ICMP, for whom the packet has come from */
	size_t error_count;
	struct packet *for_host[BATCH_MAX]; /* for the host, by the tun */
	size_t for_host_count;
	struct gate_copies copies;
};

/* From its own tun, packets go by the device's own allowed IPs, as in the kernel. */
static struct target own_target(const struct device *d, const struct ip_addr *dst)
{
	struct peer *peer = device_peer_for(d, dst);

	return (struct target){ peer ? &peer->way : NULL, false, 0 };
}

/* Clients are isolated from each other unless their gates say otherwise. The host reaches
 * them. */
static struct target look_up_anew(struct outbound *o, const struct ip_addr *dst)
{
	struct engine *e = o->engine;
	struct peer *client = e->gates.first ? gate_client(e, dst) : NULL;
	const struct union_node *node;
	struct way_peer *way;

	o->shared = NULL;
	if (o->own)
		return own_target(o->own, dst);
	if (client && o->gate && !gate_lets_reach(o->gate, client))
		return (struct target){ NULL, false, 0 };
	if (client)
		return (struct target){ &client->way, false, 0 };
	node = union_lookup_node(&e->table, dst);
	way = node ? node->active : NULL;
	if (node && union_is_shared(node) && !o->gate)
		o->shared = node;
	if (o->gate && gate_is_for_host(e, dst, way))
		return (struct target){ NULL, true, 0 };
	if (o->gate && (!gate_may_pass_on(dst) || device_has_address(o->gate, dst)))
		way = NULL;
	return (struct target){ way, false, 0 };
}

/* src is NULL if it doesn't count. */
static struct target lookup(struct outbound *o, const struct ip_addr *src,
                            const struct ip_addr *dst)
{
	if (!ip_addr_equal(dst, &o->last_dst)) {
		o->last_dst = *dst;
		o->last = look_up_anew(o, dst);
	}
	if (o->shared && src)
		return (struct target){ source_choose(o->engine, o->shared, src), false,
			                0 };
	return o->last;
}

/* For a fragment that was translated like its first one: this may have gone elsewhere than the
 * union says, to a DNS server (way_to_server). Its source tells through which device. */
static struct target lookup_translated(struct outbound *o, const struct ip_view *view)
{
	struct target to = lookup(o, NULL, &view->dst);
	struct way_peer *way;

	to.is_host = false; /* the host's answer would not be translated back */
	if (to.way && device_has_address(device_of_way(to.way->device), &view->src))
		return to;
	way = source_way(o->engine, &view->src, &view->dst);
	if (way)
		to.way = way;
	return to;
}

/* Counts a drop that is no peer's. */
static void drop(const struct outbound *o, enum drop reason)
{
	if (o->own)
		device_drop(o->own, reason, 1);
	else
		drop_count(&o->engine->drops, reason, 1);
}

/* Where do fragments come from? See pieces.h. */
static uint32_t origin(const struct outbound *o)
{
	return o->gate ? o->gate->id : PIECES_HOST;
}

/* Is the packet larger than what the device takes, and must not be cut? */
static bool too_big(const struct device *d, const struct ip_view *v)
{
	return v->dont_fragment && v->total_bytes > device_mtu_for(d, v->family);
}

/* Returns the packet, or its copy if an error about it doesn't fit in its place. */
static struct packet *with_room_for_error(struct outbound *o, struct packet *p)
{
	return o->gate ? gate_make_room(o->engine, &o->copies, p, NULL) : p;
}

/* Each client has a limit of its own, so that none takes the errors of the others. */
static bool error_allowed(struct outbound *o, const struct packet *p,
                          struct icmp_limit *of_host)
{
	struct peer *client = NULL;
	struct ip_view view;

	if (o->gate && ip_view_parse_addresses(&view, p->data, p->len_bytes))
		client = gate_client(o->engine, &view.src);
	return icmp_allowed(client ? &client->errors : of_host, o->now_ns);
}

static void unreachable(struct outbound *o, struct packet *p)
{
	if (!error_allowed(o, p, &o->engine->unreachable_limit))
		return;
	p = with_room_for_error(o, p);
	if (p && icmp_unreachable(p))
		o->errors[o->error_count++] = p;
}

static void drop_too_big(struct outbound *o, const struct device *d, struct packet *p)
{
	device_drop(d, DROP_TOO_BIG, 1);
	if (!error_allowed(o, p, &o->engine->too_big_limit))
		return;
	p = with_room_for_error(o, p);
	if (p && icmp_too_big(p, d->mtu_bytes))
		o->errors[o->error_count++] = p;
}

/* The server of a file is asked through its own device, whoever else has this address in its
 * prefixes. Where none of its own has it, the query goes where every packet to it goes. */
static struct way_peer *way_to_server(struct outbound *o, uint32_t file,
                                      const struct ip_addr *server)
{
	const struct device *d = device_list_by_id(o->engine, file);
	struct peer *peer = d ? device_peer_for(d, server) : NULL;
	struct way_peer *way = peer ? &peer->way : lookup(o, NULL, server).way;

	if (way)
		resolver_goes_through(o->engine->resolver,
		                      device_of_way(way->device)->id);
	return way;
}

/* Asks the resolver whether the destination changes, and then for the way.
 * Returns false if the packet waits for its first fragment. */
static bool find_way(struct outbound *o, struct packet *p, struct ip_view *view,
                     struct target *to)
{
	struct engine *e = o->engine;
	uint32_t file = 0;

	if (o->own) {
		*to = lookup(o, NULL, &view->dst);
		return true;
	}
	switch (resolver_out(e->resolver, p, view, &file, o->now_ns)) {
	case RESOLVER_NO_SERVER:
		*to = (struct target){ NULL, false, 0 };
		return true;
	case RESOLVER_LATER:
		if (!pieces_later(e->pieces, origin(o), p, view, o->now_ns))
			return false;
		o->translated = true;
		break;
	case RESOLVER_SENT_ON:
		/* to the host: its answer would not be translated back */
		*to = (struct target){ way_to_server(o, file, &view->dst), false, file };
		return true;
	case RESOLVER_NOT_OURS:
		break;
	}
	*to = o->translated ? lookup_translated(o, view)
	                    : lookup(o, &view->src, &view->dst);
	return true;
}

/* Must its source become one of the device's? The address of a client never leaves, also
 * if the host has sent the client's packet back to us. */
static bool has_foreign_source(const struct outbound *o, const struct device *d,
                               const struct ip_view *view)
{
	if (o->gate)
		return source_is_foreign_client(d);
	return source_is_foreign(d, view) ||
	       (o->engine->gates.first && source_is_foreign_client(d) &&
	        !device_has_address(d, &view->src) && gate_client(o->engine, &view->src));
}

/* Packets of several sources have one source now, so their ids have to differ, or fragments
 * of different packets would be put together; somebody may even want that. Ids of IPv6 are
 * random and have 32 bits. RFC 6864 4.1: without fragments the id doesn't matter. */
static void renumber(struct outbound *o, struct packet *p, struct ip_view *view)
{
	struct rewrite x;

	if (view->family != IP_V4 || (view->dont_fragment && !view->fragment))
		return;
	x = rewrite_fields(p, view);
	rewrite_ipv4_id(&x, view, (uint16_t)++o->engine->fragment_id);
}

/* A flow that needs no other address may need another port. Its later fragments don't. */
static bool collides(const struct outbound *o, const struct device *d,
                     const struct packet *p, const struct ip_view *view)
{
	struct ip_view whole;

	return !o->gate && source_may_collide(d) &&
	       ip_addr_equal(&view->src, way_address(&d->way, &view->dst)) &&
	       ip_view_parse(&whole, p->data, p->len_bytes) && whole.first &&
	       source_collides(d, p, &whole, o->now_ns);
}

/* Returns false if the packet was dropped or has to wait. */
static bool fix_source(struct outbound *o, struct device *d, struct packet *p,
                       struct ip_view *view)
{
	if (o->own)
		return true; /* the host has chosen it for this device */
	if (o->translated ||
	    (!has_foreign_source(o, d, view) && !collides(o, d, p, view)))
		return true;
	if (ip_view_parse(view, p->data, p->len_bytes) && !view->first)
		return pieces_later(o->engine->pieces, origin(o), p, view, o->now_ns);
	if (source_fix_out(d, p, view, o->now_ns)) {
		if (o->gate)
			renumber(o, p, view);
		return true;
	}
	device_drop(d, DROP_SOURCE, 1);
	if (o->gate)
		unreachable(o, p);
	return false;
}

static void collect(struct outbound *o, struct peer *peer, struct packet *p)
{
	if (o->gate)
		p = gate_make_room(o->engine, &o->copies, p, peer);
	if (p)
		grouping_add(&o->grouping, &peer->group, p);
	else
		device_drop(peer_device(peer), DROP_SEND, 1);
}

/* The view contains what became of what came in. */
static void pass_on(struct outbound *o, struct peer *peer, struct packet *p,
                    const struct ip_view *view, struct pieces_came *came)
{
	if (view->family == IP_V6) /* it wasn't looked for before */
		came->id = view->fragment_id;
	if (!o->own && view->fragment && view->first)
		pieces_first(o->engine->pieces, origin(o), came, view, o->now_ns);
	o->flow_peer = peer;
	o->flow_max_bytes = device_mtu_for(peer_device(peer), view->family);
	same_flow_end(&o->flow, p);
	collect(o, peer, p);
}

static bool is_packet(struct outbound *o, const struct packet *p, struct ip_view *view)
{
	if (!ip_view_parse_addresses(view, p->data, p->len_bytes)) {
		drop(o, DROP_MALFORMED);
		return false;
	}
	return !o->gate || (!gate_is_own_datagram(o->gate, p, view, o->now_ns) &&
	                    !gate_quotes_another(o->gate, p, view));
}

static void no_route(struct outbound *o, struct packet *p, const struct ip_addr *dst)
{
	drop(o, ip_addr_is_multicast(dst) ? DROP_MULTICAST : DROP_NO_ROUTE);
	unreachable(o, p);
}

/* Sends a packet to the peer if it may go there. */
static void to_peer(struct outbound *o, struct peer *peer, struct packet *p,
                    struct ip_view *view, struct pieces_came *came)
{
	struct device *d = peer_device(peer);

	if (!carry_possible(peer, 1, o->now_ns))
		unreachable(o, p);
	else if (too_big(d, view))
		drop_too_big(o, d, p);
	else if (fix_source(o, d, p, view))
		pass_on(o, peer, p, view, came);
}

/* A client's network that sends us what is for itself would do so again and again. */
static bool goes_back(const struct outbound *o, const struct target *to,
                      const struct ip_addr *src)
{
	const struct peer *peer = to->way ? peer_of_way(to->way) : NULL;

	return o->gate && peer && peer_device(peer)->gate.on &&
	       gate_client(o->engine, src) == peer;
}

/* To a DNS server that no tunnel leads to; or from a relay to such a server's client. */
static bool goes_outside(struct outbound *o, struct packet *p, const struct ip_view *view,
                         const struct target *to)
{
	const struct outside_source from = { to->server_of, !o->gate && !o->own };

	switch (outside_take(o->engine, p, view, &from, o->now_ns)) {
	case OUTSIDE_TAKEN:
		return true;
	case OUTSIDE_TO_HOST:
		o->for_host[o->for_host_count++] = p;
		return true;
	case OUTSIDE_REFUSED:
		break;
	}
	return false;
}

static void route(struct outbound *o, struct packet *p)
{
	struct ip_view view;
	struct pieces_came came;
	struct target to;

	o->translated = o->were_held;
	same_flow_begin(&o->flow, p);
	if (!is_packet(o, p, &view))
		return;
	packet_set_len(p, view.total_bytes);
	came = (struct pieces_came){ view.src, view.dst, view.fragment_id };
	if (!find_way(o, p, &view, &to))
		return;
	if (to.server_of != 0)
		same_flow_forget(&o->flow); /* the resolver notes each of them */
	if (goes_back(o, &to, &came.src))
		no_route(o, p, &came.dst);
	else if (to.way)
		to_peer(o, peer_of_way(to.way), p, &view, &came);
	else if (to.is_host)
		o->for_host[o->for_host_count++] = p;
	else if (!goes_outside(o, p, &view, &to))
		no_route(o, p, &came.dst);
}

/* Sends the errors back to where the packets have come from. */
static void send_errors(struct outbound *o)
{
	struct engine *e = o->engine;
	struct gate_errors none; /* there are no errors about errors */

	if (o->own) {
		device_to_tun(o->own, o->errors, o->error_count);
		return;
	}
	if (!o->gate) {
		engine_to_tun(e, o->errors, o->error_count);
		return;
	}
	/* a client that has gone meanwhile gets nothing */
	(void)!gate_deliver(e, o->errors, o->error_count, &none, o->now_ns);
	gate_free_copies(e, &none.copies);
}

static void send_batch(struct engine *e, struct device *from, bool were_held,
                       struct packet **packets, size_t n, uint64_t now_ns)
{
	struct outbound o; /* not set to zero, because the arrays are long */
	struct group_run runs[BATCH_MAX];
	size_t run_count;

	o.engine = e;
	o.gate = from && from->gate.on ? from : NULL;
	o.own = from && !from->gate.on ? from : NULL;
	o.were_held = were_held;
	o.copies.count = 0;
	o.now_ns = now_ns;
	o.last_dst = (struct ip_addr){ 0 };
	o.last = (struct target){ NULL, false, 0 };
	o.shared = NULL;
	o.error_count = o.for_host_count = 0;
	same_flow_forget(&o.flow);
	grouping_start(&o.grouping);
	for (size_t i = 0; i < n; i++) {
		if (same_flow_next(&o.flow, packets[i], o.flow_max_bytes))
			collect(&o, o.flow_peer, packets[i]);
		else
			route(&o, packets[i]);
	}
	run_count = grouping_finish(&o.grouping, packets, runs);
	for (size_t i = 0; i < run_count; i++) {
		struct peer *peer = CONTAINER_OF(runs[i].group, struct peer, group);

		carry_packets(peer, runs[i].packets, runs[i].n, now_ns);
	}
	engine_to_tun(e, o.for_host, o.for_host_count);
	if (o.error_count > 0)
		send_errors(&o);
	gate_free_copies(e, &o.copies);
}

void outbound_packets(struct engine *e, struct device *from, struct packet **packets,
                      size_t n, uint64_t now_ns)
{
	struct packet *ready[16], *batch[ARRAY_SIZE(ready)];

	send_batch(e, from, false, packets, n, now_ns);
	while ((n = pieces_ready(e->pieces, ready, ARRAY_SIZE(ready))) > 0) {
		memcpy(batch, ready, n * sizeof(*ready)); /* send_batch reorders it */
		send_batch(e, from, true, batch, n, now_ns);
		while (n > 0)
			packet_pool_put(e->pool, ready[--n]);
	}
}

/* No fragment waits for it. What is ready in pieces now is what the caller has translated, and
 * comes from no client. */
void outbound_error(struct engine *e, struct device *gate, struct packet *error,
                    uint64_t now_ns)
{
	send_batch(e, gate, false, &error, 1, now_ns);
}
