/* src/engine/source.h - does a packet have the right device's address? (design section 5)
 *
 * This is asked for packets from the tun when their device is known, and for packets to
 * the tun before they are written. The table of flows is in flow.h. */
#ifndef TUNION_ENGINE_SOURCE_H
#define TUNION_ENGINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/core.h"

/* Is it an Address of any device? */
bool source_is_of_a_device(const struct engine *e, const struct ip_addr *addr);

/* Is it an Address of another device, and neither one of d nor one that a prefix of d names
 * alone? */
bool source_is_of_another(const struct device *d, const struct ip_addr *addr);

/* Is it an Address of another device that has a default route of this family, and not one
 * of d? */
bool source_is_guarded(const struct device *d, const struct ip_addr *addr);

/* Which peer gets a packet with this source, if several devices have the prefix of the
 * node? Of these the one that has the source as its Address goes first (design R14). */
struct way_peer *source_choose(const struct engine *e, const struct union_node *node,
                               const struct ip_addr *src);

/* Which peer of a device that has the address `src` takes packets to this destination? NULL:
 * none. */
struct way_peer *source_way(const struct engine *e, const struct ip_addr *src,
                            const struct ip_addr *dst);

/* A packet leaves through d. Is its source the address of another device? This is false
 * for addresses of d, and for those of strangers whose packets the host forwards. The
 * view need only contain the addresses. */
bool source_is_foreign(const struct device *d, const struct ip_view *view);

/* The same for a packet of a gate's client. Its source is always translated, also if the
 * client has an address of d, because another client may use the same ports. */
bool source_is_foreign_client(const struct device *d);

/* The source is d's own address, but the port belongs to a translated flow: then this
 * later flow has to be translated, to another port. The view must have been made by
 * ip_view_parse. */
bool source_collides(const struct device *d, const struct packet *p,
                     const struct ip_view *view, uint64_t now_ns);
/* Could that be? Mostly not, and then there is no need to parse the packet. */
bool source_may_collide(const struct device *d);

/* Translates the source of such a packet to an address of d, and updates the view. The
 * view must have been made by ip_view_parse, and not from a later fragment. Returns false
 * if the packet has to be dropped. */
MUST_CHECK bool source_fix_out(struct device *d, struct packet *p, struct ip_view *view,
                               uint64_t now_ns);

/* Is this packet, which has come in through d, for the address of another device? */
bool source_is_asked_elsewhere(const struct device *d, const struct ip_addr *dst);

/* A packet has come in through d. If it is an answer to a translated packet, its
 * destination becomes the address that the host has used. If it begins a connection to the
 * address of another device, the answers will keep this address. */
void source_fix_in(struct device *d, struct packet *p, struct ip_view *view,
                   uint64_t now_ns);

#endif
