/* src/base/fd_pass.c */
#include "base/fd_pass.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cmsg.h"

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int fd_pass_send(int socket, const void *bytes, size_t n, int fd, int flags)
{
	union control control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_BYTES(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(socket, &m, flags | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return sent == (ssize_t)n ? 0 : -EMSGSIZE;
}

/* Who has been taken over may send two: neither is taken, nor left open. */
static int taken_fd(const struct msghdr *m, const union control *control)
{
	const struct cmsghdr *h = &control->header;
	int fds[sizeof(union control) / sizeof(int)];
	size_t n;

	if (m->msg_controllen < sizeof(*h) || h->cmsg_level != SOL_SOCKET ||
	    h->cmsg_type != SCM_RIGHTS || h->cmsg_len <= CMSG_BYTES(0) ||
	    h->cmsg_len > sizeof(*control))
		return -1;
	n = (h->cmsg_len - CMSG_BYTES(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	if (n == 1)
		return fds[0];
	while (n > 0)
		close(fds[--n]);
	return -1;
}

ssize_t fd_pass_receive(int socket, void *bytes, size_t n, int *fd)
{
	union control control = { 0 };
	struct iovec iov = { bytes, n };
	struct msghdr m = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = control.bytes,
		            .msg_controllen = sizeof(control.bytes) };
	ssize_t got;

	do {
		got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	*fd = got >= 0 ? taken_fd(&m, &control) : -1;
	return got < 0 ? -errno : got;
}
