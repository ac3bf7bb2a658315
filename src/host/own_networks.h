/* src/host/own_networks.h - which networks does the host reach without the tun?
 *
 * A gate's clients reach these networks through the host, as the host's own programs do,
 * although a file may have them with a shorter prefix: the LAN of a server at home, while
 * a provider's file has everything. */
#ifndef TUNION_HOST_OWN_NETWORKS_H
#define TUNION_HOST_OWN_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "netlink/netlink.h"
#include "plan/plan.h"
#include "plan/union.h"

#define OWN_NETWORKS_MAX 512U

struct own_networks {
	struct ip_prefix v[OWN_NETWORKS_MAX];
	size_t n;
	bool more; /* there are more, which have no place here */
};

/* Finds those routes of the tables `main` and `local` that lie in a prefix of the union
 * that is not longer: nobody else's packets would be led away by it. tun is its index. The
 * result is empty after an error. Returns 0 or -errno. */
MUST_CHECK int own_networks_find(struct own_networks *out, struct netlink *nl,
                                 uint32_t tun, const struct union_table *u);
/* Is the route one of these? */
bool own_networks_has(const struct netlink_route *route, uint32_t tun,
                      const struct union_table *u);

/* Warns if the host doesn't forward what the clients of a gate send to these networks. */
void own_networks_warn(const struct plan *plan, struct diag *diag);

#endif
