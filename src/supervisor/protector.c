/* src/supervisor/protector.c - asks for one socket at a time
 *
 * It isn't told which sockets are new. In each round it looks for one that the tunnels say
 * isn't protected. So no place that makes a socket can forget to ask for it, and a socket
 * that is replaced while it is asked for isn't taken for the new one: what counts is the
 * socket itself (is_same), not the number of its descriptor. */
#include "supervisor/protector.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "base/unix_socket.h"
#include "supervisor/configure.h"

/* Those who can't go on without it wait so long in so long a time, all together: the worker may
 * ask for many sockets. */
#define WAIT_NS  NS_PER_SEC
#define WAITS_NS (10 * NS_PER_SEC)
#define LIMIT_NS (60 * NS_PER_SEC)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- one question */

/* Returns the connection by which the answer comes, or -errno. */
static int ask(const struct protector *p, int fd)
{
	int connection = unix_connect(p->name), err = 0;

	if (connection < 0)
		return connection;
	if (!unix_peer_is_trusted(p->name, connection))
		err = -EACCES;
	if (!err)
		err = fd_pass_send(connection, "", 1, fd, MSG_DONTWAIT);
	if (!err)
		return connection;
	close(connection);
	return err;
}

/* Returns 0 if the socket is protected, -EPERM if the app refuses, -EAGAIN if it hasn't
 * answered yet, or another -errno. */
static int read_answer(int connection)
{
	unsigned char answer;
	ssize_t got = recv(connection, &answer, 1, MSG_DONTWAIT);

	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (got == 0)
		return -ENOTCONN;
	return answer == 0 ? 0 : -EPERM;
}

static void say_failure(struct protector *p, int err, uint64_t now_ns)
{
	const char *why = err == -EPERM       ? "the app refuses it"
	                  : err == -ENOTCONN  ? "the app hangs up without an answer"
	                  : err == -ETIMEDOUT ? "the app doesn't answer"
	                  : err == -EACCES    ? "another user's program listens there"
	                                      : strerror(-err);

	log_limited(
		p->log, &p->limit, now_ns, LIMIT_NS, LOG_LEVEL_WARN, NULL,
		"a socket isn't protected by %s, so nothing is sent by it, and the app is asked again: %s",
		p->name, why);
}

/* ---- which socket is asked for */

/* The sockets stay open meanwhile, so no other one can have the same number. */
static bool is_same(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Returns the one whose turn it is among those that aren't protected, or -1. */
static int find(const struct protector *p, unsigned turn, unsigned *count)
{
	unsigned n = 0;
	int found = -1;

	for (int f = 0; f < UDP_FAMILIES; f++) {
		if (p->unprotected[f] >= 0 && n++ == turn)
			found = p->unprotected[f];
	}
	for (size_t i = 0; i < p->tunnels->count; i++) {
		const struct tunnel *t = &p->tunnels->v[i];

		for (int f = 0; f < UDP_FAMILIES; f++) {
			if (t->udp_fds[f] >= 0 && !t->is_protected[f] && n++ == turn)
				found = t->udp_fds[f];
		}
	}
	*count = n;
	return found;
}

static int next_socket(const struct protector *p)
{
	unsigned count, unused;

	(void)find(p, 0, &count);
	return count > 0 ? find(p, p->turn % count, &unused) : -1;
}

/* ---- an answer */

/* Returns true if it is the last of them. */
static bool note_outward(struct protector *p, int fd)
{
	int *const outward[UDP_FAMILIES] = {
		[UDP_IPV4] = &p->outward.ipv4, [UDP_IPV6] = &p->outward.ipv6
	};

	for (int f = 0; f < UDP_FAMILIES; f++) {
		if (!is_same(p->unprotected[f], fd))
			continue;
		*outward[f] = p->unprotected[f];
		p->unprotected[f] = -1;
		return p->unprotected[UDP_IPV4] < 0 && p->unprotected[UDP_IPV6] < 0;
	}
	return false;
}

static int note_protected(struct protector *p, int fd)
{
	int err = 0;

	if (note_outward(p, fd))
		p->can_look(p->context);
	for (size_t i = 0; i < p->tunnels->count && !err; i++) {
		struct tunnel *t = &p->tunnels->v[i];
		bool is_its = false;

		for (int f = 0; f < UDP_FAMILIES; f++) {
			if (!t->is_protected[f] && is_same(t->udp_fds[f], fd))
				is_its = t->is_protected[f] = true;
		}
		if (is_its && tunnel_is_protected(t))
			err = configure_sockets(p->worker, t, true);
	}
	return err;
}

static void end_request(struct protector *p)
{
	if (p->request.fd >= 0)
		loop_remove(p->loop, &p->request);
	close_fd(&p->request.fd);
	close_fd(&p->asked);
}

static void fail(struct protector *p, int err, uint64_t now_ns)
{
	end_request(p);
	say_failure(p, err, now_ns);
	p->turn++;
	p->pause_ns = p->pause_ns ? 2 * p->pause_ns : PROTECTOR_FIRST_NS;
	if (p->pause_ns > PROTECTOR_LONGEST_NS)
		p->pause_ns = PROTECTOR_LONGEST_NS;
	p->due_ns = now_ns + p->pause_ns;
}

static int succeed(struct protector *p, uint64_t now_ns)
{
	int err = note_protected(p, p->asked);

	end_request(p);
	if (p->pause_ns)
		log_info(p->log, NULL, "%s protects sockets again", p->name);
	p->pause_ns = 0;
	p->due_ns = now_ns;
	p->limit.next_ns = 0;
	return err;
}

/* protector_run looks at the answer, where an error can be returned. */
static void answer_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct protector *p = CONTAINER_OF(source, struct protector, request);

	(void)events;
	(void)now_ns;
	p->has_answer = true;
}

