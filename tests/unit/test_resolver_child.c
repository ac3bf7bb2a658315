/* The resolver, played by functions that run in a real process, beside a real supervisor's loop.
 * What it does is what the name says that it is asked. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "channel/resolver_message.h"
#include "supervisor/resolver_child.h"

#define WAIT_MS 30000

/* ---- the process */

struct player {
	struct channel channel;
	int socket_fd;
	const struct resolver_options *options;
};

static void say_frame(struct player *p, uint16_t type, const void *body, size_t n, int fd)
{
	if (channel_send(&p->channel, type, body, n, &fd, fd >= 0 ? 1 : 0) < 0 ||
	    channel_write(&p->channel) < 0)
		_exit(9);
}

static void say_answer(struct player *p, uint32_t id, uint8_t status, uint8_t count,
                       const char *text)
{
	struct resolver_answer a = { .id = id, .status = status, .count = 1 };
	struct resolver_answer_wire w;

	if (!ip_addr_parse(&a.found[0], text))
		_exit(9);
	w = resolver_message_put_answer(&a);
	w.count = count;
	if (status && !count)
		memset(w.found, 0, sizeof(w.found));
	say_frame(p, RESOLVER_MESSAGE_ANSWER, &w, sizeof(w), -1);
}

static void say_note(struct player *p)
{
	say_frame(p, RESOLVER_MESSAGE_LINE, "3a note\033[2J", 11, -1);
}

static void send_request(struct player *p, const void *bytes, size_t n, int fd)
{
	if (fd_pass_send(p->socket_fd, bytes, n, fd, 0) < 0)
		_exit(9);
}

static int get_socket(struct player *p, bool network, bool stream)
{
	struct resolver_socket_wire w = { network, stream, 0 };
	struct resolver_socket_made made;
	int fd;

	send_request(p, &w, sizeof(w), -1);
	if (fd_pass_receive(p->socket_fd, &made, sizeof(made), &fd) != sizeof(made))
		_exit(9);
	return fd >= 0 ? fd : -(int)be32_get(made.error);
}

/* Its answer is where the socket is connected to, or the errno as a status. */
static void use_socket(struct player *p, uint32_t id, bool network, bool stream)
{
	struct sockaddr_in sa;
	socklen_t n = sizeof(sa);
	char text[INET_ADDRSTRLEN];
	int fd = get_socket(p, network, stream), type = 0;

	if (fd < 0) {
		say_answer(p, id, (uint8_t)-fd, 0, "192.0.2.1");
		return;
	}
	if (getpeername(fd, (struct sockaddr *)&sa, &n) < 0)
		_exit(9);
	n = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 ||
	    type != (stream ? SOCK_STREAM : SOCK_DGRAM))
		_exit(9);
	inet_ntop(AF_INET, &sa.sin_addr, text, sizeof(text));
	say_answer(p, id, 0, 1, text);
	close(fd);
}

enum nonsense {
	NO_SUCH_TYPE,
	A_QUESTION,
	TOO_SHORT,
	NOT_ASKED,
	TOO_MANY,
	NO_ADDRESSES,
	ERROR_AND_ADDRESSES,
	UNSPECIFIED,
	WITH_DESCRIPTOR,
	NO_SUCH_LEVEL,
	NO_SUCH_SERVER,
	LONG_REQUEST,
	REQUEST_WITH_DESCRIPTOR,
	TOO_MANY_REQUESTS,
	NONSENSE_COUNT,
};

