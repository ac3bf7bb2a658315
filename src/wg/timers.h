/* src/wg/timers.h - when has a peer something to do, though no packet came? (6.1 to 6.5)
 */
#ifndef TUNION_WG_TIMERS_H
#define TUNION_WG_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg_peer;

void timers_init(struct wg_peer *p);
/* All off. Also before the peer's memory goes. */
void timers_stop(struct wg_peer *p);

/* What timers are told. "Any" counts handshake messages and keepalives too; all packets
 * of these are authentic. */
void timers_data_sent(struct wg_peer *p, uint64_t now_ns);
/* n > 0 packets, together. */
void timers_data_received(struct wg_peer *p, size_t n, uint64_t now_ns);
void timers_any_sent(struct wg_peer *p);
void timers_any_received(struct wg_peer *p);
void timers_any_traversal(struct wg_peer *p, uint64_t now_ns); /* sent or received */
/* Will an initiation be sent again by itself? */
bool timers_handshake_pending(const struct wg_peer *p);
void timers_handshake_initiated(struct wg_peer *p, uint64_t now_ns);
void timers_handshake_done(struct wg_peer *p); /* confirmed, in either role */
void timers_session_begun(struct wg_peer *p, uint64_t now_ns);
/* A keepalive is due at the next run of the timer queue: what it waited for is there. */
void timers_keepalive_soon(struct wg_peer *p);

#endif
