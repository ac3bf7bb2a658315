/* The process of the page, played by functions that run in a real one, beside a real
 * supervisor's loop. */
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

#include "supervisor/page_child.h"

#define WAIT_MS 30000

/* ---- different kinds of pages. What the process does with its listening socket is not of
 * interest here: the test connects and says what to ask. */

static int accept_one(int listen_fd)
{
	struct pollfd p = { listen_fd, POLLIN, 0 };

	return poll(&p, 1, WAIT_MS) == 1 ? accept(listen_fd, NULL, NULL) : -1;
}

static int next(struct channel *c, struct frame *frame)
{
	struct pollfd p = { c->fd, POLLIN, 0 };
	int got;

	while ((got = channel_next(c, frame)) == 0)
		(void)poll(&p, 1, WAIT_MS);
	return got;
}

/* Passes the answer on to the client. */
static void pass(const struct frame *frame, int client)
{
	char text[1024];
	ssize_t n;

	if (frame->fd_count == 0)
		(void)!write(client, "nothing", 7);
	while (frame->fd_count == 1) {
		struct pollfd p = { frame->fds[0], POLLIN, 0 };

		(void)poll(&p, 1, WAIT_MS);
		n = read(frame->fds[0], text, sizeof(text));
		if (n <= 0 || write(client, text, (size_t)n) != n)
			break;
	}
}

/* A client says the type of the question as a digit, and a name. "k" kills the process, "x"
 * ends it. */
static int obey(int channel_fd, int listen_fd, pid_t supervisor,
                const struct page_options *options)
{
	struct channel c;
	char request[100];
	int client;

	if (supervisor != getppid() || strlen(options->token) != PAGE_TOKEN_CHARS ||
	    channel_init(&c, channel_fd) < 0)
		return 9;
	while ((client = accept_one(listen_fd)) >= 0) {
		ssize_t n = read(client, request, sizeof(request));
		struct frame frame;

		if (n <= 0)
			return 8;
		if (request[0] == 'k')
			raise(SIGKILL);
		if (request[0] == 'x')
			_exit(5);
		if (channel_send(&c, (uint16_t)(request[0] - '0'), request + 1,
		                 (size_t)n - 1, NULL, 0) < 0 ||
		    channel_write(&c) < 0)
			return 7;
		if (request[0] == '0' + PAGE_LINE && n > 2) {
			close(client);
			continue;
		}
		if (next(&c, &frame) != 1)
			return 7;
		pass(&frame, client);
		frame_close_fds(&frame);
		close(client);
	}
	return 6;
}

/* Asks without end, and reads nothing. */
static int flood(int channel_fd, int listen_fd, pid_t supervisor,
                 const struct page_options *options)
{
	struct channel c;
	struct pollfd p = { channel_fd, POLLOUT, 0 };
	int err = channel_init(&c, channel_fd);

	(void)listen_fd;
	(void)supervisor;
	(void)options;
	while (!err) {
		err = channel_send(&c, PAGE_QUESTION_STATUS, NULL, 0, NULL, 0);
		if (!err)
			err = channel_write(&c);
		(void)poll(&p, 1, WAIT_MS);
	}
	return 0;
}

/* ---- the supervisor's side */

struct fixture {
	struct loop *loop;
	int listener; /* of the clients; nobody uses it */
	struct clients clients;
	struct page_wanted wanted;
	struct page_child page;
	struct log log;
	char said[2000];
	unsigned statuses;
};

static void note(void *context, enum log_level level, const char *line)
{
	struct fixture *f = context;
	size_t n = strlen(f->said);

	(void)level;
	snprintf(f->said + n, sizeof(f->said) - n, "%s\n", line);
}

static void want_status(void *context)
{
	struct fixture *f = context;

	f->statuses++;
	clients_answer_status(&f->clients, "{}");
}

static char *clients_of_gate(void *context, size_t *n, struct diag *diag)
{
	(void)context;
	(void)diag;
	*n = 3;
	return strdup("[1]");
}

static char *file_of_client(void *context, const char *client, size_t *n,
                            struct diag *diag)
{
	(void)context;
	if (strcmp(client, "phone") != 0) {
		diag_error(diag, "/folder", 0, "there is no %s", client);
		return NULL;
	}
	*n = 11;
	return strdup("[Interface]");
}

