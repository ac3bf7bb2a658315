/* src/plan/plan.h - many tunnel files -> one plan
 *
 * What `check` and `trace` print and `up` carries out: the union with its standbys, each
 * peer's way, effective MTUs, and the findings that no single file shows. Pure: what has to
 * be asked of the host (path MTU) comes through plan_env, names are resolved before. */
#ifndef TUNION_PLAN_PLAN_H
#define TUNION_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "base/trie.h"
#include "conf/conf.h"
#include "plan/union.h"
#include "plan/way.h"

#define PLAN_MTU_DEFAULT    1420U /* 1500 - 80, when nothing is known of the path */
#define PLAN_OVERHEAD_BYTES 80U   /* as wg-quick: IPv6 40 + UDP 8 + WireGuard 32 */
#define PLAN_MTU_IPV6_MIN   1280U
#define PLAN_MTU_IPV4_MIN   576U

struct plan_env {
	/* The host's path MTU to an address, 0 if unknown. NULL: never known. */
	uint32_t (*path_mtu)(void *context, const struct ip_addr *to);
	/* Where a peer is now, when that is known better than its file says: it has roamed.
	 * NULL: nothing is known of it. The function may be NULL. */
	const struct endpoint *(*endpoint)(void *context, const struct conf *conf,
	                                   const struct conf_peer *peer);
	void *context;
};

struct plan_peer {
	struct way_peer way; /* first member */
	const struct conf_peer *conf; /* borrowed */
	bool on_loop; /* with WAY_LOOP: the peer is on the loop, doesn't just lead into it */
};

/* One of a device's AllowedIPs. */
struct plan_prefix {
	struct trie_entry trie; /* first member */
	struct plan_peer *peer;
	unsigned line;
};

struct plan_device {
	struct way_device way; /* first member */
	const struct conf *conf; /* borrowed */
	struct plan_peer *peers; /* owned array, as conf->peers */
	size_t peer_count;
	struct plan_prefix *prefixes; /* owned array */
	size_t prefix_count;
	struct trie *allowed_ips; /* owned; of the prefixes */
	uint32_t mtu_bytes; /* effective, design section 4 */
	/* What fits into the carriers of its peers; less than mtu_bytes: outer packets of full
	 * size are fragmented there (design R10). UINT32_MAX if it has no carrier. */
	uint32_t carrier_fits_bytes;
};

struct plan {
	struct plan_device *devices; /* owned array, in the set's order */
	size_t device_count;
	struct union_table table;
	uint32_t tun_mtu_bytes; /* the largest effective MTU; 0 without devices */
};

/* set must outlive the plan. Errors (Via to nobody, a Via cycle, equal ListenPorts...) and
 * warnings (loops, missing families, standbys, ways too long) go to diag with FILE:LINE.
 * -EINVAL if there is an error in diag: the plan is then empty. So it may be given the set
 * and diag of a conf_set_read that failed: what doesn't depend on what is missing is told. */
MUST_CHECK int plan_make(struct plan *out, const struct conf_set *set, const struct plan_env *env,
                         struct diag *diag);
void plan_clear(struct plan *plan);

/* NULL if there is none of the name. */
const struct plan_device *plan_find(const struct plan *plan, const char *name);
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
