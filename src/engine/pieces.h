/* src/engine/pieces.h - how was the first fragment of this packet translated?
 *
 * Design section 5. Only the first fragment contains the ports or the ICMP id by which
 * the source fix (flow.h) and the virtual resolver (resolver.h) recognise a packet. So
 * this module remembers what became of its addresses and its id, and gives the later
 * fragments the same ones. A later fragment that comes before the first one is held until the first one
 * has come. The number of packets, fragments and bytes, and the time, are bounded. */
#ifndef TUNION_ENGINE_PIECES_H
#define TUNION_ENGINE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/iphdr.h"
#include "base/packet.h"
#include "base/rng.h"
#include "base/timerq.h"

#define PIECES_NS         (2 * NS_PER_SEC)
#define PIECES_PACKETS    1024 /* remembered at once; if there are more, old ones go */
#define PIECES_HELD       512  /* fragments held at once */
#define PIECES_HELD_BYTES (512U << 10)
/* Sources with one last byte have at most half of both, so that none takes all. */

/* Used instead of a device's id for a fragment that comes from the host. */
#define PIECES_HOST 0U

struct pieces;

struct pieces_env {
	struct timerq *timers;    /* borrowed */
	struct packet_pool *pool; /* borrowed */
	const struct rng *rng;    /* borrowed */
	/* Called for later fragments whose first one hasn't come, or that can't be
	 * held. */
	void (*dropped)(void *context, uint32_t device, size_t n);
	void *context; /* borrowed */
};

/* Returns NULL if out of memory. */
struct pieces *pieces_new(const struct pieces_env *env);
/* NULL is fine. */
void pieces_free(struct pieces *f);

/* What a packet had when it came in. */
struct pieces_came {
	struct ip_addr src, dst;
	uint32_t id; /* of its fragments */
};

/* A first fragment has come in through `device`, or from the host. The view contains what
 * its addresses and its id have become, which may be the same. Fragments that were held
 * for it are translated, and pieces_ready returns them. */
void pieces_first(struct pieces *f, uint32_t device, const struct pieces_came *came,
                  const struct ip_view *view, uint64_t now_ns);

/* A later fragment has come in the same way; its view was made by ip_view_parse. True: it
 * was translated like its first fragment, and the view was changed; go on with both.
 * False: this module has taken it, and holds or has dropped it. */
MUST_CHECK bool pieces_later(struct pieces *f, uint32_t device, struct packet *p,
                             struct ip_view *view, uint64_t now_ns);

/* Takes out at most max fragments that are ready, in the order they came. From then on
 * they belong to the caller, who gives them back with packet_pool_put. Call it until it
 * returns 0, after each batch in which pieces_first may have been called. */
MUST_CHECK size_t pieces_ready(struct pieces *f, struct packet **out, size_t max);

#endif
