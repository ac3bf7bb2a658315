/* src/proxy/proxy.c
 *
 * If there are no more descriptors, or as many connections as are allowed, nobody is
 * accepted until one has ended; the kernel lets the others wait. */
#include "proxy/proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "proxy/kernel_stack.h"
#include "proxy/udp_forward.h"

#define SPACE_BYTES  (128U << 10)
#define ACCEPTS      32 /* then others get their turn */
#define DIAL_NS      (9 * NS_PER_SEC)
#define UDP_IDLE_NS  (600 * NS_PER_SEC)
#define FLOW_IDLE_NS (120 * NS_PER_SEC)
#define TRY_AGAIN_NS NS_PER_SEC
#define COMPLAINT_NS (60 * NS_PER_SEC)
_Static_assert(SPACE_BYTES >= ASSOCIATION_SPACE_BYTES, "room for a datagram");

/* RFC 5382 5: at least 2 hours and 4 minutes without a byte. */
static const struct conn_limits default_limits = {
	.ask_ns = 10 * NS_PER_SEC,
	.keep_ns = 60 * NS_PER_SEC,
	.idle_ns = 7440 * NS_PER_SEC,
	.half_closed_ns = 600 * NS_PER_SEC,
	.end_ns = 2 * NS_PER_SEC,
};

struct listener {
	struct listener *next;
	struct loop_source source; /* its fd is owned */
	struct proxy *proxy;
	enum proxy_way way;
	struct destination to;
};

struct proxy {
	struct proxy_options o;
	struct timerq timers;
	struct half_space space; /* its bytes are owned */
	struct pipes pipes;
	struct lookup *lookup, *old_lookup; /* borrowed; old: for answers that may come */
	struct dial_env dial_inside, dial_outside;
	struct association_env association;
	struct udp_forward_env forward_inside, forward_outside;
	struct conn_env conns;
	struct listener *listeners;        /* owned */
	struct listener *listeners_inside; /* owned; the stack borrows them */
	struct udp_forward *forwards;      /* owned */
	struct timer again;                /* armed: nobody is accepted */
	struct log_limit full;
};

/* ---- accepting */

static void accept_ready(struct loop_source *source, uint32_t events, uint64_t now_ns);

static void stop_accepting(struct proxy *p, uint64_t now_ns)
{
	for (struct listener *l = p->listeners; l; l = l->next)
		loop_remove(p->o.loop, &l->source);
	timerq_arm(&p->timers, &p->again, now_ns + TRY_AGAIN_NS);
}

static void pause_accepting(struct proxy *p, const char *why, uint64_t now_ns)
{
	if (timer_armed(&p->again))
		return;
	stop_accepting(p, now_ns);
	log_limited(
		p->o.log, &p->full, now_ns, COMPLAINT_NS, LOG_LEVEL_WARN, NULL,
		"proxy: further clients have to wait until one of %zu connections has ended: %s",
		p->conns.count, why);
}

/* All listeners or none: while the timer is armed, nobody may be accepted. */
static void accept_again(struct timer *timer, uint64_t now_ns)
{
	struct proxy *p = CONTAINER_OF(timer, struct proxy, again);
	int err = 0;

	for (struct listener *l = p->listeners; l && !err; l = l->next)
		err = loop_add(p->o.loop, &l->source, EPOLLIN);
	if (err)
		stop_accepting(p, now_ns);
}

static void conn_closed(void *context)
{
	struct proxy *p = context;

	if (timer_armed(&p->again))
		timerq_arm(&p->timers, &p->again, 0);
}

static void start(const struct listener *l, int fd, uint64_t now_ns)
{
	struct proxy *p = l->proxy;
	struct stream *client;

	if (kernel_stream_new(&client, p->o.loop, fd) < 0)
		return;
	kernel_stream_limit_unsent(client);
	conn_start(&p->conns,
	           l->way == PROXY_OUTSIDE ? &p->dial_outside : &p->dial_inside, client,
	           l->way == PROXY_ASK ? NULL : &l->to, now_ns);
}

