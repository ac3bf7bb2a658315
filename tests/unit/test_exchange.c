/* Plain HTTP with servers and clients that mean no good, over a whole proxy. */
#include "proxy/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy_lab.h"
#include "unit.h"

#define INTERIM "HTTP/1.1 100 Continue\r\n\r\n"

struct talk {
	struct proxy_lab lab;
	int listener, client, server;
	char request[4096];
};

/* A client has sent this request (after its first line), and the server has got the head. */
static void begin_with(struct talk *t, const char *method, const char *fields,
                       const struct conn_limits *limits)
{
	char head[4096];
	struct sockaddr_in at;

	proxy_lab_begin_with(&t->lab, NULL, 100, limits);
	t->listener = proxy_lab_listen_at(&at, 10);
	t->client = proxy_lab_connect_to(&t->lab.at);
	snprintf(t->request, sizeof(t->request),
	         "%s http://127.0.0.1:%d/ HTTP/1.1\r\n%s\r\n", method, ntohs(at.sin_port),
	         fields);
	proxy_lab_say(t->client, t->request, strlen(t->request));
	t->server = proxy_lab_accept_one(&t->lab, t->listener);
	snprintf(head, sizeof(head), "%s / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n",
	         method, ntohs(at.sin_port), fields);
	proxy_lab_expect(&t->lab, t->server, head, strlen(head));
}

static void begin(struct talk *t, const char *method, const char *fields)
{
	begin_with(t, method, fields, NULL);
}

static void finish(struct talk *t)
{
	close(t->client);
	close(t->server);
	close(t->listener);
	proxy_lab_end(&t->lab);
}

/* Does the proxy sleep when nobody says anything? Some rounds may still have to do. */
static bool sleeps(struct proxy_lab *f)
{
	const uint64_t nap_ns = 20 * NS_PER_MS;

	for (int i = 0; i < 100; i++) {
		uint64_t before_ns = loop_now_ns();

		ck_assert_int_eq(loop_wait(f->loop, before_ns + nap_ns), 0);
		proxy_run(f->proxy, loop_now_ns());
		if (loop_now_ns() >= before_ns + nap_ns)
			return true;
	}
	return false;
}

