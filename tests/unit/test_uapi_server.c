#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixed_env.h"
#include "worker/uapi_server.h"

#define PEER "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"

/* An engine with one device that is served on an abstract socket. */
struct fixture {
	struct loop *loop;
	struct engine *engine;
	struct device *device;
	struct uapi_host host;
	struct uapi_server server;
	struct sockaddr_un address;
	socklen_t address_len;
	unsigned asked; /* for ports */
};

static int set_port(void *context, struct device *device, uint16_t port)
{
	struct fixture *f = context;

	(void)device;
	(void)port;
	f->asked++;
	return uapi_server_waits(&f->server) ? -EBUSY : -EINPROGRESS;
}

static void begin(struct fixture *f)
{
	struct engine_env env = fixed_env();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*f = (struct fixture){ .host = { .set_port = set_port, .context = f } };
	ck_assert_int_eq(loop_new(&f->loop), 0);
	ck_assert_int_eq(engine_new(&f->engine, &env), 0);
	ck_assert_int_eq(engine_add_device(f->engine, "home", &f->device), 0);
	ck_assert_int_ge(fd, 0);
	f->address.sun_family = AF_UNIX;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&f->address, sizeof(sa_family_t)),
	                 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	f->address_len = sizeof(f->address);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&f->address, &f->address_len),
	                 0);
	ck_assert_int_eq(uapi_server_start(&f->server, f->loop, fd, f->device, &f->host),
	                 0);
}

static void end(struct fixture *f)
{
	uapi_server_stop(&f->server);
	uapi_server_stop(&f->server); /* no more */
	engine_free(f->engine);
	loop_free(f->loop);
}

/* Lets the server do all it can do now. */
static void run(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_wait(f->loop, loop_now_ns()), 0);
}

static int connect_client(struct fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&f->address, f->address_len), 0);
	return fd;
}

static void say(struct fixture *f, int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
	                 (ssize_t)strlen(text));
	run(f);
}

/* What has been answered by now; "(end)" once the server has hung up. */
static const char *answer(int fd)
{
	static char text[65536];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0 && errno == EAGAIN)
		return "";
	if (n <= 0)
		return "(end)";
	text[n] = '\0';
	return text;
}

START_TEST(requests_in_pieces_and_one_after_the_other)
{
	struct fixture f;
	int fd;

	begin(&f);
	fd = connect_client(&f);
	say(&f, fd, "get");
	ck_assert_str_eq(answer(fd), "");
	say(&f, fd, "=1\n\nset=1\n");
	ck_assert_str_eq(answer(fd), "errno=0\n\n");
	say(&f, fd, "\n");
	ck_assert_str_eq(answer(fd), "errno=0\n\n");
	ck_assert_uint_eq(f.server.client_count, 1);
	close(fd);
	run(&f);
	ck_assert_uint_eq(f.server.client_count, 0);
	end(&f);
}
END_TEST

START_TEST(who_speaks_something_else_is_hung_up_on)
{
	struct fixture f;
	int fd;

	begin(&f);
	fd = connect_client(&f);
	say(&f, fd, "get=1\n\nHELO\n");
	ck_assert_str_eq(answer(fd), "errno=0\n\n"); /* not lost */
	ck_assert_str_eq(answer(fd), "(end)");
	ck_assert_uint_eq(f.server.client_count, 0);
	close(fd);
	end(&f);
}
END_TEST

/* `wg` shuts nothing down, but others may before they read. */
START_TEST(half_closed_clients_get_their_answer)
{
	struct fixture f;
	int fd;

	begin(&f);
	fd = connect_client(&f);
	ck_assert_int_eq(send(fd, "get=1\n\n", 7, 0), 7);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	run(&f);
	ck_assert_str_eq(answer(fd), "errno=0\n\n");
	ck_assert_str_eq(answer(fd), "(end)");
	close(fd);
	end(&f);
}
END_TEST