static void accept_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	const struct listener *l = CONTAINER_OF(source, struct listener, source);
	struct proxy *p = l->proxy;

	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd;

		if (p->conns.count >= p->o.connections_max) {
			pause_accepting(p, "this is the limit", now_ns);
			return;
		}
		fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				pause_accepting(p, "there are no more descriptors",
				                now_ns);
			return;
		}
		start(l, fd, now_ns);
	}
}

int proxy_listen(struct proxy *p, int fd, enum proxy_way way,
                 const struct destination *to)
{
	struct listener *l = calloc(1, sizeof(*l));
	int err = l ? 0 : -ENOMEM;

	if (!err) {
		l->source = (struct loop_source){ fd, accept_ready };
		l->proxy = p;
		l->way = way;
		if (to)
			l->to = *to;
		err = loop_add(p->o.loop, &l->source, EPOLLIN);
	}
	if (err) {
		close(fd);
		free(l);
		return err;
	}
	l->next = p->listeners;
	p->listeners = l;
	return 0;
}

int proxy_listen_udp(struct proxy *p, int fd, enum proxy_way way,
                     const struct destination *to)
{
	const struct udp_forward_env *env =
		way == PROXY_OUTSIDE ? &p->forward_outside : &p->forward_inside;
	struct packets *port;
	int err = kernel_packets_new(&port, p->o.loop, fd);

	return err ? err : udp_forward_add(&p->forwards, env, port, to);
}

static void accepted_inside(void *context, struct stream *client, uint64_t now_ns)
{
	const struct listener *l = context;
	struct proxy *p = l->proxy;

	if (p->conns.count >= p->o.connections_max)
		client->ops->close(client, true);
	else
		conn_start(&p->conns, &p->dial_outside, client, &l->to, now_ns);
}

int proxy_listen_inside(struct proxy *p, const struct endpoint *at,
                        const struct destination *to)
{
	struct stack *stack = p->o.inside;
	struct listener *l = stack->ops->listen ? calloc(1, sizeof(*l)) : NULL;
	int err;

	if (!l)
		return stack->ops->listen ? -ENOMEM : -EOPNOTSUPP;
	*l = (struct listener){ .source.fd = -1, .proxy = p, .to = *to };
	err = stack->ops->listen(stack, at, accepted_inside, l);
	if (err) {
		free(l);
		return err;
	}
	l->next = p->listeners_inside;
	p->listeners_inside = l;
	return 0;
}

int proxy_listen_inside_udp(struct proxy *p, const struct endpoint *at,
                            const struct destination *to)
{
	struct stack *stack = p->o.inside;
	struct packets *port;
	int err = stack->ops->listen_packets
	                  ? stack->ops->listen_packets(stack, at, &port)
	                  : -EOPNOTSUPP;

	return err ? err : udp_forward_add(&p->forwards, &p->forward_outside, port, to);
}

/* ---- names */

void proxy_use_lookup(struct proxy *p, struct lookup *lookup)
{
	if (lookup == p->lookup)
		return;
	p->old_lookup = p->lookup;
	p->lookup = lookup;
}

static int open_client_port(void *context, const struct ip_addr *at, struct packets **out,
                            struct endpoint *bound)
{
	struct proxy *p = context;
	struct endpoint want = { .addr = *at };
	struct sockaddr_storage ss;
	socklen_t size = endpoint_to_sockaddr(&want, &ss), bound_size = sizeof(ss);
	int fd = p->o.make_outside(p->o.context, ss.ss_family, SOCK_DGRAM);

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&ss, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &bound_size) < 0 ||
	    !endpoint_from_sockaddr(bound, (struct sockaddr *)&ss)) {
		close(fd);
		return -EADDRNOTAVAIL;
	}
	return kernel_packets_new(out, p->o.loop, fd);
}

