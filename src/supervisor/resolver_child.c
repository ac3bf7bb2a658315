/* src/supervisor/resolver_child.c - a list of questions, and a process that is told of them
 *
 * The settings that a process has are those that it was forked with. If others are needed, it
 * is exchanged, which costs little and is rare: that only happens when resolv.conf, the
 * network's servers or the mark have changed. All of that is done in resolver_child_run. */
#include "supervisor/resolver_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "channel/resolver_message.h"
#include "supervisor/child.h"

#define READ_MAX 64 /* messages at a time */
#define SOCKETS  4  /* for an exchange: two families of addresses, two tries */
/* An answer may come so much later than c-ares says, since this machine may be slow. */
#define SLACK_NS (10 * NS_PER_SEC)
/* If we look so late, then it had to wait for us, and gets some time more. */
#define ABSENT_NS NS_PER_SEC

_Static_assert(RESOLVER_MESSAGE_ADDRESSES == LOOKUP_ADDRESSES_MAX, "all fit");

struct resolver_asked {
	struct resolver_asked *next;
	struct lookup_errand *errand; /* borrowed; NULL: nobody wants the answer */
	struct resolver_question question;
	bool sent;
	unsigned tries; /* processes that have ended meanwhile */
	uint64_t due_ns;
};

struct own {
	struct resolver_entry entry;
	struct resolver_options options;
};

/* ---- the list */

static void drop(struct resolver_child *c, struct resolver_asked *q)
{
	struct resolver_asked **at = &c->first;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	free(q);
}

/* Answers it, if somebody wants to know. */
static void finish(struct resolver_child *c, struct resolver_asked *q, int status,
                   const struct ip_addr *found, size_t n)
{
	struct lookup_errand *errand = q->errand;

	drop(c, q);
	if (!errand)
		return;
	errand->ticket = NULL;
	errand->done(errand, status, found, n);
}

static bool has_unsent(const struct resolver_child *c)
{
	for (const struct resolver_asked *q = c->first; q; q = q->next)
		if (!q->sent)
			return true;
	return false;
}

static struct lookup_settings *settings_of(struct resolver_child *c, bool network)
{
	return &c->wanted.settings[network ? RESOLVER_NETWORK : RESOLVER_HOST];
}

static void use_settings(struct resolver_child *c, bool network,
                         const struct lookup_settings *settings)
{
	struct lookup_settings *mine = settings_of(c, network);

	if (lookup_settings_equal(mine, settings))
		return;
	*mine = *settings;
	c->stale = true;
}

static int ask(void *context, struct lookup_errand *errand,
               const struct lookup_settings *settings, bool network, const char *host)
{
	struct resolver_child *c = context;
	struct resolver_asked *q, **end = &c->first;

	if (!c->env.entry.run || settings->server_count == 0 || host[0] == '\0' ||
	    strlen(host) > RESOLVER_MESSAGE_NAME_MAX)
		return -EINVAL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	use_settings(c, network, settings);
	q->errand = errand;
	q->question =
		(struct resolver_question){ .id = ++c->last_id, .network = network };
	memcpy(q->question.name, host, strlen(host));
	while (*end)
		end = &(*end)->next;
	*end = q;
	errand->ticket = q;
	return 0;
}

/* A process that was asked it goes on with it, and its answer is not for anybody. */
static void forget(void *context, struct lookup_errand *errand)
{
	struct resolver_child *c = context;
	struct resolver_asked *q = errand->ticket;

	errand->ticket = NULL;
	if (q && q->sent)
		q->errand = NULL;
	else if (q)
		drop(c, q);
}

/* They are to be asked once more, unless this was tried too often. */
static void take_back(struct resolver_child *c, bool has_failed)
{
	struct resolver_asked *next;

	for (struct resolver_asked *q = c->first; q; q = next) {
		next = q->next;
		if (q->sent && has_failed)
			q->tries++;
		q->sent = false;
		if (!q->errand || q->tries >= RESOLVER_CHILD_TRIES)
			finish(c, q, LOOKUP_STATUS_REFUSED, NULL, 0);
	}
}

/* ---- what it says */

static struct resolver_asked *find(const struct resolver_child *c, uint32_t id)
{
	struct resolver_asked *q = c->first;

	while (q && q->question.id != id)
		q = q->next;
	return q && q->sent ? q : NULL;
}

static int take_answer(struct resolver_child *c, const struct frame *frame)
{
	struct resolver_answer a;
	struct resolver_asked *q;

	if (!resolver_message_get_answer(&a, frame->body, frame->body_bytes))
		return -EPROTO;
	q = find(c, a.id);
	if (!q)
		return -EPROTO;
	finish(c, q, a.status, a.found, a.count);
	return 0;
}

static int take(struct resolver_child *c, const struct frame *frame)
{
	if (frame->fd_count > 0)
		return -EPROTO;
	if (frame->type == RESOLVER_MESSAGE_ANSWER)
		return take_answer(c, frame);
	if (frame->type == RESOLVER_MESSAGE_LINE)
		return helper_log_take(&c->lines, frame->body, frame->body_bytes);
	return -EPROTO;
}

