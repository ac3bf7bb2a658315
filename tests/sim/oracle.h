/* tests/sim/oracle.h - a client with many devices as plain tables, and the chain that
 * each destination must take by the rules R1 to R5, R8, R13 and R14, found by the simplest search.
 * Who is unusable (R3) is given, not found.
 *
 * It shares nothing with src/plan but the terms. */
#ifndef TUNION_SIM_ORACLE_H
#define TUNION_SIM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

#define PLAN_DEVICES  8
#define PLAN_PEERS    2 /* of one device, at most */
#define PLAN_PREFIXES 16
#define NO_DEVICE     PLAN_DEVICES
#define CHAIN_MAX     (PLAN_DEVICES * PLAN_PEERS)

enum via_kind {
	VIA_NOT_SAID,
	VIA_NETWORK,
	VIA_NAME,
};

struct plan_peer {
	size_t server; /* the server at the other end */
	struct ip_addr endpoint;
	bool calls; /* its file has no Endpoint: it has called us, from the network */
	enum via_kind via;
	size_t via_device;
	struct ip_prefix prefixes[PLAN_PREFIXES]; /* masked; the last peer has it */
	size_t prefix_count;
	bool unusable; /* R3: it doesn't answer, or its carrier doesn't */
};

struct plan_device {
	char name[16];
	bool v4, v6; /* has an Address of that family */
	bool has_metric;
	int32_t metric; /* 0 without one */
	bool has_fwmark;
	bool table_off;
	bool own_tun; /* and so its prefixes are nobody else's business */
	enum via_kind via;
	size_t via_device;
	struct plan_peer peers[PLAN_PEERS];
	size_t peer_count;
};

struct plan {
	struct plan_device devices[PLAN_DEVICES];
	size_t device_count;
};

enum chain_end {
	CHAIN_NETWORK,  /* the packet gets to the network */
	CHAIN_NO_ROUTE, /* no device has the destination */
	CHAIN_LOOP,
	CHAIN_TOO_LONG,
	CHAIN_NO_CARRIER_PEER,
	CHAIN_NO_CARRIER_ADDRESS,
	CHAIN_NO_ADDRESS, /* the device has no Address for a gate's client */
	CHAIN_HOST,       /* the host has a better way for a gate's client */
	CHAIN_PHONE,      /* the gate has another client with this address */
};

struct hop {
	size_t device, peer;
};

struct chain {
	enum chain_end end;
	struct hop hops[CHAIN_MAX]; /* innermost first */
	size_t n;                   /* is also set for a chain that fails */
};

/* Which device gets an application's packet to dst, and which way does it take? Its source
 * is an Address of the device `from`, or of none if that is NO_DEVICE. */
struct chain oracle_chain(const struct plan *plan, size_t from,
                          const struct ip_addr *dst);
/* The same for a packet that is sent into the own tun of this device. */
struct chain oracle_chain_from(const struct plan *plan, size_t device,
                               const struct ip_addr *dst);
/* The length of the longest prefix for dst of all devices that share a tun; -1: none. */
int oracle_longest(const struct plan *plan, const struct ip_addr *dst);

/* R12: what may a packet say that the device has decrypted from this peer? */
enum heard {
	HEARD,             /* it comes out of the tun */
	HEARD_NOT_ITS_OWN, /* the source isn't the peer's */
	HEARD_OF_ANOTHER,  /* another device, or a client, has the source */
	HEARD_FOR_ANOTHER, /* it is for the Address of another one, with a default route */
};

/* It is for the Address that the device `owner` has in the family of src, if it has one
 * there. Addresses of devices are draw_tunnel_of's. */
enum heard oracle_hears(const struct plan *plan, struct hop from,
                        const struct ip_addr *src, size_t owner, bool src_is_client);

#endif
