/* Real connections on the loopback device, a supervisor that the test plays, and time that
 * passes only when the test says so. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "page/page_html.h"
#include "page/page_request.h"
#include "page/page_server.h"

#define TOKEN     "0123456789abcdef0123456789abcdef"
#define ROUNDS    20000
#define TEXT_MAX  65536
#define OTHER_END "the other end has closed"

static uint64_t fake_now_ns;

uint64_t __wrap_loop_now_ns(void);
uint64_t __wrap_loop_now_ns(void)
{
	return fake_now_ns;
}

struct fixture {
	struct loop *loop;
	struct page_server server;
	struct channel supervisor;
	struct sockaddr_in address;
};

static void begin(struct fixture *f)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];
	socklen_t n = sizeof(f->address);

	fake_now_ns = 1000 * NS_PER_SEC;
	*f = (struct fixture){ .address = { .sin_family = AF_INET,
		                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&f->address, n), 0);
	ck_assert_int_eq(listen(listener, 64), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&f->address, &n), 0);
	ck_assert_int_eq(channel_pair(pair), 0);
	ck_assert_int_eq(channel_init(&f->supervisor, pair[0]), 0);
	ck_assert_int_eq(loop_new(&f->loop), 0);
	ck_assert_int_eq(page_server_init(&f->server, f->loop, pair[1], listener, TOKEN),
	                 0);
	ck_assert_uint_eq(page_server_deadline_ns(&f->server), NEVER_NS);
}

static void end(struct fixture *f)
{
	page_server_clear(&f->server);
	ck_assert_uint_eq(f->server.count, 0);
	loop_free(f->loop);
	channel_clear(&f->supervisor);
}

static void serve(struct fixture *f)
{
	ck_assert_int_eq(loop_wait(f->loop, 0), 0);
	page_server_run(&f->server, loop_now_ns());
}

/* ---- a browser */

static int enter(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)),
	                 0);
	return fd;
}

/* Connects, and waits until the server has accepted. */
static int come(struct fixture *f)
{
	size_t before;
	int fd;

	for (int i = 0; i < 10; i++) /* some may have closed */
		serve(f);
	before = f->server.count;
	fd = enter(f);

	for (int i = 0; i < ROUNDS && f->server.count == before; i++)
		serve(f);
	ck_assert_uint_eq(f->server.count, before + 1);
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
	                 (ssize_t)strlen(text));
}

