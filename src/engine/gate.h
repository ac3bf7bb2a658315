/* src/engine/gate.h - a gate stands in for the tun: which of its clients is a packet for,
 * and which packets of a client must not go on? (design R15)
 *
 *   client -> its gate opens -> outbound.c, as if read from the tun -> a device seals
 *   a device opens -> translated back -> gate_deliver -> the client's gate seals
 *
 * With a tun, the host behind it is a router for the clients: it gets what is for itself,
 * for its own networks, and for what no file has. Such packets go out on the tun (R11).
 *
 * A gate is a device whose peers are clients: other programs or machines that have tunion
 * as their peer. Its allowed IPs are not in the union, it carries nobody, and nobody
 * carries it.
 *
 * Datagrams from a socket lie close together, and each has just enough room to be sealed
 * again in its place. A packet that needs more room, for a nested way or for an ICMP
 * error, is copied. */
#ifndef TUNION_ENGINE_GATE_H
#define TUNION_ENGINE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/iphdr.h"
#include "base/packet.h"
#include "engine/core.h"

/* Adds the device to the engine's gates, or takes it out. */
void gate_set(struct device *d, bool is_gate);

/* Returns the client that has this address, or NULL. */
struct peer *gate_client(const struct engine *e, const struct ip_addr *addr);

/* May the clients of this gate send to that client? */
MUST_CHECK bool gate_lets_reach(const struct device *gate, const struct peer *client);

/* Where the host itself would send a client's packets, and not into the tun: its own
 * networks. Replaces those that were set before. Returns 0, or -ENOMEM; then there are
 * none. */
MUST_CHECK int gate_set_host_prefixes(struct engine *e, const struct ip_prefix *prefixes,
                                      size_t n);
void gate_forget_host_prefixes(struct engine *e);

/* A client sends to this address, which no client has. `peer` is what the union says, or
 * NULL. Is the packet the host's business, as that of a router, because the host is
 * meant, or knows the way better than the union? Never without a tun. */
MUST_CHECK bool gate_is_for_host(const struct engine *e, const struct ip_addr *dst,
                                 const struct way_peer *peer);
/* Would a router pass on a packet to this address at all? */
MUST_CHECK bool gate_may_pass_on(const struct ip_addr *dst);

/* Has the packet, or its first fragment, been sent by one of our own devices to the
 * network, whatever source it has? Then the client's
 * VPN has caught it, because tunion is not excluded from it, and it would go round for
 * ever. It is counted, and a log line with a limited rate says what to do. */
MUST_CHECK bool gate_is_own_datagram(const struct device *gate, const struct packet *p,
                                     const struct ip_view *view, uint64_t now_ns);

/* Somebody at this place has tried to get in, with a key that is not the gate's
 * (DROP_BAD_MAC1) or not a client's (DROP_BAD_HANDSHAKE). A log line with a limited rate
 * says what to do, if it is a client. */
void gate_refused(const struct device *gate, const struct endpoint *from,
                  enum drop reason, uint64_t now_ns);

/* Is it an ICMP error of a client about a packet that wasn't sent to this client, as far
 * as it quotes one? It could end another client's connections. It is counted. */
MUST_CHECK bool gate_quotes_another(const struct device *gate, const struct packet *p,
                                    const struct ip_view *view);

/* Copies of packets that had not enough room. They live until the end of the batch. */
struct gate_copies {
	struct packet *packets[BATCH_MAX]; /* owned */
	size_t count;
};

/* Makes room in front of and behind the packet for all encapsulations of the peer's way,
 * or, if peer is NULL, as much as a packet from the tun has. Returns the packet or its
 * copy; NULL if there is no memory for a copy. */
MUST_CHECK struct packet *gate_make_room(struct engine *e, struct gate_copies *copies,
                                         struct packet *p, const struct peer *peer);
void gate_free_copies(struct engine *e, struct gate_copies *copies);

/* What gate_deliver leaves to its caller: ICMP errors about packets that are too big for a
 * client. Each is to be sent as if the client had sent it through its gate. */
struct gate_errors {
	struct packet *packets[BATCH_MAX];
	struct device *gates[BATCH_MAX];
	size_t count;
	struct gate_copies copies; /* the caller frees them */
};

/* Sends the packets that are for clients to them. Moves the other packets to the front of
 * the array, and returns how many they are. Sets *errors. The engine must be settled. */
MUST_CHECK size_t gate_deliver(struct engine *e, struct packet **packets, size_t n,
                               struct gate_errors *errors, uint64_t now_ns);

#endif
