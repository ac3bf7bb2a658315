/* src/proxy/lwip_sender.h - how much may a connection of lwIP have on the way, and what is sent again?
 *
 * lwIP itself ignores selective acknowledgements: it sends one segment again for each round
 * trip, then waits for its timer; and its congestion window grows by two segments for each
 * acknowledgement, however much that one acknowledges. A connection with a sender has the
 * loss recovery of RFC 6675 instead, and the window of RFC 9438 (CUBIC). Only if the peer
 * doesn't want selective acknowledgements, lwIP goes on by itself. */
#ifndef TUNION_PROXY_LWIP_SENDER_H
#define TUNION_PROXY_LWIP_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct tcp_pcb;

/* Gives the connection a sender, which lives as long as it. Returns 0 or -ENOMEM. */
MUST_CHECK int lwip_sender_add(struct tcp_pcb *pcb);

/* To be called when it is established, before anything is written: who offers a tiny window
 * or tiny segments still gets segments that lwIP can make. */
void lwip_sender_begin(struct tcp_pcb *pcb);

/* Sends what may be sent now; instead of tcp_output. */
void lwip_sender_output(struct tcp_pcb *pcb);
/* How many bytes may be on the way: instead of its cwnd, which is 0 at times. */
uint32_t lwip_sender_window(const struct tcp_pcb *pcb);

/* To be called before new data or FIN is given to lwIP: what was to be sent again and couldn't
 * be sent yet waits again to be acknowledged, until the next acknowledgement. */
void lwip_sender_put_back(struct tcp_pcb *pcb);
/* The same before tcp_close. What lwIP still waits for has its time from now on; and a small window
 * would look to lwIP like a connection that nobody has read. */
void lwip_sender_leave(struct tcp_pcb *pcb);
/* To be called before each tcp_tmr: no connection has a state then that its timers abort at. */
void lwip_sender_before_tick(void);

/* The path takes no larger packets than this: what waits to be acknowledged is sent again
 * in pieces that fit. Sends nothing yet. */
void lwip_sender_fit(struct tcp_pcb *pcb, uint32_t mtu_bytes);
/* May new data be given to lwIP now? Not if there was no memory for such pieces: the last one
 * of what is to be sent is still too large. */
MUST_CHECK bool lwip_sender_can_add(struct tcp_pcb *pcb);

#endif
