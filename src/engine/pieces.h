/* src/engine/pieces.h - how was the first fragment of this packet translated?
 *
 * Design section 5: only the first fragment bears the ports or the ICMP id by which the
 * source fix (flow.h) and the virtual resolver (resolver.h) know a packet. So what they
 * did to its addresses is kept here, and later fragments get the same. A later one that
 * overtakes the first is held until that has come. Bounded in packets, fragments, bytes
 * and time. */
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
#define PIECES_PACKETS    1024 /* remembered at once; an old one makes room */
#define PIECES_HELD       256  /* fragments held at once */
#define PIECES_HELD_BYTES (512U << 10)

/* Instead of a device's id: the fragment comes from the host. */
#define PIECES_HOST 0U

struct pieces;

struct pieces_env {
	struct timerq *timers;    /* borrowed */
	struct packet_pool *pool; /* borrowed */
	const struct rng *rng;    /* borrowed */
	/* Later fragments whose first one has not come, or that can't be held. */
	void (*dropped)(void *context, uint32_t device, size_t n);
	void *context; /* borrowed */
};

/* NULL if out of memory. */
struct pieces *pieces_new(const struct pieces_env *env);
/* NULL is fine. */
void pieces_free(struct pieces *f);

/* A first fragment has come in through `device`, or from the host. src and dst are what
 * it came with, the view says what they have become (perhaps the same). Fragments that
 * were held for it are translated, and ready. */
void pieces_first(struct pieces *f, uint32_t device, const struct ip_addr *src,
                  const struct ip_addr *dst, const struct ip_view *view, uint64_t now_ns);

/* A later fragment, likewise; the view is of ip_view_parse. True: it is translated like
 * its first one, go on with the changed view. False: it was taken, held or dropped. */
MUST_CHECK bool pieces_later(struct pieces *f, uint32_t device, struct packet *p,
                             struct ip_view *view, uint64_t now_ns);

/* Takes out fragments that are ready, at most max, in the order they came. They are the
 * caller's then, who gives them back with packet_pool_put. To be called until it returns
 * 0, after each batch in which pieces_first may have been called. */
MUST_CHECK size_t pieces_ready(struct pieces *f, struct packet **out, size_t max);

#endif
