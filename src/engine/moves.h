/* src/engine/moves.h - which peers have moved since env.endpoint_changed told of it?
 *
 * A peer can change its endpoint with every packet, and the one who is told has much work
 * with each. So a move is told at the next run of the timers, once for each peer and with
 * its latest endpoint, and then others are held back for a moment. */
#ifndef TUNION_ENGINE_MOVES_H
#define TUNION_ENGINE_MOVES_H

#include "base/attr.h"

#define MOVES_PAUSE_NS (100 * NS_PER_MS)

struct engine;
struct peer;

void moves_init(struct engine *e);
/* To be called when a new endpoint of the peer was learned. */
void moves_note(struct peer *peer);
/* Call it before the peer is freed. */
void moves_forget(struct peer *peer);

#endif
