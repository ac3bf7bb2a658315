/* tests/unit/net.h - small networks of devices for the tests of src/plan,
 * described by tables */
#ifndef TUNION_UNIT_NET_H
#define TUNION_UNIT_NET_H

#include "plan/union.h"
#include "plan/way.h"

#define NET_DEVICES 64
#define NET_PEERS   256

struct net_peer {
	struct way_peer way; /* first member */
	struct net_prefix *prefixes;
};

struct net_prefix {
	struct trie_entry trie; /* first member */
	struct net_peer *peer;
	struct net_prefix *next;
};

/* Zero it and call net_init. It contains pointers to itself, so it can't be moved. */
struct net {
	struct union_table table;
	struct way_device devices[NET_DEVICES];
	size_t device_count;
	struct net_peer peers[NET_PEERS];
	size_t peer_count;
};

void net_init(struct net *net);
void net_clear(struct net *net);

/* Adds a device with Addresses of both families. The name is borrowed. */
struct way_device *net_device(struct net *net, const char *name);
/* endpoint is like "1.2.3.4" (the port is 51820) or NULL. allowed is NULL, or prefixes
 * with blanks between them. */
struct way_peer *net_peer(struct net *net, struct way_device *device,
                          const char *endpoint, const char *allowed);
void net_allow(struct net_peer *peer, struct ip_prefix prefix);
void net_via(struct way_device *device, struct way_device *carrier);
/* Ranks the devices, fills the union, and computes the ways. */
void net_compute(struct net *net);

struct ip_addr net_addr(const char *text);
struct ip_prefix net_prefix(const char *text);

#endif