START_TEST(a_client_waits_and_the_others_do_not)
{
	struct fixture f;
	int first, second, third;

	begin(&f);
	first = connect_client(&f);
	second = connect_client(&f);
	third = connect_client(&f);
	say(&f, first, "set=1\nlisten_port=7\nlisten_port=x\n\nget=1\n\n");
	ck_assert_str_eq(answer(first), "");
	ck_assert(uapi_server_waits(&f.server));
	say(&f, second, "get=1\n\n");
	ck_assert_str_eq(answer(second), "errno=0\n\n");
	say(&f, third, "set=1\nlisten_port=7\n\n");
	ck_assert_str_eq(answer(third), "errno=-16\n\n"); /* EBUSY */
	uapi_server_resume(&f.server, 0, loop_now_ns());
	run(&f);
	ck_assert(!uapi_server_waits(&f.server));
	ck_assert_str_eq(answer(first), "errno=-22\n\nerrno=0\n\n");
	ck_assert_uint_eq(f.asked, 2);
	close(first);
	close(second);
	close(third);
	end(&f);
}
END_TEST

START_TEST(a_client_goes_while_it_waits)
{
	struct fixture f;
	int fd;

	begin(&f);
	fd = connect_client(&f);
	say(&f, fd, "set=1\nlisten_port=7\n");
	ck_assert(uapi_server_waits(&f.server));
	close(fd);
	run(&f);
	ck_assert(!uapi_server_waits(&f.server));
	ck_assert_uint_eq(f.server.client_count, 0);
	uapi_server_resume(&f.server, 0, loop_now_ns());
	end(&f);
}
END_TEST

START_TEST(too_many_clients)
{
	int fds[UAPI_CLIENTS_MAX + 1];
	struct fixture f;

	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connect_client(&f);
		run(&f);
	}
	ck_assert_uint_eq(f.server.client_count, UAPI_CLIENTS_MAX);
	ck_assert_str_eq(answer(fds[UAPI_CLIENTS_MAX]), "(end)");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	run(&f);
	ck_assert_uint_eq(f.server.client_count, 0);
	end(&f);
}
END_TEST

/* It gets all of a long answer, and while it does not read it is not read from: what it
 * asks meanwhile does not pile up. */
START_TEST(a_client_that_reads_slowly)
{
	struct fixture f;
	size_t n = 0, sent = 0;
	const char *got;
	char last[16] = "";
	int fd, size = 4096;

	begin(&f);
	fd = connect_client(&f);
	say(&f, fd, "set=1\npublic_key=" PEER "\n");
	for (unsigned i = 0; i < 2000; i++) {
		char line[64];

		snprintf(line, sizeof(line), "allowed_ip=10.%u.%u.0/24\n", i / 256,
		         i % 256);
		ck_assert_int_gt(send(fd, line, strlen(line), 0), 0);
		if (i % 50 == 0)
			run(&f);
	}
	say(&f, fd, "\n");
	ck_assert_str_eq(answer(fd), "errno=0\n\n");
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	while (send(fd, "get=1\n\n", 7, MSG_NOSIGNAL) == 7) {
		sent++;
		run(&f);
		ck_assert_uint_lt(sent, 100000);
	}
	while (*(got = answer(fd))) {
		n += strlen(got);
		snprintf(last, sizeof(last), "%s",
		         got + (strlen(got) > 9 ? strlen(got) - 9 : 0));
		run(&f);
	}
	ck_assert_uint_gt(n, sent * 40000);
	ck_assert_str_eq(last, "errno=0\n\n");
	close(fd);
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("worker/uapi_server");

	tcase_add_test(tc, requests_in_pieces_and_one_after_the_other);
	tcase_add_test(tc, who_speaks_something_else_is_hung_up_on);
	tcase_add_test(tc, half_closed_clients_get_their_answer);
	tcase_add_test(tc, a_client_waits_and_the_others_do_not);
	tcase_add_test(tc, a_client_goes_while_it_waits);
	tcase_add_test(tc, too_many_clients);
	tcase_add_test(tc, a_client_that_reads_slowly);
	return tc;
}
