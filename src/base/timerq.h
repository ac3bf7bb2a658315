/* src/base/timerq.h - which timers are due? A queue by deadline. Time is passed in.
 *
 * There is no clock and no tick in here: the loop asks for the earliest deadline,
 * sleeps until then, and runs what is due. A timer is embedded in the struct it belongs
 * to. Arming it never allocates memory, because the links of the pairing heap are
 * inside the timer. */
#ifndef TUNION_BASE_TIMERQ_H
#define TUNION_BASE_TIMERQ_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t deadline_ns; /* CLOCK_BOOTTIME; NEVER_NS when not armed */
	/* Called by timerq_run when the timer is already disarmed. It may arm and disarm
	 * any timer. */
	void (*fire)(struct timer *timer, uint64_t now_ns);
	/* links of the heap; NULL when not armed */
	struct timer *child, *sibling, *previous;
};

struct timerq {
	struct timer *root; /* borrowed: the timer with the earliest deadline */
	uint64_t ran_ns;    /* time of the last run; all deadlines are later */
};

void timer_init(struct timer *t, void (*fire)(struct timer *timer, uint64_t now_ns));
bool timer_armed(const struct timer *t);

/* A timer that is armed already gets the new deadline. A deadline that is not after the
 * last run is set to just after it. */
void timerq_arm(struct timerq *q, struct timer *t, uint64_t deadline_ns);
/* May be called for a timer that isn't armed. Must be called before the memory of an
 * armed timer is freed. */
void timerq_disarm(struct timerq *q, struct timer *t);
/* The earliest deadline; NEVER_NS when no timer is armed. */
uint64_t timerq_next_ns(const struct timerq *q);
/* Fires all timers whose deadline is not after now, the earliest first. A timer
 * that is armed meanwhile for a time not after now waits for the next run, so that
 * every run ends. */
void timerq_run(struct timerq *q, uint64_t now_ns);

#endif
