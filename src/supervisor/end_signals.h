/* src/supervisor/end_signals.h - the signals that end an instance: SIGTERM, SIGINT, SIGHUP
 *
 * They are blocked, and read from a descriptor, so that they end it between two steps. */
#ifndef TUNION_SUPERVISOR_END_SIGNALS_H
#define TUNION_SUPERVISOR_END_SIGNALS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/ending.h"
#include "io/loop.h"

/* Embedded. */
struct end_signals {
	struct loop_source source; /* fd owned; -1: they aren't blocked yet */
	struct ending *ending;     /* borrowed: is told of each that comes by the loop */
};

/* Returns 0 or -errno. */
MUST_CHECK int end_signals_block(struct end_signals *s);
/* Has one come? Then it is taken. */
bool end_signals_take(struct end_signals *s);
/* Returns 0 or -errno. */
MUST_CHECK int end_signals_start(struct end_signals *s, struct loop *loop);
/* They stay blocked. */
void end_signals_close(struct end_signals *s);

#endif
