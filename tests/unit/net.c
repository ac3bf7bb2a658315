/* tests/unit/net.c */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/way_compute.h"
#include "unit.h"

struct ip_addr net_addr(const char *text)
{
	struct ip_addr addr;

	ck_assert_msg(ip_addr_parse(&addr, text), "%s", text);
	return addr;
}

struct ip_prefix net_prefix(const char *text)
{
	char addr[IP_ADDR_STRLEN];
	const char *slash = strchr(text, '/');

	ck_assert_ptr_nonnull(slash);
	snprintf(addr, sizeof(addr), "%.*s", (int)(slash - text), text);
	return ip_prefix_mask((struct ip_prefix){
		net_addr(addr), (uint8_t)strtoul(slash + 1, NULL, 10) });
}

void net_init(struct net *net)
{
	ck_assert_int_eq(union_init(&net->table), 0);
}

void net_clear(struct net *net)
{
	union_clear(&net->table);
	for (size_t i = 0; i < net->device_count; i++) {
		ck_assert_ptr_null(net->devices[i].entries);
		trie_free((struct trie *)(uintptr_t)net->devices[i].allowed_ips);
	}
	for (size_t i = 0; i < net->peer_count; i++) {
		while (net->peers[i].prefixes) {
			struct net_prefix *p = net->peers[i].prefixes;

			net->peers[i].prefixes = p->next;
			free(p);
		}
	}
}

static struct way_peer *peer_of(const struct trie_entry *entry)
{
	return &((const struct net_prefix *)(const void *)entry)->peer->way;
}

struct way_device *net_device(struct net *net, const char *name)
{
	struct way_device *d = &net->devices[net->device_count];

	ck_assert_uint_lt(net->device_count, NET_DEVICES);
	*d = (struct way_device){
		.name = name,
		.address4 = net_addr("10.255.0.1"),
		.address6 = net_addr("fd00:ffff::1"),
		.port = 51820,
		.allowed_ips = trie_new(),
		.peer_of = peer_of,
	};
	ck_assert_ptr_nonnull(d->allowed_ips);
	if (net->device_count > 0)
		net->devices[net->device_count - 1].sibling = d;
	net->device_count++;
	return d;
}

void net_allow(struct net_peer *peer, struct ip_prefix prefix)
{
	struct trie *trie = (struct trie *)(uintptr_t)peer->way.device->allowed_ips;
	struct net_prefix *p = (struct net_prefix *)(void *)trie_find(trie, &prefix),
			  **at;

	if (p) { /* the last peer that names it has it */
		for (at = &p->peer->prefixes; *at != p; at = &(*at)->next)
			;
		*at = p->next;
	} else {
		p = calloc(1, sizeof(*p));
		ck_assert_ptr_nonnull(p);
		ck_assert_int_eq(trie_insert(trie, prefix, &p->trie), 0);
	}
	p->peer = peer;
	p->next = peer->prefixes;
	peer->prefixes = p;
}

struct way_peer *net_peer(struct net *net, struct way_device *device,
                          const char *endpoint, const char *allowed)
{
	struct net_peer *peer = &net->peers[net->peer_count++];
	struct way_peer **at = &device->peers;
	char words[512], *save = NULL;

	ck_assert_uint_le(net->peer_count, NET_PEERS);
	*peer = (struct net_peer){ .way.device = device };
	if (endpoint) {
		peer->way.endpoint.addr = net_addr(endpoint);
		peer->way.endpoint.port = 51820;
	}
	while (*at)
		at = &(*at)->sibling;
	*at = &peer->way;
	snprintf(words, sizeof(words), "%s", allowed ? allowed : "");
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		net_allow(peer, net_prefix(w));
	return &peer->way;
}

void net_via(struct way_device *device, struct way_device *carrier)
{
	device->via = WAY_VIA_DEVICE;
	device->via_device = carrier;
}

void net_compute(struct net *net)
{
	way_rank(net->devices);
	for (size_t i = 0; i < net->device_count; i++)
		union_remove_device(&net->table, &net->devices[i]);
	for (size_t i = 0; i < net->peer_count; i++) {
		struct net_peer *peer = &net->peers[i];

		for (struct net_prefix *p = peer->prefixes; p; p = p->next)
			ck_assert_int_eq(
				union_add(&net->table, &p->trie.prefix, &peer->way), 0);
	}
	way_compute(&net->table, net->devices);
}
