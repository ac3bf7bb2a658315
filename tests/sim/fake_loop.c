/* tests/sim/fake_loop.c */
#include "fake_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/loop.h"

#define EVENTS_MAX 64

struct fake_loop fake_loop;

struct loop {
	int epoll_fd;
	struct epoll_event events[EVENTS_MAX];
	int next, count; /* events that were fetched and are not dispatched yet */
};

uint64_t loop_now_ns(void)
{
	return fake_loop.now_ns;
}

uint64_t loop_wall_clock_ns(void)
{
	return fake_loop.now_ns;
}

int loop_new(struct loop **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return (*out)->epoll_fd < 0 ? -errno : 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
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

static void dispatch(struct loop *loop)
{
	while (loop->next < loop->count) {
		struct epoll_event *event = &loop->events[loop->next++];
		struct loop_source *source = event->data.ptr;

		if (source)
			source->ready(source, event->events, fake_loop.now_ns);
	}
}

int loop_wait(struct loop *loop, uint64_t deadline_ns)
{
	fake_loop.waits++;
	for (;;) {
		loop->next = 0;
		loop->count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, 0);
		if (loop->count < 0)
			loop->count = 0;
		if (loop->count > 0)
			break;
		if (deadline_ns <= fake_loop.now_ns)
			return 0;
		fake_loop.idle(fake_loop.context, deadline_ns);
	}
	dispatch(loop);
	return 0;
}