static void begin_request(struct protector *p, int fd, uint64_t now_ns)
{
	int err;

	p->asked = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	p->request = (struct loop_source){ -1, answer_ready };
	p->has_answer = false;
	err = p->asked < 0 ? -errno : ask(p, p->asked);
	if (err >= 0) {
		p->request.fd = err;
		err = loop_add(p->loop, &p->request, EPOLLIN);
		if (err)
			close_fd(&p->request.fd);
	}
	if (err < 0)
		fail(p, err, now_ns);
	else
		p->due_ns = now_ns + PROTECTOR_ANSWER_NS;
}

/* ---- those who wait */

static int ask_and_wait(struct protector *p, int fd, uint64_t ns)
{
	struct pollfd answer = { .fd = ask(p, fd), .events = POLLIN };
	int err;

	if (answer.fd < 0)
		return answer.fd;
	err = poll(&answer, 1, (int)(ns / NS_PER_MS) + 1) == 1 ? read_answer(answer.fd)
	                                                       : -ETIMEDOUT;
	close(answer.fd);
	return err;
}

/* An app that is slow may make us wait only now and then. */
static int protect_now(struct protector *p, int fd)
{
	uint64_t now_ns = loop_now_ns();
	int err;

	if (now_ns - p->waits_since_ns >= WAITS_NS) {
		p->waits_since_ns = now_ns;
		p->waited_ns = 0;
	}
	if (p->waited_ns >= WAIT_NS)
		return -ETIMEDOUT;
	err = ask_and_wait(p, fd, WAIT_NS - p->waited_ns);
	p->waited_ns += loop_now_ns() - now_ns;
	if (err)
		say_failure(p, err, now_ns);
	return err;
}

int protector_socket(void *context, int family, int type)
{
	struct protector *p = context;
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	err = protect_now(p, fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* ---- protector.h */

void protector_init(struct protector *p)
{
	p->request.fd = p->asked = -1;
	p->outward = (struct outward_sockets){ -1, -1 };
	for (int f = 0; f < UDP_FAMILIES; f++)
		p->unprotected[f] = -1;
}

void protector_begin(struct protector *p)
{
	const int families[UDP_FAMILIES] = { AF_INET, AF_INET6 };
	bool goes = true;

	if (!p->name)
		return;
	for (int f = 0; f < UDP_FAMILIES; f++) {
		p->unprotected[f] = socket(families[f], SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (p->unprotected[f] < 0)
			continue; /* the system doesn't have this family */
		goes = goes && protect_now(p, p->unprotected[f]) == 0;
		if (goes)
			(void)note_outward(p, p->unprotected[f]);
	}
}

uint64_t protector_deadline_ns(const struct protector *p)
{
	if (!p->name || (p->request.fd < 0 && next_socket(p) < 0))
		return NEVER_NS;
	return p->has_answer ? 0 : p->due_ns;
}

/* Looks at the answer of a request that is under way. Returns true if it has ended. */
static bool end_answered(struct protector *p, uint64_t now_ns, int *err)
{
	int answer = p->has_answer ? read_answer(p->request.fd) : -EAGAIN;

	p->has_answer = false;
	if (answer == -EAGAIN && now_ns < p->due_ns)
		return false;
	if (answer == 0)
		*err = succeed(p, now_ns);
	else
		fail(p, answer == -EAGAIN ? -ETIMEDOUT : answer, now_ns);
	return true;
}

int protector_run(struct protector *p, uint64_t now_ns)
{
	int fd, err = 0;

	if (!p->name)
		return 0;
	if (p->request.fd >= 0 && !end_answered(p, now_ns, &err))
		return 0;
	fd = next_socket(p);
	if (fd >= 0 && now_ns >= p->due_ns && !err)
		begin_request(p, fd, now_ns);
	return err;
}

void protector_end(struct protector *p)
{
	if (!p->name)
		return;
	end_request(p);
	close_fd(&p->outward.ipv4);
	close_fd(&p->outward.ipv6);
	for (int f = 0; f < UDP_FAMILIES; f++)
		close_fd(&p->unprotected[f]);
}
