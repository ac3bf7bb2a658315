/* src/engine/flow.h - which source address did a packet have before it was translated?
 *
 * Design section 5. With one tun the host may choose device A's address for a packet that
 * leaves through B, and B's peer would drop it. So its source becomes B's own address of
 * that family, and the destination of the reply becomes A's address again. This is done
 * with a table of flows (protocol, addresses, ports or ICMP id), which is bounded and
 * forgets idle flows. A connection that began outside, at A's address and through B, is a
 * flow too, whose answers keep that address. ICMP errors are translated together with the
 * packet they quote. Checksums are updated incrementally (RFC 1624). */
#ifndef TUNION_ENGINE_FLOW_H
#define TUNION_ENGINE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/iphdr.h"
#include "base/packet.h"
#include "base/rng.h"

/* If more are needed, a flow is forgotten: of the source with the most flows, the one
 * that is idle for longest. */
#define FLOWS_MAX 65536
/* So many of them may have begun outside; then the idlest of these is forgotten. */
#define FLOWS_OUTSIDE_MAX 16384

/* A flow is forgotten after being idle for this time: RFC 5382 REQ-5, RFC 4787 REQ-5, RFC
 * 5508 REQ-1. */
#define FLOW_TCP_ESTABLISHED_NS (7440 * NS_PER_SEC)
#define FLOW_TCP_TRANSITORY_NS  (240 * NS_PER_SEC)
#define FLOW_UDP_NS             (300 * NS_PER_SEC)
#define FLOW_OTHER_NS           (60 * NS_PER_SEC)

struct flows;

/* Maps memory for FLOWS_MAX flows, but only the used part of it costs something. Returns
 * NULL if out of memory. */
struct flows *flows_new(const struct rng *rng);
/* NULL is fine. */
void flows_free(struct flows *f);

/* A packet whose source is another device's address leaves through `device` (an id that
 * no other device gets). Its source becomes `own`, which is of the same family, and its
 * port becomes one that is free; but the packet stays as it is if its flow began outside.
 * The view is updated. Returns false if the packet can't be translated; then it must not
 * leave. This includes later fragments, which have no port (see pieces.h). */
MUST_CHECK bool flow_out(struct flows *f, uint32_t device, const struct ip_addr *own,
                         struct packet *p, struct ip_view *view, uint64_t now_ns);

/* A packet whose source is the device's own address, which needs no translation, leaves
 * through `device`. Does its port belong to a flow that was translated, or was it given
 * another port before for this reason? Then it has to go through flow_out. False for later
 * fragments. */
MUST_CHECK bool flow_collides(struct flows *f, uint32_t device, const struct packet *p,
                              const struct ip_view *view, uint64_t now_ns);

/* A packet has come in through `device`. If it belongs to a known flow, it gets the
 * destination that the host expects; the result is true then. Other packets are not
 * changed. */
bool flow_in(struct flows *f, uint32_t device, struct packet *p, struct ip_view *view,
             uint64_t now_ns);

/* A packet has come in through `device` for an address of another device, and belongs to
 * no known flow: its answers must keep this address. */
void flow_begun_outside(struct flows *f, uint32_t device, const struct packet *p,
                        const struct ip_view *view, uint64_t now_ns);

/* Forgets the flows of a device that was removed or has lost its address. */
void flows_forget_device(struct flows *f, uint32_t device);

/* How many flows are remembered, including expired ones. */
size_t flows_count(const struct flows *f);
/* Could there be a flow of this device? Costs next to nothing. */
bool flows_may_have(const struct flows *f, uint32_t device);

#endif
