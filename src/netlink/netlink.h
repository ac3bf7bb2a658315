/* src/netlink/netlink.h - asks the kernel about routes and other things, and changes them:
 * rtnetlink
 *
 * Many requests go into one system call, and each of them is acknowledged with its own
 * result. So ten thousand routes take tens of milliseconds, and it is known which of them
 * have failed. Answers are read with checked bounds (nlmsg.h). Blocking; only for the
 * control plane. */
#ifndef TUNION_NETLINK_NETLINK_H
#define TUNION_NETLINK_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "netlink/netlink_item.h"

struct netlink;

/* Opens a socket in the network namespace of the caller. Returns 0 or -errno. */
MUST_CHECK int netlink_open(struct netlink **out);
/* Uses an rtnetlink socket of any namespace; it is owned from here on, even if this
 * fails. */
MUST_CHECK int netlink_from_fd(struct netlink **out, int fd);
/* NULL is fine. */
void netlink_free(struct netlink *nl);

/* Why the last call has failed: in the kernel's own words (extended ack) if it gave any,
 * else those of errno. Valid until the next call. */
const char *netlink_error(const struct netlink *nl);

/* All n items are tried. results[i] becomes 0 or -errno; results may be NULL. Returns 0
 * or the first error, which netlink_error explains. If the socket fails, the items
 * without an answer get this error. */
MUST_CHECK int netlink_add(struct netlink *nl, const struct netlink_item *items, size_t n,
                           int *results);
/* Adds routes and addresses; or, if there is a route with the same prefix, table and
 * metric, or the same address, gives it the new values at once. (Of an address, these are
 * the metric and flags.) Not for rules, which get -EINVAL. */
MUST_CHECK int netlink_replace(struct netlink *nl, const struct netlink_item *items,
                               size_t n, int *results);
MUST_CHECK int netlink_delete(struct netlink *nl, const struct netlink_item *items,
                              size_t n, int *results);

/* Given the result of a deletion: does the item, or what it belonged to, no longer exist?
 * Also true for 0. */
bool netlink_is_gone(int error);

/* Lists all items of a kind; with family IP_NONE, of both families. The item is only
 * valid during the visit; visit returns false to stop. Don't call other functions with nl
 * meanwhile. -EAGAIN means that the list has changed while it was read, so that items may
 * be missing or come twice; then call it again. */
MUST_CHECK int netlink_dump(struct netlink *nl, enum netlink_kind kind,
                            enum ip_family family,
                            bool (*visit)(void *context, const struct netlink_item *item),
                            void *context);

/* Lists the routes that the kernel has learned (see netlink_item.h), which are in no
 * other list. Only for IPv6, from Linux 5.3 on; with older kernels or without IPv6, there
 * are none. */
MUST_CHECK int netlink_dump_learned(struct netlink *nl,
                                    bool (*visit)(void *context,
                                                  const struct netlink_item *item),
                                    void *context);

/* Has the table a route to all addresses of the family, to a half of them, or to 2000::/3,
 * which is the internet of IPv6? */
MUST_CHECK int netlink_table_has_default(struct netlink *nl, enum ip_family family,
                                         uint32_t table, bool *found);

/* Is there a route in this table, of either family? */
MUST_CHECK int netlink_table_used(struct netlink *nl, uint32_t table, bool *used);

/* ---- links */

/* Returns -ENODEV if no link has this name. */
MUST_CHECK int netlink_link_find(struct netlink *nl, const char *name,
                                 struct netlink_link *out);
MUST_CHECK int netlink_link_get(struct netlink *nl, uint32_t ifindex,
                                struct netlink_link *out);
MUST_CHECK int netlink_link_set_up(struct netlink *nl, uint32_t ifindex);
MUST_CHECK int netlink_link_set_mtu(struct netlink *nl, uint32_t ifindex,
                                    uint32_t mtu_bytes);
/* Sets the size of the largest packet that the host's TCP hands to the link; whoever
 * sends it on has to cut it. */
MUST_CHECK int netlink_link_set_gso_max(struct netlink *nl, uint32_t ifindex,
                                        uint32_t bytes);
/* The link gets no link-local address from the kernel, and no multicast flag, so it sends
 * no router solicitations; this is the same as with a kernel WireGuard device. To be
 * called before the link is set up. Fails if there is no IPv6. */
MUST_CHECK int netlink_link_set_quiet(struct netlink *nl, uint32_t ifindex);
/* Gives the link one more name, or takes it away. Returns -EEXIST if a link has it. */
MUST_CHECK int netlink_link_add_altname(struct netlink *nl, uint32_t ifindex,
                                        const char *name);
MUST_CHECK int netlink_link_remove_altname(struct netlink *nl, uint32_t ifindex,
                                           const char *name);
MUST_CHECK int netlink_link_delete(struct netlink *nl, uint32_t ifindex);
/* Makes a pair of virtual Ethernet devices, both down. The peer is made in the network
 * namespace of peer_netns_fd (such as from /proc/PID/ns/net); -1: in the same one. */
MUST_CHECK int netlink_veth_new(struct netlink *nl, const char *name,
                                const char *peer_name, int peer_netns_fd);
/* Moves the device to another network namespace, where it has lost its addresses and is
 * down. */
MUST_CHECK int netlink_link_move(struct netlink *nl, uint32_t ifindex, int netns_fd);
MUST_CHECK int netlink_loopback_up(struct netlink *nl);

/* ---- routes of packets */

/* Returns the route of a packet that we would send to this address; mark 0: without a
 * mark. Fails with -ENETUNREACH or similar if there is none. */
MUST_CHECK int netlink_route_get(struct netlink *nl, const struct ip_addr *to,
                                 uint32_t mark, struct netlink_route *out);
/* Like wg-quick: the route's MTU unless it is locked, else that of its device. 0:
 * unknown. */
uint32_t netlink_path_mtu(struct netlink *nl, const struct ip_addr *to, uint32_t mark);
/* Returns the same for the default route of either family; 0 if there is none. */
uint32_t netlink_default_mtu(struct netlink *nl);

#endif
