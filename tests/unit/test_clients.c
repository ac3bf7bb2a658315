#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/clients.h"

struct fixture {
	struct loop *loop;
	int listener;
	struct sockaddr_un address; /* abstract: nothing to remove */
	struct clients clients;
	unsigned status, reload, down, enter; /* how often each was wanted */
	char file[40];                        /* what was wanted of which file */
	const char *refused;                  /* what is answered to that */
};

/* Answers itself. */
static int enter(void *context, int client_fd)
{
	((struct fixture *)context)->enter++;
	return send(client_fd, "come in", 7, 0) == 7 ? 0 : -errno;
}

static void want_status(void *context)
{
	((struct fixture *)context)->status++;
}

static void want_reload(void *context)
{
	((struct fixture *)context)->reload++;
}

static void want_down(void *context)
{
	((struct fixture *)context)->down++;
}

static const char *want_file(void *context, bool in, const char *what)
{
	struct fixture *f = context;

	snprintf(f->file, sizeof(f->file), "%s %s", in ? "in" : "out", what);
	return f->refused;
}

static void begin(struct fixture *f)
{
	int n;

	*f = (struct fixture){ .address.sun_family = AF_UNIX };
	n = snprintf(f->address.sun_path + 1, 60, "tunion-clients-%d", (int)getpid());
	ck_assert_int_gt(n, 0);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(
		bind(f->listener, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
	ck_assert_int_eq(listen(f->listener, 64), 0);
	ck_assert_int_eq(loop_new(&f->loop), 0);
	f->clients = (struct clients){ .want_status = want_status,
		                       .want_reload = want_reload,
		                       .want_down = want_down,
		                       .want_file = want_file,
		                       .enter = enter,
		                       .context = f };
	ck_assert_int_eq(clients_fd(&f->clients), -1);
	ck_assert_int_eq(clients_start(&f->clients, f->loop, f->listener), 0);
	ck_assert_int_ge(clients_fd(&f->clients), 0);
}

static void end(struct fixture *f)
{
	clients_end(&f->clients, "ok\n");
	ck_assert_uint_eq(f->clients.count, 0);
	clients_forget(&f->clients); /* this may be called again */
	loop_free(f->loop);
	close(f->listener);
}

/* Waits until nothing is ready any more: each accept and each request is one event. */
static void serve(struct fixture *f)
{
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(loop_wait(f->loop, 0), 0);
}

static int ask(struct fixture *f, const char *text)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)),
	                 0);
	ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	serve(f);
	return fd;
}

/* Exactly this text has come. If `whole`, the other side has closed after it. */
static void expect(int fd, const char *text, bool whole)
{
	char got[256];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), more;

	if (n < 0)
		n = 0;
	got[n] = '\0';
	ck_assert_str_eq(got, text);
	more = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	ck_assert_int_eq(more, whole ? 0 : -1);
	if (whole)
		close(fd);
}

START_TEST(each_gets_what_it_asked_for)
{
	struct fixture f;
	int status, reload, down;

	begin(&f);
	status = ask(&f, "status\n");
	ck_assert(clients_want_status(&f.clients));
	reload = ask(&f, "reload\n");
	down = ask(&f, "down\n");
	ck_assert_uint_eq(f.status, 1);
	ck_assert_uint_eq(f.reload, 1);
	ck_assert_uint_eq(f.down, 1);
	expect(status, "\n", false);
	expect(reload, "\n", false);
	expect(down, "\n", false);
	clients_answer_status(&f.clients, "{}\n");
	ck_assert(!clients_want_status(&f.clients));
	expect(status, "{}\n", true);
	clients_begin_reload(&f.clients);
	clients_answer_reload(&f.clients, "ok: all\n");
	expect(reload, "ok: all\n", true);
	clients_tell_down(&f.clients, "a warning\n");
	clients_refuse_down(&f.clients, "refused 1\n");
	expect(down, "a warning\nrefused 1\n", true);
	down = ask(&f, "down\n");
	end(&f);
	expect(down, "\nok\n", true);
}
END_TEST

START_TEST(one_file_in_or_out)
{
	struct fixture f;
	int in, out;

	begin(&f);
	in = ask(&f, "in /etc/tunion/home.conf\n");
	ck_assert_str_eq(f.file, "in /etc/tunion/home.conf");
	clients_begin_reload(&f.clients); /* this isn't for it */
	clients_answer_reload(&f.clients, "ok: all\n");
	expect(in, "\n", false);
	clients_answer_file(&f.clients, "ok: home is up\n");
	expect(in, "ok: home is up\n", true);
	f.refused = "error: no\n";
	expect(ask(&f, "out home\n"), "\nerror: no\n", true);
	ck_assert_str_eq(f.file, "out home");
	f.refused = NULL;
	out = ask(&f, "out home\n");
	clients_turn_file_to_down(&f.clients);
	clients_answer_file(&f.clients, "to nobody\n");
	end(&f);
	expect(out, "\nok\n", true);
}
END_TEST

