/* src/base/timerq.h - which timers are due? A queue by deadline, with time passed in.
 *
 * No clock, no tick: the loop asks for the earliest deadline, sleeps until then, and runs
 * what is due. A timer is embedded in what it belongs to; arming never allocates (pairing
 * heap, links inside the timer). */
#ifndef TUNION_BASE_TIMERQ_H
#define TUNION_BASE_TIMERQ_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t deadline_ns; /* CLOCK_BOOTTIME; NEVER_NS when not armed */
	/* Called by timerq_run, with the timer already disarmed; may arm and disarm any. */
	void (*fire)(struct timer *timer, uint64_t now_ns);
	/* the heap's; NULL when not armed */
	struct timer *child, *sibling, *previous;
};

struct timerq {
	struct timer *root; /* borrowed: the earliest */
	uint64_t ran_ns;    /* of the last run: nothing is due before it any more */
};

void timer_init(struct timer *t, void (*fire)(struct timer *timer, uint64_t now_ns));
bool timer_armed(const struct timer *t);

/* Moves it if it is armed already. */
void timerq_arm(struct timerq *q, struct timer *t, uint64_t deadline_ns);
/* Fine if it isn't armed. Must be called before the memory of an armed timer goes. */
void timerq_disarm(struct timerq *q, struct timer *t);
/* NEVER_NS when empty. */
uint64_t timerq_next_ns(const struct timerq *q);
/* Fires all with deadline <= now, earliest first; one that a firing arms for <= now waits
 * for the next run, so that a run ends. */
void timerq_run(struct timerq *q, uint64_t now_ns);

#endif
