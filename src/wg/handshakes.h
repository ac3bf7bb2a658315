/* src/wg/handshakes.h - what becomes of a handshake message that has come in? It is put
 * aside until wg_answer_handshakes answers it (device.h). */
#ifndef TUNION_WG_HANDSHAKES_H
#define TUNION_WG_HANDSHAKES_H

#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "wg/message.h"

struct packet;
struct wg_device;

/* Checks mac1 and puts the message aside. A cookie reply is consumed at once, because this
 * takes little time. `type` must be that of the packet, and not MESSAGE_DATA or
 * MESSAGE_NONE. Returns why the message was dropped, or DROP_NONE. */
MUST_CHECK enum drop handshakes_receive(struct wg_device *d, enum message_type type,
                                        const struct packet *packet, uint64_t now_ns);

#endif
