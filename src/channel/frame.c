/* src/channel/frame.c - a frame is one message of the socket: a header and a body, and
 * its descriptors beside them. Frames contain private keys, so they are wiped after
 * sending and after receiving. */
#include "channel/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cmsg.h"
#include "base/memory.h"

#define FRAME_MAX (sizeof(struct frame_header) + FRAME_BODY_MAX)
/* Twice the largest frame, because the kernel counts its own structs, too. */
#define SEND_BUFFER_BYTES (2 * (int)FRAME_MAX)
/* Who sends so much at a time, such as the status of many devices, has needed even more
 * memory to make it. */
#define MUCH_BYTES ((size_t)256 * 1024)

/* A frame that is on the heap until it is sent. */
struct waiting_frame {
	struct waiting_frame *next;
	int fds[FRAME_FDS_MAX]; /* owned */
	size_t fd_count;
	size_t bytes_count;
	uint8_t bytes[]; /* header and body */
};

/* There is room for one descriptor more than allowed, so that one too many is noticed. */
union fd_control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(int) * (FRAME_FDS_MAX + 1))];
};

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

void frame_close_fds(struct frame *frame)
{
	close_all(frame->fds, frame->fd_count);
	frame->fd_count = 0;
}

/* ---- init and clear */

int channel_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno
	                                                                      : 0;
}

/* Makes room for the largest frame if the system's default is smaller. */
static void widen(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &len) < 0 ||
	    bytes >= SEND_BUFFER_BYTES)
		return;
	bytes = SEND_BUFFER_BYTES;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int channel_init(struct channel *c, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	*c = (struct channel){ .fd = fd, .in = malloc(FRAME_MAX) };
	if (!c->in || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		int err = c->in ? -errno : -ENOMEM;

		channel_clear(c);
		return err;
	}
	widen(fd);
	return 0;
}

static void free_frame(struct waiting_frame *f)
{
	close_all(f->fds, f->fd_count);
	sodium_memzero(f->bytes, f->bytes_count);
	free(f);
}

static void drop_first(struct channel *c)
{
	struct waiting_frame *f = c->first;

	c->first = f->next;
	if (!c->first)
		c->last = NULL;
	c->waiting_bytes -= f->bytes_count;
	free_frame(f);
}

void channel_clear(struct channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	while (c->first)
		drop_first(c);
	if (c->in)
		sodium_memzero(c->in, FRAME_MAX);
	free(c->in);
	*c = (struct channel){ .fd = -1 };
}

/* ---- sending */

static int copy_fds(struct waiting_frame *f, const int *fds, size_t n)
{
	for (; f->fd_count < n; f->fd_count++) {
		int fd = fcntl(fds[f->fd_count], F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		f->fds[f->fd_count] = fd;
	}
	return 0;
}

int channel_send(struct channel *c, uint16_t type, const void *body, size_t body_bytes,
                 const int *fds, size_t fd_count)
{
	struct frame_header h = { be16_put(type), be16_put((uint16_t)fd_count) };
	struct waiting_frame *f;
	int err;

	if (body_bytes > FRAME_BODY_MAX || fd_count > FRAME_FDS_MAX)
		return -EMSGSIZE;
	f = calloc(1, sizeof(*f) + sizeof(h) + body_bytes);
	if (!f)
		return -ENOMEM;
	err = copy_fds(f, fds, fd_count);
	if (err) {
		free_frame(f);
		return err;
	}
	f->bytes_count = sizeof(h) + body_bytes;
	memcpy(f->bytes, &h, sizeof(h));
	if (body_bytes > 0)
		memcpy(f->bytes + sizeof(h), body, body_bytes);
	*(c->last ? &c->last->next : &c->first) = f;
	c->last = f;
	c->waiting_bytes += f->bytes_count;
	if (c->most_waiting_bytes < c->waiting_bytes)
		c->most_waiting_bytes = c->waiting_bytes;
	return 0;
}

static ssize_t send_frame(const struct channel *c, struct waiting_frame *f)
{
	struct iovec iov = { f->bytes, f->bytes_count };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control control = { 0 };

	if (f->fd_count > 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE_BYTES(sizeof(int) * f->fd_count);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_BYTES(sizeof(int) * f->fd_count);
		memcpy(CMSG_DATA(&control.align), f->fds, sizeof(int) * f->fd_count);
	}
	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

/* ETOOMANYREFS means that too many descriptors are under way, until the receiver takes
 * them. */
static bool has_no_room(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS ||
	       error == ETOOMANYREFS;
}

int channel_write(struct channel *c)
{
	while (c->first) {
		if (send_frame(c, c->first) >= 0)
			drop_first(c);
		else if (has_no_room(errno))
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
	if (c->most_waiting_bytes > MUCH_BYTES)
		memory_give_back();
	c->most_waiting_bytes = 0;
	return 0;
}

/* ---- receiving */

/* Takes the descriptors. Closes those that are too many; then returns false. */
static bool take_fds(struct frame *out, struct msghdr *m)
{
	bool all = true;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = cmsg_next(m, h)) {
		size_t n = h->cmsg_len - CMSG_LEN(0);
		const uint8_t *at = CMSG_DATA(h);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (; n >= sizeof(int); n -= sizeof(int), at += sizeof(int)) {
			int fd;

			memcpy(&fd, at, sizeof(fd));
			if (out->fd_count < FRAME_FDS_MAX) {
				out->fds[out->fd_count++] = fd;
			} else {
				close(fd);
				all = false;
			}
		}
	}
	return all;
}

static bool take_header(struct frame *out, const struct channel *c, size_t n)
{
	struct frame_header h;

	if (n < sizeof(h))
		return false;
	memcpy(&h, c->in, sizeof(h));
	out->type = be16_get(h.type);
	out->body = c->in + sizeof(h);
	out->body_bytes = n - sizeof(h);
	return be16_get(h.fds) == out->fd_count;
}

int channel_next(struct channel *c, struct frame *out)
{
	struct iovec iov = { c->in, FRAME_MAX };
	union fd_control control;
	struct msghdr m = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = control.bytes,
		            .msg_controllen = sizeof(control.bytes) };
	bool whole;
	ssize_t n;

	*out = (struct frame){ 0 };
	if (c->wipe_bytes)
		sodium_memzero(c->in, c->wipe_bytes);
	c->wipe_bytes = 0;
	do {
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	c->wipe_bytes = (size_t)n;
	whole = take_fds(out, &m) && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	if (n == 0 && out->fd_count == 0)
		return -ENOTCONN;
	if (whole && take_header(out, c, (size_t)n))
		return 1;
	frame_close_fds(out);
	return -EPROTO;
}