static void say_nonsense(struct player *p, enum nonsense what, uint32_t id)
{
	struct resolver_answer_wire w = { .id = be32_put(id), .status = 1 };
	const struct resolver_socket_wire no_server = { 0, 0, 1 };

	switch (what) {
	case NO_SUCH_TYPE:
		say_frame(p, 17, &w, sizeof(w), -1);
		break;
	case A_QUESTION:
		say_frame(p, RESOLVER_MESSAGE_QUESTION, &w, sizeof(w), -1);
		break;
	case TOO_SHORT:
		say_frame(p, RESOLVER_MESSAGE_ANSWER, &w, sizeof(w) - 1, -1);
		break;
	case NOT_ASKED:
		say_answer(p, id + 1, 0, 1, "192.0.2.1");
		break;
	case TOO_MANY:
		say_answer(p, id, 0, 255, "192.0.2.1");
		break;
	case NO_ADDRESSES:
		say_answer(p, id, 0, 0, "192.0.2.1");
		break;
	case ERROR_AND_ADDRESSES:
		say_answer(p, id, 1, 1, "192.0.2.1");
		break;
	case UNSPECIFIED:
		say_answer(p, id, 0, 1, "::");
		break;
	case WITH_DESCRIPTOR:
		say_frame(p, RESOLVER_MESSAGE_ANSWER, &w, sizeof(w), 0);
		break;
	case NO_SUCH_LEVEL:
		say_frame(p, RESOLVER_MESSAGE_LINE, "9a level", 8, -1);
		break;
	case NO_SUCH_SERVER:
		send_request(p, &no_server, sizeof(no_server), -1);
		break;
	case LONG_REQUEST:
		send_request(p, &w, sizeof(w), -1);
		break;
	case REQUEST_WITH_DESCRIPTOR:
		send_request(p, &no_server, sizeof(no_server), 0);
		break;
	case TOO_MANY_REQUESTS:
		for (;;)
			close(get_socket(p, false, false));
	case NONSENSE_COUNT:
		break;
	}
}

static void say_twice(struct player *p, uint32_t id)
{
	say_answer(p, id, 0, 1, "192.0.2.1");
	say_answer(p, id, 0, 1, "192.0.2.1");
}

static void say_more(struct player *p, uint32_t id)
{
	say_note(p);
	say_answer(p, id, 0, 1, "192.0.2.1");
}

static void obey(struct player *p, const struct resolver_question *q)
{
	const char *domain = p->options->settings[q->network].domains[0];

	if (strcmp(q->name, "good") == 0)
		say_answer(p, q->id, 0, 1, "192.0.2.1");
	else if (strcmp(q->name, "unknown") == 0)
		say_answer(p, q->id, 4, 0, "192.0.2.1");
	else if (strcmp(q->name, "twice") == 0)
		say_twice(p, q->id);
	else if (strcmp(q->name, "domain") == 0) /* an address, in this test */
		say_answer(p, q->id, 0, 1, domain);
	else if (strcmp(q->name, "note") == 0)
		say_more(p, q->id);
	else if (strcmp(q->name, "kill") == 0)
		raise(SIGKILL);
	else if (strcmp(q->name, "end") == 0)
		_exit(5);
	else if (strcmp(q->name, "tcp") == 0 || strcmp(q->name, "udp") == 0)
		use_socket(p, q->id, q->network, q->name[0] == 't');
	else if (strncmp(q->name, "bad", 3) == 0)
		say_nonsense(p, (enum nonsense)atoi(q->name + 3), q->id);
}

/* In the process, of what the supervisor still has. */
static bool forgotten;

static void forget_secret(void *context)
{
	bool *done_so = context;

	*done_so = true;
}

static int play(int channel_fd, int socket_fd, pid_t supervisor,
                const struct resolver_options *options)
{
	struct player p = { .socket_fd = socket_fd, .options = options };
	struct pollfd ready = { channel_fd, POLLIN, 0 };
	int got = channel_init(&p.channel, channel_fd);

	if (got < 0 || supervisor != getppid() || !forgotten)
		return 9;
	while (got >= 0) {
		struct resolver_question q;
		struct frame frame;

		got = channel_next(&p.channel, &frame);
		if (got == 0)
			(void)poll(&ready, 1, WAIT_MS);
		if (got <= 0)
			continue;
		if (frame.type != RESOLVER_MESSAGE_QUESTION ||
		    !resolver_message_get_question(&q, frame.body, frame.body_bytes))
			return 9;
		obey(&p, &q);
	}
	return 0;
}

/* ---- the supervisor */

struct fixture {
	struct loop *loop;
	struct resolver_child child;
	struct lookup_remote remote;
	struct lookup_settings settings;
	struct log log;
	char said[4000];
	unsigned sockets; /* made by make_socket */
};

struct errand {
	struct lookup_errand e;
	unsigned count;
	int status;
	char found[IP_ADDR_STRLEN];
};

static void note(void *context, enum log_level level, const char *line)
{
	struct fixture *f = context;
	size_t n = strlen(f->said);

	(void)level;
	snprintf(f->said + n, sizeof(f->said) - n, "%s\n", line);
}

static void forget(void *context)
{
	struct fixture *f = context;

	resolver_child_forget(&f->child);
}

