/* src/wg/replay.h - which transport counters has a keypair received? */
#ifndef TUNION_WG_REPLAY_H
#define TUNION_WG_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_BITS   UINT64_C(8192)
#define REPLAY_WINDOW (REPLAY_BITS - 64) /* a counter so far behind is still accepted */

/* Embedded in a keypair and lives as long as it. A zeroed struct is the start state. */
struct replay {
	uint64_t highest;                /* the greatest counter that was accepted */
	uint64_t seen[REPLAY_BITS / 64]; /* a ring of bits, indexed by counter */
};

/* True exactly once for each counter; false for a repeat, or for a counter that is behind
 * the window. Only to be called after the packet has authenticated, because otherwise a
 * forger could move the window. The limit REJECT_AFTER_MESSAGES is checked by
 * wg/keypair. */
bool replay_accept(struct replay *r, uint64_t counter);

#endif
