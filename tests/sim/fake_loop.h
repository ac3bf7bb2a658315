/* tests/sim/fake_loop.h - a loop whose clock only goes on when nothing is left to do
 *
 * Linked in the place of io/loop_clock.c: descriptors are real, time is not. */
#ifndef TUNION_SIM_FAKE_LOOP_H
#define TUNION_SIM_FAKE_LOOP_H

#include <stdint.h>

struct fake_loop {
	uint64_t now_ns;
	/* Nothing is ready and deadline_ns is still to come: lets time pass, or does something
	 * that makes a descriptor ready. */
	void (*idle)(void *context, uint64_t deadline_ns);
	void *context;  /* borrowed */
	uint64_t waits; /* how often a loop has waited */
};

extern struct fake_loop fake_loop;

#endif
