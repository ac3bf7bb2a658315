/* src/supervisor/configure.h - how does the engine get to know a device of the plan? */
#ifndef TUNION_SUPERVISOR_CONFIGURE_H
#define TUNION_SUPERVISOR_CONFIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "channel/outbuf.h"
#include "plan/plan.h"
#include "supervisor/tunnel.h"
#include "supervisor/worker_child.h"

/* Queues what makes the device in the engine, as `ip link add`: without keys and peers, and
 * not started. From when it's done wg(8) finds it. 0 or -errno. */
MUST_CHECK int configure_device(struct worker_child *engine, const struct tunnel *d);
/* Queues key and peers of its file, as `wg addconf`: what PreUp hooks have set and the
 * file says nothing of stays. Endpoints are those of the plan, which follow roaming. 0 or
 * -errno. */
MUST_CHECK int configure_addconf(struct worker_child *engine, const struct tunnel *d);
/* What is tunion's of a device that is there: its MTU, addresses, carriers and so on. 0
 * or -errno. */
MUST_CHECK int configure_settings(struct worker_child *engine,
                                  const struct plan_device *d);
/* One set=1 for a device, `lines` without that line and the empty one that ends it. The
 * lines are left. 0 or -errno. */
MUST_CHECK int configure_wireguard(struct worker_child *engine, const char *name,
                                   const struct outbuf *lines);
/* Lines of a peer, as it is in its file. */
void configure_print_peer(struct outbuf *o, const struct plan_peer *p);
/* Where the host sends its DNS queries, see host_resolver. */
MUST_CHECK int configure_resolver(struct worker_child *engine, const struct ip_addr *ipv4,
                                  const struct ip_addr *ipv6);
/* Its sockets as they are now; without fds only port and fwmark, or that it failed. */
MUST_CHECK int configure_sockets(struct worker_child *engine, const struct tunnel *d,
                                 bool with_fds, int result);
/* Only where a peer is from now on, and that it is to be tried there. */
MUST_CHECK int configure_endpoint(struct worker_child *engine, const char *device,
                                  const uint8_t public_key[static KEY_BYTES],
                                  const struct endpoint *endpoint);

#endif
