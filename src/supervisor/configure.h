/* src/supervisor/configure.h - how does the worker learn of a device in the plan? */
#ifndef TUNION_SUPERVISOR_CONFIGURE_H
#define TUNION_SUPERVISOR_CONFIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "channel/outbuf.h"
#include "plan/plan.h"
#include "supervisor/tunnel.h"
#include "supervisor/worker_child.h"

/* Queues what makes the device in the worker, like `ip link add`: without keys and peers,
 * and not started. When this is done, wg(8) can find it. Returns 0 or -errno. */
MUST_CHECK int configure_device(struct worker_child *worker, const struct tunnel *d);
/* Queues the key and the peers of its file, like `wg addconf`: what PreUp hooks have set
 * stays if the file doesn't mention it. The endpoints are those of the plan, which follow
 * roaming. Returns 0 or -errno. */
MUST_CHECK int configure_addconf(struct worker_child *worker, const struct tunnel *d);
/* Queues the start of all devices of the plan, like `ip link set up`, but for those that
 * `running` has; NULL: there are none. A carrier is started before what it carries, because
 * a peer with PersistentKeepalive sends at once. Returns 0 or -errno. */
MUST_CHECK int configure_start(struct worker_child *worker, const struct plan *plan,
                               const struct plan *running);
/* Queues the descriptor of the device's own tun, which must have been told by
 * configure_settings; or, without a name, that of the shared tun. Does nothing if the fd is
 * -1. Returns 0 or -errno. */
MUST_CHECK int configure_tun(struct worker_child *worker, const char *device, int fd);
/* Queues what only tunion knows of an existing device: its MTU, addresses, carriers and
 * so on. Returns 0 or -errno. */
MUST_CHECK int configure_settings(struct worker_child *worker,
                                  const struct plan_device *d);
/* Queues one set=1 for a device. `lines` doesn't contain that line, nor the empty line at
 * the end; it stays the caller's. Returns 0 or -errno. */
MUST_CHECK int configure_wireguard(struct worker_child *worker, const char *name,
                                   const struct outbuf *lines);
/* Prints the endpoint of a peer that has none yet in the worker, or another one. */
void configure_print_endpoint(struct outbuf *o, const struct plan_peer *p);
/* Prints the lines of a peer as it is in its file. */
void configure_print_peer(struct outbuf *o, const struct plan_peer *p);
/* Queues the addresses to which the host sends its DNS queries, see host_resolver, the search
 * domains of the plan, and whether servers may be asked outside of the tunnels. */
MUST_CHECK int configure_resolver(struct worker_child *worker, const struct ip_addr *ipv4,
                                  const struct ip_addr *ipv6, const struct plan *plan,
                                  bool may_ask_outside);
/* Queues the networks that the host reaches without the tun; see own_networks.h. */
MUST_CHECK int configure_host_networks(struct worker_child *worker,
                                       const struct ip_prefix *networks, size_t n);
/* Queues the device's present sockets. Without fds, or while the worker may not have them
 * yet (only_protected), only its port and fwmark. Returns 0 or -errno. */
MUST_CHECK int configure_sockets(struct worker_child *worker, const struct tunnel *d,
                                 bool with_fds);
/* The same as the answer to a device that wanted another port or mark. */
MUST_CHECK int configure_answer(struct worker_child *worker, const struct tunnel *d,
                                bool with_fds);
/* The answer that it doesn't get them; `why` is -errno. */
MUST_CHECK int configure_refuse(struct worker_child *worker, const char *device, int why);
/* Queues only the peer's new endpoint, and that it has to be tried there. */
MUST_CHECK int configure_endpoint(struct worker_child *worker, const char *device,
                                  const uint8_t public_key[static KEY_BYTES],
                                  const struct endpoint *endpoint);

#endif
