/* src/supervisor/given_tun.c */
#include "supervisor/given_tun.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "base/unix_socket.h"
#include "io/tun.h"
#include "supervisor/configure.h"

#define LIMIT_NS (60 * NS_PER_SEC)

enum answer {
	ANSWER_TAKEN = 0,
	ANSWER_REFUSED = 1,
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void drop(struct given_tun *g, struct loop_source *source)
{
	if (source->fd >= 0)
		loop_remove(g->loop, source);
	close_fd(&source->fd);
}

/* ---- a descriptor comes */

static const char *take(struct given_tun *g, int fd)
{
	const char *unfit = tun_unfit(fd);
	bool first = *g->fd < 0;

	if (unfit || configure_tun(g->worker, NULL, fd) < 0) {
		close(fd);
		return unfit ? unfit : "out of memory";
	}
	close_fd(g->fd);
	*g->fd = fd;
	g->end_ns = 0;
	log_info(g->log, NULL, "the app has given %s tun", first ? "a" : "another");
	return NULL;
}

/* The other side may be gone, which is its own affair. */
static void answer(int fd, enum answer what)
{
	const unsigned char byte = (unsigned char)what;

	(void)!send(fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void client_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct given_tun *g = CONTAINER_OF(source, struct given_tun, client);
	const char *why = "no descriptor came with the byte";
	char byte;
	int fd;
	ssize_t got = fd_pass_receive(source->fd, &byte, 1, &fd);

	(void)events;
	if (got == -EAGAIN)
		return;
	if (got > 0 && fd >= 0)
		why = take(g, fd);
	if (got > 0 && why)
		log_limited(g->log, &g->limit, now_ns, LIMIT_NS, LOG_LEVEL_WARN, NULL,
		            "what came by %s can't be used as a tun: %s", g->name, why);
	if (got > 0)
		answer(source->fd, why ? ANSWER_REFUSED : ANSWER_TAKEN);
	if (got <= 0)
		drop(g, source);
}

/* Only one connection is kept, so that nobody can fill up our table of descriptors. */
static void listener_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct given_tun *g = CONTAINER_OF(source, struct given_tun, listener);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (!unix_peer_is_trusted(g->name, fd)) {
		log_limited(g->log, &g->limit, now_ns, LIMIT_NS, LOG_LEVEL_WARN, NULL,
		            "another user has connected to %s, and was sent away",
		            g->name);
		close(fd);
		return;
	}
	drop(g, &g->client);
	g->client = (struct loop_source){ fd, client_ready };
	if (loop_add(g->loop, &g->client, EPOLLIN) < 0)
		close_fd(&g->client.fd);
}

/* ---- given_tun.h */

static int explain(const struct given_tun *g, int err, struct diag *diag)
{
	diag_error(
		diag, NULL, 0, "--tun-path %s: can't listen there: %s", g->name,
		err == -EADDRINUSE
			? "another program does, or it is no socket; expected a name that is free"
			: strerror(-err));
	return err;
}

int given_tun_init(struct given_tun *g, int fd, struct diag *diag)
{
	const char *unfit = fd >= 0 ? tun_unfit(fd) : NULL;
	int listener;

	g->listener.fd = g->client.fd = -1;
	*g->fd = fd;
	if (unfit) {
		diag_error(diag, NULL, 0, "--tun-fd: %s", unfit);
		return -EINVAL;
	}
	if (!g->name)
		return 0;
	listener = unix_listen(g->name);
	if (listener < 0)
		return explain(g, listener, diag);
	g->is_bound = true;
	g->listener = (struct loop_source){ listener, listener_ready };
	return 0;
}

int given_tun_start(struct given_tun *g, struct loop *loop)
{
	if (!g->wanted)
		return 0;
	g->loop = loop;
	if (*g->fd < 0)
		log_info(g->log, NULL, "waiting for a tun to come by %s", g->name);
	return g->listener.fd >= 0 ? loop_add(loop, &g->listener, EPOLLIN) : 0;
}

bool given_tun_lost(struct given_tun *g, int err)
{
	if (!g->wanted)
		return false;
	/* that was about the one before, if the worker hasn't got the newest yet */
	if (permit_awaits(&g->worker->permit, COMMAND_TUN))
		return true;
	if (*g->fd < 0) /* the worker says it again, and its time runs on */
		return true;
	log_warn(g->log, NULL, "the app's tun is gone: %s", strerror(-err));
	close_fd(g->fd);
	g->end_ns = loop_now_ns() + (g->name ? GIVEN_TUN_GRACE_NS : 0);
	return true;
}

uint64_t given_tun_deadline_ns(const struct given_tun *g)
{
	return g->end_ns ? g->end_ns : NEVER_NS;
}

void given_tun_run(struct given_tun *g, uint64_t now_ns)
{
	if (!g->end_ns || now_ns < g->end_ns)
		return;
	g->end_ns = 0;
	g->revoked = true;
	log_warn(
		g->log, NULL,
		"the VPN was revoked, since its tun is gone and no other one has come: this is the end");
	ending_want(g->ending, 0);
}

void given_tun_end(struct given_tun *g)
{
	if (!g->wanted)
		return;
	if (g->is_bound) /* while we listen, nobody takes it for one that was left behind */
		unix_unlink(g->name);
	g->is_bound = false;
	if (g->loop) {
		drop(g, &g->client);
		drop(g, &g->listener);
	}
	close_fd(&g->listener.fd);
	close_fd(g->fd);
}