static void flush(struct resolver_child *c)
{
	uint32_t events = EPOLLIN;
	int err = channel_write(&c->channel);

	if (channel_pending(&c->channel))
		events |= EPOLLOUT;
	if (!err && events != c->events)
		err = loop_modify(c->env.loop, &c->source, events);
	c->events = events;
	if (err && !c->broken)
		c->broken = err;
}

static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct resolver_child *c = CONTAINER_OF(source, struct resolver_child, source);
	struct frame frame;
	int got = 1;

	(void)events;
	(void)now_ns;
	for (int n = 0; n < READ_MAX && got > 0 && !c->broken; n++) {
		got = channel_next(&c->channel, &frame);
		if (got < 0)
			c->broken = got;
		else if (got > 0)
			c->broken = take(c, &frame);
		if (got > 0)
			frame_close_fds(&frame);
	}
	if (!c->broken)
		flush(c);
}

/* ---- sockets */

static int connect_to(int fd, const struct endpoint *server)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_to_sockaddr(server, &sa);

	return connect(fd, (struct sockaddr *)&sa, n) == 0 || errno == EINPROGRESS
	               ? 0
	               : -errno;
}

/* Returns a socket or -errno. */
static int make_socket(struct resolver_child *c, const struct resolver_socket *s)
{
	const struct endpoint *server = &settings_of(c, s->network)->servers[s->server];
	int family = server->addr.family == IP_V6 ? AF_INET6 : AF_INET,
	    type = s->stream ? SOCK_STREAM : SOCK_DGRAM, fd, err;

	if (c->env.make_socket)
		fd = c->env.make_socket(c->env.socket_context, family, type);
	else
		fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return c->env.make_socket ? fd : -errno;
	if (s->network && c->mark)
		(void)!setsockopt(fd, SOL_SOCKET, SO_MARK, &c->mark, sizeof(c->mark));
	err = connect_to(fd, server);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* While it is stale, `wanted` is not what it has: then it is about to end. */
static int give_socket(struct resolver_child *c, const void *bytes, size_t n)
{
	struct resolver_socket_made answer = { .error = be32_put(ECANCELED) };
	struct resolver_socket s;
	int fd = -ECANCELED, err;

	if (!resolver_message_get_socket(&s, bytes, n))
		return -EPROTO;
	if (!c->stale) {
		if (s.server >= settings_of(c, s.network)->server_count ||
		    c->sockets_left == 0)
			return -EPROTO;
		c->sockets_left--;
		fd = make_socket(c, &s);
	}
	answer.error = be32_put(fd < 0 ? (uint32_t)-fd : 0);
	err = fd_pass_send(c->sockets.fd, &answer, sizeof(answer), fd, MSG_DONTWAIT);
	if (fd >= 0)
		close(fd);
	return err;
}

/* One at a time: others are served between two. */
static void sockets_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct resolver_child *c = CONTAINER_OF(source, struct resolver_child, sockets);
	uint8_t bytes[sizeof(struct resolver_socket_wire) + 1];
	ssize_t n;
	int fd;

	(void)events;
	(void)now_ns;
	if (c->broken)
		return;
	n = fd_pass_receive(source->fd, bytes, sizeof(bytes), &fd);
	if (fd >= 0) {
		close(fd);
		c->broken = -EPROTO;
	} else if (n <= 0) {
		c->broken = n == 0 ? -ENOTCONN : n == -EAGAIN ? 0 : (int)n;
	} else {
		c->broken = give_socket(c, bytes, (size_t)n);
	}
}

/* ---- begin and end of the process */

static int run(const void *context, const int fds[static CHILD_FDS], pid_t supervisor)
{
	const struct own *own = context;

	if (own->entry.forget)
		own->entry.forget(own->entry.context);
	return own->entry.run(fds[0], fds[1], supervisor, &own->options);
}

/* It has nothing to finish. Returns its wait status. */
static int stop(struct resolver_child *c)
{
	int status = 0;

	loop_remove(c->env.loop, &c->source);
	loop_remove(c->env.loop, &c->sockets);
	channel_clear(&c->channel);
	close(c->sockets.fd);
	kill(c->pid, SIGKILL);
	waitpid(c->pid, &status, 0);
	c->pid = 0;
	c->broken = 0;
	c->end_ns = 0;
	return status;
}

static int fork_it(struct resolver_child *c, int socket_fd)
{
	struct own own = { c->env.entry, c->wanted };
	const struct child_plan plan = { .fd = socket_fd,
		                         .keep_stderr = c->env.keep_stderr,
		                         .forget = c->env.forget,
		                         .run = run,
		                         .own = &own,
		                         .context = c->env.context };

	return child_start(&plan, &c->channel, &c->pid);
}

