/* tests/unit/gate_hosts.h - the hosts of engine_hosts.h, and phones that are the clients
 * of a gate. Each test file that includes this has its own. */
#ifndef TUNION_UNIT_GATE_HOSTS_H
#define TUNION_UNIT_GATE_HOSTS_H

#include <stdio.h>

#include "engine_hosts.h"

#define PHONES 2

static struct node *phone[PHONES];
static struct device *phone_device[PHONES];
static struct device *gate;

static const char *const phone4[PHONES] = { "10.9.9.2", "10.9.9.3" };
static const char *const phone6[PHONES] = { "fd99::2", "fd99::3" };

static inline void add_phone(size_t i)
{
	const char *const public4[PHONES] = { "198.51.100.20", "198.51.100.21" };
	struct ip_addr addresses[] = { sim_addr(phone4[i]), sim_addr(phone6[i]) };
	struct device_settings settings = {
		.addresses = addresses,
		.address_count = 2,
		.mtu_bytes = 1408,
		.port = 30000,
	};
	char prefix[IP_ADDR_STRLEN + 4];
	struct wg_peer *p;

	phone[i] = world_node(w, public4[i], NULL, false);
	phone_device[i] = node_device(phone[i], "wg", &settings);
	p = world_peer(phone_device[i], gate, "198.51.100.7:21000");
	peer_allow(p, "0.0.0.0/0");
	peer_allow(p, "::/0");
	p = wg_device_find_peer(device_wg(gate),
	                        wg_device_public_key(device_wg(phone_device[i])));
	snprintf(prefix, sizeof(prefix), "%s/32", phone4[i]);
	peer_allow(p, prefix);
	snprintf(prefix, sizeof(prefix), "%s/128", phone6[i]);
	peer_allow(p, prefix);
}

static const struct device_settings gate_settings = {
	.mtu_bytes = 1408,
	.port = 21000,
	.gate = true,
};

static inline void begin(void)
{
	start();
	gate = node_device(client, "gate", &gate_settings);
	for (size_t i = 0; i < PHONES; i++)
		add_phone(i);
}

static inline void probe_from(size_t i, uint16_t id, const char *src, const char *dst,
                              size_t n)
{
	struct ip_addr from = sim_addr(src), to = sim_addr(dst);

	node_probe_translated(phone[i], id, &from, &to, n);
}

static inline void check_came_back(uint16_t id, const char *as)
{
	struct ip_addr expected = sim_addr(as);

	ck_assert_uint_eq(w->probes[id].arrived, 1);
	ck_assert_uint_eq(w->probes[id].returned, 1);
	ck_assert(ip_addr_equal(&w->probes[id].src_there, &expected));
}

#endif
