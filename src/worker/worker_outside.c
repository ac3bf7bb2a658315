/* src/worker/worker_outside.c */
#include "worker/worker_outside.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/packet.h"
#include "engine/outside.h"

#define WAITING_MAX 4
/* The supervisor has not answered for this time: it is asked again. */
#define ASK_AGAIN_NS (2 * NS_PER_SEC)

/* A query that waits for the socket. */
struct waiting {
	size_t n;
	uint8_t query[OUTSIDE_DNS_MAX];
};

struct outside_server {
	struct outside_server *next;
	struct worker_outside *all; /* borrowed */
	struct ip_addr addr;
	struct loop_source source; /* its fd is owned; -1: none */
	uint64_t opened_ns, used_ns;
	uint64_t
		asked_ns; /* when the supervisor was asked; 0: it wasn't, or has answered */
	size_t waiting_count;
	struct waiting waiting[WAITING_MAX];
};

static void close_socket(struct outside_server *s)
{
	if (s->source.fd < 0)
		return;
	loop_remove(s->all->loop, &s->source);
	close(s->source.fd);
	s->source.fd = -1;
}

/* The place in the list must have one. */
static void drop(struct worker_outside *w, struct outside_server **at)
{
	struct outside_server *s = *at;

	assert(s);
	*at = s->next;
	w->count--;
	close_socket(s);
	free(s);
}

void worker_outside_clear(struct worker_outside *w)
{
	while (w->first)
		drop(w, &w->first);
	worker_relay_clear(&w->relays);
}

void worker_outside_network_changed(struct worker_outside *w)
{
	for (struct outside_server *s = w->first; s; s = s->next)
		close_socket(s);
}

/* ---- servers */

/* Is its answer still to come? */
static bool is_awaited(const struct outside_server *s, uint64_t now_ns)
{
	return s->asked_ns != 0 && now_ns - s->asked_ns <= ASK_AGAIN_NS;
}

/* Moves it to the front of the list; makes one, perhaps in the place of the last one. That one
 * isn't replaced while the supervisor owes an answer, or its question would be asked again and
 * again. */
static struct outside_server *server_for(struct worker_outside *w,
                                         const struct ip_addr *addr, uint64_t now_ns)
{
	struct outside_server **at = &w->first, **last = at, *s;

	for (; *at && !ip_addr_equal(&(*at)->addr, addr); at = &(*at)->next)
		last = at;
	s = *at;
	if (s) {
		*at = s->next;
	} else {
		if (w->count >= WORKER_OUTSIDE_SERVERS_MAX) {
			assert(*last);
			if (is_awaited(*last, now_ns))
				return NULL;
			drop(w, last);
		}
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
		w->count++;
		s->all = w;
		s->addr = *addr;
		s->source.fd = -1;
	}
	s->next = w->first;
	w->first = s;
	return s;
}

static struct outside_server *find_server(const struct worker_outside *w,
                                          const struct ip_addr *addr)
{
	struct outside_server *s = w->first;

	while (s && !ip_addr_equal(&s->addr, addr))
		s = s->next;
	return s;
}

static void want(struct worker_outside *w, const struct ip_addr *server, uint16_t port)
{
	struct command m = command_of(COMMAND_OUTSIDE_WANTED, NULL);

	m.port = port;
	m.servers = server;
	m.server_count = 1;
	report_send(w->report, &m);
}

/* ---- UDP */

static void answers_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct outside_server *s = CONTAINER_OF(source, struct outside_server, source);
	uint8_t answer
		[4096]; /* more is not asked for: what is cut off counts as truncated */
	ssize_t n;

	(void)events;
	for (int i = 0; i < BATCH_MAX; i++) {
		n = recv(s->source.fd, answer, sizeof(answer), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) { /* an ICMP error: the server isn't there, or not now */
			close_socket(s);
			return;
		}
		s->used_ns = now_ns;
		engine_outside_answer(s->all->engine, &s->addr, answer, (size_t)n,
		                      now_ns);
	}
}

static bool send_query(struct outside_server *s, const void *query, size_t n)
{
	return s->source.fd >= 0 &&
	       send(s->source.fd, query, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool is_worn_out(const struct outside_server *s, uint64_t now_ns)
{
	return now_ns - s->opened_ns > WORKER_OUTSIDE_AGE_NS ||
	       now_ns - s->used_ns > WORKER_OUTSIDE_SILENT_NS;
}

void worker_outside_ask(struct worker_outside *w, const struct ip_addr *server,
                        const void *query, size_t n, uint64_t now_ns)
{
	struct outside_server *s = server_for(w, server, now_ns);

	if (!s || n > OUTSIDE_DNS_MAX)
		return;
	if (s->source.fd >= 0 && is_worn_out(s, now_ns))
		close_socket(s);
	if (send_query(s, query, n)) {
		s->used_ns = now_ns;
		return;
	}
	close_socket(s);
	if (s->waiting_count < WAITING_MAX) {
		struct waiting *waits = &s->waiting[s->waiting_count++];

		waits->n = n;
		memcpy(waits->query, query, n);
	}
	if (!is_awaited(s, now_ns)) {
		s->asked_ns = now_ns;
		want(w, server, 0);
	}
}

static void use_socket(struct outside_server *s, int fd, uint64_t now_ns)
{
	close_socket(s);
	s->source = (struct loop_source){ fd, answers_ready };
	s->opened_ns = s->used_ns = now_ns;
	if (loop_add(s->all->loop, &s->source, EPOLLIN) < 0) {
		close(fd);
		s->source.fd = -1;
	}
}

/* ---- TCP, and the supervisor's answers */

void worker_outside_connect(struct worker_outside *w, const struct ip_addr *server,
                            uint16_t port)
{
	want(w, server, port);
}

static void take_relay(struct worker_outside *w, struct command *m, uint64_t now_ns)
{
	bool came = m->result == 0 && m->fd_count == 2;
	const int fds[2] = { m->fds[0], m->fds[1] };

	if (came) {
		m->fds[0] = m->fds[1] = -1;
		came = worker_relay_begin(&w->relays, fds, now_ns) == 0;
	}
	engine_outside_relay(w->engine, m->port, came ? &m->endpoint : NULL);
}

static void take_socket(struct worker_outside *w, struct command *m, uint64_t now_ns)
{
	struct outside_server *s = find_server(w, &m->servers[0]);

	if (!s)
		return;
	s->asked_ns = 0;
	if (m->result == 0 && m->fd_count == 1) {
		use_socket(s, m->fds[0], now_ns);
		m->fds[0] = -1;
	}
	for (size_t i = 0; i < s->waiting_count; i++)
		(void)!send_query(s, s->waiting[i].query, s->waiting[i].n);
	s->waiting_count = 0;
}

void worker_outside_answered(struct worker_outside *w, struct command *m, uint64_t now_ns)
{
	if (m->server_count != 1)
		return;
	if (m->port != 0)
		take_relay(w, m, now_ns);
	else
		take_socket(w, m, now_ns);
}
