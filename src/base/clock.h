/* src/base/clock.h - a clock for the deadlines of calls that wait */
#ifndef TUNION_BASE_CLOCK_H
#define TUNION_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of CLOCK_MONOTONIC: nobody can set it, and it stands still in suspend. */
static inline int64_t clock_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
