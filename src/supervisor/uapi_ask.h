/* src/supervisor/uapi_ask.h - what does a device say of itself?
 *
 * The worker may have been taken over, so that the answer may be anything, and may not come to
 * its end. Supervisor process. */
#ifndef TUNION_SUPERVISOR_UAPI_ASK_H
#define TUNION_SUPERVISOR_UAPI_ASK_H

#include <stdint.h>

#include "base/attr.h"
#include "channel/outbuf.h"

struct uapi_patience {
	int64_t end_ms; /* of clock_now_ms (base/clock.h) */
	int interrupt_fd; /* borrowed; -1: none. When it is readable, nothing is waited for */
};

/* Asks for get=1 at its socket. Adds the answer, up to the empty line that ends it, and a NUL.
 * Returns 0 or -errno. */
MUST_CHECK int uapi_ask(const char *path, const struct uapi_patience *patience,
                        struct outbuf *answer);

#endif