/* A client that asks while a reload is running asks for the next one. */
START_TEST(one_who_enters_is_let_go)
{
	struct fixture f;

	begin(&f);
	expect(ask(&f, "enter\n"), "\ncome in", true);
	ck_assert_uint_eq(f.enter, 1);
	ck_assert_uint_eq(f.clients.count, 0);
	end(&f);
}
END_TEST

START_TEST(a_reload_that_has_begun)
{
	struct fixture f;
	int first, second;

	begin(&f);
	first = ask(&f, "reload\n");
	clients_begin_reload(&f.clients);
	second = ask(&f, "reload\n");
	clients_answer_reload(&f.clients, NULL);
	expect(first, "\nfailed: out of memory\n", true);
	expect(second, "\n", false);
	clients_begin_reload(&f.clients);
	clients_answer_reload(&f.clients, "ok\n");
	expect(second, "ok\n", true);
	end(&f);
}
END_TEST

START_TEST(what_is_no_request)
{
	static char much[PATH_MAX + 100];
	struct fixture f;
	int fd;

	memset(much, 'x', sizeof(much) - 1);
	begin(&f);
	expect(ask(&f, "nonsense\n"), "\nerror: unknown request\n", true);
	expect(ask(&f, "\n"), "\nerror: unknown request\n", true);
	fd = ask(&f, much); /* this request never ends */
	ck_assert_int_le(recv(fd, much, 1, MSG_DONTWAIT), 0);
	close(fd);
	fd = ask(&f, "sta");
	ck_assert_uint_eq(f.clients.count, 1);
	ck_assert_int_eq(send(fd, "tus\n", 4, 0), 4);
	serve(&f);
	ck_assert_uint_eq(f.status, 1);
	close(fd); /* hangs up while it waits */
	serve(&f);
	ck_assert_uint_eq(f.clients.count, 0);
	close(ask(&f, ""));
	serve(&f);
	ck_assert_uint_eq(f.clients.count, 0);
	clients_answer_status(&f.clients, "to nobody");
	end(&f);
}
END_TEST

START_TEST(no_more_than_it_can_hold)
{
	struct fixture f;
	int fds[CLIENTS_MAX], one_more;

	begin(&f);
	for (int i = 0; i < CLIENTS_MAX; i++)
		fds[i] = ask(&f, "status\n");
	one_more = ask(&f, "status\n");
	ck_assert_uint_eq(f.clients.count, CLIENTS_MAX);
	ck_assert_int_le(recv(one_more, &(char){ 0 }, 1, MSG_DONTWAIT), 0);
	close(one_more);
	clients_answer_status(&f.clients, NULL);
	for (int i = 0; i < CLIENTS_MAX; i++)
		expect(fds[i], "\nerror: the status is not available\n", true);
	expect(ask(&f, "status\n"), "\n", false);
	end(&f);
}
END_TEST

/* Otherwise they could keep the instance up for ever. */
START_TEST(who_says_nothing_makes_room)
{
	static char text[4 * 1024 * 1024];
	struct fixture f;
	int reads_not, fds[CLIENTS_MAX];

	memset(text, 'x', sizeof(text) - 1);
	begin(&f);
	reads_not = ask(&f, "status\n");
	clients_answer_status(&f.clients, text);
	for (int i = 1; i < CLIENTS_MAX; i++)
		fds[i] = ask(&f, i < CLIENTS_MAX / 2 ? "stat" : "status\n");
	for (int i = 0; i < CLIENTS_MAX / 2; i++)
		expect(ask(&f, "down\n"), "\n", false);
	ck_assert_uint_eq(f.down, CLIENTS_MAX / 2);
	ck_assert_uint_eq(f.clients.count, CLIENTS_MAX);
	/* those who wait for us stay */
	clients_answer_status(&f.clients, "s");
	for (int i = CLIENTS_MAX / 2; i < CLIENTS_MAX; i++)
		expect(fds[i], "\ns", true);
	for (int i = 1; i < CLIENTS_MAX / 2; i++)
		expect(fds[i], "", true);
	close(reads_not);
	end(&f);
}
END_TEST

static void begin_to_ask(struct fixture *f, int fd)
{
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)),
	                 0);
	ck_assert_int_eq(send(fd, "status\n", 7, 0), 7);
	serve(f);
}

