/* src/wg/send.h - how does a message get out of a device? wg_peer_seal, and what the
 * device sends of its own accord, which goes to wg_callbacks.emit. */
#ifndef TUNION_WG_SEND_H
#define TUNION_WG_SEND_H

#include <stdint.h>

struct wg_peer;

/* A new handshake, for a new reason: the attempts count from the start. At most one in
 * REKEY_TIMEOUT goes out, whoever asks; none without private key or endpoint. */
void send_initiation(struct wg_peer *p, uint64_t now_ns);
/* The same once more, because it was not answered. */
void send_initiation_again(struct wg_peer *p, uint64_t now_ns);
/* Answers the initiation that the peer's handshake has consumed, and begins the session.
 */
void send_response(struct wg_peer *p, uint64_t now_ns);
/* Staged packets if there are any, else an empty one; without a session, a handshake
 * first. */
void send_keepalive(struct wg_peer *p, uint64_t now_ns);
/* What is staged, or, without a session, an initiation for it. */
void send_staged(struct wg_peer *p, uint64_t now_ns);

#endif
