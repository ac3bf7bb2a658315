/* src/io/loop_clock.h - what time is it, and how does a loop wait?
 *
 * The timer runs on CLOCK_BOOTTIME, so that the time in suspend counts. This is apart from
 * loop.c, so that the simulated time of the tests can take its place. */
#ifndef TUNION_IO_LOOP_CLOCK_H
#define TUNION_IO_LOOP_CLOCK_H

#include <stdint.h>

#include "base/attr.h"

struct epoll_event;

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t loop_now_ns(void);
/* CLOCK_REALTIME in nanoseconds since 1970. */
uint64_t loop_wall_clock_ns(void);

/* The rest is for loop.c only. */
struct loop_clock {
	int timer_fd;      /* owned; -1: there is none */
	uint64_t armed_ns; /* deadline to which it is set; NEVER_NS if it is off */
};

/* Returns 0 or -errno. Close it in both cases. */
MUST_CHECK int loop_clock_open(struct loop_clock *clock);
void loop_clock_close(struct loop_clock *clock);
/* To be called when timer_fd is readable. */
void loop_clock_expired(struct loop_clock *clock);
/* Waits until a descriptor of epoll_fd is ready. At deadline_ns at the latest, timer_fd is;
 * the caller has added it to epoll_fd. Returns how many events there are, at most max; 0
 * after a signal; or -errno. */
MUST_CHECK int loop_clock_wait(struct loop_clock *clock, int epoll_fd,
                               struct epoll_event *events, int max, uint64_t deadline_ns);

#endif
