/* tests/sim/forgers.c */
#include "forgers.h"

#include "craft.h"
#include "draw_plan.h"
#include "ipbytes.h"
#include "unit.h"

#define PORT    9999 /* no application of the client has it */
#define PACKETS 4    /* of each server in each family */

static size_t pick(const struct forgers *f, size_t n)
{
	return unit_below(f->state, n);
}

/* Such a server has one tunnel, so each address of the client has one way there. */
static bool has_one_tunnel(const struct forgers *f, size_t server)
{
	size_t tunnels = 0;

	for (size_t i = 0; i < f->plan->device_count; i++) {
		const struct plan_device *d = &f->plan->devices[i];

		for (size_t p = 0; p < d->peer_count; p++)
			tunnels += d->peers[p].server == server;
	}
	return tunnels == 1;
}

void forgers_allow(const struct forgers *f)
{
	for (size_t s = 0; s < f->server_count; s++) {
		struct device *far = engine_first_device(f->servers[s]->engine);
		char text[IP_PREFIX_STRLEN];

		if (!has_one_tunnel(f, s))
			continue;
		for (size_t i = 0; i < f->plan->device_count; i++) {
			struct ip_addr v4 = draw_tunnel_of(IP_V4, i),
				       v6 = draw_tunnel_of(IP_V6, i);
			struct ip_prefix alone4 = { v4, 32 }, alone6 = { v6, 128 };
			struct wg_peer *back = wg_device_first_peer(device_wg(far));

			peer_allow(back, ip_prefix_format(&alone4, text));
			peer_allow(back, ip_prefix_format(&alone6, text));
		}
		engine_touch(far);
	}
}

static struct ip_addr draw_source(const struct forgers *f, enum ip_family family)
{
	switch (pick(f, f->phone_count > 0 ? 4 : 3)) {
	case 0:
		return draw_tunnel_of(family, pick(f, f->plan->device_count));
	case 1:
		return draw_public_of(family, pick(f, f->server_count));
	case 2:
		return draw_lan_of(family, pick(f, f->server_count));
	default:
		return draw_phone_of(family, pick(f, f->phone_count));
	}
}

static bool is_phone(const struct forgers *f, const struct ip_addr *addr)
{
	for (size_t i = 0; i < f->phone_count; i++) {
		struct ip_addr phone = draw_phone_of(addr->family, i);

		if (ip_addr_equal(&phone, addr))
			return true;
	}
	return false;
}

static enum drop expected_drop(const struct forgers *f, struct hop from,
                               const struct ip_addr *src, size_t owner)
{
	switch (oracle_hears(f->plan, from, src, owner, is_phone(f, src))) {
	case HEARD:
		return DROP_NONE;
	case HEARD_NOT_ITS_OWN:
		return DROP_WRONG_SOURCE;
	case HEARD_OF_ANOTHER:
		return DROP_FORGED_SOURCE;
	case HEARD_FOR_ANOTHER:
		return DROP_GUARDED_ADDRESS;
	}
	return DROP_NONE;
}

static void send_one(struct forgers *f, struct hop from, enum ip_family family)
{
	size_t server = f->plan->devices[from.device].peers[from.peer].server;
	bool other = has_one_tunnel(f, server) && pick(f, 3) == 0;
	size_t owner = other ? pick(f, f->plan->device_count) : from.device;
	struct ip_addr src = draw_source(f, family), dst = draw_tunnel_of(family, owner);
	enum drop drop = expected_drop(f, from, &src, owner);
	char from_text[IP_ADDR_STRLEN], to_text[IP_ADDR_STRLEN];
	uint8_t id[] = { (uint8_t)(f->count >> 8), (uint8_t)f->count };
	struct craft c;

	must(f->count < FORGERS_PACKETS);
	f->passes[f->count++] = drop == DROP_NONE;
	f->dropped[drop]++;
	craft_udp(&c, ip_addr_format(&src, from_text), PORT,
	          ip_addr_format(&dst, to_text), PORT, id, sizeof(id));
	node_inject(f->servers[server], &c);
}

static void send_from(struct forgers *f, struct hop from)
{
	for (size_t i = 0; i < PACKETS; i++) {
		send_one(f, from, IP_V4);
		send_one(f, from, IP_V6);
	}
}

void forgers_send(struct forgers *f, const struct chain *chains, size_t n)
{
	bool sent[PLAN_DEVICES][PLAN_PEERS] = { { false } };

	for (size_t c = 0; c < n; c++) {
		for (size_t i = 0; chains[c].end == CHAIN_NETWORK && i < chains[c].n;
		     i++) {
			struct hop h = chains[c].hops[i];

			if (!sent[h.device][h.peer])
				send_from(f, h);
			sent[h.device][h.peer] = true;
		}
	}
}

bool forgers_see(struct forgers *f, const uint8_t *ip, size_t n)
{
	size_t header = header_of(ip), id;

	if (n != header + 10 || port_of(ip, 0) != PORT || port_of(ip, 2) != PORT ||
	    !craft_valid(ip, n))
		return false;
	id = (size_t)ip[header + 8] << 8 | ip[header + 9];
	must(id < f->count);
	must(!f->came[id]);
	f->came[id] = true;
	return true;
}

bool forgers_all_right(const struct forgers *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->passes[i] != f->came[i])
			return false;
	}
	return true;
}
