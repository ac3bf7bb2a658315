/* src/proxy/kernel_stack.c
 *
 * The kernel's buffers are the only ones: bytes that the other side doesn't take yet are
 * seen (MSG_PEEK), and stay in the queue of the socket they came from. So a connection
 * costs this process no memory for data, and whoever sends too fast is slowed down by TCP
 * itself. */
#include "proxy/kernel_stack.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"

#define DISCARD_BYTES 16384
#define UNSENT_BYTES  (128 << 10)

struct kernel_stream {
	struct stream stream;
	struct loop_source source; /* its fd is owned */
	struct loop *loop;         /* borrowed */
	unsigned wanted;           /* 0: not in the loop */
	bool can_discard;          /* the kernel can drop bytes without a copy */
};

struct kernel_packets {
	struct packets packets;
	struct loop_source source; /* its fd is owned */
	struct loop *loop;         /* borrowed */
};

static struct kernel_stream *of(struct stream *s)
{
	return CONTAINER_OF(s, struct kernel_stream, stream);
}

static ssize_t result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* ---- streams */

static ssize_t stream_peek(struct stream *s, void *out, size_t n)
{
	return result(recv(of(s)->source.fd, out, n, MSG_PEEK | MSG_DONTWAIT));
}

static void stream_consume(struct stream *s, size_t n)
{
	struct kernel_stream *k = of(s);
	char some[DISCARD_BYTES];

	if (n > 0 && k->can_discard &&
	    recv(k->source.fd, NULL, n, MSG_TRUNC | MSG_DONTWAIT) == (ssize_t)n)
		return;
	while (n > 0 && !k->can_discard) {
		ssize_t got = recv(k->source.fd, some,
		                   n < sizeof(some) ? n : sizeof(some), MSG_DONTWAIT);

		if (got <= 0)
			return; /* the next peek will tell why */
		n -= (size_t)got;
	}
}

