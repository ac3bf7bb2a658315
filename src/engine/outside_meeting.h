/* src/engine/outside_meeting.h - how does a client's TCP connection get to a DNS server that no
 * tunnel leads to?
 *
 * The engine has no TCP, and need not have it: the host's own TCP is at both ends. The client
 * has sent a SYN to the virtual resolver. The supervisor is asked for two sockets: one connects
 * to the server, outside of the tunnels, and the other, the relay's, to the virtual resolver at
 * a port where the two meet. So its SYN comes by the tun, too. Each of the two gets the SYN of
 * the other one with an ACK added; after this, only addresses and ports are exchanged, since
 * both count from the sequence numbers that these SYNs had. Both connections were made from
 * inside the host, so no firewall of the host has to let anything in.
 *
 *   client -> virtual:53 |engine| virtual:PORT <- relay -- (worker) -- socket -> server:53 */
#ifndef TUNION_ENGINE_OUTSIDE_MEETING_H
#define TUNION_ENGINE_OUTSIDE_MEETING_H

#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/iphdr.h"
#include "base/packet.h"

struct engine;

/* Connections at once; how long a relay is waited for; how long one may be silent. */
#define MEETINGS_MAX      32
#define MEETING_WAIT_NS   (10 * NS_PER_SEC)
#define MEETING_SILENT_NS (120 * NS_PER_SEC)

struct meetings;

struct meetings *meetings_new(void);
/* Before the engine's packet pool is freed. NULL is fine. */
void meetings_free(struct engine *e, struct meetings *m);

enum meeting_result {
	MEETING_NONE, /* there is none that it belongs to, and none can be begun */
	MEETING_KEPT, /* it waits, or was answered: nothing is left to be done */
	MEETING_PASS, /* its addresses are exchanged: it has to go to the host */
};

/* A TCP packet from a client, to the virtual resolver. Of a new connection, the environment's
 * connect_outside is called with the server. */
MUST_CHECK enum meeting_result meeting_from_client(struct engine *e, struct packet *p,
                                                   const struct ip_view *view,
                                                   const struct ip_addr *server,
                                                   uint64_t now_ns);
/* A TCP packet to the virtual resolver at another port than DNS's. */
MUST_CHECK enum meeting_result meeting_from_relay(struct engine *e, struct packet *p,
                                                  const struct ip_view *view,
                                                  uint64_t now_ns);
/* The relay's socket has this address; the port is where it meets. Nobody else's SYN counts. */
void meeting_relay_is(struct engine *e, uint16_t port, const struct endpoint *relay);
/* There is no relay: the client is told that the server is unreachable. */
void meeting_cancel(struct engine *e, uint16_t port);

#endif
