/* src/io/loop.c */
#include "io/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64

struct loop {
	int epoll_fd;
	struct loop_source timer;
	uint64_t armed_ns; /* deadline to which the timer is set; NEVER_NS if it is off */
	struct epoll_event events[EVENTS_MAX];
	int next, count; /* events that were fetched and are not dispatched yet */
};

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

/* The timer only ends the wait; the caller knows what is due. */
static void timer_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct loop *loop = CONTAINER_OF(source, struct loop, timer);
	uint64_t expirations;
	ssize_t n = read(source->fd, &expirations, sizeof(expirations));

	(void)n; /* EAGAIN: the timer was set again after it expired */
	(void)events;
	(void)now_ns;
	loop->armed_ns = NEVER_NS;
}

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	*out = NULL;
	if (!loop)
		return -ENOMEM;
	loop->timer.ready = timer_ready;
	loop->armed_ns = NEVER_NS;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->timer.fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->timer.fd < 0) {
		err = -errno;
		goto out;
	}
	err = loop_add(loop, &loop->timer, EPOLLIN);
out:
	if (err)
		loop_free(loop);
	else
		*out = loop;
	return err;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->timer.fd >= 0)
		close(loop->timer.fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
}

int loop_fd(const struct loop *loop)
{
	return loop->epoll_fd;
}

static int control(struct loop *loop, int op, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->epoll_fd, op, source->fd, &event) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int loop_modify(struct loop *loop, struct loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, source, events);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	(void)control(loop, EPOLL_CTL_DEL, source, 0);
	for (int i = loop->next; i < loop->count; i++)
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
}

static int arm(struct loop *loop, uint64_t deadline_ns)
{
	struct itimerspec when = { 0 }; /* all zero disarms */

	if (deadline_ns == loop->armed_ns)
		return 0;
	if (deadline_ns != NEVER_NS) {
		if (deadline_ns == 0)
			deadline_ns = 1;
		when.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_SEC);
		when.it_value.tv_nsec = (long)(deadline_ns % NS_PER_SEC);
	}
	if (timerfd_settime(loop->timer.fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return -errno;
	loop->armed_ns = deadline_ns;
	return 0;
}

int loop_wait(struct loop *loop, uint64_t deadline_ns)
{
	int err = arm(loop, deadline_ns);
	uint64_t now_ns;

	if (err)
		return err;
	loop->next = 0;
	loop->count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, -1);
	if (loop->count < 0) {
		loop->count = 0;
		return errno == EINTR ? 0 : -errno;
	}
	now_ns = loop_now_ns();
	while (loop->next < loop->count) {
		struct epoll_event *event = &loop->events[loop->next++];
		struct loop_source *source = event->data.ptr;

		if (source)
			source->ready(source, event->events, now_ns);
	}
	return 0;
}
