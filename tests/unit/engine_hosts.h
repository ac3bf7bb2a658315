/* tests/unit/engine_hosts.h - a client with a few devices and its servers, with links
 * that a test can look into. Each test file that includes this has its own. */
#ifndef TUNION_UNIT_ENGINE_HOSTS_H
#define TUNION_UNIT_ENGINE_HOSTS_H

#include "probe.h"
#include "unit.h"
#include "world.h"

#define SECOND NS_PER_SEC

/* vpn has 10.0.0.2 and fd10::2, port 20000, and takes everything. home has 10.1.0.2
 * and fd10:1::2, port 20001, and takes its LAN. Each has a server with a host on a
 * LAN behind it. */
static struct world *w;
static struct node *client, *server[2];
static struct device *vpn, *home;
static struct wg_peer *peer[2];

/* The last packet or message that one of the hooks has seen. */
static struct craft seen;
static size_t seen_count;
static struct endpoint seen_to;

static inline bool see_tun(struct node *node, const uint8_t *ip, size_t n)
{
	(void)node;
	craft_bytes(&seen, ip, n);
	seen_count++;
	return false;
}

static inline bool take_tun(struct node *node, const uint8_t *ip, size_t n)
{
	see_tun(node, ip, n);
	return true;
}

static inline bool take_udp(struct node *node, const struct endpoint *to,
                            const struct packet *p)
{
	(void)node;
	craft_bytes(&seen, p->data, p->len_bytes);
	seen.packet.tos = p->tos;
	seen_to = *to;
	seen_count++;
	return true;
}

static inline void add_server(size_t i, struct device *d, const char *endpoint,
                              const char *lan4, const char *lan6)
{
	const char *const public4[] = { "100.64.0.1", "100.64.1.1" };
	const char *const public6[] = { "2001:db8:0::1", "2001:db8:1::1" };
	const char *const tunnel4[] = { "10.0.0.2", "10.1.0.2" };
	const char *const tunnel6[] = { "fd10::2", "fd10:1::2" };
	struct device_settings settings = { .mtu_bytes = 1420, .port = 51820 };
	struct ip_addr a4 = sim_addr(lan4), a6 = sim_addr(lan6);
	struct ip_addr t4 = sim_addr(tunnel4[i]), t6 = sim_addr(tunnel6[i]);
	struct device *far;
	struct wg_peer *back;

	server[i] = world_node(w, public4[i], public6[i], true);
	node_own(server[i], &a4);
	node_own(server[i], &a6);
	node_behind_tun(server[i], &t4);
	node_behind_tun(server[i], &t6);
	far = node_device(server[i], "wg0", &settings);
	peer[i] = world_peer(d, far, endpoint);
	back = wg_device_first_peer(device_wg(far));
	peer_allow(back, "10.0.0.0/8");
	peer_allow(back, "fd10::/16");
}

static inline void start(void)
{
	struct ip_addr vpn_addresses[] = { sim_addr("10.0.0.2"), sim_addr("fd10::2"),
		                           sim_addr("10.0.0.3") };
	struct ip_addr home_addresses[] = { sim_addr("10.1.0.2"), sim_addr("fd10:1::2") };
	struct device_settings of_vpn = {
		.addresses = vpn_addresses,
		.address_count = 3,
		.mtu_bytes = 1420,
		.port = 20000,
	};
	struct device_settings of_home = {
		.addresses = home_addresses,
		.address_count = 2,
		.mtu_bytes = 1340,
		.port = 20001,
	};

	w = world_new(unit_seed());
	client = world_node(w, "198.51.100.7", "2001:db8:c::7", false);
	vpn = node_device(client, "vpn", &of_vpn);
	home = node_device(client, "home", &of_home);
	add_server(0, vpn, "100.64.0.1:51820", "172.16.0.9", "fd16::9");
	add_server(1, home, "100.64.1.1:51820", "172.16.1.9", "fd16:1::9");
	peer_allow(peer[0], "100.64.0.0/10");
	peer_allow(peer[0], "172.16.0.0/24");
	peer_allow(peer[0], "2001:db8::/32");
	peer_allow(peer[0], "fd16::/32");
	peer_allow(peer[1], "172.16.1.0/24");
	peer_allow(peer[1], "fd16:1::/32");
	seen_count = 0;
}

static inline void stop(void)
{
	ck_assert_uint_eq(w->corrupt, 0);
	world_free(w);
}

static inline void run(uint64_t ns)
{
	ck_assert(world_run(w, w->now_ns + ns, 100000));
}

static inline void probe(uint16_t id, const char *src, const char *dst, size_t n)
{
	struct ip_addr from = sim_addr(src), to = sim_addr(dst);

	node_probe(client, id, &from, &to, n, 0);
}

/* Gives both of them a session. */
static inline void warm_up(void)
{
	probe(4000, "10.0.0.2", "172.16.0.9", 100);
	probe(4001, "10.1.0.2", "172.16.1.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[4000].returned, 1);
	ck_assert_uint_eq(w->probes[4001].returned, 1);
}

/* Puts one packet that the test has made into the client's tun. */
static inline void into_tun(struct craft *c)
{
	struct packet *p = &c->packet;

	engine_tun_input(client->engine, &p, 1, w->now_ns);
}

static inline uint64_t drops_of(const struct device *d, enum drop reason)
{
	struct drop_counts counts;

	device_drops(d, &counts);
	return counts.by[reason];
}

static inline uint64_t all_drops(void)
{
	uint64_t sum = 0;

	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++)
		sum += node_drops(client, reason);
	return sum;
}

#endif
