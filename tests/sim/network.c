/* tests/sim/network.c */
#include "network.h"

#include <string.h>

#include "ipbytes.h"
#include "nat.h"
#include "unit.h"

bool network_is_local(const struct node *node, const struct ip_addr *addr)
{
	for (size_t i = 0; i < node->local_count; i++) {
		if (ip_addr_equal(&node->local[i], addr))
			return true;
	}
	return false;
}

static bool is_behind_tun(const struct node *node, const struct ip_addr *addr)
{
	for (size_t i = 0; i < node->behind_count; i++) {
		if (ip_addr_equal(&node->behind_tun[i], addr))
			return true;
	}
	return false;
}

struct node *network_owner(const struct world *w, const struct ip_addr *addr)
{
	for (size_t i = 0; i < w->owner_count; i++) {
		if (ip_addr_equal(&w->owners[i].addr, addr))
			return w->owners[i].node;
	}
	return NULL;
}

static bool by_chance(struct world *w, uint32_t permille)
{
	return permille > 0 && unit_random(&w->random) % 1000 < permille;
}

static uint64_t travel_ns(struct world *w)
{
	uint64_t us = w->conditions.delay_us;

	if (w->conditions.jitter_us > 0)
		us += unit_random(&w->random) % w->conditions.jitter_us;
	return us * 1000;
}

static void mark_ce(uint8_t *ip)
{
	uint8_t tos = tos_of(ip);
	struct craft c;

	if ((tos & 3) == 0 || (tos & 3) == 3)
		return;
	craft_bytes(&c, ip, 40);
	craft_set_tos(&c, (uint8_t)(tos | 3));
	memcpy(ip, c.packet.data, 20);
}

static void travel(struct node *from, struct node *to, const struct trail *trail,
                   uint8_t *bytes, size_t n)
{
	struct world *w = from->world;

	if (by_chance(w, w->conditions.loss_permille)) {
		w->lost++;
		return;
	}
	if (w->ce_marks && (!w->ce_from || w->ce_from == from) &&
	    (!w->ce_to || w->ce_to == to))
		mark_ce(bytes);
	events_add(&w->queue, w->now_ns + travel_ns(w), EVENT_PACKET, to, trail, bytes,
	           n);
	if (by_chance(w, w->conditions.duplicate_permille))
		events_add(&w->queue, w->now_ns + travel_ns(w), EVENT_PACKET, to, trail,
		           bytes, n);
}

void network_route(struct node *from, const struct trail *trail, uint8_t *ip, size_t n)
{
	struct world *w = from->world;
	struct ip_addr src = address_at(ip, false), dst = address_at(ip, true);
	struct node *to = network_owner(w, &dst);
	struct craft c;

	if (network_is_local(from, &dst)) {
		events_add(&w->queue, w->now_ns, EVENT_PACKET, from, trail, ip, n);
	} else if (is_behind_tun(from, &dst)) {
		events_add(&w->queue, w->now_ns, EVENT_TUN, from, trail, ip, n);
	} else if (!to) {
		w->unroutable++;
	} else if (is_behind_tun(from, &src)) {
		nat_out(from, &c, ip, n);
		travel(from, to, trail, c.packet.data, c.packet.len_bytes);
	} else {
		travel(from, to, trail, ip, n);
	}
}
