/* src/worker/worker_tun.c - connects the tun with the engine */
#include "worker/worker_tun.h"

#include <errno.h>
#include <sys/epoll.h>

#include "engine/engine.h"
#include "worker/report.h"

/* The other end of the pair of sockets is closed, or won't write any more. */
#define ENDS ((uint32_t)EPOLLHUP | EPOLLRDHUP)

static void tun_sink(void *context, struct packet **packets, size_t n)
{
	struct worker_tun *t = context;

	if (t->device)
		device_tun_input(t->device, packets, n, t->now_ns);
	else
		engine_tun_input(t->engine, packets, n, t->now_ns);
}

/* The supervisor knows what to do. */
static void lose(struct worker_tun *t, int err)
{
	struct command lost =
		command_of(COMMAND_TUN_LOST, t->device ? device_name(t->device) : NULL);

	if (err == 0)
		return;
	lost.result = err;
	report_send(t->report, &lost);
	loop_remove(t->loop, &t->source);
	t->in_loop = false;
}

static void tun_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct worker_tun *t = CONTAINER_OF(source, struct worker_tun, source);

	int err;

	t->now_ns = now_ns;
	err = tun_read(t->tun, tun_sink, t);
	if (err == -ENOTCONN && (events & ENDS) == 0)
		err = 0; /* an empty packet */
	lose(t, err);
}

void worker_tun_check(struct worker_tun *t)
{
	if (t->in_loop)
		lose(t, tun_write_error(t->tun));
}

int worker_tun_start(struct worker_tun *t, int fd)
{
	struct tun *old = t->tun;
	int err = tun_new(&t->tun, fd, t->buffers);

	if (err) {
		t->tun = old;
		return err;
	}
	if (t->in_loop)
		loop_remove(t->loop, &t->source);
	tun_free(old);
	if (t->join)
		tun_join(t->tun);
	t->source = (struct loop_source){ tun_fd(t->tun), tun_ready };
	if (t->device)
		device_set_tun(t->device, tun_as_link(t->tun));
	else
		engine_set_tun(t->engine, tun_as_link(t->tun));
	err = loop_add(t->loop, &t->source, EPOLLIN | EPOLLRDHUP);
	t->in_loop = err == 0;
	return err;
}

void worker_tun_clear(struct worker_tun *t)
{
	if (t->in_loop)
		loop_remove(t->loop, &t->source);
	t->in_loop = false;
	if (t->device)
		device_set_tun(t->device, NULL);
	tun_free(t->tun);
	t->tun = NULL;
}
