/* src/wg/timers.h - when must a peer act although no packet came? (6.1 to 6.5) */
#ifndef TUNION_WG_TIMERS_H
#define TUNION_WG_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg_peer;

void timers_init(struct wg_peer *p);
/* Turns all timers off. Must also be called before the peer is freed. */
void timers_stop(struct wg_peer *p);

/* These are the events that the timers are told. "Any" includes handshake messages and
 * keepalives. All these packets are authentic. */
void timers_data_sent(struct wg_peer *p, uint64_t now_ns);
/* n packets arrived together; n > 0. */
void timers_data_received(struct wg_peer *p, size_t n, uint64_t now_ns);
void timers_any_sent(struct wg_peer *p);
void timers_any_received(struct wg_peer *p);
/* For packets sent and for packets received. */
void timers_any_traversal(struct wg_peer *p, uint64_t now_ns);
/* Will the timers send another initiation? */
bool timers_handshake_pending(const struct wg_peer *p);
/* If the timers will send another initiation, this is done as soon as it is permitted,
 * without the jitter. */
void timers_hasten_handshake(struct wg_peer *p);
void timers_handshake_initiated(struct wg_peer *p, uint64_t now_ns);
/* A handshake is confirmed, in either role. */
void timers_handshake_done(struct wg_peer *p);
void timers_session_begun(struct wg_peer *p, uint64_t now_ns);
/* Something has come for which the peer's packets wait, an endpoint or a key. At the next
 * run of the timer queue, the staged packets or a persistent keepalive are sent, or
 * a handshake is begun for them. */
void timers_waiting_soon(struct wg_peer *p);

#endif
