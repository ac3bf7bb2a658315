/* tests/unit/proxy_lab.c */
#include "proxy_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "unit.h"

/* ---- sockets */

int proxy_lab_listen_at(struct sockaddr_in *at, int backlog)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, size), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &size), 0);
	return fd;
}

int proxy_lab_connect_to(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)at, sizeof(*at)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static int make_socket(void *context, int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)context;
	return fd < 0 ? -errno : fd;
}

/* ---- the proxy */

static int lame_connect(struct stack *s, const struct endpoint *to, struct stream **out)
{
	struct lame_stack *l = CONTAINER_OF(s, struct lame_stack, stack);

	*out = NULL;
	if (to->addr.b[0] == 192)
		return -ENETUNREACH;
	return l->kernel.stack.ops->connect(&l->kernel.stack, to, out);
}

static int lame_open_packets(struct stack *s, enum ip_family family, struct packets **out)
{
	struct lame_stack *l = CONTAINER_OF(s, struct lame_stack, stack);

	return l->kernel.stack.ops->open_packets(&l->kernel.stack, family, out);
}

static const struct stack_ops lame_ops = { .connect = lame_connect,
	                                   .open_packets = lame_open_packets };

static void begin(struct proxy_lab *f, const struct users *users, size_t max,
                  const struct conn_limits *limits, bool page)
{
	int fd, err;

	f->page = -1;
	signal(SIGPIPE, SIG_IGN); /* as the process of the proxy does */
	ck_assert_int_eq(loop_new(&f->loop), 0);
	kernel_stack_init(&f->inside.kernel, f->loop, NULL, NULL);
	kernel_stack_init(&f->outside, f->loop, make_socket, NULL);
	f->inside.stack.ops = &lame_ops;
	f->options = (struct proxy_options){ .loop = f->loop,
		                             .users = users,
		                             .inside = &f->inside.stack,
		                             .make_outside = make_socket,
		                             .page = page ? &f->page_fds[0] : NULL,
		                             .outside = &f->outside.stack,
		                             .connections_max = max,
		                             .limits = limits,
		                             .dial_ns = 300 * NS_PER_MS };
	err = proxy_new(&f->proxy, &f->options);
	ck_assert_int_eq(err, 0);
	fd = proxy_lab_listen_at(&f->at, 100);
	ck_assert_int_eq(proxy_listen(f->proxy, fd, PROXY_ASK, NULL), 0);
}

void proxy_lab_begin_with(struct proxy_lab *f, const struct users *users, size_t max,
                          const struct conn_limits *limits)
{
	memset(f, 0, sizeof(*f));
	begin(f, users, max, limits, false);
}

void proxy_lab_begin_with_page(struct proxy_lab *f, const struct users *users)
{
	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->page_fds), 0);
	ck_assert_int_eq(fcntl(f->page_fds[1], F_SETFL, O_NONBLOCK), 0);
	begin(f, users, 100, NULL, true);
}

void proxy_lab_begin(struct proxy_lab *f)
{
	proxy_lab_begin_with(f, NULL, 100, NULL);
}

void proxy_lab_end(struct proxy_lab *f)
{
	proxy_free(f->proxy);
	loop_free(f->loop);
	for (int i = 0; i < 2 && f->page_fds[i] > 0; i++)
		close(f->page_fds[i]);
}

static void accept_page(struct proxy_lab *f)
{
	char byte;
	int fd;

	if (fd_pass_receive(f->page_fds[1], &byte, 1, &fd) == 1)
		f->page = fd;
}

/* One round of the loop, which waits at most a millisecond. */
void proxy_lab_serve(struct proxy_lab *f)
{
	uint64_t now_ns = loop_now_ns(), due_ns = proxy_deadline_ns(f->proxy, now_ns);

	if (due_ns > now_ns + NS_PER_MS)
		due_ns = now_ns + NS_PER_MS;
	ck_assert_int_eq(loop_wait(f->loop, due_ns), 0);
	proxy_run(f->proxy, loop_now_ns());
	if (f->page_fds[1] > 0)
		accept_page(f);
}

/* Serves until so many bytes have come, or the end; returns how many. */
size_t proxy_lab_receive(struct proxy_lab *f, int fd, void *out, size_t n)
{
	uint8_t *bytes = out;
	size_t at = 0;

	for (int i = 0; i < ROUNDS && at < n; i++) {
		ssize_t got = recv(fd, bytes + at, n - at, MSG_DONTWAIT);

		if (got > 0)
			at += (size_t)got;
		else if (got == 0 || errno != EAGAIN)
			return at;
		else
			proxy_lab_serve(f);
	}
	return at;
}

/* Is the next that comes the end? */
bool proxy_lab_ends(struct proxy_lab *f, int fd)
{
	char byte;

	for (int i = 0; i < ROUNDS; i++) {
		ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

		if (got >= 0 || errno != EAGAIN)
			return got <= 0;
		proxy_lab_serve(f);
	}
	return false;
}

void proxy_lab_say(int fd, const void *bytes, size_t n)
{
	ck_assert_int_eq(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

void proxy_lab_expect(struct proxy_lab *f, int fd, const void *bytes, size_t n)
{
	uint8_t got[4096];

	ck_assert_uint_le(n, sizeof(got));
	ck_assert_uint_eq(proxy_lab_receive(f, fd, got, n), n);
	ck_assert_mem_eq(got, bytes, n);
}

int proxy_lab_accept_one(struct proxy_lab *f, int listener)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			return fd;
		proxy_lab_serve(f);
	}
	ck_abort_msg("nobody connects");
	return -1;
}

void proxy_lab_say_socks5(int fd, const struct sockaddr_in *to)
{
	uint8_t request[13] = "\5\1\0\5\1\0\1";

	memcpy(request + 7, &to->sin_addr, 4);
	memcpy(request + 11, &to->sin_port, 2);
	proxy_lab_say(fd, request, sizeof(request));
}

/* A client that is connected with a server. */
void proxy_lab_connect_both(struct proxy_lab *f, int *client, int *server)
{
	struct sockaddr_in at;
	int listener = proxy_lab_listen_at(&at, 10);
	uint8_t answer[12];

	*client = proxy_lab_connect_to(&f->at);
	proxy_lab_say_socks5(*client, &at);
	*server = proxy_lab_accept_one(f, listener);
	ck_assert_uint_eq(proxy_lab_receive(f, *client, answer, sizeof(answer)),
	                  sizeof(answer));
	ck_assert_mem_eq(answer, "\5\0\5\0\0\1\177\0\0\1", 10);
	close(listener);
}
