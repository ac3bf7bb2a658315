/* tests/sim/events.h - what happens when in a simulated world: a queue by time, and by
 * the order of making where times are equal */
#ifndef TUNION_SIM_EVENTS_H
#define TUNION_SIM_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#define TRAIL_MAX 24

/* The servers a packet came through: see world.h. */
struct trail {
	uint8_t node[TRAIL_MAX];
	size_t n;
};

struct node;

enum event_kind {
	EVENT_PACKET, /* a raw packet arrives at the node */
	EVENT_TUN,    /* a raw packet goes into the node's tun */
};

struct event {
	uint64_t at_ns, order;
	enum event_kind kind;
	struct node *node;
	struct trail trail;
	size_t n;
	uint8_t bytes[];
};

struct events {
	struct event **heap; /* owned, and what is in it */
	size_t count, room;
	uint64_t made;
};

void events_clear(struct events *q);
/* Copies trail and bytes. */
void events_add(struct events *q, uint64_t at_ns, enum event_kind kind, struct node *node,
                const struct trail *trail, const uint8_t *bytes, size_t n);
/* NULL: none. */
const struct event *events_first(const struct events *q);
/* To be freed by the caller; there must be one. */
struct event *events_take(struct events *q);

#endif
