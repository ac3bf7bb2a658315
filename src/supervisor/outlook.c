/* src/supervisor/outlook.c */
#include "supervisor/outlook.h"

#include "io/outward.h"

static bool is_same_place(const struct endpoint *a, const struct endpoint *b)
{
	return ip_addr_equal(&a->addr, &b->addr) && a->scope_id == b->scope_id;
}

static const struct outlook_way *find(const struct outlook *o, const struct endpoint *to)
{
	for (size_t i = 0; i < o->count; i++)
		if (is_same_place(&o->ways[i].to, to))
			return &o->ways[i];
	return NULL;
}

/* With what is looked. */
struct glass {
	const struct outward_sockets *by;
	uint32_t mark;
};

static void add(struct outlook *o, const struct way_peer *p, const struct glass *g)
{
	struct outlook_way *way = &o->ways[o->count];
	struct outward found;

	if (p->state != WAY_OK || p->next || o->count == OUTLOOK_MAX ||
	    find(o, &p->endpoint))
		return;
	way->to = p->endpoint;
	if (outward_look(g->by, &p->endpoint, g->mark, &found) == 0)
		way->source = found.source;
	else
		way->source = (struct ip_addr){ 0 };
	o->count++;
}

static void add_device(struct outlook *o, const struct plan_device *d,
                       const struct glass *g)
{
	if (d->conf->switches.gate)
		return;
	for (const struct way_peer *p = d->way.peers; p; p = p->sibling)
		add(o, p, g);
}

bool outlook_changed(struct outlook *o, const struct plan *plan,
                     const struct outward_sockets *by, uint32_t mark)
{
	const struct glass glass = { by, mark };
	const struct outlook before = *o;
	bool changed = false;

	o->count = 0;
	for (size_t i = 0; i < plan->device_count; i++)
		add_device(o, &plan->devices[i], &glass);
	for (size_t i = 0; i < o->count; i++) {
		const struct outlook_way *now = &o->ways[i],
					 *was = find(&before, &now->to);

		if (was && now->source.family != IP_NONE &&
		    !ip_addr_equal(&was->source, &now->source))
			changed = true;
	}
	return changed;
}
