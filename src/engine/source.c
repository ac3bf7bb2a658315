/* src/engine/source.c */
#include "engine/source.h"

static struct bucket_link *first_at(const struct engine *e, const struct ip_addr *addr)
{
	return bucket_first(&e->devices.by_address, bucket_hash_addr(addr));
}

/* Returns the device of the next entry for this address, from *at on, which moves behind it;
 * NULL if there is none. Several files may have the same address. */
static struct device *next_owner(struct bucket_link **at, const struct ip_addr *addr)
{
	while (*at) {
		const struct device_address *a =
			CONTAINER_OF(*at, struct device_address, by_address);

		*at = bucket_next(*at);
		if (ip_addr_equal(&a->addr, addr))
			return a->device;
	}
	return NULL;
}

/* Returns a device that has this address, or NULL if none has it. */
static const struct device *owner(const struct engine *e, const struct ip_addr *addr)
{
	struct bucket_link *at = first_at(e, addr);

	return next_owner(&at, addr);
}

bool source_is_of_a_device(const struct engine *e, const struct ip_addr *addr)
{
	return owner(e, addr) != NULL;
}

/* How do the devices look that have an address? */
struct owners {
	bool some, self, guarded;
};

static struct owners owners(const struct device *d, const struct ip_addr *addr)
{
	struct bucket_link *at = first_at(d->engine, addr);
	const struct device *with;
	struct owners o = { 0 };

	while ((with = next_owner(&at, addr))) {
		o.some = true;
		o.self |= with == d;
		o.guarded |= addr->family == IP_V4 ? with->default4 : with->default6;
	}
	return o;
}

bool source_is_of_another(const struct device *d, const struct ip_addr *addr)
{
	struct owners o = owners(d, addr);
	struct ip_prefix alone = { *addr, ip_addr_bits(addr) };

	return o.some && !o.self && !trie_find(wg_device_allowed_ips(d->wg), &alone);
}

bool source_is_guarded(const struct device *d, const struct ip_addr *addr)
{
	struct owners o = owners(d, addr);

	return o.guarded && !o.self;
}

/* Two files may have the same Address, so the entries are asked, and not its owner. */
struct way_peer *source_choose(const struct engine *e, const struct union_node *node,
                               const struct ip_addr *src)
{
	if (!source_is_of_a_device(e, src))
		return node->active;
	for (const struct union_entry *u = node->first; u; u = u->next) {
		if (device_has_address(device_of_way(u->peer->device), src))
			return union_active_for(node, u->peer->device);
	}
	return node->active;
}

struct way_peer *source_way(const struct engine *e, const struct ip_addr *src,
                            const struct ip_addr *dst)
{
	struct bucket_link *at = first_at(e, src);
	struct device *with;

	while ((with = next_owner(&at, src))) {
		struct peer *peer = device_peer_for(with, dst);

		if (peer)
			return &peer->way;
	}
	return NULL;
}

bool source_is_foreign(const struct device *d, const struct ip_view *view)
{
	const struct ip_addr *own = way_address(&d->way, &view->dst);

	if (ip_addr_equal(&view->src, own)) /* nearly always */
		return false;
	return !d->source_fix_off && own->family != IP_NONE &&
	       !device_has_address(d, &view->src) && owner(d->engine, &view->src);
}

bool source_is_foreign_client(const struct device *d)
{
	return !d->source_fix_off;
}

bool source_may_collide(const struct device *d)
{
	return !d->source_fix_off && flows_may_have(d->engine->flows, d->id);
}

bool source_collides(const struct device *d, const struct packet *p,
                     const struct ip_view *view, uint64_t now_ns)
{
	return flow_collides(d->engine->flows, d->id, p, view, now_ns);
}

bool source_is_asked_elsewhere(const struct device *d, const struct ip_addr *dst)
{
	return !d->source_fix_off && !device_has_address(d, dst) && owner(d->engine, dst);
}

bool source_fix_out(struct device *d, struct packet *p, struct ip_view *view,
                    uint64_t now_ns)
{
	const struct ip_addr *own = way_address(&d->way, &view->dst);

	return own->family != IP_NONE &&
	       flow_out(d->engine->flows, d->id, own, p, view, now_ns);
}

void source_fix_in(struct device *d, struct packet *p, struct ip_view *view,
                   uint64_t now_ns)
{
	struct flows *flows = d->engine->flows;

	if (d->source_fix_off || flow_in(flows, d->id, p, view, now_ns))
		return;
	if (source_is_asked_elsewhere(d, &view->dst))
		flow_begun_outside(flows, d->id, p, view, now_ns);
}
