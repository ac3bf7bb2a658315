/* src/io/outward.c */
#include "io/outward.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_MTU
#define IP_MTU 14 /* musl's and bionic's <netinet/in.h> don't have it everywhere */
#endif
#ifndef IPV6_MTU
#define IPV6_MTU 24
#endif

#define PORT 9 /* no datagram will be sent to it */

static int ask(int fd, const struct endpoint *to, struct outward *out)
{
	struct endpoint there = *to, here;
	struct sockaddr_storage sa;
	socklen_t len;
	int mtu_bytes = 0;

	there.port = PORT;
	len = endpoint_to_sockaddr(&there, &sa);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	if (!endpoint_from_sockaddr(&here, (struct sockaddr *)&sa))
		return -EAFNOSUPPORT;
	len = sizeof(mtu_bytes);
	if (there.addr.family == IP_V4)
		(void)!getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu_bytes, &len);
	else
		(void)!getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu_bytes, &len);
	*out = (struct outward){ here.addr, mtu_bytes > 0 ? (uint32_t)mtu_bytes : 0 };
	return 0;
}

/* Afterwards the socket is as it was, so that it can be used again. */
static int ask_by(int fd, const struct endpoint *to, struct outward *out)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	int err = fd < 0 ? -EAGAIN : ask(fd, to, out);

	if (fd >= 0)
		(void)!connect(fd, &none, sizeof(none));
	return err;
}

int outward_look(const struct outward_sockets *by, const struct endpoint *to,
                 uint32_t mark, struct outward *out)
{
	int fd, err = 0;

	*out = (struct outward){ 0 };
	if (to->addr.family == IP_NONE)
		return -EAFNOSUPPORT;
	if (by)
		return ask_by(to->addr.family == IP_V4 ? by->ipv4 : by->ipv6, to, out);
	fd = socket(to->addr.family == IP_V4 ? AF_INET : AF_INET6,
	            SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		err = -errno;
	if (!err)
		err = ask(fd, to, out);
	close(fd);
	return err;
}
