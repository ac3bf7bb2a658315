/* src/wg/replay.c - RFC 6479: the ring has one word more than the window. So moving the
 * window on clears whole words and never shifts bits. */
#include "wg/replay.h"

#define WORDS (REPLAY_BITS / 64)
_Static_assert(REPLAY_BITS % 64 == 0, "the ring is made of whole words");

static void advance(struct replay *r, uint64_t counter)
{
	uint64_t word = r->highest / 64;
	uint64_t steps = counter / 64 - word;

	if (steps > WORDS) /* a jump over the whole ring clears every word once */
		steps = WORDS;
	while (steps-- > 0)
		r->seen[++word % WORDS] = 0;
	r->highest = counter;
}

bool replay_accept(struct replay *r, uint64_t counter)
{
	uint64_t *word = &r->seen[counter / 64 % WORDS];
	uint64_t bit = UINT64_C(1) << counter % 64;

	if (counter > r->highest)
		advance(r, counter);
	else if (r->highest - counter > REPLAY_WINDOW)
		return false;
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}
