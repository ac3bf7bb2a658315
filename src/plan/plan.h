/* src/plan/plan.h - one plan of many tunnel files (plan_make.h makes it)
 *
 * `check` and `trace` print the plan, and `up` carries it out. It contains the union with
 * its standbys, the way of each peer, the effective MTUs, and the findings that no single
 * file shows. It does no I/O: what only the host knows (path MTUs) comes through
 * plan_env, and names are resolved before. */
#ifndef TUNION_PLAN_PLAN_H
#define TUNION_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/trie.h"
#include "conf/conf.h"
#include "plan/union.h"
#include "plan/way.h"

#define PLAN_MTU_DEFAULT    1420U /* 1500 - 80, if nothing is known about the path */
#define PLAN_OVERHEAD_BYTES 80U   /* as in wg-quick: IPv6 40 + UDP 8 + WireGuard 32 */
#define PLAN_MTU_IPV6_MIN   1280U
#define PLAN_MTU_IPV4_MIN   576U

struct plan_env {
	/* The host's path MTU to an address for a file's datagrams, 0 if it isn't known.
	 * The function may be NULL. */
	uint32_t (*path_mtu)(void *context, const struct conf *conf,
	                     const struct ip_addr *to);
	/* The endpoint at which a peer is now, if it is known better than from its file,
	 * because the peer has roamed; otherwise NULL. Sets *by_arrival (see way.h) if that is
	 * known better, too. The function may be NULL. */
	const struct endpoint *(*endpoint)(void *context, const struct conf *conf,
	                                   const struct conf_peer *peer,
	                                   bool *by_arrival);
	/* The name of the host tun, which hooks may use in place of %i. NULL if it
	 * isn't known. */
	const char *tun;
	/* There is no second tun to be had, nor another routing table: files that need
	 * one of their own are left out (design R14). Hooks are not run. */
	bool one_tun;
	/* It is for an app with a VpnService, which can tell applications apart. */
	bool applications;
	void *context;
};

struct plan_peer {
	struct way_peer way;          /* first member */
	const struct conf_peer *conf; /* borrowed */
	bool on_loop; /* for WAY_LOOP: it is on the loop, not only before it */
};

/* One of a device's AllowedIPs. */
struct plan_prefix {
	struct trie_entry trie; /* first member */
	struct plan_peer *peer;
	unsigned line;
};

/* What in a file asks for a tun of its own: see plan_tun.h. */
enum plan_tun_kind {
	PLAN_TUN_SHARED = 0, /* nothing */
	PLAN_TUN_SETTING,
	PLAN_TUN_TABLE,
	PLAN_TUN_PRE_UP,
	PLAN_TUN_POST_UP,
	PLAN_TUN_PRE_DOWN,
	PLAN_TUN_POST_DOWN,
};

struct plan_tun {
	enum plan_tun_kind kind;
	unsigned line; /* 0 with PLAN_TUN_SHARED */
};

struct plan_device {
	struct way_device way;   /* first member */
	const struct conf *conf; /* borrowed */
	struct plan_tun tun;     /* what it asks for */
	/* It has a tun of its own, called as itself. Then it is not in the union. (It has
	 * none if there is no other tun, or if the shared tun is called like it and no
	 * other file uses it.) */
	bool own_tun;
	struct union_table table; /* with own_tun: its own prefixes */
	struct plan_peer *peers;  /* owned array, in the order of conf->peers */
	size_t peer_count;
	struct plan_prefix *prefixes; /* owned array */
	size_t prefix_count;
	struct trie *allowed_ips; /* owned; contains the prefixes */
	/* It is not in the union, and its DNS is not asked. It only carries devices whose
	 * Via names it. */
	bool left_out;
	uint32_t mtu_bytes; /* effective MTU, design section 4 */
	/* The largest inner packet that fits into the carriers of its peers, in both
	 * directions. If this is less than mtu_bytes, outer packets of full size are
	 * fragmented there (design R10). UINT32_MAX if it has no carrier. */
	uint32_t carrier_fits_bytes;
};

struct plan {
	/* Owned array: first those that use the shared tun, then those that have a tun of
	 * their own; both in the order of the set. */
	struct plan_device *devices;
	size_t device_count, shared_count;
	struct union_table table;
	/* of the shared tun: the largest effective MTU; 0 if there are no devices */
	uint32_t tun_mtu_bytes;
	const struct plan *whole; /* borrowed; NULL unless it is a part: see below */
};

void plan_clear(struct plan *plan);

/* A plan of only those devices that use one tun: the shared one, or the one of a device
 * that has its own. It is borrowed from the whole plan, so it must not be cleared. */
struct plan plan_of_shared_tun(const struct plan *whole);
struct plan plan_of_own_tun(const struct plan *whole, size_t device);

/* Returns the whole plan, of which this may be a part. */
static inline const struct plan *plan_whole(const struct plan *plan)
{
	return plan->whole ? plan->whole : plan;
}

/* Goes through all devices in byte order of their names, whatever tun they have. Zeroed is
 * the start; returns NULL at the end. */
struct plan_walk {
	size_t shared, own; /* how many of each kind were returned */
};
const struct plan_device *plan_next(const struct plan *plan, struct plan_walk *walk);

/* NULL if no device has this name. */
struct plan_device *plan_find(const struct plan *plan, const char *name);
/* The Address of the device that is the source of packets to this (masked) prefix; see
 * source_address.h. Its family is IP_NONE if there is no suitable Address. */
struct ip_addr plan_source(const struct plan_device *device, const struct ip_prefix *dst);
bool plan_has_gate(const struct plan *plan);
/* Does the file need a tun of its own, because of its Table or Tun? Not the file of a gate,
 * whose prefixes are in no union. */
bool plan_needs_own_tun(const struct conf *conf);
/* Visits the search domains of all files with DNS servers, in the order of the files, each
 * only once (upper and lower case are the same). As in wg-quick, search domains alone do
 * nothing. A file that is left out has none. */
void plan_walk_domains(const struct plan *plan,
                       void (*visit)(void *context, const char *domain), void *context);
/* The DNS of its file; nothing if it is left out. */
const struct conf_dns *plan_dns(const struct plan_device *device);
/* Has it a prefix of length 0, of whatever family? */
bool plan_has_default_route(const struct plan_device *device);
/* The device's entry for exactly this prefix, or NULL. */
const struct plan_prefix *plan_prefix_find(const struct plan_device *device,
                                           const struct ip_prefix *prefix);

static inline const struct plan_device *plan_device_of(const struct way_peer *peer)
{
	return (const struct plan_device *)peer->device;
}
static inline const struct plan_peer *plan_peer_of(const struct way_peer *peer)
{
	return (const struct plan_peer *)peer;
}

#endif
