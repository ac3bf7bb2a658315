/* tests/sim/draw_plan.c */
#include "draw_plan.h"

#include <stdio.h>

#include "unit.h"
#include "world.h"

struct drawing {
	struct plan *plan;
	size_t server_count;
	uint64_t *state;
};

static size_t pick(struct drawing *c, size_t n)
{
	return unit_below(c->state, n);
}

static bool chance(struct drawing *c, size_t percent)
{
	return pick(c, 100) < percent;
}

/* ---- addresses */

struct ip_addr draw_numbered(enum ip_family family, const char *format4,
                             const char *format6, size_t i)
{
	char text[IP_ADDR_STRLEN];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), family == IP_V4 ? format4 : format6, i);
#pragma GCC diagnostic pop
	return sim_addr(text);
}

struct ip_addr draw_public_of(enum ip_family family, size_t server)
{
	return draw_numbered(family, "100.64.%zu.1", "2001:db8:%zu::1", server);
}

struct ip_addr draw_lan_of(enum ip_family family, size_t server)
{
	return draw_numbered(family, "172.16.%zu.9", "fd16:%zu::9", server);
}

struct ip_addr draw_tunnel_of(enum ip_family family, size_t device)
{
	return draw_numbered(family, "10.%zu.0.2", "fd10:%zu::2", device);
}

/* ---- the plan */

static void add_prefix(struct plan_peer *p, const struct ip_addr *addr, uint8_t len)
{
	if (p->prefix_count < PLAN_PREFIXES)
		p->prefixes[p->prefix_count++] =
			ip_prefix_mask((struct ip_prefix){ *addr, len });
}

static void draw_prefixes(struct drawing *c, struct plan_peer *p)
{
	enum ip_family family = chance(c, 60) ? IP_V4 : IP_V6;
	bool v4 = family == IP_V4;
	size_t other = pick(c, c->server_count);
	struct ip_addr addr;

	switch (pick(c, 7)) {
	case 0: /* all of a family */
		addr = draw_public_of(family, 0);
		add_prefix(p, &addr, 0);
		break;
	case 1: /* in two halves */
		addr = v4 ? sim_addr("0.0.0.0") : sim_addr("::");
		add_prefix(p, &addr, 1);
		addr = v4 ? sim_addr("128.0.0.0") : sim_addr("8000::");
		add_prefix(p, &addr, 1);
		break;
	case 2: /* all servers, or all LANs */
		addr = chance(c, 50) ? draw_public_of(family, 0) : draw_lan_of(family, 0);
		add_prefix(p, &addr, v4 ? 12 : 16);
		break;
	case 3: /* a few servers: neighbours */
		addr = draw_public_of(family, other);
		add_prefix(p, &addr, v4 ? 22 : 46);
		break;
	case 4: /* one server */
		addr = draw_public_of(family, other);
		add_prefix(p, &addr, ip_addr_bits(&addr));
		break;
	case 5: /* somebody's LAN */
		addr = draw_lan_of(family, other);
		add_prefix(p, &addr, v4 ? 24 : 64);
		break;
	default: /* its own LAN, in both families */
		addr = draw_lan_of(IP_V4, p->server);
		add_prefix(p, &addr, 24);
		addr = draw_lan_of(IP_V6, p->server);
		add_prefix(p, &addr, 64);
		break;
	}
}

/* There is no cycle of Via, because devices only name those that come later in the
 * plan. */
static void draw_via(struct drawing *c, size_t device, size_t percent, enum via_kind *via,
                     size_t *via_device)
{
	size_t later = c->plan->device_count - device - 1;

	if (!chance(c, percent))
		return;
	if (later == 0 || chance(c, 40)) {
		*via = VIA_NETWORK;
	} else {
		*via = VIA_NAME;
		*via_device = device + 1 + pick(c, later);
	}
}

static void draw_device(struct drawing *c, size_t i)
{
	struct plan_device *d = &c->plan->devices[i];

	/* Names differ in their second letter, and are in no particular order. */
	snprintf(d->name, sizeof(d->name), "%c%c", (char)('a' + pick(c, 26)),
	         (char)('a' + i));
	d->v4 = chance(c, 90);
	d->v6 = !d->v4 || chance(c, 70);
	d->metric = chance(c, 70) ? 0 : (int32_t)pick(c, 7) - 3;
	d->has_metric = d->metric != 0 || chance(c, 50); /* it may be 0 */
	d->has_fwmark = chance(c, 15);
	d->table_off = chance(c, 6);
	d->own_tun = chance(c, 12);
	draw_via(c, i, 20, &d->via, &d->via_device);
	for (size_t p = 0; p < d->peer_count; p++) {
		struct plan_peer *peer = &d->peers[p];

		peer->endpoint =
			draw_public_of(chance(c, 65) ? IP_V4 : IP_V6, peer->server);
		draw_via(c, i, 8, &peer->via, &peer->via_device);
		for (size_t n = 1 + pick(c, 3); n > 0; n--)
			draw_prefixes(c, peer);
	}
}

/* Sometimes a chain is made on purpose, as deep as there are devices: each device takes
 * the endpoint of the one before it with the most specific prefix. */
static void draw_deep_chain(struct drawing *c)
{
	for (size_t i = 0; i + 1 < c->plan->device_count; i++) {
		struct plan_device *inner = &c->plan->devices[i];
		struct plan_device *outer = &c->plan->devices[i + 1];
		const struct ip_addr *to = &inner->peers[0].endpoint;

		outer->v4 = outer->v6 = true;
		outer->table_off = outer->own_tun = false;
		inner->via = inner->peers[0].via = VIA_NOT_SAID;
		add_prefix(&outer->peers[0], to, ip_addr_bits(to));
	}
}

/* A peer mostly has a server of its own. Otherwise it has that of an earlier device, as
 * with two files for one server (R13). */
static size_t draw_server(struct drawing *c, size_t device, size_t peer)
{
	const struct plan_device *before, *d = &c->plan->devices[device];
	size_t server;

	if (device == 0 || chance(c, 80))
		return c->server_count++;
	before = &c->plan->devices[pick(c, device)];
	server = before->peers[pick(c, before->peer_count)].server;
	/* a device can't have the same peer twice */
	return peer > 0 && d->peers[0].server == server ? c->server_count++ : server;
}

void draw_plan(struct plan *plan, size_t *server_count, uint64_t *state)
{
	struct drawing all = { .plan = plan, .state = state }, *c = &all;
	size_t n = 1 + pick(c, PLAN_DEVICES);

	c->plan->device_count = n;
	for (size_t i = 0; i < n; i++) {
		c->plan->devices[i].peer_count = chance(c, 80) ? 1 : 2;
		for (size_t p = 0; p < c->plan->devices[i].peer_count; p++)
			c->plan->devices[i].peers[p].server = draw_server(c, i, p);
	}
	for (size_t i = 0; i < n; i++)
		draw_device(c, i);
	if (chance(c, 25))
		draw_deep_chain(c);
	*server_count = c->server_count;
}

enum way_via draw_via_word(enum via_kind via)
{
	switch (via) {
	case VIA_NOT_SAID:
		return WAY_VIA_UNION;
	case VIA_NETWORK:
		return WAY_VIA_NETWORK;
	case VIA_NAME:
		return WAY_VIA_DEVICE;
	}
	return WAY_VIA_UNION;
}

struct ip_addr draw_phone_of(enum ip_family family, size_t phone)
{
	return draw_numbered(family, "10.200.%zu.2", "fd10:200:%zu::2", phone);
}
