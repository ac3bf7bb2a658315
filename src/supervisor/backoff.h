/* src/supervisor/backoff.h - when is a process that has ended started once more?
 *
 * At once, the first few times. If it ends again and again, there is a pause before each
 * further start, which becomes longer, but never ends the trying. Both are forgotten when a
 * process has lived for some time. */
#ifndef TUNION_SUPERVISOR_BACKOFF_H
#define TUNION_SUPERVISOR_BACKOFF_H

#include <stdint.h>

#include "base/attr.h"

#define BACKOFF_AT_ONCE  5U /* deaths in a row that need no pause */
#define BACKOFF_FIRST_NS NS_PER_SEC
#define BACKOFF_MAX_NS   (60 * NS_PER_SEC)
/* A process that lives for so long begins anew. */
#define BACKOFF_FORGET_NS (60 * NS_PER_SEC)

/* Zeroed: nothing has ended. */
struct backoff {
	unsigned in_a_row;
	uint64_t start_ns; /* when the latest one was, or will be, started */
};

/* The process has ended. Returns when the next one is to be started, which may be now. */
uint64_t backoff_ended(struct backoff *b, uint64_t now_ns);

#endif
