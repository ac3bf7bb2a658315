/* src/worker/worker_relay.h - pairs of connected TCP sockets: what one end says, the other hears
 *
 * For DNS servers outside of the tunnels (engine/outside_meeting.h). When one end has said all,
 * the other is hung up on as soon as it has heard it: DNS needs no half-open connections.
 * Worker process and thread. */
#ifndef TUNION_WORKER_WORKER_RELAY_H
#define TUNION_WORKER_WORKER_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "io/loop.h"

/* Pairs at once, and how long one may be silent; it is hung up on when another one comes. */
#define WORKER_RELAYS_MAX      32
#define WORKER_RELAY_SILENT_NS (120 * NS_PER_SEC)

struct worker_relay;

/* Zeroed but for the loop: there are none. */
struct worker_relays {
	struct loop *loop;          /* borrowed */
	struct worker_relay *first; /* owned list */
	size_t count;
};

/* Takes both non-blocking sockets over, even if this fails; they may still be connecting.
 * Returns 0 or -errno. */
MUST_CHECK int worker_relay_begin(struct worker_relays *all, const int fds[static 2],
                                  uint64_t now_ns);
void worker_relay_clear(struct worker_relays *all);

#endif