static void begin(struct fixture *f)
{
	*f = (struct fixture){ .log = { LOG_LEVEL_DEBUG, note, f } };
	ck_assert_int_eq(loop_new(&f->loop), 0);
	resolver_child_init(&f->child,
	                    &(struct resolver_child_env){
				    .log = &f->log,
				    .loop = f->loop,
				    .entry = { play, forget_secret, &forgotten },
				    .forget = forget,
				    .context = f });
	f->remote = resolver_child_remote(&f->child);
	f->settings.server_count = 1;
	ck_assert(endpoint_parse(&f->settings.servers[0], "127.0.0.1:9"));
	snprintf(f->settings.domains[0], sizeof(f->settings.domains[0]), "198.51.100.1");
	f->settings.domain_count = 1;
	ck_assert_uint_eq(resolver_child_deadline_ns(&f->child), NEVER_NS);
}

static void end(struct fixture *f)
{
	resolver_child_end(&f->child);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* there is no child */
	ck_assert_uint_eq(resolver_child_deadline_ns(&f->child), NEVER_NS);
	loop_free(f->loop);
}

static void done(struct lookup_errand *errand, int status, const struct ip_addr *found,
                 size_t n)
{
	struct errand *e = CONTAINER_OF(errand, struct errand, e);

	e->count++;
	e->status = status;
	if (n > 0)
		ip_addr_format(&found[0], e->found);
	ck_assert_uint_le(n, 1);
}

static void ask(struct fixture *f, struct errand *e, const char *host, bool network)
{
	*e = (struct errand){ .e.done = done };
	ck_assert_int_eq(
		f->remote.ask(f->remote.context, &e->e, &f->settings, network, host), 0);
}

static void serve(struct fixture *f)
{
	resolver_child_run(&f->child, loop_now_ns());
	ck_assert_int_eq(loop_wait(f->loop, loop_now_ns() + NS_PER_MS), 0);
}

static void await(struct fixture *f, const struct errand *e)
{
	for (int i = 0; i < WAIT_MS && e->count == 0; i++)
		serve(f);
	ck_assert_uint_eq(e->count, 1);
	ck_assert_ptr_null(e->e.ticket);
}

static void expect(struct fixture *f, const char *host, bool network, const char *found)
{
	struct errand e;

	ask(f, &e, host, network);
	await(f, &e);
	ck_assert_int_eq(e.status, 0);
	ck_assert_str_eq(e.found, found);
}

static void expect_status(struct fixture *f, const char *host, int status)
{
	struct errand e;

	ask(f, &e, host, false);
	await(f, &e);
	ck_assert_int_eq(e.status, status);
	ck_assert_str_eq(e.found, "");
}

static void expect_said(struct fixture *f, const char *text)
{
	for (int i = 0; i < WAIT_MS && !strstr(f->said, text); i++)
		serve(f);
	ck_assert_msg(strstr(f->said, text), "%s", f->said);
}

/* ---- */

START_TEST(it_answers)
{
	struct fixture f;
	struct errand many[100];

	begin(&f);
	ck_assert_int_eq(f.child.pid, 0); /* it only runs when there is a question */
	expect(&f, "good", true, "192.0.2.1");
	expect_status(&f, "unknown", 4);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		ask(&f, &many[i], i % 2 ? "good" : "unknown", true);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		await(&f, &many[i]);
		ck_assert_int_eq(many[i].status, i % 2 ? 0 : 4);
	}
	expect(&f, "note", false, "192.0.2.1");
	ck_assert_str_eq(f.said, "a note?[2J\n");
	end(&f);
}
END_TEST

START_TEST(it_ends_when_nobody_asks)
{
	struct fixture f;
	uint64_t end_ns;

	begin(&f);
	expect(&f, "good", true, "192.0.2.1");
	resolver_child_run(&f.child, loop_now_ns());
	end_ns = resolver_child_deadline_ns(&f.child);
	ck_assert_uint_gt(end_ns, loop_now_ns());
	ck_assert_uint_lt(end_ns, NEVER_NS);
	resolver_child_run(&f.child, end_ns - 1);
	ck_assert_int_gt(f.child.pid, 0);
	resolver_child_run(&f.child, end_ns);
	ck_assert_int_eq(f.child.pid, 0);
	ck_assert_uint_eq(resolver_child_deadline_ns(&f.child), NEVER_NS);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	expect(&f, "good", true, "192.0.2.1"); /* another one begins */
	ck_assert_str_eq(f.said, "");
	end(&f);
}
END_TEST

