/* src/engine/outbound.c - one pass over the batch decides for each packet to which peer
 * it goes, or which error is written to the tun. Then the packets are grouped by peer,
 * and each group is carried on. */
#include "engine/outbound.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine/carry.h"
#include "engine/source.h"

struct outbound {
	struct engine *engine;
	uint64_t now_ns;
	/* packets of one flow come together, so the last result is mostly right for the
	 * next packet, too */
	struct ip_addr last_dst;
	struct way_peer *last;
	struct grouping grouping;
	struct packet *errors[BATCH_MAX]; /* ICMP, to be written to the tun */
	size_t error_count;
};

static struct way_peer *lookup(struct outbound *o, const struct ip_addr *dst)
{
	if (!ip_addr_equal(dst, &o->last_dst)) {
		o->last_dst = *dst;
		o->last = union_lookup(&o->engine->table, dst);
	}
	return o->last;
}

/* Is the packet larger than what the device takes, and must not be cut? */
static bool too_big(const struct device *d, const struct ip_view *v)
{
	return v->dont_fragment && v->total_bytes > device_mtu_for(d, v->family);
}

static void report(struct outbound *o, struct packet *p, bool error)
{
	if (error)
		o->errors[o->error_count++] = p;
}

static void unreachable(struct outbound *o, struct packet *p)
{
	report(o, p,
	       icmp_allowed(&o->engine->unreachable_limit, o->now_ns) &&
	               icmp_unreachable(p));
}

static void drop_too_big(struct outbound *o, const struct device *d, struct packet *p)
{
	device_drop(d, DROP_TOO_BIG, 1);
	report(o, p,
	       icmp_allowed(&o->engine->too_big_limit, o->now_ns) &&
	               icmp_too_big(p, d->mtu_bytes));
}

/* Asks the resolver whether the destination changes, and then the union for the way.
 * Returns false if the packet waits for its first fragment. */
static bool find_way(struct outbound *o, struct packet *p, struct ip_view *view,
                     struct way_peer **way)
{
	struct engine *e = o->engine;

	switch (resolver_out(e->resolver, p, view, o->now_ns)) {
	case RESOLVER_NO_SERVER:
		*way = NULL;
		return true;
	case RESOLVER_LATER:
		if (!pieces_later(e->pieces, PIECES_HOST, p, view, o->now_ns))
			return false;
		break;
	case RESOLVER_NOT_OURS:
	case RESOLVER_SENT_ON:
		break;
	}
	*way = lookup(o, &view->dst);
	return true;
}

/* Returns false if the packet was dropped or has to wait. */
static bool fix_source(struct outbound *o, struct device *d, struct packet *p,
                       struct ip_view *view)
{
	if (!source_is_foreign(d, view))
		return true;
	if (ip_view_parse(view, p->data, p->len_bytes) && !view->first)
		return pieces_later(o->engine->pieces, PIECES_HOST, p, view, o->now_ns);
	if (source_fix_out(d, p, view, o->now_ns))
		return true;
	device_drop(d, DROP_SOURCE, 1);
	return false;
}

static void route(struct outbound *o, struct packet *p)
{
	struct ip_view view;
	struct ip_addr src, dst;
	struct way_peer *way;
	struct device *d;

	if (!ip_view_parse_addresses(&view, p->data, p->len_bytes)) {
		drop_count(&o->engine->drops, DROP_MALFORMED, 1);
		return;
	}
	packet_set_len(p, view.total_bytes);
	src = view.src;
	dst = view.dst;
	if (!find_way(o, p, &view, &way))
		return;
	if (!way) {
		drop_count(&o->engine->drops, DROP_NO_ROUTE, 1);
		unreachable(o, p);
		return;
	}
	d = device_of_way(way->device);
	if (!carry_possible(peer_of_way(way), 1, o->now_ns)) {
		unreachable(o, p);
	} else if (too_big(d, &view)) {
		drop_too_big(o, d, p);
	} else if (fix_source(o, d, p, &view)) {
		if (view.fragment && view.first)
			pieces_first(o->engine->pieces, PIECES_HOST, &src, &dst, &view,
			             o->now_ns);
		grouping_add(&o->grouping, &peer_of_way(way)->group, p);
	}
}

static void send_batch(struct engine *e, struct packet **packets, size_t n,
                       uint64_t now_ns)
{
	struct outbound o; /* not set to zero, because the arrays are long */
	struct group_run runs[BATCH_MAX];
	size_t run_count, taken = 0;

	o.engine = e;
	o.now_ns = now_ns;
	o.last_dst = (struct ip_addr){ 0 };
	o.last = NULL;
	o.error_count = 0;
	grouping_start(&o.grouping);
	for (size_t i = 0; i < n; i++)
		route(&o, packets[i]);
	run_count = grouping_finish(&o.grouping, packets, runs);
	for (size_t i = 0; i < run_count; i++) {
		struct peer *peer = CONTAINER_OF(runs[i].group, struct peer, group);

		carry_packets(peer, runs[i].packets, runs[i].n, now_ns);
	}
	if (o.error_count == 0)
		return;
	if (e->tun)
		taken = e->tun->write(e->tun, o.errors, o.error_count);
	drop_count(&e->drops, DROP_TUN, o.error_count - taken);
}

void outbound_packets(struct engine *e, struct packet **packets, size_t n,
                      uint64_t now_ns)
{
	struct packet *ready[16], *batch[ARRAY_SIZE(ready)];

	send_batch(e, packets, n, now_ns);
	while ((n = pieces_ready(e->pieces, ready, ARRAY_SIZE(ready))) > 0) {
		memcpy(batch, ready, n * sizeof(*ready)); /* send_batch reorders it */
		send_batch(e, batch, n, now_ns);
		while (n > 0)
			packet_pool_put(e->pool, ready[--n]);
	}
}
