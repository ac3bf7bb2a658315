/* src/host/netlink.h - what does the kernel route, and let it route otherwise: rtnetlink
 *
 * Requests go many to one system call and each is acknowledged with its own result, so
 * that ten thousand routes cost tens of milliseconds and it is known which of them
 * failed. What comes back is read with bounds checked (nlmsg.h). Blocking, control plane
 * only. */
#ifndef TUNION_HOST_NETLINK_H
#define TUNION_HOST_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "host/netlink_item.h"

struct netlink;

/* Of the network namespace the caller is in. 0 or -errno. */
MUST_CHECK int netlink_open(struct netlink **out);
/* Over an rtnetlink socket of any namespace; owned from here on, also on failure. */
MUST_CHECK int netlink_from_fd(struct netlink **out, int fd);
/* NULL is fine. */
void netlink_free(struct netlink *nl);

/* Why the last call failed: the kernel's own words (extended ack) where it gave any, else
 * those of errno. Valid until the next call. */
const char *netlink_error(const struct netlink *nl);

/* All n are tried. results[i] becomes 0 or -errno; results may be NULL. Returns 0 or the
 * first error, which netlink_error explains. Where the socket fails, what had no answer
 * has its error. */
MUST_CHECK int netlink_add(struct netlink *nl, const struct netlink_item *items, size_t n,
                           int *results);
/* Adds, or gives the route of the same prefix, table and metric its new values at once.
 * Routes only; others are -EINVAL. */
MUST_CHECK int netlink_replace(struct netlink *nl, const struct netlink_item *items,
                               size_t n, int *results);
MUST_CHECK int netlink_delete(struct netlink *nl, const struct netlink_item *items,
                              size_t n, int *results);

/* Of a deletion: is it, or what it belonged to, not there (any more)? Also of 0. */
bool netlink_is_gone(int error);

/* Lists all of a kind; family IP_NONE: both. The item is only valid during the visit;
 * visit returns false to stop. Not to be nested with other calls on nl. -EAGAIN: the list
 * changed while it was read, so entries may be missing or come twice; ask again. */
MUST_CHECK int netlink_dump(struct netlink *nl, enum netlink_kind kind,
                            enum ip_family family,
                            bool (*visit)(void *context, const struct netlink_item *item),
                            void *context);

/* As netlink_dump, of the routes that the kernel has learned (see above), which are in no
 * other list. IPv6 only, from Linux 5.3 on; before, and without IPv6, there are none. */
MUST_CHECK int netlink_dump_learned(struct netlink *nl,
                                    bool (*visit)(void *context,
                                                  const struct netlink_item *item),
                                    void *context);

/* Is there any route in this table, of either family? */
MUST_CHECK int netlink_table_used(struct netlink *nl, uint32_t table, bool *used);

/* ---- links */

/* -ENODEV if there is none of the name. */
MUST_CHECK int netlink_link_find(struct netlink *nl, const char *name,
                                 struct netlink_link *out);
MUST_CHECK int netlink_link_get(struct netlink *nl, uint32_t ifindex,
                                struct netlink_link *out);
MUST_CHECK int netlink_link_set_up(struct netlink *nl, uint32_t ifindex);
MUST_CHECK int netlink_link_set_mtu(struct netlink *nl, uint32_t ifindex,
                                    uint32_t mtu_bytes);
/* The largest packet the host's TCP hands to the link, to be cut by whoever sends it on.
 */
MUST_CHECK int netlink_link_set_gso_max(struct netlink *nl, uint32_t ifindex,
                                        uint32_t bytes);
/* No link-local address of the kernel's choice and no multicast flag, so no router
 * solicitations, as on a kernel WireGuard device. Before it is set up. Fails where there
 * is no IPv6. */
MUST_CHECK int netlink_link_set_quiet(struct netlink *nl, uint32_t ifindex);
MUST_CHECK int netlink_link_delete(struct netlink *nl, uint32_t ifindex);
/* A pair of virtual Ethernet devices, both down. The peer is made in the network
 * namespace of peer_netns_fd (as from /proc/PID/ns/net); -1: in the same one. */
MUST_CHECK int netlink_veth_new(struct netlink *nl, const char *name,
                                const char *peer_name, int peer_netns_fd);
/* Moves the device to another network namespace; it loses its addresses and is down
 * there. */
MUST_CHECK int netlink_link_move(struct netlink *nl, uint32_t ifindex, int netns_fd);
MUST_CHECK int netlink_loopback_up(struct netlink *nl);

/* ---- which way */

/* The route a packet of ours to this address takes; mark 0: unmarked. -ENETUNREACH and
 * the like if there is none. */
MUST_CHECK int netlink_route_get(struct netlink *nl, const struct ip_addr *to,
                                 uint32_t mark, struct netlink_route *out);
/* As wg-quick: the route's mtu unless locked, else its device's. 0: unknown. */
uint32_t netlink_path_mtu(struct netlink *nl, const struct ip_addr *to, uint32_t mark);
/* The same for the default route of either family; 0: there is none. */
uint32_t netlink_default_mtu(struct netlink *nl);

#endif