START_TEST(nothing_that_can_be_asked)
{
	struct fixture f;
	struct errand e = { .e.done = done };
	char name[RESOLVER_MESSAGE_NAME_MAX + 2] = "";

	begin(&f);
	ck_assert_int_lt(f.remote.ask(f.remote.context, &e.e, &f.settings, true, ""), 0);
	memset(name, 'a', sizeof(name) - 1);
	ck_assert_int_lt(f.remote.ask(f.remote.context, &e.e, &f.settings, true, name),
	                 0);
	f.settings.server_count = 0;
	ck_assert_int_lt(f.remote.ask(f.remote.context, &e.e, &f.settings, true, "a"), 0);
	f.settings.server_count = 1;
	f.child.env.entry.run = NULL;
	ck_assert_int_lt(f.remote.ask(f.remote.context, &e.e, &f.settings, true, "a"), 0);
	ck_assert_uint_eq(e.count, 0);
	ck_assert_uint_eq(resolver_child_deadline_ns(&f.child), NEVER_NS);
	end(&f);
}
END_TEST

/* Who is asked by it, or by which sockets, may change; what was asked is asked once more. */
START_TEST(other_settings)
{
	struct fixture f;
	struct errand waits;
	pid_t first;

	begin(&f);
	expect(&f, "domain", true, "198.51.100.1");
	first = f.child.pid;
	expect(&f, "good", true, "192.0.2.1");
	ck_assert_int_eq(f.child.pid, first);
	ask(&f, &waits, "silent", true);
	serve(&f);
	snprintf(f.settings.domains[0], sizeof(f.settings.domains[0]), "198.51.100.2");
	expect(&f, "domain", true, "198.51.100.2");
	ck_assert_int_ne(f.child.pid, first);
	first = f.child.pid;
	resolver_child_set_mark(&f.child, 0);
	serve(&f);
	ck_assert_int_eq(f.child.pid, first);
	resolver_child_set_mark(&f.child, 51820);
	serve(&f);
	ck_assert_int_ne(f.child.pid, first);
	ck_assert_int_gt(f.child.pid, 0); /* for the one that waits */
	ck_assert_uint_eq(waits.count, 0);
	f.remote.forget(f.remote.context, &waits.e);
	ck_assert_str_eq(f.said, ""); /* and that is nothing to tell */
	end(&f);
}
END_TEST

