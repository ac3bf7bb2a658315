/* src/io/loop.c */
#include "io/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64

struct loop {
	int epoll_fd;
	struct loop_clock clock;
	struct loop_source timer; /* of the clock */
	struct epoll_event events[EVENTS_MAX];
	int next, count; /* events that were fetched and are not dispatched yet */
};

/* The timer only ends the wait; the caller knows what is due. */
static void timer_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct loop *loop = CONTAINER_OF(source, struct loop, timer);

	(void)events;
	(void)now_ns;
	loop_clock_expired(&loop->clock);
}

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	*out = NULL;
	if (!loop)
		return -ENOMEM;
	err = loop_clock_open(&loop->clock);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!err && loop->epoll_fd < 0)
		err = -errno;
	loop->timer = (struct loop_source){ loop->clock.timer_fd, timer_ready };
	if (!err && loop->timer.fd >= 0)
		err = loop_add(loop, &loop->timer, EPOLLIN);
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
	loop_clock_close(&loop->clock);
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

int loop_wait(struct loop *loop, uint64_t deadline_ns)
{
	uint64_t now_ns;
	int n;

	loop->next = loop->count = 0;
	n = loop_clock_wait(&loop->clock, loop->epoll_fd, loop->events, EVENTS_MAX,
	                    deadline_ns);
	if (n <= 0)
		return n;
	loop->count = n;
	now_ns = loop_now_ns();
	while (loop->next < loop->count) {
		struct epoll_event *event = &loop->events[loop->next++];
		struct loop_source *source = event->data.ptr;

		if (source)
			source->ready(source, event->events, now_ns);
	}
	return 0;
}