/* A thousand devices use up the descriptors that a container may have. */
START_TEST(no_descriptor_is_left)
{
	struct rlimit before, limit;
	struct pollfd p = { .events = POLLIN };
	int fds[3];
	struct fixture f;

	begin(&f);
	p.fd = clients_fd(&f.clients);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)fds[2] + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	begin_to_ask(&f, fds[0]);
	ck_assert_uint_eq(f.status, 1);
	begin_to_ask(&f, fds[1]);
	ck_assert_uint_eq(f.status, 1);
	ck_assert_int_eq(poll(&p, 1, 0), 0); /* it doesn't turn round and round */
	for (unsigned i = 0; i < 2; i++) {
		clients_answer_status(&f.clients, "s");
		serve(&f);
		ck_assert_uint_eq(f.status, 2);
		expect(fds[i], "\ns", true);
	}
	begin_to_ask(&f, fds[2]);
	ck_assert_uint_eq(f.status, 3);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(fds[2]);
	end(&f);
}
END_TEST

/* It reads slowly, and nobody waits for it. */
START_TEST(a_long_answer)
{
	static char text[4 * 1024 * 1024];
	static char got[64 * 1024];
	struct fixture f;
	size_t all = 0;
	ssize_t n;
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	begin(&f);
	fd = ask(&f, "status\n");
	clients_answer_status(&f.clients, text);
	ck_assert_uint_eq(f.clients.count, 1);
	while (all < sizeof(text)) { /* with the first line */
		n = recv(fd, got, sizeof(got), 0);
		ck_assert_int_gt(n, 0);
		all += (size_t)n;
		clients_serve(&f.clients);
	}
	ck_assert_uint_eq(f.clients.count, 0);
	expect(fd, "", true);
	end(&f);
}
END_TEST

START_TEST(the_address_of_the_page)
{
	struct fixture f;

	begin(&f);
	expect(ask(&f, "page\n"),
	       "\nerror: this instance has no status page; it has to be started with --page\n",
	       true);
	f.clients.page_url = "http://127.0.0.1:1/abc/";
	expect(ask(&f, "page\n"), "\nhttp://127.0.0.1:1/abc/\n", true);
	end(&f);
}
END_TEST

static int lend(struct fixture *f, const char *text, int expected)
{
	int pair[2], err;

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
		0);
	err = text ? clients_lend_text(&f->clients, pair[0], text, strlen(text))
	           : clients_lend_status(&f->clients, pair[0]);
	ck_assert_int_eq(err, expected);
	return pair[1];
}

/* The page can't ask for anything on them, nor use up the places of others. */
START_TEST(lent_to_the_page)
{
	static char much[1024 * 1024];
	struct fixture f;
	int fds[CLIENTS_LENT_MAX];

	memset(much, 'x', sizeof(much) - 1);
	begin(&f);
	expect(lend(&f, "text", 0), "text", true);
	expect(lend(&f, "", 0), "", true);
	ck_assert_uint_eq(f.clients.lent, 0);
	for (int i = 0; i < CLIENTS_LENT_MAX - 1; i++) {
		fds[i] = lend(&f, NULL, 0);
		ck_assert_int_eq(send(fds[i], "down\n", 5, 0), 5);
	}
	fds[CLIENTS_LENT_MAX - 1] = lend(&f, much, 0); /* more than a socket holds */
	expect(lend(&f, NULL, -EBUSY), "", true);
	expect(lend(&f, "text", -EBUSY), "", true);
	serve(&f);
	ck_assert_uint_eq(f.down, 0);
	ck_assert_uint_eq(f.status, CLIENTS_LENT_MAX - 1);
	clients_answer_status(&f.clients, "{}");
	for (int i = 0; i < CLIENTS_LENT_MAX - 1; i++)
		expect(fds[i], "{}", false);
	ck_assert_uint_eq(f.clients.lent, 1);
	close(fds[CLIENTS_LENT_MAX - 1]);
	serve(&f);
	ck_assert_uint_eq(f.clients.lent, 0);
	ck_assert_uint_eq(f.clients.count, 0);
	end(&f);
}
END_TEST

START_TEST(text_of_an_answer)
{
	struct diag diag = { 0 };
	char *text;

	diag_warning(&diag, "a.conf", 3, "odd");
	text = clients_text(&diag, "ok");
	ck_assert_ptr_nonnull(strstr(text, "a.conf:3: "));
	ck_assert_ptr_nonnull(strstr(text, "odd\nok\n"));
	free(text);
	diag_clear(&diag);
	text = clients_text(&diag, NULL);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/clients");

	tcase_add_test(tc, each_gets_what_it_asked_for);
	tcase_add_test(tc, one_file_in_or_out);
	tcase_add_test(tc, one_who_enters_is_let_go);
	tcase_add_test(tc, a_reload_that_has_begun);
	tcase_add_test(tc, what_is_no_request);
	tcase_add_test(tc, no_more_than_it_can_hold);
	tcase_add_test(tc, who_says_nothing_makes_room);
	tcase_add_test(tc, no_descriptor_is_left);
	tcase_add_test(tc, a_long_answer);
	tcase_add_test(tc, the_address_of_the_page);
	tcase_add_test(tc, lent_to_the_page);
	tcase_add_test(tc, text_of_an_answer);
	return tc;
}