static void forget(void *context)
{
	struct fixture *f = context;

	page_child_forget(&f->page);
}

/* A port of the loopback device that is free now. */
static uint16_t free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static void begin(struct fixture *f,
                  int (*run)(int, int, pid_t, const struct page_options *))
{
	struct diag diag = { 0 };
	char text[64];

	*f = (struct fixture){ .log = { LOG_LEVEL_INFO, note, f },
		               .wanted = { .entry = { .run = run },
		                           .clients = clients_of_gate,
		                           .file = file_of_client } };
	snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)free_port());
	ck_assert(endpoint_parse(&f->wanted.at, text));
	f->page = page_child_of(&f->wanted, &f->log, &f->clients, forget, f);
	ck_assert_ptr_null(page_child_url(&f->page));
	ck_assert_int_eq(page_child_begin(&f->page, &diag), 0);
	ck_assert_int_eq(loop_new(&f->loop), 0);
	f->clients.want_status = want_status;
	f->clients.context = f;
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(clients_start(&f->clients, f->loop, f->listener), 0);
	ck_assert_int_eq(page_child_serve(&f->page), 0);
	diag_clear(&diag);
}

static void end(struct fixture *f)
{
	page_child_end(&f->page);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* there is no child */
	ck_assert_ptr_null(page_child_url(&f->page));
	clients_end(&f->clients, "ok\n");
	loop_free(f->loop);
	close(f->listener);
}

static void serve(struct fixture *f)
{
	ck_assert_int_eq(loop_wait(f->loop, loop_now_ns() + NS_PER_MS), 0);
	page_child_round(&f->page);
}

static int enter(struct fixture *f, const char *text)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_to_sockaddr(&f->wanted.at, &sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&sa, n) < 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return fd;
}

static void expect(struct fixture *f, const char *question, const char *text)
{
	char got[1024] = "";
	size_t used = 0;
	ssize_t n = -1;
	int fd = enter(f, question);

	while (n != 0 && used < sizeof(got) - 1) {
		serve(f);
		n = recv(fd, got + used, sizeof(got) - 1 - used, MSG_DONTWAIT);
		if (n > 0)
			used += (size_t)n;
	}
	ck_assert_str_eq(got, text);
	close(fd);
}

static void expect_said(struct fixture *f, const char *text)
{
	for (int i = 0; i < WAIT_MS && !strstr(f->said, text); i++)
		serve(f);
	ck_assert_msg(strstr(f->said, text), "%s", f->said);
}

/* ---- */

START_TEST(what_it_may_ask)
{
	struct fixture f;

	begin(&f, obey);
	expect(&f, "1", "{}");
	expect(&f, "2", "[1]");
	expect(&f, "3phone", "[Interface]");
	expect(&f, "3laptop", "error: there is no laptop\n");
	ck_assert_uint_eq(f.statuses, 1);
	f.wanted.clients = NULL;
	f.wanted.file = NULL;
	expect(&f, "2", "[]");
	expect(&f, "3phone", "error: out of memory\n");
	ck_assert_str_eq(f.said, "");
	ck_assert_uint_eq(f.clients.count, 0);
	end(&f);
}
END_TEST

START_TEST(its_address)
{
	struct fixture f, other;
	char text[ENDPOINT_STRLEN];
	const char *url;

	begin(&f, obey);
	begin(&other, obey);
	url = page_child_url(&f.page);
	ck_assert_int_eq(strncmp(url, "http://127.0.0.1:", 17), 0);
	ck_assert_ptr_nonnull(strstr(url, endpoint_format(&f.wanted.at, text)));
	ck_assert_ptr_nonnull(strstr(url, f.page.options.token));
	ck_assert_uint_eq(strspn(f.page.options.token, "0123456789abcdef"),
	                  PAGE_TOKEN_CHARS);
	ck_assert_str_ne(f.page.options.token, other.page.options.token);
	page_child_end(&other.page);
	end(&f);
	end(&other);
}
END_TEST

