/* src/wg/replay.h - which transport counters has a keypair received? */
#ifndef TUNION_WG_REPLAY_H
#define TUNION_WG_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_BITS   UINT64_C(8192)
#define REPLAY_WINDOW (REPLAY_BITS - 64) /* how far behind is still accepted */

/* Embedded in a keypair, lives as long as it; all zeroes is the start state. */
struct replay {
	uint64_t highest;                /* greatest counter accepted */
	uint64_t seen[REPLAY_BITS / 64]; /* ring of bits, by counter */
};

/* True exactly once per counter; false for a repeat or one behind the window.
 * Only after the packet has authenticated, or a forger moves the window.
 * The limit REJECT_AFTER_MESSAGES is the keypair's business. Engine thread. */
bool replay_accept(struct replay *r, uint64_t counter);

#endif
