/* src/names/lookup_sockets.c */
#include "names/lookup_sockets.h"

#include <ares.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEND_BYTES 1024

static int as_system(ssize_t result)
{
	if (result >= 0)
		return (int)result;
	errno = (int)-result;
	return -1;
}

/* ---- sockets of the kernel's */

static ares_socket_t make_socket(int family, int type, int protocol, void *context)
{
	const struct lookup_maker *m = context;

	(void)protocol;
	return as_system(m->make(m->context, family, type));
}

static int plain_close(ares_socket_t fd, void *context)
{
	(void)context;
	return close(fd);
}

static int plain_connect(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t size,
                         void *context)
{
	(void)context;
	return connect(fd, to, size);
}

static ares_ssize_t plain_receive(ares_socket_t fd, void *bytes, size_t n, int flags,
                                  struct sockaddr *from, ares_socklen_t *size,
                                  void *context)
{
	(void)context;
	return recvfrom(fd, bytes, n, flags, from, size);
}

static ares_ssize_t plain_send(ares_socket_t fd, const struct iovec *parts, int count,
                               void *context)
{
	(void)context;
	return writev(fd, parts, count);
}

/* c-ares wants a socket before it says where to. So it gets the number of a descriptor that
 * is of no use, and the socket that is connected takes its place later. */
static ares_socket_t later_socket(int family, int type, int protocol, void *context)
{
	struct lookup_maker *m = context;

	(void)family;
	(void)protocol;
	m->type = type;
	return fcntl(m->any_fd, F_DUPFD_CLOEXEC, 0);
}

static int later_connect(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t size,
                         void *context)
{
	const struct lookup_maker *m = context;
	struct endpoint at = { 0 };
	int made = -EAFNOSUPPORT, err;

	(void)size;
	if (endpoint_from_sockaddr(&at, to))
		made = m->make_connected(m->context, m->type, &at);
	if (made < 0)
		return as_system(made);
	err = dup3(made, fd, O_CLOEXEC) < 0 ? -errno : 0;
	close(made);
	return as_system(err);
}

void lookup_sockets_make(struct ares_channeldata *channel, struct lookup_maker *maker)
{
	static const struct ares_socket_functions now = {
		make_socket, plain_close, plain_connect, plain_receive, plain_send,
	};
	static const struct ares_socket_functions later = {
		later_socket, plain_close, later_connect, plain_receive, plain_send,
	};

	ares_set_socket_functions(channel, maker->make ? &now : &later, maker);
}

/* ---- others */

static ares_socket_t own_socket(int family, int type, int protocol, void *context)
{
	const struct lookup_sockets *own = context;

	(void)protocol;
	return as_system(own->open(own->context, family, type));
}

static int own_close(ares_socket_t number, void *context)
{
	const struct lookup_sockets *own = context;

	own->close(own->context, number);
	return 0;
}

static int own_connect(ares_socket_t number, const struct sockaddr *to,
                       ares_socklen_t size, void *context)
{
	const struct lookup_sockets *own = context;
	struct endpoint at = { 0 };

	(void)size;
	return as_system(endpoint_from_sockaddr(&at, to)
	                         ? own->connect(own->context, number, &at)
	                         : -EAFNOSUPPORT);
}

static ares_ssize_t own_receive(ares_socket_t number, void *bytes, size_t n, int flags,
                                struct sockaddr *from, ares_socklen_t *size,
                                void *context)
{
	const struct lookup_sockets *own = context;
	struct endpoint at = { 0 };
	struct sockaddr_storage ss;
	int got = as_system(own->receive(own->context, number, bytes, n, &at));
	socklen_t needed;

	(void)flags;
	if (got < 0 || !from || at.addr.family == IP_NONE)
		return got;
	needed = endpoint_to_sockaddr(&at, &ss);
	if (needed <= *size)
		memcpy(from, &ss, needed);
	*size = needed;
	return got;
}

/* What doesn't fit is sent later, if it is a stream; a query by UDP always fits. */
static ares_ssize_t own_send(ares_socket_t number, const struct iovec *parts, int count,
                             void *context)
{
	const struct lookup_sockets *own = context;
	uint8_t all[SEND_BYTES];
	size_t n = 0;

	for (int i = 0; i < count && n < sizeof(all); i++) {
		size_t some = parts[i].iov_len < sizeof(all) - n ? parts[i].iov_len
		                                                 : sizeof(all) - n;

		memcpy(all + n, parts[i].iov_base, some);
		n += some;
	}
	return as_system(own->send(own->context, number, all, n));
}

void lookup_sockets_use(struct ares_channeldata *channel,
                        const struct lookup_sockets *sockets)
{
	static const struct ares_socket_functions functions = {
		own_socket, own_close, own_connect, own_receive, own_send,
	};

	ares_set_socket_functions(channel, &functions, (void *)(uintptr_t)sockets);
}
