/* src/proxy/dial.h - connects to a destination: looks up its name, and tries its addresses
 *
 * As RFC 8305 wants it: the families in turn, the next address as soon as one fails or has
 * not answered for a quarter of a second; the first that answers is taken. */
#ifndef TUNION_PROXY_DIAL_H
#define TUNION_PROXY_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/timerq.h"
#include "names/lookup.h"
#include "proxy/destination.h"
#include "proxy/stack.h"

#define DIAL_ADDRESSES_MAX 8

/* All borrowed. */
struct dial_env {
	struct timerq *timers;
	struct lookup *
		*lookup; /* where the present one is; *lookup NULL: names are unknown */
	struct stack *stack;
	/* For what `stack` has no way to, except addresses of this machine; NULL: nothing is. */
	struct stack *otherwise;
	uint64_t timeout_ns; /* of all together */
};

struct dial {
	const struct dial_env *env; /* borrowed */
	/* Called once; not by dial_start. stream is the caller's; NULL: err says why. The
	 * dial may be freed in there. */
	void (*done)(struct dial *d, int err, struct stream *stream, uint64_t now_ns);
	void *user; /* borrowed: of `done` */
	/* the rest is dial.c's */
	struct lookup_query query;
	struct timer next_timer, end_timer, now_timer;
	uint16_t port;
	struct endpoint list[DIAL_ADDRESSES_MAX];
	struct stream *tries[DIAL_ADDRESSES_MAX]; /* owned; NULL: failed or not begun */
	size_t n, begun;
	int err; /* the most telling one until now */
};

/* env and done must be set, all else zero. */
void dial_start(struct dial *d, const struct destination *to, uint64_t now_ns);
/* Gives up. May be called in every state, also after done. */
void dial_clear(struct dial *d);

/* Puts the addresses in the order in which they are tried: IPv6 and IPv4 in turn. Returns
 * how many there are, at most DIAL_ADDRESSES_MAX. */
size_t dial_order(struct endpoint out[static DIAL_ADDRESSES_MAX],
                  const struct endpoint *found, size_t n);

#endif
