/* src/io/loop_clock.c */
#include "io/loop_clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t loop_now_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t loop_wall_clock_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int loop_clock_open(struct loop_clock *clock)
{
	clock->armed_ns = NEVER_NS;
	clock->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	return clock->timer_fd < 0 ? -errno : 0;
}

void loop_clock_close(struct loop_clock *clock)
{
	if (clock->timer_fd >= 0)
		close(clock->timer_fd);
}

void loop_clock_expired(struct loop_clock *clock)
{
	uint64_t expirations;

	/* EAGAIN: the timer was set again after it expired */
	(void)!read(clock->timer_fd, &expirations, sizeof(expirations));
	clock->armed_ns = NEVER_NS;
}

static int arm(struct loop_clock *clock, uint64_t deadline_ns)
{
	struct itimerspec when = { 0 }; /* all zero disarms */

	if (deadline_ns == clock->armed_ns)
		return 0;
	if (deadline_ns != NEVER_NS) {
		if (deadline_ns == 0)
			deadline_ns = 1;
		when.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_SEC);
		when.it_value.tv_nsec = (long)(deadline_ns % NS_PER_SEC);
	}
	if (timerfd_settime(clock->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return -errno;
	clock->armed_ns = deadline_ns;
	return 0;
}

int loop_clock_wait(struct loop_clock *clock, int epoll_fd, struct epoll_event *events,
                    int max, uint64_t deadline_ns)
{
	int n, err = arm(clock, deadline_ns);

	if (err)
		return err;
	n = epoll_wait(epoll_fd, events, max, -1);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n;
}