/* The page has one end of a pair as if it had accepted it. */
static int open_page(void *context, struct stream **out)
{
	struct proxy *p = context;
	int pair[2], err;

	*out = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	err = fd_pass_send(*p->o.page, "", 1, pair[1], MSG_DONTWAIT);
	close(pair[1]);
	if (!err)
		return kernel_stream_new(out, p->o.loop, pair[0]);
	close(pair[0]);
	return err;
}

/* ---- the whole */

static void connect_parts(struct proxy *p)
{
	const struct proxy_options *o = &p->o;

	p->dial_inside =
		(struct dial_env){ .timers = &p->timers,
		                   .lookup = &p->lookup,
		                   .stack = o->inside,
		                   .otherwise = o->direct ? o->outside : NULL,
		                   .timeout_ns = o->dial_ns ? o->dial_ns : DIAL_NS };
	p->dial_outside = p->dial_inside;
	p->dial_outside.stack = o->outside;
	p->dial_outside.otherwise = NULL;
	p->association = (struct association_env){ .timers = &p->timers,
		                                   .lookup = &p->lookup,
		                                   .stack = o->inside,
		                                   .space = &p->space,
		                                   .idle_ns = UDP_IDLE_NS,
		                                   .open_port = open_client_port,
		                                   .context = p };
	p->forward_inside = (struct udp_forward_env){ .timers = &p->timers,
		                                      .lookup = &p->lookup,
		                                      .stack = o->inside,
		                                      .space = &p->space,
		                                      .idle_ns = FLOW_IDLE_NS };
	p->forward_outside = p->forward_inside;
	p->forward_outside.stack = o->outside;
	p->conns = (struct conn_env){ .timers = &p->timers,
		                      .space = &p->space,
		                      .users = o->users,
		                      .limits = o->limits ? o->limits : &default_limits,
		                      .association = &p->association,
		                      .open_page = o->page ? open_page : NULL,
		                      .closed = conn_closed,
		                      .context = p };
}

size_t proxy_connections_max(size_t each, size_t other)
{
	struct rlimit files = { 256, 256 };
	size_t n;

	(void)getrlimit(RLIMIT_NOFILE, &files);
	n = files.rlim_cur > other ? (size_t)(files.rlim_cur - other) / each : 0;
	if (n > PROXY_CONNECTIONS_MAX)
		n = PROXY_CONNECTIONS_MAX;
	return n > 0 ? n : 1;
}

int proxy_new(struct proxy **out, const struct proxy_options *options)
{
	struct proxy *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->o = *options;
	p->space = (struct half_space){ malloc(SPACE_BYTES), SPACE_BYTES, &p->pipes };
	if (!p->space.bytes) {
		free(p);
		return -ENOMEM;
	}
	timer_init(&p->again, accept_again);
	connect_parts(p);
	*out = p;
	return 0;
}

void proxy_free(struct proxy *p)
{
	struct listener *l;

	if (!p)
		return;
	conn_end_all(&p->conns);
	udp_forward_free_all(&p->forwards);
	while ((l = p->listeners)) {
		p->listeners = l->next;
		loop_remove(p->o.loop, &l->source);
		close(l->source.fd);
		free(l);
	}
	while ((l = p->listeners_inside)) {
		p->listeners_inside = l->next;
		free(l);
	}
	free(p->space.bytes);
	pipes_clear(&p->pipes);
	free(p);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t proxy_deadline_ns(const struct proxy *p, uint64_t now_ns)
{
	uint64_t due_ns = timerq_next_ns(&p->timers);

	if (p->lookup)
		due_ns = earlier(due_ns, lookup_deadline_ns(p->lookup, now_ns));
	if (p->old_lookup)
		due_ns = earlier(due_ns, lookup_deadline_ns(p->old_lookup, now_ns));
	return due_ns;
}

void proxy_run(struct proxy *p, uint64_t now_ns)
{
	if (p->lookup)
		lookup_run(p->lookup);
	if (p->old_lookup)
		lookup_run(p->old_lookup);
	timerq_run(&p->timers, now_ns);
}
