/* src/worker/uapi_server.c - accepts clients, and feeds what they send to their uapi */
#include "worker/uapi_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 4096

struct uapi_client {
	struct uapi_client *next;
	struct uapi_server *server; /* borrowed */
	struct loop_source source;  /* its fd is owned */
	struct uapi uapi;
	struct outbuf out;
	bool finished; /* the client writes no more, or we have to hang up */
	size_t held_first, held_end;
	char held[READ_BYTES]; /* bytes that were read but not fed yet */
};

static void client_free(struct uapi_client *c)
{
	struct uapi_server *s = c->server;
	struct uapi_client **at = &s->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	s->client_count--;
	if (s->waiting == c)
		s->waiting = NULL;
	loop_remove(s->loop, &c->source);
	close(c->source.fd);
	uapi_clear(&c->uapi);
	outbuf_clear(&c->out);
	sodium_memzero(c->held, sizeof(c->held));
	free(c);
}

static void feed(struct uapi_client *c, uint64_t now_ns)
{
	size_t n = c->held_end - c->held_first;
	size_t taken = uapi_feed(&c->uapi, c->held + c->held_first, n, &c->out, now_ns);

	sodium_memzero(c->held + c->held_first, taken);
	c->held_first += taken;
	if (c->uapi.state == UAPI_WAITING)
		c->server->waiting = c;
	if (c->uapi.state == UAPI_CLOSED)
		c->finished = true;
}

/* Returns false if the connection is broken. */
static bool read_more(struct uapi_client *c, uint64_t now_ns)
{
	ssize_t n = read(c->source.fd, c->held, sizeof(c->held));

	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	if (n == 0)
		c->finished = true;
	c->held_first = 0;
	c->held_end = (size_t)n;
	feed(c, now_ns);
	return true;
}

/* Writes what has to be written, and waits for what is possible next. Returns false if
 * the client has to be removed. */
static bool go_on(struct uapi_client *c)
{
	bool pending;
	uint32_t events = 0;

	if (c->out.failed || outbuf_write(&c->out, c->source.fd) < 0)
		return false;
	pending = outbuf_bytes(&c->out) > 0;
	if (pending)
		events = EPOLLOUT;
	else if (c->uapi.state != UAPI_WAITING && c->finished)
		return false;
	else if (c->uapi.state != UAPI_WAITING)
		events = EPOLLIN;
	return loop_modify(c->server->loop, &c->source, events) == 0;
}

static void client_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct uapi_client *c = CONTAINER_OF(source, struct uapi_client, source);
	bool alive = true;

	if ((events & (EPOLLIN | EPOLLHUP)) && outbuf_bytes(&c->out) == 0 &&
	    c->uapi.state != UAPI_WAITING)
		alive = read_more(c, now_ns);
	else if (events & (EPOLLHUP | EPOLLERR))
		alive = false;
	if (!alive || !go_on(c))
		client_free(c);
}

static int accept_client(const struct uapi_server *s)
{
	return accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* There is no descriptor for the client. If it stayed, the loop would find the listener
 * ready again and again. */
static void turn_away(struct uapi_server *s)
{
	int fd;

	if (!s->spare_fd || *s->spare_fd < 0)
		return;
	close(*s->spare_fd);
	fd = accept_client(s);
	if (fd >= 0)
		close(fd);
	*s->spare_fd = fcntl(loop_fd(s->loop), F_DUPFD_CLOEXEC, 0);
}

static void accept_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct uapi_server *s = CONTAINER_OF(source, struct uapi_server, listener);
	int fd = accept_client(s);
	struct uapi_client *c;

	(void)events;
	(void)now_ns;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		turn_away(s);
	if (fd < 0)
		return;
	c = s->client_count < UAPI_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->source = (struct loop_source){ fd, client_ready };
	uapi_init(&c->uapi, s->device, s->host);
	if (loop_add(s->loop, &c->source, EPOLLIN) < 0) {
		close(fd);
		free(c);
		return;
	}
	c->next = s->clients;
	s->clients = c;
	s->client_count++;
}

int uapi_server_start(struct uapi_server *s, struct loop *loop, int fd,
                      struct device *device, const struct uapi_host *host)
{
	int err;

	*s = (struct uapi_server){ .loop = loop,
		                   .device = device,
		                   .host = host,
		                   .listener = { fd, accept_ready } };
	err = loop_add(loop, &s->listener, EPOLLIN);
	if (err) {
		close(fd);
		s->listener.fd = -1;
	}
	return err;
}

void uapi_server_stop(struct uapi_server *s)
{
	if (s->listener.fd < 0)
		return;
	while (s->clients)
		client_free(s->clients);
	loop_remove(s->loop, &s->listener);
	close(s->listener.fd);
	s->listener.fd = -1;
}

void uapi_server_resume(struct uapi_server *s, int result, uint64_t now_ns)
{
	struct uapi_client *c = s->waiting;

	if (!c)
		return;
	s->waiting = NULL;
	uapi_resume(&c->uapi, result, &c->out, now_ns);
	feed(c, now_ns);
	if (!go_on(c))
		client_free(c);
}
