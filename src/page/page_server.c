/* src/page/page_server.c - a connection reads a request, perhaps waits for the supervisor,
 * writes the answer, and reads again
 *
 * What follows a request in the buffer is the next one (pipelining); it is looked at when
 * the answer is written. Connections are freed only by connection_ready and by
 * page_server_run, so that functions below them can go on using theirs. */
#include "page/page_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "page/http_response.h"
#include "page/page_answer.h"
#include "page/page_request.h"
#include "page/page_target.h"

#define ACCEPT_PAUSE_NS NS_PER_SEC

enum connection_state {
	CONNECTION_READS,   /* its request is not complete */
	CONNECTION_WAITS,   /* for what the supervisor says */
	CONNECTION_WRITES,  /* its answer */
	CONNECTION_CLOSES,  /* all is written; if we closed now, the rest might be lost */
	CONNECTION_IS_GONE, /* is freed when nobody uses it any more */
};

struct connection {
	struct connection *next;
	struct page_server *server; /* borrowed */
	struct loop_source source;  /* its fd is owned */
	enum connection_state state;
	uint64_t since_ns; /* when it came into this state */
	uint64_t due_ns;   /* when it has to leave it */
	struct page_target target;
	bool keep_alive;
	struct outbuf out;
	size_t used;
	char in[PAGE_REQUEST_MAX];
};

/* ---- states */

static const struct {
	uint32_t events;
	uint64_t patience_ns;
} states[] = {
	[CONNECTION_READS] = { EPOLLIN, PAGE_SERVER_REQUEST_NS },
	[CONNECTION_WAITS] = { 0, PAGE_SERVER_ANSWER_NS },
	[CONNECTION_WRITES] = { EPOLLOUT, PAGE_SERVER_STALL_NS },
	[CONNECTION_CLOSES] = { EPOLLIN, PAGE_SERVER_CLOSE_NS },
	[CONNECTION_IS_GONE] = { 0, 0 },
};
_Static_assert(ARRAY_SIZE(states) == CONNECTION_IS_GONE + 1, "each state");

static void set_state(struct connection *c, enum connection_state state)
{
	c->state = state;
	c->since_ns = loop_now_ns();
	c->due_ns = c->since_ns + states[state].patience_ns;
	if (state != CONNECTION_IS_GONE &&
	    loop_modify(c->server->loop, &c->source, states[state].events) < 0)
		set_state(c, CONNECTION_IS_GONE);
}

static void connection_free(struct connection *c)
{
	struct page_server *s = c->server;
	struct connection **at = &s->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	s->count--;
	loop_remove(s->loop, &c->source);
	close(c->source.fd);
	outbuf_clear(&c->out);
	free(c);
}

static void free_gone(struct page_server *s)
{
	for (struct connection *c = s->first, *next; c; c = next) {
		next = c->next;
		if (c->state == CONNECTION_IS_GONE)
			connection_free(c);
	}
}

/* ---- answers */

static void write_answer(struct connection *c)
{
	size_t before = outbuf_bytes(&c->out);
	uint64_t now_ns;

	if (c->out.failed || outbuf_write(&c->out, c->source.fd) < 0) {
		set_state(c, CONNECTION_IS_GONE);
	} else if (outbuf_bytes(&c->out) > 0) {
		now_ns = loop_now_ns();
		if (outbuf_bytes(&c->out) < before)
			c->due_ns = now_ns + PAGE_SERVER_STALL_NS;
		if (c->due_ns > c->since_ns + PAGE_SERVER_READ_NS)
			c->due_ns = c->since_ns + PAGE_SERVER_READ_NS;
	} else if (c->keep_alive) {
		set_state(c, CONNECTION_READS);
	} else {
		(void)shutdown(c->source.fd, SHUT_WR);
		set_state(c, CONNECTION_CLOSES);
	}
}

static void begin_answer(struct connection *c, const char *text, size_t n)
{
	page_answer_add(&c->out, &c->target, c->keep_alive, text, n);
	set_state(c, CONNECTION_WRITES);
	if (c->state == CONNECTION_WRITES)
		write_answer(c);
}

static const char *proxy_json(const struct page_server *s)
{
	switch (s->proxy) {
	case PAGE_NO_PROXY:
		break;
	case PAGE_PROXY:
		return "{\"users\":false}";
	case PAGE_PROXY_WITH_USERS:
		return "{\"users\":true}";
	}
	return "null";
}

