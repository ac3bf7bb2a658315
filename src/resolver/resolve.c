/* src/resolver/resolve.c - one lookup for the servers of the host and one for those of the
 * network; a question is given to one of them, and its answer is sent back */
#include "resolver/resolve.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "channel/frame.h"
#include "channel/line.h"
#include "channel/resolver_message.h"
#include "io/loop.h"
#include "names/lookup.h"
#include "resolver/resolve_calls.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_log.h"

/* More than the sockets to all servers, by UDP and by TCP. */
#define FILES_MAX (4 * RESOLVER_SERVERS_COUNT * LOOKUP_SETTINGS_SERVERS + 16)

struct resolve;

struct servers {
	struct resolve *resolve; /* borrowed */
	struct lookup_settings settings;
	struct lookup *lookup; /* owned; NULL: there are no servers */
};

struct resolve {
	struct loop *loop;
	struct channel channel;
	struct loop_source source; /* of the channel */
	uint32_t events;           /* the events that are waited for */
	int socket_fd;
	struct servers servers[RESOLVER_SERVERS_COUNT];
	struct asked *first; /* owned: those that are under way */
	struct sandbox sandbox;
	struct log log;
	struct log_limit refused;
	bool stop;
	int status; /* the exit status */
};

struct asked {
	struct asked *next;
	struct lookup_query query;
	struct resolve *resolve; /* borrowed */
	uint32_t id;
};

/* ---- to the supervisor */

static void stop(struct resolve *r, int err)
{
	r->stop = true;
	if (err && err != -ENOTCONN && err != -EPIPE && err != -ECONNRESET)
		r->status = EXIT_FAILURE;
}

static void say(struct resolve *r, enum resolver_message type, const void *body, size_t n)
{
	int err = channel_send(&r->channel, (uint16_t)type, body, n, NULL, 0);

	if (err)
		stop(r, err);
}

/* The supervisor leaves out what nobody wants to read. */
static void say_line(void *context, enum log_level level, const char *line)
{
	char message[LINE_BYTES];
	size_t n = line_make(message, level, line);

	say(context, RESOLVER_MESSAGE_LINE, message, n);
}

/* Writes what waits, and makes the loop write the rest. */
static void flush(struct resolve *r)
{
	uint32_t events = EPOLLIN;
	int err = channel_write(&r->channel);

	if (channel_pending(&r->channel))
		events |= EPOLLOUT;
	if (!err && events != r->events)
		err = loop_modify(r->loop, &r->source, events);
	r->events = events;
	if (err)
		stop(r, err);
}

/* Waits until the supervisor has made a socket; it may be busy. */
static int ask_for_socket(void *context, int type, const struct endpoint *to)
{
	const struct servers *s = context;
	const struct resolve *r = s->resolve;
	struct resolver_socket wanted = { .network = s == &r->servers[RESOLVER_NETWORK],
		                          .stream = type == SOCK_STREAM };
	struct resolver_socket_made made;
	struct resolver_socket_wire w;
	size_t i = 0;
	int fd;

	while (i < s->settings.server_count &&
	       !endpoint_equal(&s->settings.servers[i], to))
		i++;
	if (i == s->settings.server_count)
		return -ENETUNREACH;
	wanted.server = (uint8_t)i;
	w = resolver_message_put_socket(&wanted);
	if (send(r->socket_fd, &w, sizeof(w), MSG_NOSIGNAL) != sizeof(w) ||
	    fd_pass_receive(r->socket_fd, &made, sizeof(made), &fd) != sizeof(made))
		return -ENETUNREACH;
	if (fd >= 0)
		return fd;
	return be32_get(made.error) > 0 ? -(int)be32_get(made.error) : -ENETUNREACH;
}

/* ---- questions */

static void answer(struct resolve *r, const struct resolver_answer *a)
{
	struct resolver_answer_wire w = resolver_message_put_answer(a);

	say(r, RESOLVER_MESSAGE_ANSWER, &w, sizeof(w));
}

static void leave(struct asked *q)
{
	struct asked **at = &q->resolve->first;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	free(q);
}

static void done(struct lookup_query *query, const char *error,
                 const struct endpoint *found, size_t n)
{
	const struct asked *q = CONTAINER_OF(query, struct asked, query);
	struct resolver_answer a = { .id = q->id, .status = (uint8_t)query->status };

	for (size_t i = 0; !error && i < n && i < RESOLVER_MESSAGE_ADDRESSES; i++)
		a.found[a.count++] = found[i].addr;
	answer(q->resolve, &a);
	leave(CONTAINER_OF(query, struct asked, query));
}