static void get(int fd, const char *path)
{
	char text[200];

	snprintf(text, sizeof(text),
	         "GET /" TOKEN "/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	say(fd, text);
}

/* Serves until the client has something to read; returns what recv returns. */
static ssize_t hear_with(struct fixture *f, int fd, char *out, size_t n, int flags)
{
	struct pollfd p = { fd, POLLIN, 0 };

	for (int i = 0; i < ROUNDS; i++) {
		serve(f);
		if (poll(&p, 1, i < 50 ? 0 : 1) > 0)
			return recv(fd, out, n, flags);
	}
	ck_abort_msg("nothing comes");
	return -1;
}

static ssize_t hear(struct fixture *f, int fd, char *out, size_t n)
{
	return hear_with(f, fd, out, n, 0);
}

struct reply {
	unsigned status;
	size_t length; /* Content-Length */
	size_t n;      /* bytes of the text */
	char head[4096];
	char *text; /* owned */
};

static void hear_head(struct fixture *f, int fd, struct reply *r)
{
	const char *end = NULL;
	ssize_t n;

	for (int i = 0; i < ROUNDS && !end; i++) {
		n = hear_with(f, fd, r->head, sizeof(r->head) - 1, MSG_PEEK);
		ck_assert_msg(n > 0, OTHER_END);
		r->head[n] = '\0';
		end = strstr(r->head, "\r\n\r\n");
	}
	ck_assert_ptr_nonnull(end);
	n = end + 4 - r->head;
	ck_assert_int_eq(recv(fd, r->head, (size_t)n, 0), n);
	r->head[n] = '\0';
	ck_assert_int_eq(sscanf(r->head, "HTTP/1.1 %u ", &r->status), 1);
	ck_assert_ptr_nonnull(strstr(r->head, "\r\nContent-Length: "));
	r->length = strtoul(strstr(r->head, "Content-Length: ") + 16, NULL, 10);
}

static struct reply hear_reply(struct fixture *f, int fd, bool only_head)
{
	struct reply r = { 0 };

	hear_head(f, fd, &r);
	r.text = calloc(r.length + 1, 1);
	while (!only_head && r.n < r.length) {
		ssize_t n = hear(f, fd, r.text + r.n, r.length - r.n);

		ck_assert_msg(n > 0, OTHER_END);
		r.n += (size_t)n;
	}
	return r;
}

/* One line for what is only of interest by its status and text. */
static void expect(struct fixture *f, int fd, unsigned status, const char *text)
{
	struct reply r = hear_reply(f, fd, false);

	ck_assert_msg(r.status == status && strstr(r.text, text), "%u expected, %s%s",
	              status, r.head, r.text);
	free(r.text);
}

static void expect_end(struct fixture *f, int fd)
{
	char byte;

	ck_assert_int_le(hear(f, fd, &byte, 1), 0);
	close(fd);
}

/* ---- the supervisor */

static int take_question(struct fixture *f, char name[static IFNAME_MAX + 1])
{
	struct frame frame;
	int got = 0, type;

	for (int i = 0; i < ROUNDS && got == 0; i++) {
		serve(f);
		got = channel_next(&f->supervisor, &frame);
	}
	ck_assert_int_eq(got, 1);
	ck_assert_uint_eq(frame.fd_count, 0);
	ck_assert_uint_le(frame.body_bytes, IFNAME_MAX);
	memcpy(name, frame.body, frame.body_bytes);
	name[frame.body_bytes] = '\0';
	type = frame.type;
	return type;
}

static bool asks(struct fixture *f)
{
	struct pollfd p = { f->supervisor.fd, POLLIN, 0 };

	for (int i = 0; i < 10; i++)
		serve(f);
	return poll(&p, 1, 0) > 0;
}

static void send_answer(struct fixture *f, int type, const int *fd)
{
	ck_assert_int_eq(
		channel_send(&f->supervisor, (uint16_t)type, NULL, 0, fd, fd ? 1 : 0), 0);
	ck_assert_int_eq(channel_write(&f->supervisor), 0);
}

static void answer(struct fixture *f, enum page_question question, const char *name,
                   const char *text, size_t n)
{
	char asked[IFNAME_MAX + 1];
	int type = take_question(f, asked), pair[2];
	size_t sent = 0;

	ck_assert_int_eq(type, question);
	ck_assert_str_eq(asked, name);
	if (!text) {
		send_answer(f, type, NULL);
		return;
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	send_answer(f, type, &pair[1]);
	close(pair[1]);
	while (sent < n) {
		ssize_t now =
			send(pair[0], text + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (now > 0)
			sent += (size_t)now;
		else if (errno != EAGAIN)
			break;
		serve(f);
	}
	close(pair[0]);
}

static void answer_text(struct fixture *f, enum page_question question, const char *name,
                        const char *text)
{
	answer(f, question, name, text, text ? strlen(text) : 0);
}

/* ---- */

static bool has(const struct reply *r, const char *line)
{
	return strstr(r->head, line) != NULL;
}

START_TEST(the_page_and_its_head)
{
	struct fixture f;
	struct reply r, head;
	int fd;

	begin(&f);
	fd = come(&f);
	get(fd, "");
	r = hear_reply(&f, fd, false);
	ck_assert_uint_eq(r.status, 200);
	ck_assert_uint_eq(r.n, page_html_bytes);
	ck_assert_int_eq(memcmp(r.text, page_html, r.n), 0);
	ck_assert(has(&r, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
	ck_assert(has(&r, "\r\nCache-Control: no-store\r\n"));
	ck_assert(has(&r, "\r\nX-Content-Type-Options: nosniff\r\n"));
	ck_assert(has(&r, "\r\nReferrer-Policy: no-referrer\r\n"));
	ck_assert(has(
		&r,
		"\r\nContent-Security-Policy: default-src 'none'; script-src 'sha256-"));
	ck_assert(has(&r, "frame-ancestors 'none'"));
	ck_assert(!has(&r, "unsafe"));
	ck_assert(!has(&r, TOKEN) && !strstr(r.text, TOKEN));
	say(fd, "HEAD /" TOKEN "/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
	head = hear_reply(&f, fd, true);
	ck_assert_str_eq(head.head, r.head);
	get(fd, "hints.json"); /* nothing of the page was sent after its head */
	expect(&f, fd, 200,
	       "\"no-route\":\"No file's AllowedIPs contain the destination.\"");
	free(r.text);
	free(head.text);
	close(fd);
	end(&f);
}
END_TEST

START_TEST(what_is_refused)
{
	static const struct {
		const char *request;
		unsigned status;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
		{ "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
		{ "GET /1123456789abcdef0123456789abcdef/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
		  404 },
		{ "GET /" TOKEN "/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
		{ "GET /" TOKEN "/ HTTP/1.1\r\nHost: example.org\r\n\r\n", 421 },
		{ "POST /" TOKEN
		  "/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
		  405 },
	};
	struct fixture f;
	int fd;

	begin(&f);
	fd = come(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		say(fd, cases[i].request);
		expect(&f, fd, cases[i].status, "");
	}
	ck_assert(!asks(&f));
	/* after these, what follows can't be understood */
	say(fd, "POST /" TOKEN
	        "/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nGET /");
	expect(&f, fd, 413, "only be read");
	expect_end(&f, fd);
	fd = come(&f);
	say(fd, "nonsense\r\n\r\n");
	expect(&f, fd, 400, "no HTTP/1.1");
	expect_end(&f, fd);
	end(&f);
}
END_TEST

START_TEST(what_the_supervisor_says)
{
	static const char status[] =
		"{\"tun\":\"t0\",\"up_seconds\":7,\"devices\":[],\"drops\":{}}";
	struct fixture f;
	struct reply r;
	int fd;

	begin(&f);
	fd = come(&f);
	get(fd, "status.json");
	answer_text(&f, PAGE_QUESTION_STATUS, "", status);
	expect(&f, fd, 200, status);
	get(fd, "metrics");
	answer_text(&f, PAGE_QUESTION_STATUS, "", status);
	expect(&f, fd, 200, "\ntunion_up_seconds{tun=\"t0\"} 7\n");
	get(fd, "clients.json");
	answer_text(&f, PAGE_QUESTION_CLIENTS, "", "[]");
	expect(&f, fd, 200, "[]");
	get(fd, "clients/phone.conf");
	answer_text(&f, PAGE_QUESTION_FILE, "phone", "[Interface]\n");
	r = hear_reply(&f, fd, false);
	ck_assert_str_eq(r.text, "[Interface]\n");
	ck_assert(has(&r, "attachment; filename=\"phone.conf\"\r\n"));
	free(r.text);
	get(fd, "clients/phone.svg");
	answer_text(&f, PAGE_QUESTION_FILE, "phone", "[Interface]\n");
#ifdef HAVE_QRENCODE
	expect(&f, fd, 200, "<svg ");
#else
	expect(&f, fd, 404, "without libqrencode");
#endif
	get(fd, "clients/nobody.conf");
	answer_text(&f, PAGE_QUESTION_FILE, "nobody", "error: there is no nobody\n");
	expect(&f, fd, 404, "there is no nobody");
	get(fd, "status.json");
	answer_text(&f, PAGE_QUESTION_STATUS, "", "error: it is asleep\n");
	expect(&f, fd, 503, "it is asleep");
	get(fd, "status.json");
	answer_text(&f, PAGE_QUESTION_STATUS, "", NULL);
	expect(&f, fd, 503, "");
	get(fd, "metrics");
	answer_text(&f, PAGE_QUESTION_STATUS, "", "no JSON");
	expect(&f, fd, 503, "");
	get(fd, "status.json");
	answer_text(&f, PAGE_QUESTION_STATUS, "", "");
	expect(&f, fd, 503, "");
	ck_assert_uint_eq(outbuf_bytes(&f.server.ask.answer), 0);
	close(fd);
	end(&f);
}
END_TEST

/* Whoever waits for the same gets the same answer; other questions come one after the
 * other. */
START_TEST(one_question_at_a_time)
{
	struct fixture f;
	int a, b, c;

	begin(&f);
	a = come(&f);
	b = come(&f);
	c = come(&f);
	get(a, "status.json");
	ck_assert(asks(&f));
	get(b, "clients/x.conf");
	get(c, "status.json");
	answer_text(&f, PAGE_QUESTION_STATUS, "", "{}");
	expect(&f, a, 200, "{}");
	expect(&f, c, 200, "{}");
	answer_text(&f, PAGE_QUESTION_FILE, "x", "[Interface]");
	expect(&f, b, 200, "[Interface]");
	ck_assert(!asks(&f));
	close(a);
	close(b);
	close(c);
	end(&f);
}
END_TEST

START_TEST(a_client_that_leaves_while_it_waits)
{
	struct fixture f;
	struct linger reset = { 1, 0 };
	int a, b;

	begin(&f);
	a = come(&f);
	get(a, "status.json");
	ck_assert(asks(&f));
	setsockopt(a, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(a);
	for (int i = 0; i < ROUNDS && f.server.count > 0; i++)
		serve(&f);
	ck_assert_uint_eq(f.server.count, 0);
	b = come(&f);
	get(b, "clients.json");
	answer_text(&f, PAGE_QUESTION_STATUS, "", "{}"); /* for nobody */
	answer_text(&f, PAGE_QUESTION_CLIENTS, "", "[1]");
	expect(&f, b, 200, "[1]");
	close(b);
	end(&f);
}
END_TEST

START_TEST(byte_by_byte)
{
	static const char request[] =
		"GET /" TOKEN "/hints.json HTTP/1.1\r\nHost: [::1]:1081\r\n\r\n";
	struct fixture f;
	int fd;

	begin(&f);
	fd = come(&f);
	for (size_t i = 0; i < strlen(request); i++) {
		ck_assert_int_eq(send(fd, &request[i], 1, MSG_NOSIGNAL), 1);
		serve(&f);
	}
	expect(&f, fd, 200, "\"loop\"");
	close(fd);
	end(&f);
}
END_TEST

START_TEST(several_requests_at_once)
{
	struct fixture f;
	int fd;

	begin(&f);
	fd = come(&f);
	say(fd, "GET /" TOKEN "/hints.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
	        "GET /" TOKEN "/status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
	        "GET /" TOKEN "/status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
	        "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
	        "GET /" TOKEN
	        "/hints.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	        "GET /" TOKEN "/hints.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
	expect(&f, fd, 200, "\"loop\"");
	answer_text(&f, PAGE_QUESTION_STATUS, "", "{\"a\":1}");
	expect(&f, fd, 200, "{\"a\":1}");
	answer_text(&f, PAGE_QUESTION_STATUS, "", "{\"b\":1}");
	expect(&f, fd, 200, "{\"b\":1}");
	expect(&f, fd, 404, "");
	expect(&f, fd, 200, "\"loop\"");
	expect_end(&f, fd); /* although there is one more */
	end(&f);
}
END_TEST

START_TEST(a_head_that_is_too_long)
{
	struct fixture f;
	char text[2 * PAGE_REQUEST_MAX];
	int fd;

	begin(&f);
	fd = come(&f);
	memset(text, 'x', sizeof(text));
	memcpy(text, "GET /", 5);
	ck_assert_int_eq(send(fd, text, sizeof(text), MSG_NOSIGNAL),
	                 (ssize_t)sizeof(text));
	expect(&f, fd, 431, "too long");
	expect_end(&f, fd);
	end(&f);
}
END_TEST

/* A request has to be complete in time, however often a byte of it comes. */
START_TEST(a_client_that_sends_slowly)
{
	struct fixture f;
	int fd;

	begin(&f);
	fd = come(&f);
	ck_assert_uint_eq(page_server_deadline_ns(&f.server),
	                  fake_now_ns + PAGE_SERVER_REQUEST_NS);
	for (int i = 0; i < 9; i++) {
		say(fd, "G");
		fake_now_ns += NS_PER_SEC;
		serve(&f);
	}
	ck_assert_uint_eq(f.server.count, 1);
	fake_now_ns += NS_PER_SEC;
	expect_end(&f, fd);
	ck_assert_uint_eq(page_server_deadline_ns(&f.server), NEVER_NS);
	/* one that has asked before is as patient */
	fd = come(&f);
	fake_now_ns += 9 * NS_PER_SEC;
	get(fd, "hints.json");
	expect(&f, fd, 200, "");
	fake_now_ns += 9 * NS_PER_SEC;
	serve(&f);
	ck_assert_uint_eq(f.server.count, 1);
	fake_now_ns += NS_PER_SEC;
	expect_end(&f, fd);
	end(&f);
}
END_TEST

#define MUCH (15U * 1024 * 1024)

static char *much(void)
{
	char *text = malloc(MUCH);

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', MUCH);
	return text;
}

START_TEST(a_client_that_reads_slowly)
{
	struct fixture f;
	char *text = much(), some[TEXT_MAX];
	int fd;

	begin(&f);
	fd = come(&f);
	get(fd, "status.json");
	answer(&f, PAGE_QUESTION_STATUS, "", text, MUCH);
	ck_assert_int_gt(hear(&f, fd, some, sizeof(some)), 0);
	fake_now_ns += PAGE_SERVER_STALL_NS - 1;
	serve(&f);
	ck_assert_uint_eq(f.server.count, 1);
	/* reading a little gives it time again, but not for ever */
	for (int i = 0; i < 20 && f.server.count > 0; i++) {
		for (int k = 0; k < 100 && f.server.count > 0; k++) {
			serve(&f);
			(void)!recv(fd, some, sizeof(some), MSG_DONTWAIT);
		}
		fake_now_ns += NS_PER_SEC * 9;
		serve(&f);
	}
	ck_assert_uint_eq(f.server.count, 0);
	close(fd);
	free(text);
	end(&f);
}
END_TEST

START_TEST(answers_that_nobody_reads_are_bounded)
{
	struct fixture f;
	char *text = much();
	int fds[3];

	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = come(&f);
		get(fds[i], "status.json");
	}
	answer(&f, PAGE_QUESTION_STATUS, "", text, MUCH);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct reply r = { 0 };

		hear_head(&f, fds[i], &r);
		/* the newest connection is answered first */
		ck_assert_uint_eq(r.status, i == 0 ? 503 : 200);
		close(fds[i]);
	}
	free(text);
	end(&f);
}
END_TEST

START_TEST(a_supervisor_that_is_silent)
{
	struct fixture f;
	char name[IFNAME_MAX + 1];
	int a, b;

	begin(&f);
	a = come(&f);
	get(a, "status.json");
	ck_assert_int_eq(take_question(&f, name), PAGE_QUESTION_STATUS);
	fake_now_ns += PAGE_SERVER_ANSWER_NS;
	expect(&f, a, 503, "doesn't answer");
	b = come(&f);
	get(b, "status.json");
	ck_assert(!asks(&f)); /* it is asked already */
	send_answer(&f, PAGE_QUESTION_STATUS, NULL);
	expect(&f, b, 503, "");
	ck_assert(!f.server.ask.gone);
	channel_clear(&f.supervisor);
	for (int i = 0; i < ROUNDS && !f.server.ask.gone; i++)
		serve(&f);
	ck_assert(f.server.ask.gone);
	close(a);
	close(b);
	end(&f);
}
END_TEST

/* The seventeenth takes the place of the one that has been silent for longest, but not of
 * one that is being answered. */
START_TEST(only_so_many_connections)
{
	struct fixture f;
	int fds[PAGE_SERVER_CONNECTIONS + 2];

	begin(&f);
	for (size_t i = 0; i < PAGE_SERVER_CONNECTIONS; i++) {
		fds[i] = come(&f);
		fake_now_ns += NS_PER_MS;
	}
	get(fds[0], "status.json");
	ck_assert(asks(&f));
	get(fds[1], "hints.json");
	expect(&f, fds[1], 200, "");
	fds[PAGE_SERVER_CONNECTIONS] = enter(&f);
	expect_end(&f, fds[2]);
	ck_assert_uint_eq(f.server.count, PAGE_SERVER_CONNECTIONS);
	get(fds[PAGE_SERVER_CONNECTIONS], "hints.json");
	expect(&f, fds[PAGE_SERVER_CONNECTIONS], 200, "");
	/* when all wait for the supervisor, there is no place */
	for (size_t i = 1; i <= PAGE_SERVER_CONNECTIONS; i++)
		if (i != 2)
			get(fds[i], "status.json");
	(void)asks(&f);
	expect_end(&f, enter(&f));
	answer_text(&f, PAGE_QUESTION_STATUS, "", "{}");
	for (size_t i = 0; i <= PAGE_SERVER_CONNECTIONS; i++) {
		if (i == 2)
			continue;
		expect(&f, fds[i], 200, "{}");
		close(fds[i]);
	}
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("page/page_server");

	tcase_add_test(tc, the_page_and_its_head);
	tcase_add_test(tc, what_is_refused);
	tcase_add_test(tc, what_the_supervisor_says);
	tcase_add_test(tc, one_question_at_a_time);
	tcase_add_test(tc, a_client_that_leaves_while_it_waits);
	tcase_add_test(tc, byte_by_byte);
	tcase_add_test(tc, several_requests_at_once);
	tcase_add_test(tc, a_head_that_is_too_long);
	tcase_add_test(tc, a_client_that_sends_slowly);
	tcase_add_test(tc, a_client_that_reads_slowly);
	tcase_add_test(tc, answers_that_nobody_reads_are_bounded);
	tcase_add_test(tc, a_supervisor_that_is_silent);
	tcase_add_test(tc, only_so_many_connections);
	return tc;
}
