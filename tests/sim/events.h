/* tests/sim/events.h - what happens when in a simulated world: a queue ordered by time
 * and, for equal times, by the order in which the events were made */
#ifndef TUNION_SIM_EVENTS_H
#define TUNION_SIM_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAIL_MAX 24

/* The servers through which a packet came: see world.h. */
struct trail {
	uint8_t node[TRAIL_MAX];
	size_t n;
};

/* Is t the end of the whole one? */
bool trail_is_suffix(const struct trail *t, const struct trail *whole);

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
	struct event **heap; /* owned, and so are the events in it */
	size_t count, room;
	uint64_t made;
};

void events_clear(struct events *q);
/* Trail and bytes are copied. */
void events_add(struct events *q, uint64_t at_ns, enum event_kind kind, struct node *node,
                const struct trail *trail, const uint8_t *bytes, size_t n);
/* NULL if there is no event. */
const struct event *events_first(const struct events *q);
/* The caller frees it. There must be an event. */
struct event *events_take(struct events *q);

#endif