static void handle_request(struct connection *c, const struct page_request *request)
{
	c->target = page_target_of(request, c->server->token);
	c->keep_alive = request->keep_alive;
	c->used -= request->bytes;
	memmove(c->in, c->in + request->bytes, c->used);
	if (c->target.thing == PAGE_THING_PROXY)
		begin_answer(c, proxy_json(c->server), strlen(proxy_json(c->server)));
	else if (page_answer_needs(c->target.thing) == PAGE_QUESTION_NONE)
		begin_answer(c, NULL, 0);
	else
		set_state(c, CONNECTION_WAITS);
}

static void refuse_request(struct connection *c, const struct page_request *request)
{
	c->keep_alive = false;
	http_response_add_refusal(&c->out, request->refusal, NULL, false, false);
	set_state(c, CONNECTION_WRITES);
	if (c->state == CONNECTION_WRITES)
		write_answer(c);
}

/* Looks at all requests that are complete in the buffer, as long as their answers can be
 * written at once. */
static void handle_requests(struct connection *c)
{
	while (c->state == CONNECTION_READS) {
		struct page_request request;

		switch (page_request_read(c->in, c->used, &request)) {
		case PAGE_REQUEST_MORE:
			return;
		case PAGE_REQUEST_WHOLE:
			handle_request(c, &request);
			break;
		case PAGE_REQUEST_WRONG:
			refuse_request(c, &request);
			break;
		}
	}
}

/* ---- the supervisor's answers */

static size_t held_bytes(const struct page_server *s)
{
	size_t n = 0;

	for (const struct connection *c = s->first; c; c = c->next)
		n += outbuf_bytes(&c->out);
	return n;
}

static bool waits_for(const struct connection *c, enum page_question question,
                      const char *name)
{
	return c->state == CONNECTION_WAITS &&
	       page_answer_needs(c->target.thing) == question &&
	       strcmp(c->target.name, name) == 0;
}

/* Answers all who want to know this. What they ask next in the same breath is a new
 * question. */
static void answer_all(struct page_server *s, enum page_question question,
                       const char *name, const char *text, size_t n)
{
	struct connection *waiting[PAGE_SERVER_CONNECTIONS];
	size_t count = 0;

	for (struct connection *c = s->first; c; c = c->next)
		if (waits_for(c, question, name))
			waiting[count++] = c;
	for (size_t i = 0; i < count; i++) {
		bool fits = held_bytes(s) + n <= PAGE_SERVER_HELD_MAX;

		begin_answer(waiting[i], fits ? text : NULL, fits ? n : 0);
		handle_requests(waiting[i]);
	}
}

static void answered(void *context, enum page_question question, const char *text,
                     size_t n)
{
	struct page_server *s = context;

	answer_all(s, question, s->asked_name, text, n);
}

/* Who has waited longest comes first. */
static struct connection *next_to_ask(const struct page_server *s)
{
	struct connection *oldest = NULL;

	for (struct connection *c = s->first; c; c = c->next)
		if (c->state == CONNECTION_WAITS &&
		    (!oldest || c->since_ns < oldest->since_ns))
			oldest = c;
	return oldest;
}

static void ask_next(struct page_server *s)
{
	const struct connection *c;

	while (s->ask.question == PAGE_QUESTION_NONE && (c = next_to_ask(s))) {
		enum page_question question = page_answer_needs(c->target.thing);

		memcpy(s->asked_name, c->target.name, sizeof(s->asked_name));
		if (page_ask(&s->ask, question, s->asked_name) < 0)
			answer_all(s, question, s->asked_name, NULL, 0);
	}
}

/* ---- events */

static void read_more(struct connection *c)
{
	ssize_t n = read(c->source.fd, c->in + c->used, sizeof(c->in) - c->used);

	if (n > 0) {
		c->used += (size_t)n;
		handle_requests(c);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		set_state(c, CONNECTION_IS_GONE);
	}
}

/* The client may still be sending. If we closed while there is something to read, the kernel
 * would reset the connection, and the client might not see the answer. */
static void discard(struct connection *c)
{
	ssize_t n = read(c->source.fd, c->in, sizeof(c->in));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		set_state(c, CONNECTION_IS_GONE);
}

static void connection_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct connection *c = CONTAINER_OF(source, struct connection, source);
	struct page_server *s = c->server;

	(void)now_ns;
	switch (c->state) {
	case CONNECTION_READS:
		read_more(c);
		break;
	case CONNECTION_WAITS: /* nothing but its end is listened to */
		set_state(c, CONNECTION_IS_GONE);
		break;
	case CONNECTION_WRITES:
		if (events & EPOLLERR)
			set_state(c, CONNECTION_IS_GONE);
		else
			write_answer(c);
		handle_requests(c);
		break;
	case CONNECTION_CLOSES:
		discard(c);
		break;
	case CONNECTION_IS_GONE:
		break;
	}
	free_gone(s);
}

