#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/timerq.h"
#include "supervisor/status_request.h"

/* Here a worker is only a channel, and the test has its other end. */
struct fixture {
	struct worker_child worker;
	struct channel other;
	struct loop *loop;
	int listener;
	struct sockaddr_un address; /* abstract */
	struct clients clients;
	struct status_request request;
};

static void describe(void *context, struct instance_status *out)
{
	struct fixture *f = context;

	*out = (struct instance_status){ .tun = "tun7", .engine_pid = f->worker.pid };
}

static void want_status(void *context)
{
	struct fixture *f = context;

	status_request_ask(&f->request);
}

static void begin(struct fixture *f)
{
	int pair[2];

	*f = (struct fixture){ .address.sun_family = AF_UNIX };
	ck_assert_int_eq(channel_pair(pair), 0);
	ck_assert_int_eq(channel_init(&f->worker.channel, pair[0]), 0);
	ck_assert_int_eq(channel_init(&f->other, pair[1]), 0);
	f->worker.pid = getpid();
	f->worker.silence_ms = 60000;
	ck_assert_int_gt(
		snprintf(f->address.sun_path + 1, 60, "tunion-status-%d", (int)getpid()),
		0);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(
		bind(f->listener, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
	ck_assert_int_eq(listen(f->listener, 8), 0);
	ck_assert_int_eq(loop_new(&f->loop), 0);
	f->clients = (struct clients){ .want_status = want_status, .context = f };
	ck_assert_int_eq(clients_start(&f->clients, f->loop, f->listener), 0);
	f->request = (struct status_request){ .clients = &f->clients,
		                              .worker = &f->worker,
		                              .describe = describe,
		                              .context = f,
		                              .due_ns = NEVER_NS };
	ck_assert_int_eq(status_request_wait_ms(&f->request), -1);
}

static void end(struct fixture *f)
{
	clients_end(&f->clients, "ok\n");
	loop_free(f->loop);
	close(f->listener);
	channel_clear(&f->worker.channel);
	channel_clear(&f->other);
	status_request_clear(&f->request);
}

static int ask(struct fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)),
	                 0);
	ck_assert_int_eq(send(fd, "status\n", 7, 0), 7);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(loop_wait(f->loop, 0), 0);
	return fd;
}

static void expect(int fd, const char *text)
{
	char got[1024];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	ck_assert_msg(strstr(got, text), "%s", got);
	close(fd);
}

/* How often was the worker asked since the last time? */
static unsigned asked(struct fixture *f)
{
	struct command m;
	unsigned n = 0;

	ck_assert_int_eq(channel_write(&f->worker.channel), 0);
	while (command_next(&f->other, &m) > 0) {
		ck_assert_int_eq((int)m.type, COMMAND_STATUS);
		command_clear(&m);
		n++;
	}
	return n;
}

static void take(struct status_request *r, const char *text, size_t n)
{
	ck_assert_int_eq(status_request_piece(r, text, n), 0);
}

START_TEST(one_question_answers_all)
{
	struct fixture f;
	int a, b;

	begin(&f);
	a = ask(&f);
	b = ask(&f);
	ck_assert_uint_eq(asked(&f), 1);
	ck_assert_int_gt(status_request_wait_ms(&f.request), 50000);
	ck_assert_uint_gt(status_request_deadline_ns(&f.request), loop_now_ns());
	status_request_run(&f.request); /* not yet */
	take(&f.request, "{ \"dev", 6);
	take(&f.request, "ices\": [] }", 11);
	take(&f.request, "", 0);
	expect(a, "\"devices\"");
	expect(b, "tun7");
	ck_assert_uint_eq(status_request_deadline_ns(&f.request), NEVER_NS);
	a = ask(&f);
	ck_assert_uint_eq(asked(&f), 1);
	take(&f.request, "no JSON", 7);
	take(&f.request, "", 0);
	expect(a, "error: ");
	end(&f);
}
END_TEST

/* The worker's answer may still come. Then it goes to the clients that have asked
 * since. */
START_TEST(a_worker_that_is_late)
{
	struct fixture f;
	int a, b;

	begin(&f);
	f.worker.silence_ms = 0;
	a = ask(&f);
	ck_assert_int_eq(status_request_wait_ms(&f.request), 0);
	status_request_run(&f.request);
	expect(a, "does not answer");
	ck_assert_uint_eq(status_request_deadline_ns(&f.request), NEVER_NS);
	f.worker.silence_ms = 60000;
	b = ask(&f);
	ck_assert_uint_eq(asked(&f), 1);
	take(&f.request, "{}", 2);
	take(&f.request, "", 0);
	expect(b, "tun7");
	end(&f);
}
END_TEST

START_TEST(another_worker_is_asked_again)
{
	struct fixture f;
	int a;

	begin(&f);
	status_request_restarted(&f.request);
	ck_assert_uint_eq(asked(&f), 0);
	a = ask(&f);
	ck_assert_uint_eq(asked(&f), 1);
	take(&f.request, "{ \"of the dead\": 1, ", 20);
	status_request_restarted(&f.request);
	ck_assert_uint_eq(asked(&f), 1);
	take(&f.request, "{}", 2);
	take(&f.request, "", 0);
	expect(a, "tun7");
	end(&f);
}
END_TEST

START_TEST(no_worker_any_more)
{
	struct fixture f;

	begin(&f);
	f.worker.pid = 0;
	expect(ask(&f), "error: the instance is going down");
	ck_assert_uint_eq(asked(&f), 0);
	end(&f);
}
END_TEST

/* A worker that has been taken over could fill up the memory, or answer in advance. */
START_TEST(what_was_not_asked_is_refused)
{
	static char piece[COMMAND_TEXT_MAX];
	struct fixture f;
	size_t n = 0;

	begin(&f);
	ck_assert_int_eq(status_request_piece(&f.request, "{}", 2), -EPROTO);
	ck_assert_int_eq(status_request_piece(&f.request, "", 0), -EPROTO);
	close(ask(&f));
	while (status_request_piece(&f.request, piece, sizeof(piece)) == 0)
		n += sizeof(piece);
	ck_assert_uint_eq(n, STATUS_TEXT_MAX);
	ck_assert_int_eq(loop_wait(f.loop, 0), 0); /* the client is gone */
	status_request_restarted(&f.request);
	ck_assert_int_eq(status_request_piece(&f.request, "{}", 2), -EPROTO);
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/status_request");

	tcase_add_test(tc, one_question_answers_all);
	tcase_add_test(tc, a_worker_that_is_late);
	tcase_add_test(tc, another_worker_is_asked_again);
	tcase_add_test(tc, what_was_not_asked_is_refused);
	tcase_add_test(tc, no_worker_any_more);
	return tc;
}
