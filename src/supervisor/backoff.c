/* src/supervisor/backoff.c */
#include "supervisor/backoff.h"

static uint64_t pause_ns(unsigned in_a_row)
{
	uint64_t ns = BACKOFF_FIRST_NS;

	if (in_a_row <= BACKOFF_AT_ONCE)
		return 0;
	for (unsigned i = BACKOFF_AT_ONCE + 1; i < in_a_row && ns < BACKOFF_MAX_NS; i++)
		ns *= 2;
	return ns < BACKOFF_MAX_NS ? ns : BACKOFF_MAX_NS;
}

uint64_t backoff_ended(struct backoff *b, uint64_t now_ns)
{
	if (now_ns >= b->start_ns && now_ns - b->start_ns >= BACKOFF_FORGET_NS)
		b->in_a_row = 0;
	b->in_a_row++;
	b->start_ns = now_ns + pause_ns(b->in_a_row);
	return b->start_ns;
}