/* A server sends heads 1xx as fast as it can, and nobody reads them. */
START_TEST(interim_heads_without_end)
{
	static char many[4096 * (sizeof(INTERIM) - 1)];
	struct rusage before, after;
	struct talk t;

	begin(&t, "GET", "");
	for (size_t i = 0; i < 4096; i++)
		memcpy(many + i * (sizeof(INTERIM) - 1), INTERIM, sizeof(INTERIM) - 1);
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < 200; i++) {
		if (send(t.server, many, sizeof(many), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			break; /* it was told what the proxy thinks of it */
		proxy_lab_serve(&t.lab);
	}
	getrusage(RUSAGE_SELF, &after);
	ck_assert_int_le(after.ru_maxrss - before.ru_maxrss, 4096); /* KiB */
	for (int i = 0; i < 100; i++)
		proxy_lab_expect(&t.lab, t.client, BYTES(INTERIM));
	proxy_lab_expect(&t.lab, t.client, BYTES("HTTP/1.1 502 "));
	finish(&t);
}
END_TEST

/* A wrong chunk stays in the client's stream while the server's answer comes slowly. */
START_TEST(a_wrong_body_is_looked_at_once)
{
	struct talk t;

	begin(&t, "POST", "Transfer-Encoding: chunked\r\n");
	proxy_lab_say(t.server, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"));
	proxy_lab_expect(&t.lab, t.client, BYTES("HTTP/1.1 200 OK\r\n"));
	proxy_lab_say(t.client, BYTES("not a chunk\r\n"));
	for (int i = 0; i < 10; i++)
		proxy_lab_serve(&t.lab);
	ck_assert(sleeps(&t.lab));
	proxy_lab_say(t.server, BYTES("cd"));
	proxy_lab_expect(
		&t.lab, t.client,
		BYTES("Content-Length: 4\r\nConnection: keep-alive\r\n\r\nabcd"));
	ck_assert(proxy_lab_ends(&t.lab, t.client)); /* nobody knows where it ends */
	finish(&t);
}
END_TEST

/* The server hangs up in the middle of a request, after an answer that nobody reads. */
START_TEST(a_server_that_hears_no_more)
{
	const struct linger at_once = { 1, 0 };
	static char block[1 << 20];
	struct talk t;

	begin(&t, "POST", "Content-Length: 100000000\r\n");
	proxy_lab_say(t.server,
	              BYTES("HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n"));
	for (int i = 0, full = 0; full < 20; i++) {
		full = send(t.server, block, sizeof(block), MSG_DONTWAIT) > 0 ? 0
		                                                              : full + 1;
		proxy_lab_serve(&t.lab);
	}
	setsockopt(t.server, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(t.server);
	t.server = -1;
	(void)!send(t.client, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);
	for (int i = 0; i < 10; i++)
		proxy_lab_serve(&t.lab);
	ck_assert(sleeps(&t.lab));
	finish(&t);
}
END_TEST

/* The server says nothing, and learns that the client has gone. */
START_TEST(a_client_that_goes)
{
	struct talk t;

	begin(&t, "GET", "");
	close(t.client);
	t.client = -1;
	ck_assert(proxy_lab_ends(&t.lab, t.server));
	finish(&t);
}
END_TEST

/* So does one whose client has reset the connection: it is gone at once. */
START_TEST(a_client_that_resets)
{
	const struct linger at_once = { 1, 0 };
	struct talk t;

	begin(&t, "GET", "");
	setsockopt(t.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(t.client);
	t.client = -1;
	errno = 0;
	ck_assert(proxy_lab_ends(&t.lab, t.server));
	ck_assert_int_eq(errno, ECONNRESET);
	finish(&t);
}
END_TEST

/* A client may say that it has asked all, and read the answer nevertheless. */
START_TEST(a_client_that_only_listens)
{
	struct talk t;

	begin(&t, "GET", "");
	ck_assert_int_eq(shutdown(t.client, SHUT_WR), 0);
	ck_assert(proxy_lab_ends(&t.lab, t.server));
	proxy_lab_say(t.server, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"));
	proxy_lab_expect(&t.lab, t.client, BYTES("HTTP/1.1 200 OK\r\n"));
	proxy_lab_expect(&t.lab, t.client,
	                 BYTES("Content-Length: 2\r\nConnection: keep-alive\r\n\r\nab"));
	ck_assert(proxy_lab_ends(&t.lab, t.client));
	finish(&t);
}
END_TEST

/* Methods are what they are in exactly these letters: a server answers "head" with a body. */
START_TEST(methods_have_capital_letters)
{
	struct talk t;

	begin(&t, "head", "");
	proxy_lab_say(t.server, BYTES("HTTP/1.1 501 No\r\nContent-Length: 2\r\n\r\nab"));
	proxy_lab_expect(&t.lab, t.client, BYTES("HTTP/1.1 501 No\r\n"));
	proxy_lab_expect(&t.lab, t.client,
	                 BYTES("Content-Length: 2\r\nConnection: keep-alive\r\n\r\nab"));
	finish(&t);
}
END_TEST

/* What a client sends ahead waits for its turn, and nobody spins meanwhile. */
START_TEST(a_client_that_sends_ahead)
{
	struct talk t;

	begin(&t, "GET", "");
	proxy_lab_say(t.client, t.request, strlen(t.request));
	for (int i = 0; i < 10; i++)
		proxy_lab_serve(&t.lab);
	ck_assert(sleeps(&t.lab));
	for (int i = 0; i < 2; i++) {
		proxy_lab_say(t.server, BYTES("HTTP/1.1 204 No\r\n\r\n"));
		proxy_lab_expect(
			&t.lab, t.client,
			BYTES("HTTP/1.1 204 No\r\nConnection: keep-alive\r\n\r\n"));
		if (i == 0)
			proxy_lab_expect(&t.lab, t.server, BYTES("GET / HTTP/1.1\r\n"));
	}
	finish(&t);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/exchange");

	tcase_add_test(tc, interim_heads_without_end);
	tcase_add_test(tc, a_wrong_body_is_looked_at_once);
	tcase_add_test(tc, a_server_that_hears_no_more);
	tcase_add_test(tc, a_client_that_goes);
	tcase_add_test(tc, a_client_that_resets);
	tcase_add_test(tc, a_client_that_only_listens);
	tcase_add_test(tc, methods_have_capital_letters);
	tcase_add_test(tc, a_client_that_sends_ahead);
	return tc;
}
