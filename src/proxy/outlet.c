/* src/proxy/outlet.c - one message asks, one answers, with the same number: an answer that
 * was not waited for any longer must not be taken for that to the next question */
#include "proxy/outlet.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "io/loop_clock.h"

#define ANSWER_S     1
#define COMPLAINT_NS (60 * NS_PER_SEC)

struct wanted {
	int family, type;
	uint32_t number; /* of the question; one after the other */
	socklen_t size;  /* of `to`; 0: it isn't connected */
	struct sockaddr_storage to;
};

struct answer {
	int error; /* 0: a socket comes with it */
	uint32_t number;
};

int outlet_pair(int fds[2])
{
	const struct timeval wait = { .tv_sec = ANSWER_S };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	if (setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		return -errno;
	return 0;
}

/* Nobody starts it again. */
static int has_ended(struct outlet *o)
{
	log_limited(
		o->log, &o->gone, loop_now_ns(), COMPLAINT_NS, LOG_LEVEL_ERROR, NULL,
		"proxy: the process that connects outside of the tunnels has ended: end the proxy, and start it again");
	return -EOWNERDEAD;
}

static int ask(struct outlet *o, struct wanted *wanted)
{
	struct answer answer;
	int found;

	wanted->number = ++o->asked;
	if (o->fd < 0)
		return -ENETUNREACH;
	if (send(o->fd, wanted, sizeof(*wanted), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EPIPE ? has_ended(o) : -ENETUNREACH;
	while (fd_pass_receive(o->fd, &answer, sizeof(answer), &found) ==
	       sizeof(answer)) {
		if (answer.number == wanted->number)
			return found >= 0         ? found
			       : answer.error < 0 ? answer.error
			                          : -EPROTO;
		if (found >= 0)
			close(found);
	}
	return -ENETUNREACH;
}

int outlet_socket(struct outlet *o, int family, int type)
{
	struct wanted wanted = { .family = family, .type = type };

	return ask(o, &wanted);
}

int outlet_connect(struct outlet *o, const struct endpoint *to)
{
	struct wanted wanted = { .type = SOCK_STREAM };

	wanted.size = endpoint_to_sockaddr(to, &wanted.to);
	wanted.family = wanted.to.ss_family;
	return ask(o, &wanted);
}

static int make(const struct wanted *w)
{
	int fd, err;

	if (w->size > sizeof(w->to))
		return -EINVAL;
	if ((w->family != AF_INET && w->family != AF_INET6) ||
	    (w->type != SOCK_STREAM && w->type != SOCK_DGRAM))
		return -EINVAL;
	fd = socket(w->family, w->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (w->size == 0 || connect(fd, (const struct sockaddr *)&w->to, w->size) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* The kernel refuses to send a socket while too many others of this user are on their way. Then
 * that is the answer, because the proxy serves nobody while it waits for one. */
static void reply(int fd, uint32_t number, int made)
{
	struct answer answer = { made < 0 ? made : 0, number };
	int err = fd_pass_send(fd, &answer, sizeof(answer), made, 0);

	if (made >= 0)
		close(made);
	if (!err || made < 0)
		return;
	answer.error = err;
	(void)!fd_pass_send(fd, &answer, sizeof(answer), -1, 0);
}

bool outlet_serve(int fd)
{
	struct wanted wanted;
	ssize_t n = recv(fd, &wanted, sizeof(wanted), 0);

	if (n == sizeof(wanted))
		reply(fd, wanted.number, make(&wanted));
	return n > 0 || (n < 0 && errno == EINTR);
}
