/* tests/sim/fake_loop.c */
#include "fake_loop.h"

#include <sys/epoll.h>

#include "io/loop_clock.h"

struct fake_loop fake_loop;

uint64_t loop_now_ns(void)
{
	return fake_loop.now_ns;
}

uint64_t loop_wall_clock_ns(void)
{
	return fake_loop.now_ns;
}

int loop_clock_open(struct loop_clock *clock)
{
	clock->timer_fd = -1;
	return 0;
}

void loop_clock_close(struct loop_clock *clock)
{
	(void)clock;
}

void loop_clock_expired(struct loop_clock *clock)
{
	(void)clock;
}

int loop_clock_wait(struct loop_clock *clock, int epoll_fd, struct epoll_event *events,
                    int max, uint64_t deadline_ns)
{
	(void)clock;
	fake_loop.waits++;
	for (;;) {
		int n = epoll_wait(epoll_fd, events, max, 0);

		if (n > 0 || deadline_ns <= fake_loop.now_ns)
			return n > 0 ? n : 0;
		fake_loop.idle(fake_loop.context, deadline_ns);
	}
}