static ssize_t stream_write(struct stream *s, const void *bytes, size_t n)
{
	return result(send(of(s)->source.fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static void stream_shut_down(struct stream *s)
{
	(void)shutdown(of(s)->source.fd, SHUT_WR);
}

static int stream_connected(struct stream *s)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(of(s)->source.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

/* A socket that is broken is reported for ever, so it is in the loop only while something
 * is wanted of it. */
static int stream_want(struct stream *s, unsigned wanted)
{
	struct kernel_stream *k = of(s);
	uint32_t events = (wanted & STREAM_READ ? EPOLLIN : 0U) |
	                  (wanted & STREAM_WRITE ? EPOLLOUT : 0U);
	int err = 0;

	if (wanted == k->wanted)
		return 0;
	if (!wanted)
		loop_remove(k->loop, &k->source);
	else if (!k->wanted)
		err = loop_add(k->loop, &k->source, events);
	else
		err = loop_modify(k->loop, &k->source, events);
	if (!err)
		k->wanted = wanted;
	return err;
}

/* SO_LINGER would do this, too. But who may set it can also make a socket that keeps whoever
 * closes it waiting, and send that to the supervisor. */
static void reset_connection(int fd)
{
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	(void)!connect(fd, &nowhere, sizeof(nowhere)); /* this fails if it is no TCP */
}

static void stream_close(struct stream *s, bool reset)
{
	struct kernel_stream *k = of(s);

	(void)stream_want(s, 0);
	if (reset)
		reset_connection(k->source.fd);
	close(k->source.fd);
	free(k);
}

static void read_end(int fd, struct endpoint *out,
                     int (*name)(int fd, struct sockaddr *sa, socklen_t *size))
{
	struct sockaddr_storage ss;
	socklen_t size = sizeof(ss);

	*out = (struct endpoint){ 0 };
	if (name(fd, (struct sockaddr *)&ss, &size) < 0 ||
	    !endpoint_from_sockaddr(out, (struct sockaddr *)&ss))
		*out = (struct endpoint){ 0 };
}

static void stream_ends(const struct stream *s, struct endpoint *local,
                        struct endpoint *remote)
{
	const struct kernel_stream *k = (const struct kernel_stream *)s;

	read_end(k->source.fd, local, getsockname);
	read_end(k->source.fd, remote, getpeername);
}

static const struct stream_ops stream_ops = {
	stream_peek,      stream_consume, stream_write, stream_shut_down,
	stream_connected, stream_want,    stream_close, stream_ends,
};

static void stream_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct kernel_stream *k = CONTAINER_OF(source, struct kernel_stream, source);
	unsigned ready = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		ready |= STREAM_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ready |= STREAM_WRITE;
	ready &= k->wanted;
	if (ready)
		k->stream.ready(&k->stream, ready, now_ns);
}

int kernel_stream_new(struct stream **out, struct loop *loop, int fd)
{
	struct kernel_stream *k = calloc(1, sizeof(*k));
	const int on = 1;

	*out = NULL;
	if (!k) {
		close(fd);
		return -ENOMEM;
	}
	k->stream.ops = &stream_ops;
	k->source = (struct loop_source){ fd, stream_ready };
	k->loop = loop;
	/* A byte that is urgent (MSG_OOB) is passed on like any other. Else it is lost, and in a Unix
	 * socket it stays in front: that is ready for ever, and there is nothing to peek at. */
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	/* this fails if it is no TCP */
	k->can_discard = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
	k->stream.splice_fd = k->can_discard ? fd : 0;
	*out = &k->stream;
	return 0;
}

void kernel_stream_limit_unsent(struct stream *s)
{
	const int bytes = UNSENT_BYTES;

	(void)setsockopt(of(s)->source.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes,
	                 sizeof(bytes)); /* this fails if it is no TCP */
}

/* ---- datagrams */

static int packets_send(struct packets *p, const struct endpoint *to, const void *bytes,
                        size_t n)
{
	const struct kernel_packets *k = CONTAINER_OF(p, struct kernel_packets, packets);
	struct sockaddr_storage ss;
	socklen_t size = endpoint_to_sockaddr(to, &ss);

	if (sendto(k->source.fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT,
	           (struct sockaddr *)&ss, size) < 0)
		return -errno;
	return 0;
}

static ssize_t packets_receive(struct packets *p, struct endpoint *from, void *out,
                               size_t n)
{
	const struct kernel_packets *k = CONTAINER_OF(p, struct kernel_packets, packets);
	struct sockaddr_storage ss = { 0 };
	socklen_t size = sizeof(ss);
	ssize_t got = result(recvfrom(k->source.fd, out, n, MSG_DONTWAIT,
	                              (struct sockaddr *)&ss, &size));

	*from = (struct endpoint){ 0 };
	if (got >= 0 && !endpoint_from_sockaddr(from, (struct sockaddr *)&ss))
		return -EAGAIN;
	return got;
}

static void packets_close(struct packets *p)
{
	struct kernel_packets *k = CONTAINER_OF(p, struct kernel_packets, packets);

	loop_remove(k->loop, &k->source);
	close(k->source.fd);
	free(k);
}

static const struct packets_ops packets_ops = { packets_send, packets_receive,
	                                        packets_close };

static void packets_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct kernel_packets *k = CONTAINER_OF(source, struct kernel_packets, source);

	(void)events;
	k->packets.ready(&k->packets, now_ns);
}

int kernel_packets_new(struct packets **out, struct loop *loop, int fd)
{
	struct kernel_packets *k = calloc(1, sizeof(*k));
	int err = k ? 0 : -ENOMEM;

	*out = NULL;
	if (!err) {
		k->packets.ops = &packets_ops;
		k->source = (struct loop_source){ fd, packets_ready };
		k->loop = loop;
		err = loop_add(loop, &k->source, EPOLLIN);
	}
	if (err) {
		close(fd);
		free(k);
		return err;
	}
	*out = &k->packets;
	return 0;
}

/* ---- the stack */

static int make_here(void *context, int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)context;
	return fd < 0 ? -errno : fd;
}

static int family_of(enum ip_family family)
{
	return family == IP_V6 ? AF_INET6 : AF_INET;
}

static int make_and_connect(const struct kernel_stack *k, const struct endpoint *to)
{
	struct sockaddr_storage ss;
	socklen_t size = endpoint_to_sockaddr(to, &ss);
	int fd = k->make_socket(k->context, family_of(to->addr.family), SOCK_STREAM);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&ss, size) < 0 &&
	    errno != EINPROGRESS) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int stack_connect(struct stack *s, const struct endpoint *to, struct stream **out)
{
	struct kernel_stack *k = CONTAINER_OF(s, struct kernel_stack, stack);
	int fd = k->connect_socket ? k->connect_socket(k->context, to)
	                           : make_and_connect(k, to);
	int err;

	*out = NULL;
	err = fd < 0 ? fd : kernel_stream_new(out, k->loop, fd);
	if (!err && k->limit_unsent)
		kernel_stream_limit_unsent(*out);
	return err;
}

static int stack_open_packets(struct stack *s, enum ip_family family,
                              struct packets **out)
{
	struct kernel_stack *k = CONTAINER_OF(s, struct kernel_stack, stack);
	const int on = 1;
	int fd = k->make_socket(k->context, family_of(family), SOCK_DGRAM);

	*out = NULL;
	if (fd < 0)
		return fd;
	if (family == IP_V6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) {
		close(fd);
		return -EIO;
	}
	return kernel_packets_new(out, k->loop, fd);
}

static const struct stack_ops stack_ops = { .connect = stack_connect,
	                                    .open_packets = stack_open_packets };

void kernel_stack_init(struct kernel_stack *k, struct loop *loop,
                       int (*make_socket)(void *context, int family, int type),
                       void *context)
{
	*k = (struct kernel_stack){ .stack = { &stack_ops },
		                    .loop = loop,
		                    .make_socket = make_socket ? make_socket : make_here,
		                    .context = context };
}
