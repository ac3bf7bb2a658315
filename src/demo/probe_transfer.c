/* src/demo/probe_transfer.c - both ends send a pattern that depends on the position and
 * on the sender, and compare what they receive with what the other end must have sent */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "demo/probe.h"

#define PORT        7777
#define PIECE_BYTES (64U << 10)

struct transfer;

struct end {
	struct loop_source source;
	struct transfer *transfer;
	uint64_t seed;           /* of the pattern that it sends */
	uint64_t sent, received; /* bytes */
};

struct transfer {
	struct loop *loop;
	struct end client, server;
	struct loop_source listener;
	uint64_t bytes; /* to send in each direction */
	int err;
	struct ip_addr seen;
	uint8_t piece[PIECE_BYTES];
};

/* A multiplicative hash of the position, taken byte by byte. */
static uint8_t pattern(uint64_t seed, uint64_t at)
{
	uint64_t word = (at / 8 + seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint8_t)(word >> 8 * (at % 8));
}

static void fail(struct transfer *t, int err)
{
	if (t->err == 0)
		t->err = err;
}

static void send_more(struct end *e)
{
	struct transfer *t = e->transfer;
	uint64_t left = t->bytes - e->sent;
	size_t want = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	ssize_t n;

	for (size_t i = 0; i < want; i++)
		t->piece[i] = pattern(e->seed, e->sent + i);
	n = send(e->source.fd, t->piece, want, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
		fail(t, -errno);
	if (n > 0)
		e->sent += (uint64_t)n;
	if (e->sent == t->bytes && t->err == 0)
		fail(t, loop_modify(t->loop, &e->source, EPOLLIN));
}

static void receive_more(struct end *e, uint64_t seed)
{
	struct transfer *t = e->transfer;
	ssize_t n = recv(e->source.fd, t->piece, PIECE_BYTES, 0);

	if (n == 0)
		fail(t, -EIO);
	if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
		fail(t, -errno);
	for (ssize_t i = 0; i < n; i++)
		if (t->piece[i] != pattern(seed, e->received + (uint64_t)i))
			fail(t, -EIO);
	if (n > 0)
		e->received += (uint64_t)n;
	if (e->received > t->bytes)
		fail(t, -EIO);
}

static void ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct end *e = CONTAINER_OF(source, struct end, source);
	struct transfer *t = e->transfer;

	(void)now_ns;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		receive_more(e, e == &t->client ? t->server.seed : t->client.seed);
	if (t->err == 0 && events & EPOLLOUT)
		send_more(e);
}

static void accepted(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct transfer *t = CONTAINER_OF(source, struct transfer, listener);
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	struct endpoint from;
	int fd;

	(void)events;
	(void)now_ns;
	if (t->server.source.fd >= 0)
		return;
	fd = accept4(source->fd, (struct sockaddr *)&sa, &n,
	             SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		fail(t, errno == EAGAIN ? 0 : -errno);
		return;
	}
	t->server.source.fd = fd;
	if (endpoint_from_sockaddr(&from, (struct sockaddr *)&sa))
		t->seen = from.addr;
	fail(t, loop_add(t->loop, &t->server.source, EPOLLIN | EPOLLOUT));
}

/* Opens a TCP socket in the namespace of `host` that listens, or that connects. */
static int open_tcp(const struct world *w, enum world_host host, const char *to,
                    bool listening)
{
	struct endpoint e = { .port = PORT };
	struct sockaddr_storage sa;
	socklen_t n;
	int one = 1, fd, err = world_enter(w, host);

	if (err == 0 && !ip_addr_parse(&e.addr, to))
		err = -EINVAL;
	if (err != 0)
		return err;
	n = endpoint_to_sockaddr(&e, &sa);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (listening &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	     bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, 1) != 0))
		err = -errno;
	if (!listening && connect(fd, (struct sockaddr *)&sa, n) != 0 &&
	    errno != EINPROGRESS)
		err = -errno;
	if (err != 0) {
		close(fd);
		return err;
	}
	return fd;
}

static bool done(const struct transfer *t)
{
	return t->client.received == t->bytes && t->server.received == t->bytes;
}

static int run(struct transfer *t, uint64_t deadline_ns, const bool *stop)
{
	while (t->err == 0 && !*stop && !done(t)) {
		int err = loop_wait(t->loop, deadline_ns);

		if (err != 0)
			return err;
		if (loop_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
	}
	return *stop ? -EINTR : t->err;
}

static void close_source(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	loop_remove(loop, source);
	close(source->fd);
}

int probe_transfer(const struct world *w, enum world_host from, enum world_host server,
                   const char *to, uint64_t bytes, struct loop *loop,
                   uint64_t deadline_ns, const bool *stop, struct probe_transfer *out)
{
	struct transfer *t = calloc(1, sizeof(*t));
	uint64_t start_ns = loop_now_ns();
	int err;

	*out = (struct probe_transfer){ 0 };
	if (!t)
		return -ENOMEM;
	t->loop = loop;
	t->bytes = bytes;
	t->client = (struct end){ { -1, ready }, t, 1, 0, 0 };
	t->server = (struct end){ { -1, ready }, t, 1U << 30, 0, 0 };
	t->listener = (struct loop_source){ -1, accepted };
	err = t->listener.fd = open_tcp(w, server, to, true);
	if (err >= 0)
		err = t->client.source.fd = open_tcp(w, from, to, false);
	if (err >= 0)
		err = loop_add(loop, &t->listener, EPOLLIN);
	if (err == 0)
		err = loop_add(loop, &t->client.source, EPOLLIN | EPOLLOUT);
	if (err == 0)
		err = run(t, deadline_ns, stop);
	close_source(loop, &t->client.source);
	close_source(loop, &t->server.source);
	close_source(loop, &t->listener);
	out->duration_ns = loop_now_ns() - start_ns;
	out->seen = t->seen;
	out->bytes = err == 0 ? bytes : t->server.received;
	free(t);
	return err;
}
