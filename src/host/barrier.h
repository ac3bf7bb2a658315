/* src/host/barrier.h - what stops packets when the tun is gone?
 *
 * Design section 4, fail closed. When the supervisor is killed or the tun is lost, the kernel
 * removes all routes to it, and what belongs to the tunnels would leave in the clear. So
 * beside each of these routes there is one of the type "unreachable" with a metric that is
 * worse than all others. It belongs to no device, so it stays. Only an undo removes it, of
 * this instance or of the next one.
 *
 * The metric is derived from the index of the tun, so it is known which barriers belong to
 * which instance, also for one that was killed. Tables that a file names by number are the
 * user's own, and get none. */
#ifndef TUNION_HOST_BARRIER_H
#define TUNION_HOST_BARRIER_H

#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host_config.h"
#include "host/host_items.h"
#include "netlink/netlink.h"

/* Lists the barriers that the routes and addresses of this configuration need, sorted and
 * each only once. */
MUST_CHECK int barriers_make(struct host_items *out, const struct host_items *items,
                             const struct host_numbers *numbers, uint32_t ifindex);

/* Adds those that are wanted, and not there yet. Those that can't be added are no longer among
 * the wanted ones, so that the next change tries again. */
MUST_CHECK int barriers_add(struct netlink *nl, const struct host_items *there,
                            struct host_items *wanted, struct diag *diag);

/* `there` contains from now on also those that are wanted, which have been added. */
MUST_CHECK int barriers_join(struct host_items *there, const struct host_items *wanted);

/* Removes those that are no longer wanted. Then `there` is what was wanted, and `wanted` is
 * empty; if out of memory, all stays as it was. */
void barriers_trim(struct netlink *nl, struct host_items *there,
                   struct host_items *wanted);

/* Lists, sorted, the barriers of the instance whose tun has, or had, this index. To be
 * cleared also after an error. */
MUST_CHECK int barriers_find(struct host_items *out, struct netlink *nl,
                             uint32_t ifindex);
/* Removes all barriers of the instance whose tun has, or had, this index. Returns 0 or -errno,
 * which is a warning in diag. */
int barriers_lift(struct netlink *nl, uint32_t ifindex, struct diag *diag);

#endif