static int make_socket(void *context, int family, int type)
{
	struct fixture *f = context;

	f->sockets++;
	return f->sockets == 3 ? -EACCES
	                       : socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

START_TEST(its_sockets_lead_to_its_servers)
{
	struct fixture f;

	begin(&f);
	expect(&f, "udp", true, "127.0.0.1");
	expect(&f, "udp", false, "127.0.0.1");
	f.child.env.make_socket = make_socket;
	f.child.env.socket_context = &f;
	ck_assert(ip_addr_parse(&f.settings.servers[0].addr, "127.0.0.2"));
	expect(&f, "udp", true, "127.0.0.2");
	expect(&f, "udp", false, "127.0.0.2");
	ck_assert_uint_eq(f.sockets, 2);
	expect_status(&f, "udp", EACCES);
	end(&f);
}
END_TEST

/* The questions that it had are asked once more, but not for ever. */
START_TEST(it_ends_too_early)
{
	struct fixture f;
	struct errand other;

	begin(&f);
	ask(&f, &other, "silent", true);
	expect_status(&f, "kill", LOOKUP_STATUS_REFUSED);
	expect_said(&f, "the resolver process was killed by signal 9");
	await(&f, &other);
	ck_assert_int_eq(other.status, LOOKUP_STATUS_REFUSED);
	f.child.backoff = (struct backoff){ 0 };
	expect_status(&f, "end", LOOKUP_STATUS_REFUSED);
	expect_said(&f, "the resolver process ended with status 5");
	/* now there is a pause, which becomes longer */
	expect_said(&f, "status 5");
	f.child.backoff.in_a_row = BACKOFF_AT_ONCE;
	ask(&f, &other, "end", true);
	for (int i = 0; i < WAIT_MS && f.child.backoff.in_a_row == BACKOFF_AT_ONCE; i++)
		serve(&f);
	ck_assert_int_eq(f.child.pid, 0);
	ck_assert_uint_gt(resolver_child_deadline_ns(&f.child), loop_now_ns());
	f.remote.forget(f.remote.context, &other.e);
	ck_assert_uint_eq(resolver_child_deadline_ns(&f.child), NEVER_NS);
	f.child.start_ns = 0;
	expect(&f, "good", true, "192.0.2.1");
	end(&f);
}
END_TEST

START_TEST(it_hangs)
{
	struct fixture f;
	struct errand e;
	uint64_t due_ns;
	pid_t first;

	begin(&f);
	ask(&f, &e, "silent", true);
	serve(&f);
	first = f.child.pid;
	due_ns = resolver_child_deadline_ns(&f.child);
	ck_assert_uint_gt(due_ns, loop_now_ns());
	ck_assert_uint_lt(due_ns, loop_now_ns() + 60 * NS_PER_SEC);
	/* we were busy ourselves: it gets some time to say what it has to say */
	resolver_child_run(&f.child, due_ns + 100 * NS_PER_SEC);
	ck_assert_int_eq(f.child.pid, first);
	ck_assert_uint_gt(resolver_child_deadline_ns(&f.child),
	                  due_ns + 100 * NS_PER_SEC);
	due_ns = resolver_child_deadline_ns(&f.child);
	resolver_child_run(&f.child, due_ns);
	ck_assert_int_ne(f.child.pid, first);
	expect_said(&f, "the resolver process has not answered in time");
	ck_assert_uint_eq(e.count, 0);
	/* a name that nobody wants to know any more doesn't matter */
	expect(&f, "good", true, "192.0.2.1");
	f.remote.forget(f.remote.context, &e.e);
	expect(&f, "good", true, "192.0.2.1");
	end(&f);
}
END_TEST

START_TEST(an_answer_that_nobody_wants_any_more)
{
	struct fixture f;
	struct errand e;

	begin(&f);
	ask(&f, &e, "good", true);
	f.remote.forget(f.remote.context, &e.e);
	ck_assert_uint_eq(resolver_child_deadline_ns(&f.child), NEVER_NS);
	ask(&f, &e, "good", true);
	resolver_child_run(&f.child, loop_now_ns()); /* it has been asked */
	f.remote.forget(f.remote.context, &e.e);
	expect(&f, "note", true, "192.0.2.1"); /* which comes after that answer */
	ck_assert_str_eq(f.said, "a note?[2J\n");
	ck_assert_uint_eq(e.count, 0);
	end(&f);
}
END_TEST

/* Whoever has taken it over gets nothing by that; it is exchanged. */
START_TEST(what_it_may_not_say)
{
	struct fixture f;

	begin(&f);
	for (int i = 0; i < NONSENSE_COUNT; i++) {
		char name[16];

		snprintf(name, sizeof(name), "bad%d", i);
		f.child.backoff = (struct backoff){ 0 };
		f.said[0] = '\0';
		expect_status(&f, name, LOOKUP_STATUS_REFUSED);
		ck_assert_msg(strstr(f.said, "has talked nonsense"), "%s: %s", name,
		              f.said);
		ck_assert_ptr_null(strchr(f.said, '\033'));
		f.child.backoff = (struct backoff){ 0 };
		expect(&f, "good", true, "192.0.2.1");
	}
	f.said[0] = '\0';
	expect(&f, "twice", true, "192.0.2.1");
	expect_said(&f, "has talked nonsense");
	end(&f);
}
END_TEST

START_TEST(none_was_ever_needed)
{
	struct resolver_child child = { 0 };

	ck_assert_uint_eq(resolver_child_deadline_ns(&child), NEVER_NS);
	resolver_child_run(&child, loop_now_ns());
	resolver_child_end(&child);
	resolver_child_forget(&child);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/resolver_child");

	tcase_add_test(tc, it_answers);
	tcase_add_test(tc, it_ends_when_nobody_asks);
	tcase_add_test(tc, nothing_that_can_be_asked);
	tcase_add_test(tc, other_settings);
	tcase_add_test(tc, its_sockets_lead_to_its_servers);
	tcase_add_test(tc, it_ends_too_early);
	tcase_add_test(tc, it_hangs);
	tcase_add_test(tc, an_answer_that_nobody_wants_any_more);
	tcase_add_test(tc, what_it_may_not_say);
	tcase_add_test(tc, none_was_ever_needed);
	return tc;
}
