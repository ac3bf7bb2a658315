/* src/channel/frame.c
 *
 * The kernel delivers descriptors with the first byte that they were sent with, and never
 * joins them with bytes sent later. So by the time a frame is complete its descriptors
 * are there, in order, before those of any later frame: the header's count says how many
 * to take. */
#include "channel/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX (sizeof(struct frame_header) + FRAME_BODY_MAX)

struct pending_fds {
	struct pending_fds *next;
	uint64_t at; /* position of the frame's first byte in the stream */
	size_t count;
	int fds[FRAME_FDS_MAX]; /* owned */
};

union fd_control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
};

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void frame_close_fds(struct frame *frame)
{
	close_all(frame->fds, frame->fd_count);
	frame->fd_count = 0;
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
	return 0;
}

static void drop_first_pending(struct channel *c)
{
	struct pending_fds *p = c->first_fds;

	c->first_fds = p->next;
	if (!c->first_fds)
		c->last_fds = NULL;
	close_all(p->fds, p->count);
	free(p);
}

void channel_clear(struct channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	while (c->first_fds)
		drop_first_pending(c);
	close_all(c->fds, c->fd_count);
	outbuf_clear(&c->out);
	if (c->in)
		sodium_memzero(c->in, FRAME_MAX);
	free(c->in);
	*c = (struct channel){ .fd = -1 };
}

/* ---- sending */

static int add_fds(struct channel *c, const int *fds, size_t n)
{
	struct pending_fds *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->at = c->added_bytes;
	for (; p->count < n; p->count++) {
		p->fds[p->count] = fcntl(fds[p->count], F_DUPFD_CLOEXEC, 0);
		if (p->fds[p->count] < 0) {
			int err = -errno;

			close_all(p->fds, p->count);
			free(p);
			return err;
		}
	}
	if (c->last_fds)
		c->last_fds->next = p;
	else
		c->first_fds = p;
	c->last_fds = p;
	return 0;
}

int channel_send(struct channel *c, uint16_t type, const void *body, size_t body_bytes,
                 const int *fds, size_t fd_count)
{
	struct frame_header h = { be32_put((uint32_t)body_bytes), be16_put(type),
		                  be16_put((uint16_t)fd_count) };
	int err;

	if (body_bytes > FRAME_BODY_MAX || fd_count > FRAME_FDS_MAX)
		return -EMSGSIZE;
	if (c->out.failed)
		return -ENOMEM;
	if (fd_count) {
		err = add_fds(c, fds, fd_count);
		if (err)
			return err;
	}
	outbuf_add(&c->out, &h, sizeof(h));
	outbuf_add(&c->out, body, body_bytes);
	c->added_bytes += sizeof(h) + body_bytes;
	return c->out.failed ? -ENOMEM : 0;
}

/* One piece: up to the next byte that descriptors go with, which begins a piece. */
static ssize_t send_piece(struct channel *c)
{
	struct pending_fds *p = c->first_fds;
	struct iovec iov = { c->out.bytes + c->out.first, outbuf_bytes(&c->out) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control control = { 0 };
	uint64_t end;

	if (p && p->at == c->sent_bytes) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * p->count);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * p->count);
		memcpy(CMSG_DATA(&control.align), p->fds, sizeof(int) * p->count);
		p = p->next;
	}
	end = p ? p->at : c->added_bytes;
	if (iov.iov_len > end - c->sent_bytes)
		iov.iov_len = (size_t)(end - c->sent_bytes);
	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

int channel_write(struct channel *c)
{
	if (c->out.failed)
		return -ENOMEM;
	while (channel_pending(c)) {
		ssize_t n = send_piece(c);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (c->first_fds && c->first_fds->at == c->sent_bytes)
			drop_first_pending(c);
		c->sent_bytes += (uint64_t)n;
		outbuf_consume(&c->out, (size_t)n);
	}
	return 0;
}

/* ---- receiving */

static int take_control(struct channel *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n = h->cmsg_len - CMSG_LEN(0);
		const uint8_t *at = CMSG_DATA(h);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (; n >= sizeof(int); n -= sizeof(int), at += sizeof(int)) {
			int fd;

			memcpy(&fd, at, sizeof(fd));
			if (c->fd_count == CHANNEL_FDS_MAX) {
				close(fd);
				m->msg_flags |= MSG_CTRUNC;
			} else {
				c->fds[c->fd_count++] = fd;
			}
		}
	}
	return m->msg_flags & MSG_CTRUNC ? -EPROTO : 0;
}

/* Reads until the frame in c->in has `want` bytes: 1; 0: they are not there yet. */
static int fill(struct channel *c, size_t want)
{
	while (c->in_bytes < want) {
		struct iovec iov = { c->in + c->in_bytes, want - c->in_bytes };
		union fd_control control;
		struct msghdr m = { .msg_iov = &iov,
			            .msg_iovlen = 1,
			            .msg_control = control.bytes,
			            .msg_controllen = sizeof(control.bytes) };
		ssize_t n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (take_control(c, &m) < 0)
			return -EPROTO;
		if (n == 0)
			return c->in_bytes ? -EPROTO : -ENOTCONN;
		c->in_bytes += (size_t)n;
	}
	return 1;
}

int channel_next(struct channel *c, struct frame *out)
{
	struct frame_header h;
	size_t body_bytes, fd_count;
	int got;

	*out = (struct frame){ 0 };
	if (c->wipe_bytes)
		sodium_memzero(c->in, c->wipe_bytes);
	c->wipe_bytes = 0;
	got = fill(c, sizeof(h));
	if (got <= 0)
		return got;
	memcpy(&h, c->in, sizeof(h));
	body_bytes = be32_get(h.body_bytes);
	fd_count = be16_get(h.fds);
	if (body_bytes > FRAME_BODY_MAX || fd_count > FRAME_FDS_MAX)
		return -EPROTO;
	got = fill(c, sizeof(h) + body_bytes);
	if (got <= 0)
		return got;
	if (fd_count > c->fd_count)
		return -EPROTO;
	out->type = be16_get(h.type);
	out->body = c->in + sizeof(h);
	out->body_bytes = body_bytes;
	out->fd_count = fd_count;
	memcpy(out->fds, c->fds, sizeof(int) * fd_count);
	c->fd_count -= fd_count;
	memmove(c->fds, c->fds + fd_count, sizeof(int) * c->fd_count);
	c->wipe_bytes = c->in_bytes;
	c->in_bytes = 0;
	return 1;
}
