/* src/supervisor/restarts.c */
#include "supervisor/restarts.h"

#define PERIOD_NS (60 * NS_PER_SEC)

bool restarts_allow(struct restarts *r, uint64_t now_ns)
{
	uint64_t *oldest_ns = &r->at_ns[r->count % RESTARTS_MAX];

	if (r->count >= RESTARTS_MAX && now_ns - *oldest_ns < PERIOD_NS)
		return false;
	*oldest_ns = now_ns;
	r->count++;
	return true;
}