/* Returns 0 or -errno; then there is no process. */
static int start(struct resolver_child *c)
{
	int pair[2], err = channel_pair(pair);

	if (err)
		return err;
	err = fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : fork_it(c, pair[1]);
	close(pair[1]);
	c->sockets = (struct loop_source){ pair[0], sockets_ready };
	c->source = (struct loop_source){ c->channel.fd, channel_ready };
	c->events = EPOLLIN;
	c->sockets_left = 0;
	c->stale = false;
	if (c->pid == 0) {
		close(pair[0]);
		return err;
	}
	if (!err)
		err = loop_add(c->env.loop, &c->source, EPOLLIN);
	if (!err)
		err = loop_add(c->env.loop, &c->sockets, EPOLLIN);
	if (err)
		(void)stop(c);
	return err;
}

static void replace(struct resolver_child *c, uint64_t now_ns)
{
	int why = c->broken, status = stop(c);

	child_say_end(c->env.log, "the resolver process", status, why);
	c->start_ns = backoff_ended(&c->backoff, now_ns);
	take_back(c, true);
}

/* ---- questions */

/* c-ares asks each server for the name in each domain; perhaps once more by TCP. */
static size_t exchanges(struct resolver_child *c, bool network)
{
	const struct lookup_settings *s = settings_of(c, network);

	return 2 * s->server_count * (s->domain_count + 1);
}

static void send_all(struct resolver_child *c, uint64_t now_ns)
{
	for (struct resolver_asked *q = c->first; q && !c->broken; q = q->next) {
		struct resolver_question_wire w;

		if (q->sent)
			continue;
		w = resolver_message_put_question(&q->question);
		c->broken = channel_send(&c->channel, RESOLVER_MESSAGE_QUESTION, &w,
		                         sizeof(w), NULL, 0);
		q->sent = true;
		q->due_ns = now_ns + SLACK_NS +
		            LOOKUP_SERVER_NS * exchanges(c, q->question.network);
		c->sockets_left += SOCKETS * exchanges(c, q->question.network);
	}
	if (!c->broken)
		flush(c);
}

/* Has it had its time for one of them? */
static bool is_late(struct resolver_child *c, uint64_t now_ns)
{
	for (struct resolver_asked *q = c->first; q; q = q->next) {
		if (!q->sent || now_ns < q->due_ns)
			continue;
		if (now_ns - q->due_ns < ABSENT_NS)
			return true;
		q->due_ns = now_ns + SLACK_NS;
	}
	return false;
}

static void try_to_start(struct resolver_child *c, uint64_t now_ns)
{
	int err = start(c);

	if (!err)
		return;
	log_warn(c->env.log, NULL, "can't start the resolver process: %s",
	         strerror(-err));
	c->start_ns = backoff_ended(&c->backoff, now_ns);
	for (struct resolver_asked *q = c->first; q; q = q->next)
		q->sent = true;
	take_back(c, true);
}

/* ---- resolver_child.h */

void resolver_child_init(struct resolver_child *c, const struct resolver_child_env *env)
{
	*c = (struct resolver_child){
		.env = *env, .lines = { .log = env->log, .who = "resolver process" }
	};
}

struct lookup_remote resolver_child_remote(struct resolver_child *c)
{
	return (struct lookup_remote){ ask, forget, c };
}

void resolver_child_set_mark(struct resolver_child *c, uint32_t mark)
{
	if (c->mark != mark)
		c->stale = true;
	c->mark = mark;
}

uint64_t resolver_child_deadline_ns(const struct resolver_child *c)
{
	uint64_t due_ns = NEVER_NS;

	if (c->pid == 0)
		return c->first ? c->start_ns : NEVER_NS;
	if (c->broken || c->stale || has_unsent(c))
		return 0;
	if (!c->first)
		return c->end_ns;
	for (const struct resolver_asked *q = c->first; q; q = q->next)
		due_ns = q->due_ns < due_ns ? q->due_ns : due_ns;
	return due_ns;
}

void resolver_child_run(struct resolver_child *c, uint64_t now_ns)
{
	if (c->pid > 0 && !c->broken && is_late(c, now_ns))
		c->broken = -ETIMEDOUT;
	if (c->pid > 0 && c->broken) {
		replace(c, now_ns);
	} else if (c->pid > 0 && c->stale) {
		(void)stop(c);
		take_back(c, false);
	}
	if (c->pid == 0 && c->first && now_ns >= c->start_ns)
		try_to_start(c, now_ns);
	if (c->pid == 0)
		return;
	send_all(c, now_ns);
	if (c->first)
		c->end_ns = 0;
	else if (c->end_ns == 0)
		c->end_ns = now_ns + RESOLVER_CHILD_IDLE_NS;
	else if (now_ns >= c->end_ns)
		(void)stop(c);
}

void resolver_child_end(struct resolver_child *c)
{
	if (c->pid > 0)
		(void)stop(c);
	resolver_child_forget(c);
}

void resolver_child_forget(struct resolver_child *c)
{
	if (c->pid > 0)
		channel_clear(&c->channel);
	while (c->first)
		drop(c, c->first);
	c->pid = 0;
}
