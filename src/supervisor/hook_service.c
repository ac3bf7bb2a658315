/* src/supervisor/hook_service.c */
#include "supervisor/hook_service.h"

#include <errno.h>
#include <poll.h>

#include "supervisor/engine_talk.h"

static void hooks_begin(void *context, const char *name)
{
	struct supervisor *s = context;

	instance_set_alias(&s->instance, name);
}

static void hooks_end(void *context)
{
	struct supervisor *s = context;

	instance_unset_alias(&s->instance);
}

/* The engine ends, and with it the devices; the supervisor is going down. */
static void hooks_gone(void *context)
{
	struct supervisor *s = context;

	supervisor_end_engine(s);
	for (size_t i = 0; i < s->device_count; i++)
		instance_unlisten_uapi(&s->instance, s->devices[i].plan->way.name);
}

/* A channel that fails is seen again by who waits for it next. */
static void serve(void *context, int fd)
{
	struct supervisor *s = context;
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		              { .fd = s->engine.channel.fd, .events = POLLIN },
		              { .fd = clients_fd(&s->clients), .events = POLLIN } };

	while (p[0].revents == 0) {
		p[1].events = POLLIN;
		if (p[1].fd >= 0 && worker_child_dispatch(&s->engine) < 0)
			p[1].fd = -1;
		if (p[1].fd >= 0 && channel_pending(&s->engine.channel))
			p[1].events |= POLLOUT;
		if (poll(p, ARRAY_SIZE(p), talk_status_wait_ms(s)) < 0 && errno != EINTR)
			return;
		if (p[2].revents)
			clients_serve(&s->clients);
		talk_status_run(s);
	}
}

void hook_service_init(struct supervisor *s)
{
	s->hooks_events =
		(struct hooks_events){ hooks_begin, hooks_end, hooks_gone, serve, s };
}
