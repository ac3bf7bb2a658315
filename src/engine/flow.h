/* src/engine/flow.h - whose address did a packet bear before it left through another
 * device?
 *
 * Design section 5. With one tun the host may choose device A's address for a packet that
 * goes out through B, and B's peer would drop it. So its source becomes B's own address
 * of that family, and the reply's destination A's again: a table of flows (protocol,
 * addresses, ports or ICMP id), bounded, with idle timeouts. ICMP errors are translated
 * with the packet they quote. Checksums are updated incrementally (RFC 1624). */
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

#define FLOWS_MAX 16384 /* the one idle for longest makes room */

/* Idle times after which a flow is forgotten: RFC 5382 REQ-5, RFC 4787 REQ-5, RFC 5508
 * REQ-1. */
#define FLOW_TCP_ESTABLISHED_NS (7440 * NS_PER_SEC)
#define FLOW_TCP_TRANSITORY_NS  (240 * NS_PER_SEC)
#define FLOW_UDP_NS             (300 * NS_PER_SEC)
#define FLOW_OTHER_NS           (60 * NS_PER_SEC)

struct flows;

/* Memory is mapped for FLOWS_MAX and costs only what is used. NULL if out of memory. */
struct flows *flows_new(const struct rng *rng);
/* NULL is fine. */
void flows_free(struct flows *f);

/* A packet whose source is another device's address leaves through `device` (an id that
 * stays the device's own): its source becomes `own`, the same family, its port one that
 * is free. The view is brought up to date. False: it can't be translated and must not
 * leave; nor can a later fragment, which bears no port (see pieces.h). */
MUST_CHECK bool flow_out(struct flows *f, uint32_t device, const struct ip_addr *own,
                         struct packet *p, struct ip_view *view, uint64_t now_ns);

/* A packet has come in through `device`: if it answers a flow, its destination is put
 * back. Else it is left as it is. */
void flow_in(struct flows *f, uint32_t device, struct packet *p, struct ip_view *view,
             uint64_t now_ns);

/* The device is gone, or its address. */
void flows_forget_device(struct flows *f, uint32_t device);

/* How many are remembered, those past their time included. */
size_t flows_count(const struct flows *f);

#endif