/* Makes place for another one, unless all are being answered. */
static void make_place(struct page_server *s)
{
	struct connection *oldest = NULL;

	for (struct connection *c = s->first; c; c = c->next)
		if ((c->state == CONNECTION_READS || c->state == CONNECTION_CLOSES) &&
		    (!oldest || c->since_ns < oldest->since_ns))
			oldest = c;
	if (oldest)
		connection_free(oldest);
}

static void add_connection(struct page_server *s, int fd)
{
	struct connection *c;
	const int yes = 1;

	/* an answer is written at once; its last piece need not wait for an acknowledgement */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (s->count == PAGE_SERVER_CONNECTIONS)
		make_place(s);
	c = s->count < PAGE_SERVER_CONNECTIONS ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->source = (struct loop_source){ fd, connection_ready };
	if (loop_add(s->loop, &c->source, EPOLLIN) < 0) {
		close(fd);
		free(c);
		return;
	}
	c->next = s->first;
	s->first = c;
	s->count++;
	set_state(c, CONNECTION_READS);
}

/* Takes a connection that somebody else has accepted. Returns it or -errno; -EPIPE: nobody
 * is there any more who does that. */
static int take_handed(const struct page_server *s)
{
	char byte;
	int fd;
	ssize_t n = fd_pass_receive(s->listener.fd, &byte, 1, &fd);

	if (n <= 0)
		return n < 0 ? (int)n : -EPIPE;
	if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		close(fd);
		return -EBADF;
	}
	return fd >= 0 ? fd : -EBADF;
}

static int accept_one(const struct page_server *s)
{
	int fd;

	if (s->handed)
		return take_handed(s);
	fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void accept_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct page_server *s = CONTAINER_OF(source, struct page_server, listener);
	int fd = accept_one(s);

	(void)events;
	if (fd >= 0) {
		add_connection(s, fd);
		free_gone(s);
	} else if (fd == -EPIPE) {
		loop_remove(s->loop, &s->listener);
	} else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
		/* it would be ready again at once, and again */
		if (loop_modify(s->loop, &s->listener, 0) == 0)
			s->resume_ns = now_ns + ACCEPT_PAUSE_NS;
	}
}

/* ---- time */

uint64_t page_server_deadline_ns(const struct page_server *s)
{
	uint64_t due_ns = s->resume_ns;

	for (const struct connection *c = s->first; c; c = c->next)
		if (c->due_ns < due_ns)
			due_ns = c->due_ns;
	return due_ns;
}

/* A request that the supervisor doesn't answer is refused; others have just taken too
 * long. */
static void expire(struct connection *c)
{
	if (c->state == CONNECTION_WAITS)
		begin_answer(c, NULL, 0);
	else
		set_state(c, CONNECTION_IS_GONE);
	handle_requests(c);
}

void page_server_run(struct page_server *s, uint64_t now_ns)
{
	for (struct connection *c = s->first; c; c = c->next)
		if (c->due_ns <= now_ns)
			expire(c);
	if (s->resume_ns <= now_ns && loop_modify(s->loop, &s->listener, EPOLLIN) == 0)
		s->resume_ns = NEVER_NS;
	ask_next(s);
	free_gone(s);
}

/* ---- begin and end */

int page_server_init(struct page_server *s, struct loop *loop, int channel_fd,
                     int listen_fd, const char token[static PAGE_TOKEN_CHARS])
{
	socklen_t size = sizeof(int);
	int err, type = SOCK_STREAM;

	*s = (struct page_server){ .loop = loop,
		                   .ask = { .answered = answered, .context = s },
		                   .listener = { listen_fd, accept_ready },
		                   .resume_ns = NEVER_NS };
	memcpy(s->token, token, PAGE_TOKEN_CHARS);
	(void)getsockopt(listen_fd, SOL_SOCKET, SO_TYPE, &type, &size);
	s->handed = type == SOCK_SEQPACKET;
	err = page_ask_init(&s->ask, loop, channel_fd);
	if (!err && fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		err = -errno;
	return err ? err : loop_add(loop, &s->listener, EPOLLIN);
}

void page_server_clear(struct page_server *s)
{
	for (struct connection *c = s->first, *next; c; c = next) {
		next = c->next;
		connection_free(c);
	}
	close(s->listener.fd);
	page_ask_clear(&s->ask);
}
