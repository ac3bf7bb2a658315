/* src/worker/worker_relay.c */
#include "worker/worker_relay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES 4096

/* One socket, and what it has still to hear. */
struct end {
	struct loop_source source; /* its fd is owned */
	struct worker_relay *relay;
	uint32_t events;
	size_t first, last;
	bool said_all;
	uint8_t unheard[BUFFER_BYTES];
};

struct worker_relay {
	struct worker_relay *next;
	struct worker_relays *all; /* borrowed */
	uint64_t used_ns;
	struct end ends[2];
};

static void hang_up(struct worker_relay *r)
{
	struct worker_relay **at = &r->all->first;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	r->all->count--;
	for (int i = 0; i < 2; i++) {
		loop_remove(r->all->loop, &r->ends[i].source);
		close(r->ends[i].source.fd);
	}
	free(r);
}

void worker_relay_clear(struct worker_relays *all)
{
	while (all->first)
		hang_up(all->first);
}

static bool has_failed(ssize_t n)
{
	return n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN;
}

/* Returns false if the connection is broken. */
static bool hear(struct end *from, struct end *to)
{
	ssize_t n;

	if (to->first < to->last || from->said_all)
		return true;
	n = recv(from->source.fd, to->unheard, sizeof(to->unheard), 0);
	if (n == 0)
		from->said_all = true;
	to->first = 0;
	to->last = n > 0 ? (size_t)n : 0;
	return !has_failed(n);
}

static bool tell(struct end *to)
{
	ssize_t n;

	if (to->first == to->last)
		return true;
	n = send(to->source.fd, to->unheard + to->first, to->last - to->first,
	         MSG_NOSIGNAL);
	if (n > 0)
		to->first += (size_t)n;
	return !has_failed(n);
}

/* Waits for what can happen: to be told more, and to hear more. */
static bool wait_on(struct end *e, const struct end *other)
{
	bool full = other->first < other->last || e->said_all;
	uint32_t events = (full ? 0U : EPOLLIN) | (e->first < e->last ? EPOLLOUT : 0U);

	if (events == e->events)
		return true;
	e->events = events;
	return loop_modify(e->relay->all->loop, &e->source, events) == 0;
}

static bool is_over(const struct worker_relay *r)
{
	const struct end *a = &r->ends[0], *b = &r->ends[1];

	return (a->said_all && b->first == b->last) ||
	       (b->said_all && a->first == a->last);
}

static void ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct end *e = CONTAINER_OF(source, struct end, source);
	struct worker_relay *r = e->relay;
	struct end *other = e == &r->ends[0] ? &r->ends[1] : &r->ends[0];
	bool alive = true;

	r->used_ns = now_ns;
	if (events & EPOLLOUT)
		alive = tell(e);
	if (alive && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		alive = hear(e, other) && tell(other);
	alive = alive && !is_over(r) && !(events & EPOLLERR);
	if (!alive || !wait_on(e, other) || !wait_on(other, e))
		hang_up(r);
}

static struct worker_relay *silent_one(const struct worker_relays *all, uint64_t now_ns)
{
	for (struct worker_relay *r = all->first; r; r = r->next)
		if (now_ns - r->used_ns > WORKER_RELAY_SILENT_NS)
			return r;
	return NULL;
}

int worker_relay_begin(struct worker_relays *all, const int fds[static 2],
                       uint64_t now_ns)
{
	struct worker_relay *r = silent_one(all, now_ns);
	int err = 0;

	if (r)
		hang_up(r);
	r = all->count < WORKER_RELAYS_MAX ? calloc(1, sizeof(*r)) : NULL;
	if (!r) {
		close(fds[0]);
		close(fds[1]);
		return -ENOMEM;
	}
	r->all = all;
	r->used_ns = now_ns;
	r->next = all->first;
	all->first = r;
	all->count++;
	for (int i = 0; i < 2; i++) {
		r->ends[i].source = (struct loop_source){ fds[i], ready };
		r->ends[i].relay = r;
		r->ends[i].events = EPOLLIN;
	}
	for (int i = 0; i < 2 && !err; i++)
		err = loop_add(all->loop, &r->ends[i].source, EPOLLIN);
	if (err)
		hang_up(r);
	return err;
}