static void ask(struct resolve *r, const struct resolver_question *question)
{
	const struct servers *s =
		&r->servers[question->network ? RESOLVER_NETWORK : RESOLVER_HOST];
	struct asked *q = s->lookup ? calloc(1, sizeof(*q)) : NULL;

	if (!q) {
		answer(r, &(struct resolver_answer){ .id = question->id,
		                                     .status = LOOKUP_STATUS_REFUSED });
		return;
	}
	*q = (struct asked){
		.next = r->first, .query.done = done, .resolve = r, .id = question->id
	};
	r->first = q;
	lookup_ask(s->lookup, &q->query, question->name);
}

static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct resolve *r = CONTAINER_OF(source, struct resolve, source);
	struct resolver_question question;
	struct frame frame;
	int got = 0;

	(void)events;
	(void)now_ns;
	while (!r->stop && (got = channel_next(&r->channel, &frame)) > 0) {
		if (frame.type == RESOLVER_MESSAGE_QUESTION &&
		    resolver_message_get_question(&question, frame.body,
		                                  frame.body_bytes))
			ask(r, &question);
		else
			stop(r, -EPROTO);
		frame_close_fds(&frame);
	}
	if (got < 0)
		stop(r, got);
}

/* ---- the process */

static int begin(struct resolve *r, int channel_fd,
                 const struct resolver_options *options)
{
	int err = channel_init(&r->channel, channel_fd);

	if (!err)
		err = loop_new(&r->loop);
	r->source = (struct loop_source){ channel_fd, channel_ready };
	r->events = EPOLLIN;
	if (!err)
		err = loop_add(r->loop, &r->source, EPOLLIN);
	for (int i = 0; i < RESOLVER_SERVERS_COUNT && !err; i++) {
		struct servers *s = &r->servers[i];

		s->resolve = r;
		s->settings = options->settings[i];
		if (s->settings.server_count == 0)
			continue;
		err = lookup_new_settled(&s->lookup, r->loop, &s->settings);
		if (!err)
			lookup_set_connected(s->lookup, ask_for_socket, s);
	}
	return err;
}

static void end(struct resolve *r)
{
	while (r->first) {
		struct asked *q = r->first;

		r->first = q->next;
		lookup_forget(&q->query);
		free(q);
	}
	for (int i = 0; i < RESOLVER_SERVERS_COUNT; i++)
		lookup_free(r->servers[i].lookup);
	loop_free(r->loop);
	channel_clear(&r->channel);
	close(r->socket_fd);
}

static uint64_t deadline_ns(const struct resolve *r)
{
	uint64_t now_ns = loop_now_ns(), next_ns = NEVER_NS;

	for (int i = 0; i < RESOLVER_SERVERS_COUNT; i++) {
		const struct lookup *l = r->servers[i].lookup;
		uint64_t due_ns = l ? lookup_deadline_ns(l, now_ns) : NEVER_NS;

		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	return next_ns;
}

static void serve(struct resolve *r)
{
	while (!r->stop) {
		int err = loop_wait(r->loop, deadline_ns(r));

		if (err)
			stop(r, err);
		for (int i = 0; i < RESOLVER_SERVERS_COUNT; i++)
			if (r->servers[i].lookup)
				lookup_run(r->servers[i].lookup);
		sandbox_log_refused(&r->log, &r->refused, loop_now_ns(), "resolver");
		flush(r);
	}
}

int resolve_run(int channel_fd, int socket_fd, pid_t supervisor,
                const struct resolver_options *options)
{
	struct sandbox_inmate inmate = { .parent = supervisor,
		                         .user = RIGHTS_RESOLVER,
		                         .files_max = FILES_MAX };
	struct resolve *r = calloc(1, sizeof(*r));
	int err, status;

	if (!r)
		return EXIT_FAILURE;
	prctl(PR_SET_NAME, "tunion-resolver");
	(void)setsid(); /* the terminal isn't its any more */
	r->channel.fd = -1;
	r->socket_fd = socket_fd;
	r->log = (struct log){ LOG_LEVEL_DEBUG, say_line, r };
	inmate.calls = resolve_calls(&inmate.call_count);
	err = begin(r, channel_fd, options);
	if (!err)
		err = sandbox_enter(&r->sandbox, &inmate);
	if (err) {
		r->status = EXIT_FAILURE;
	} else {
		sandbox_tell_stages(&r->log, &r->sandbox, "resolver");
		flush(r);
		serve(r);
	}
	status = r->status;
	end(r);
	free(r);
	return status;
}
