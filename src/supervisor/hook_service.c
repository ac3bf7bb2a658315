/* src/supervisor/hook_service.c - serves the worker and the clients while a hook runs */
#include "supervisor/hook_service.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/timerq.h"
#include "io/loop.h"
#include "supervisor/uapi_ask.h"

static void hooks_begin(void *context, const char *name)
{
	struct hook_service *h = context;

	instance_set_alias(h->instance, name);
	h->name = name;
}

/* What the hooks have set, the next worker has to know. */
static void remember_keys(struct hook_service *h)
{
	const struct worker_child *worker = &h->keeper->worker;
	const struct uapi_patience patience = { clock_now_ms() + worker->silence_ms,
		                                worker->interrupt_fd };
	struct tunnel *t = tunnels_find(h->tunnels, h->name);
	struct outbuf answer = { 0 };
	struct hook_keys *keys = NULL;
	char *path;

	if (!t || worker->pid == 0 || worker->late ||
	    !hook_keys_are_likely(t->plan->conf))
		return;
	path = instance_uapi_path(h->instance, h->name);
	if (path && uapi_ask(path, &patience, &answer) == 0)
		keys = hook_keys_new(t->plan->conf,
		                     (const char *)answer.bytes + answer.first);
	if (keys) {
		hook_keys_free(t->hook_keys);
		t->hook_keys = keys;
	}
	outbuf_clear(&answer);
	free(path);
}

static void hooks_end(void *context)
{
	struct hook_service *h = context;

	instance_unset_alias(h->instance);
	remember_keys(h);
}

/* The supervisor is going down: ends the worker, and with it the devices. */
static void hooks_gone(void *context)
{
	struct hook_service *h = context;

	keeper_end(h->keeper);
	for (size_t i = 0; i < h->tunnels->count; i++) {
		const struct tunnel *t = &h->tunnels->v[i];

		if (t->uapi_fd >= 0) /* otherwise it belongs to another program */
			instance_unlisten_uapi(h->instance, t->plan->way.name);
	}
}

/* Returns the time until something is due; -1: nothing is. */
static int wait_ms(const struct hook_service *h, int64_t end_ms)
{
	uint64_t now_ns = loop_now_ns(), start_ns = keeper_deadline_ns(h->keeper);
	int due_ms = status_request_wait_ms(h->status);
	int64_t left_ms = end_ms - clock_now_ms();

	if (left_ms < 0)
		left_ms = 0;
	if (start_ns != NEVER_NS && start_ns > now_ns &&
	    left_ms > (int64_t)((start_ns - now_ns) / NS_PER_MS))
		left_ms = (int64_t)((start_ns - now_ns) / NS_PER_MS) + 1;
	if (left_ms < INT32_MAX && (due_ms < 0 || left_ms < due_ms))
		due_ms = (int)left_ms;
	return due_ms;
}

/* What the worker's channel is waited for. After keeper_end, and while there is no worker,
 * there is none. */
static struct pollfd channel_events(const struct channel *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (c->fd >= 0 && channel_pending(c))
		p.events |= POLLOUT;
	return p;
}

/* Until the hook has ended, which makes fd readable, or its time is over. */
static void serve(void *context, int fd, int64_t end_ms)
{
	struct hook_service *h = context;
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		              { .fd = -1 },
		              { .fd = clients_fd(h->clients), .events = POLLIN } };

	while (p[0].revents == 0 && clock_now_ms() < end_ms) {
		keeper_serve_hook(h->keeper);
		p[1] = channel_events(&h->keeper->worker.channel);
		if (poll(p, ARRAY_SIZE(p), wait_ms(h, end_ms)) < 0 && errno != EINTR)
			return;
		if (p[2].revents)
			clients_serve(h->clients);
		status_request_run(h->status);
	}
}

struct hooks_events hook_service_events(struct hook_service *h)
{
	return (struct hooks_events){ hooks_begin, hooks_end, hooks_gone, serve, h };
}
