/* src/inside/handover.c - messages of a fixed size over SOCK_SEQPACKET, with descriptors
 *
 * Both ends are the same program of the same user, and one is the other's child. So what
 * arrives is checked against mistakes, not against malice. */
#include "inside/handover.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cmsg.h"

enum message_type {
	MESSAGE_FDS,
	MESSAGE_TUN_WANTED,
	MESSAGE_TUN,
	MESSAGE_GO,
	MESSAGE_FAILED,
};

#define FDS_MAX (sizeof(struct handover_fds) / sizeof(int))
_Static_assert(sizeof(struct handover_fds) == FDS_MAX * sizeof(int), "only descriptors");

struct message {
	enum message_type type;
	int result; /* of MESSAGE_TUN */
	char tun[IF_NAMESIZE];
	bool vnet_hdr;
	bool present[FDS_MAX]; /* which of the descriptors came with it */
};

static const int no_fds[FDS_MAX] = { -1, -1, -1, -1, -1, -1 };

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int handover_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno
	                                                                      : 0;
}

void handover_close(struct handover_fds *fds)
{
	int *each[] = { &fds->user,    &fds->net,         &fds->mount,
		        &fds->netlink, &fds->resolv_conf, &fds->mountinfo };

	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		if (*each[i] >= 0)
			close(*each[i]);
		*each[i] = -1;
	}
}

static int send_message(int socket, struct message *m, const int fds[static FDS_MAX])
{
	union control control = { 0 };
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	int present[FDS_MAX];
	size_t n = 0;
	ssize_t sent;

	for (size_t i = 0; i < FDS_MAX; i++) {
		m->present[i] = fds[i] >= 0;
		if (fds[i] >= 0)
			present[n++] = fds[i];
	}
	if (n > 0) {
		h.msg_control = control.bytes;
		h.msg_controllen = CMSG_SPACE_BYTES(n * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_BYTES(n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), present, n * sizeof(int));
	}
	do {
		sent = sendmsg(socket, &h, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EPIPE || errno == ECONNRESET ? -ENOTCONN : -errno;
	return 0;
}

/* Puts the descriptors that came where they belong, and leaves the others. Returns false if
 * there are too few. */
static bool take_fds(const struct message *m, const union control *control, size_t bytes,
                     int fds[static FDS_MAX])
{
	size_t n = 0, at = 0;

	if (bytes >= sizeof(control->header) &&
	    control->header.cmsg_level == SOL_SOCKET &&
	    control->header.cmsg_type == SCM_RIGHTS)
		n = (control->header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < FDS_MAX; i++) {
		if (m->present[i] && at < n)
			memcpy(&fds[i], CMSG_DATA(&control->header) + at * sizeof(int),
			       sizeof(int));
		if (m->present[i])
			at++;
	}
	return at == n;
}

static int receive_message(int socket, struct message *m, int fds[static FDS_MAX])
{
	union control control = { 0 };
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = control.bytes,
		            .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	memcpy(fds, no_fds, sizeof(no_fds));
	do {
		n = recvmsg(socket, &h, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -ENOTCONN : -errno;
	if (n == 0)
		return -ENOTCONN;
	if (n != sizeof(*m))
		return -EPROTO;
	m->tun[sizeof(m->tun) - 1] = '\0';
	return take_fds(m, &control, h.msg_controllen, fds) ? 0 : -EPROTO;
}

/* ---- the process inside */

int handover_give(int socket, const struct handover_fds *fds)
{
	struct message m = { .type = MESSAGE_FDS };
	int array[FDS_MAX];

	memcpy(array, fds, sizeof(*fds));
	return send_message(socket, &m, array);
}

int handover_wait(int socket, struct handover_wanted *out)
{
	struct message m;
	int fds[FDS_MAX], err = receive_message(socket, &m, fds);

	*out = (struct handover_wanted){ 0 };
	if (err)
		return err;
	if (m.type == MESSAGE_FAILED)
		return -ECANCELED;
	if (m.type != MESSAGE_GO && m.type != MESSAGE_TUN_WANTED)
		return -EPROTO;
	out->request = m.type == MESSAGE_GO ? HANDOVER_GO : HANDOVER_TUN;
	memcpy(out->tun, m.tun, sizeof(out->tun));
	out->vnet_hdr = m.vnet_hdr;
	return 0;
}

int handover_give_tun(int socket, int tun_fd_or_error)
{
	struct message m = { .type = MESSAGE_TUN };
	int fds[FDS_MAX] = { tun_fd_or_error, -1, -1, -1, -1, -1 };

	if (tun_fd_or_error < 0)
		m.result = tun_fd_or_error;
	return send_message(socket, &m, fds);
}

/* ---- the supervisor */

int handover_take(int socket, struct handover_fds *out)
{
	struct message m;
	int fds[FDS_MAX], err = receive_message(socket, &m, fds);

	*out = HANDOVER_NO_FDS;
	if (err)
		return err;
	memcpy(out, fds, sizeof(*out));
	if (m.type == MESSAGE_FDS)
		return 0;
	handover_close(out);
	return -EPROTO;
}

int handover_take_tun(int socket, const char *name, bool vnet_hdr)
{
	struct message m = { .type = MESSAGE_TUN_WANTED, .vnet_hdr = vnet_hdr };
	int fds[FDS_MAX], err;

	memcpy(m.tun, name, strnlen(name, sizeof(m.tun) - 1));
	err = send_message(socket, &m, no_fds);
	if (!err)
		err = receive_message(socket, &m, fds);
	if (err)
		return err;
	if (m.type != MESSAGE_TUN || (m.result == 0 && fds[0] < 0))
		return -EPROTO;
	return m.result ? m.result : fds[0];
}

int handover_go(int socket)
{
	struct message m = { .type = MESSAGE_GO };

	return send_message(socket, &m, no_fds);
}

void handover_fail(int socket)
{
	struct message m = { .type = MESSAGE_FAILED };

	(void)!send_message(socket, &m, no_fds);
}
