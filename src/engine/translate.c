/* src/engine/translate.c */
#include "engine/translate.h"

#include "engine/same_flow.h"
#include "engine/source.h"

/* Returns false if the packet was taken out of the batch. */
static bool put_back(struct device *d, struct packet *p, struct same_flow *flow,
                     uint64_t now_ns)
{
	struct engine *e = d->engine;
	struct ip_view view;
	struct pieces_came came;

	if (same_flow_next(flow, p, PACKET_MAX_BYTES))
		return true;
	same_flow_begin(flow, p);
	if (!ip_view_parse(&view, p->data, p->len_bytes))
		return true;
	if (!view.first)
		return pieces_later(e->pieces, d->id, p, &view, now_ns);
	came = (struct pieces_came){ view.src, view.dst, view.fragment_id };
	source_fix_in(d, p, &view, now_ns);
	resolver_in(e->resolver, d->id, p, &view, now_ns);
	if (view.fragment)
		pieces_first(e->pieces, d->id, &came, &view, now_ns);
	same_flow_end(flow, p);
	return true;
}

/* Is there a packet for the address of another device? */
static bool any_asks_elsewhere(const struct device *d, struct packet *const *packets,
                               size_t n)
{
	struct ip_addr last = { 0 };
	struct ip_view view;

	if (!d->engine->devices.first->way.sibling)
		return false; /* there is no other device */
	for (size_t i = 0; i < n; i++) {
		if (!ip_view_parse_addresses(&view, packets[i]->data,
		                             packets[i]->len_bytes) ||
		    ip_addr_equal(&view.dst, &last))
			continue;
		last = view.dst;
		if (source_is_asked_elsewhere(d, &last))
			return true;
	}
	return false;
}

size_t translate_in(struct device *d, struct packet **packets, size_t n, uint64_t now_ns)
{
	const struct engine *e = d->engine;
	struct same_flow flow;
	size_t kept = 0;

	for (size_t i = 0; i < n && resolver_watches(e->resolver, now_ns); i++)
		resolver_watch_answer(e->resolver, packets[i], now_ns);
	if (flows_count(e->flows) == 0 && !resolver_active(e->resolver) &&
	    !any_asks_elsewhere(d, packets, n))
		return n;
	same_flow_forget(&flow);
	for (size_t i = 0; i < n; i++) {
		if (put_back(d, packets[i], &flow, now_ns))
			packets[kept++] = packets[i];
	}
	return kept;
}
