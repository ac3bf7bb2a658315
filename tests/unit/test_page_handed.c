/* The page server where it doesn't listen itself: connections come from the proxy. */
#include "page/page_server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "unit.h"

#define TOKEN  "0123456789abcdef0123456789abcdef"
#define ROUNDS 1000

struct fixture {
	struct loop *loop;
	struct page_server server;
	struct channel supervisor;
	int giver;
};

static void begin(struct fixture *f)
{
	int pair[2], handed[2];

	ck_assert_int_eq(channel_pair(pair), 0);
	ck_assert_int_eq(channel_init(&f->supervisor, pair[0]), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handed),
	                 0);
	f->giver = handed[0];
	ck_assert_int_eq(loop_new(&f->loop), 0);
	ck_assert_int_eq(page_server_init(&f->server, f->loop, pair[1], handed[1], TOKEN),
	                 0);
	f->server.proxy = PAGE_PROXY_WITH_USERS;
}

static void end(struct fixture *f)
{
	page_server_clear(&f->server);
	loop_free(f->loop);
	channel_clear(&f->supervisor);
}

static void serve(struct fixture *f)
{
	ck_assert_int_eq(loop_wait(f->loop, 0), 0);
	page_server_run(&f->server, loop_now_ns());
}

START_TEST(a_connection_is_handed_over)
{
	static const char request[] =
		"GET /" TOKEN "/proxy.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const char text[] = "{\"users\":true}";
	struct fixture f;
	char got[4096] = "";
	size_t n = 0;
	int pair[2], err;

	begin(&f);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	err = fd_pass_send(f.giver, "", 1, pair[1], 0);
	ck_assert_int_eq(err, 0);
	close(pair[1]);
	ck_assert_int_eq(send(pair[0], request, strlen(request), MSG_NOSIGNAL),
	                 (ssize_t)strlen(request));
	for (int i = 0; i < ROUNDS && !strstr(got, text); i++) {
		ssize_t more = recv(pair[0], got + n, sizeof(got) - 1 - n, MSG_DONTWAIT);

		n += more > 0 ? (size_t)more : 0;
		serve(&f);
	}
	ck_assert_int_eq(strncmp(got, "HTTP/1.1 200 OK\r\n", 17), 0);
	ck_assert_ptr_nonnull(strstr(got, text));
	close(pair[0]);
	for (int i = 0; i < ROUNDS && f.server.count > 0; i++)
		serve(&f);
	ck_assert_uint_eq(f.server.count, 0);
	close(f.giver);
	end(&f);
}
END_TEST

/* What is no connection is not kept; and when the proxy has gone, the page only waits. */
START_TEST(nonsense_is_handed_over)
{
	const uint64_t nap_ns = 20 * NS_PER_MS;
	struct fixture f;
	uint64_t before_ns;
	int err;

	begin(&f);
	err = fd_pass_send(f.giver, "", 1, -1, 0);
	ck_assert_int_eq(err, 0);
	err = fd_pass_send(f.giver, "more than a byte", 16, -1, 0);
	ck_assert_int_eq(err, 0);
	for (int i = 0; i < 10; i++)
		serve(&f);
	ck_assert_uint_eq(f.server.count, 0);
	close(f.giver);
	for (int i = 0; i < 10; i++)
		serve(&f);
	before_ns = loop_now_ns();
	ck_assert_int_eq(loop_wait(f.loop, before_ns + nap_ns), 0);
	ck_assert_uint_ge(loop_now_ns(), before_ns + nap_ns);
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("page/page_server, handed over");

	tcase_add_test(tc, a_connection_is_handed_over);
	tcase_add_test(tc, nonsense_is_handed_over);
	return tc;
}
