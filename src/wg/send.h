/* src/wg/send.h - how does a message get out of a device? wg_peer_seal returns sealed
 * packets to its caller; what the device sends by itself goes to wg_callbacks.emit. */
#ifndef TUNION_WG_SEND_H
#define TUNION_WG_SEND_H

#include <stdint.h>

struct endpoint;
struct message_cookie_reply;
struct wg_device;
struct wg_peer;

/* Starts a new handshake for a new reason: attempts are counted from 0 again. Whoever
 * asks for it, at most one initiation is sent within REKEY_TIMEOUT, and none without
 * private key or endpoint. */
void send_initiation(struct wg_peer *p, uint64_t now_ns);
/* Sends another initiation because the last one was not answered. */
void send_initiation_again(struct wg_peer *p, uint64_t now_ns);
/* Answers the initiation that the peer's handshake has consumed, and begins the
 * session. */
void send_response(struct wg_peer *p, uint64_t now_ns);
/* Sends it to a stranger, by wg_callbacks.emit_to. */
void send_cookie_reply(struct wg_device *d, const struct endpoint *to,
                       const struct message_cookie_reply *reply, uint64_t now_ns);
/* Sends the staged packets if there are any, otherwise an empty one. Without a session it
 * starts a handshake first. */
void send_keepalive(struct wg_peer *p, uint64_t now_ns);
/* Sends the staged packets or, without a session, an initiation to get one. */
void send_staged(struct wg_peer *p, uint64_t now_ns);

#endif