/* Whoever has taken it over gets nothing by that; it is exchanged. */
START_TEST(what_it_may_not_say)
{
	static const char *const nonsense[] = {
		"0",   "4",  "5",    "49no level", "3",
		"3..", "3/", "3a/b", "q",          "1aaaaaaaaaaaaaaaa"
	};
	struct fixture f;

	begin(&f, obey);
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		f.page.restarts = (struct restarts){ 0 };
		f.said[0] = '\0';
		close(enter(&f, nonsense[i]));
		expect_said(&f, "has talked nonsense");
		expect_said(&f, "was started again");
		expect(&f, "1", "{}");
	}
	end(&f);
}
END_TEST

/* A digit is the level. Control characters would write elsewhere on the terminal. */
START_TEST(what_it_says_is_in_the_log)
{
	struct fixture f;

	begin(&f, obey);
	close(enter(&f, "41this \033[31mis red"));
	expect_said(&f, "this ?[31mis red\n");
	close(enter(&f, "43only for debugging"));
	close(enter(&f, "40the last one"));
	expect_said(&f, "the last one\n");
	ck_assert_ptr_null(strstr(f.said, "debugging"));
	expect(&f, "1", "{}");
	end(&f);
}
END_TEST

START_TEST(it_ends_and_comes_again)
{
	struct fixture f;
	char token[PAGE_TOKEN_CHARS + 1];

	begin(&f, obey);
	memcpy(token, f.page.options.token, sizeof(token));
	for (unsigned i = 0; i < RESTARTS_MAX; i++) {
		f.said[0] = '\0';
		close(enter(&f, i % 2 ? "x" : "k"));
		expect_said(&f, i % 2 ? "ended with status 5" : "killed by signal 9");
		expect_said(&f, "was started again");
		expect(&f, "1", "{}");
		ck_assert_str_eq(token, f.page.options.token);
	}
	close(enter(&f, "x"));
	expect_said(&f, "is not started again");
	ck_assert_int_eq(enter(&f, "1"), -1);
	ck_assert(!page_child_is_due(&f.page));
	end(&f);
}
END_TEST

START_TEST(it_asks_without_end)
{
	struct fixture f;

	begin(&f, flood);
	expect_said(&f, "has talked nonsense");
	for (int i = 0; i < WAIT_MS && !strstr(f.said, "is not started again"); i++)
		serve(&f);
	ck_assert_ptr_nonnull(strstr(f.said, "is not started again"));
	for (int i = 0; i < 10; i++)
		serve(&f);
	ck_assert_uint_eq(f.clients.count, 0);
	end(&f);
}
END_TEST

START_TEST(no_page_is_wanted)
{
	struct page_child page = page_child_of(NULL, NULL, NULL, NULL, NULL);
	struct diag diag = { 0 };

	ck_assert_int_eq(page_child_begin(&page, &diag), 0);
	ck_assert_int_eq(page_child_serve(&page), 0);
	ck_assert(!page_child_is_due(&page));
	page_child_round(&page);
	ck_assert_ptr_null(page_child_url(&page));
	page_child_end(&page);
	page_child_forget(&page);
}
END_TEST

START_TEST(another_program_has_the_port)
{
	struct fixture f;
	struct page_child second;
	struct diag diag = { 0 };

	begin(&f, obey);
	second = page_child_of(&f.wanted, &f.log, &f.clients, forget, &f);
	ck_assert_int_eq(page_child_begin(&second, &diag), -EADDRINUSE);
	ck_assert_uint_eq(diag.count, 1);
	ck_assert_ptr_nonnull(
		strstr(diag.entries[0].text, "another program listens there"));
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "--page"));
	ck_assert_int_eq(second.pid, 0);
	page_child_end(&second);
	diag_clear(&diag);
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/page_child");

	tcase_add_test(tc, what_it_may_ask);
	tcase_add_test(tc, its_address);
	tcase_add_test(tc, what_it_may_not_say);
	tcase_add_test(tc, what_it_says_is_in_the_log);
	tcase_add_test(tc, it_ends_and_comes_again);
	tcase_add_test(tc, it_asks_without_end);
	tcase_add_test(tc, no_page_is_wanted);
	tcase_add_test(tc, another_program_has_the_port);
	return tc;
}
