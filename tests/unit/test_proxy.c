#include "proxy/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/process.h"
#include "proxy_lab.h"
#include "unit.h"

START_TEST(halves_end_one_after_the_other)
{
	struct proxy_lab f;
	int client, server;

	proxy_lab_begin(&f);
	proxy_lab_connect_both(&f, &client, &server);
	proxy_lab_say(client, BYTES("hello"));
	proxy_lab_expect(&f, server, BYTES("hello"));
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	ck_assert(proxy_lab_ends(&f, server));
	proxy_lab_say(server, BYTES("still here"));
	proxy_lab_expect(&f, client, BYTES("still here"));
	close(server);
	ck_assert(proxy_lab_ends(&f, client));
	close(client);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(a_reset_is_passed_on)
{
	const struct linger at_once = { 1, 0 };
	struct proxy_lab f;
	int client, server;

	proxy_lab_begin(&f);
	proxy_lab_connect_both(&f, &client, &server);
	setsockopt(server, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(server);
	errno = 0;
	ck_assert(proxy_lab_ends(&f, client));
	ck_assert_int_eq(errno, ECONNRESET);
	close(client);
	proxy_lab_end(&f);
}
END_TEST

/* They are nothing special here. */
START_TEST(urgent_data)
{
	struct proxy_lab f;
	int client, server;

	proxy_lab_begin(&f);
	proxy_lab_connect_both(&f, &client, &server);
	for (int i = 0; i < 2; i++) {
		proxy_lab_say(client, BYTES("before "));
		ck_assert_int_eq(send(client, "!", 1, MSG_OOB), 1);
		proxy_lab_say(client, BYTES("behind "));
		proxy_lab_expect(&f, server, BYTES("before !behind "));
	}
	/* the end comes while the byte still waits */
	proxy_lab_say(client, BYTES("before "));
	ck_assert_int_eq(send(client, "!", 1, MSG_OOB), 1);
	proxy_lab_say(client, BYTES("behind "));
	close(client);
	proxy_lab_expect(&f, server, BYTES("before !behind "));
	ck_assert(proxy_lab_ends(&f, server));
	close(server);
	proxy_lab_end(&f);
}
END_TEST

/* The same in a Unix socket, where it would be ready for ever. */
START_TEST(urgent_data_of_a_unix_socket)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX }; /* the kernel draws a name */
	socklen_t size = sizeof(at.sun_family);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct proxy_lab f;

	proxy_lab_begin(&f);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
	size = sizeof(at);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(proxy_listen(f.proxy, listener, PROXY_ASK, NULL), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&at, size), 0);
	if (send(client, "\5", 1, MSG_OOB) == 1) {
		proxy_lab_say(client, BYTES("\1\0"));
		proxy_lab_expect(&f, client, BYTES("\5\0"));
	} else {
		unit_lacks("MSG_OOB of Unix sockets (Linux 5.15)");
	}
	close(client);
	proxy_lab_end(&f);
}
END_TEST

/* The bytes of a stream from `at` on. */
static void fill(uint8_t *bytes, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)((at + i) * 31 >> 3);
}

/* Whoever doesn't read stops the sender; nothing is lost, and nothing piles up here. */
START_TEST(back_pressure)
{
	enum { BLOCK = 65536 };
	static uint8_t block[BLOCK], got[BLOCK];
	uint64_t sent = 0, received = 0, seed = 1;
	struct rusage before, after;
	struct proxy_lab f;
	int client, server, full = 0;

	proxy_lab_begin(&f);
	proxy_lab_connect_both(&f, &client, &server);
	getrusage(RUSAGE_SELF, &before);
	while (full < 20) { /* until nothing goes any more */
		ssize_t n;

		fill(block, sent, BLOCK);
		n = send(server, block, BLOCK, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (uint64_t)n : 0;
		full = n > 0 ? 0 : full + 1;
		proxy_lab_serve(&f);
	}
	getrusage(RUSAGE_SELF, &after);
	ck_assert_int_le(after.ru_maxrss - before.ru_maxrss, 4096); /* KiB */
	while (received < sent) {
		size_t n =
			proxy_lab_receive(&f, client, got, 1 + unit_below(&seed, BLOCK));

		ck_assert_uint_gt(n, 0);
		fill(block, received, n);
		ck_assert_mem_eq(got, block, n);
		received += n;
		if (sent - received < BLOCK)
			break;
	}
	received += proxy_lab_receive(&f, client, got, (size_t)(sent - received));
	ck_assert_uint_eq(received, sent);
	close(client);
	ck_assert(proxy_lab_ends(&f, server));
	close(server);
	proxy_lab_end(&f);
}
END_TEST

/* What a client says, and how the answer begins. The port of a server that is not there is
 * put in for 0x7777. */
static const struct {
	const char *in;
	size_t in_n;
	const char *out;
	size_t out_n;
} refusals[] = {
	{ BYTES("\5\1\0\5\1\0\1\300\0\2\1\0P"), BYTES("\5\0\5\3\0\1") },
	{ BYTES("\5\1\0\5\1\0\1\177\0\0\1ww"), BYTES("\5\0\5\5\0\1") },
	{ BYTES("\5\1\0\5\1\0\3\4name\0P"), BYTES("\5\0\5\4\0\1") },
	{ BYTES("\5\1\2"), BYTES("\5\377") },
	{ BYTES("\4\1\0P\300\0\2\1\0"), BYTES("\0[\0\0\0\0\0\0") },
	{ BYTES("CONNECT 192.0.2.1:80 HTTP/1.1\r\n\r\n"), BYTES("HTTP/1.1 502 ") },
	{ BYTES("CONNECT name HTTP/1.1\r\n\r\n"), BYTES("HTTP/1.1 400 ") },
	{ BYTES("GET http://192.0.2.1/ HTTP/1.1\r\n\r\n"), BYTES("HTTP/1.1 502 ") },
	{ BYTES("GET http://name/ HTTP/1.1\r\n\r\n"), BYTES("HTTP/1.1 502 ") },
	{ BYTES("GET / HTTP/1.1\r\n\r\n"), BYTES("HTTP/1.1 400 ") },
	{ BYTES("hello\r\n\r\n"), BYTES("HTTP/1.1 400 ") },
	{ BYTES("\7\r\n\r\n"), BYTES("HTTP/1.1 400 ") },
};

START_TEST(what_cannot_be_is_refused)
{
	char in[128], got[64];
	struct sockaddr_in at;
	struct proxy_lab f;
	int client, unused;

	proxy_lab_begin(&f);
	unused = proxy_lab_listen_at(&at, 1);
	close(unused);
	memcpy(in, refusals[_i].in, refusals[_i].in_n);
	for (size_t i = 0; i + 1 < refusals[_i].in_n; i++) {
		if (in[i] == 'w' && in[i + 1] == 'w')
			memcpy(in + i, &at.sin_port, 2);
	}
	client = proxy_lab_connect_to(&f.at);
	proxy_lab_say(client, in, refusals[_i].in_n);
	ck_assert_uint_eq(proxy_lab_receive(&f, client, got, refusals[_i].out_n),
	                  refusals[_i].out_n);
	ck_assert_mem_eq(got, refusals[_i].out, refusals[_i].out_n);
	while (proxy_lab_receive(&f, client, got, sizeof(got)) == sizeof(got))
		; /* the rest of it */
	close(client);
	proxy_lab_end(&f);
}
END_TEST

/* A listener whose queue is full doesn't answer any more. */
static int listen_silently(struct sockaddr_in *at, int fillers[static 2])
{
	int listener = proxy_lab_listen_at(at, 0);

	for (int i = 0; i < 2; i++) {
		fillers[i] =
			socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], (struct sockaddr *)at, sizeof(*at));
	}
	return listener;
}

/* Each client gets the answer of its protocol; one has gone meanwhile. */
START_TEST(silence_is_answered_in_time)
{
	int listener, fillers[2], socks, http, plain, gone;
	char request[128];
	struct sockaddr_in at;
	struct proxy_lab f;

	proxy_lab_begin(&f);
	listener = listen_silently(&at, fillers);
	socks = proxy_lab_connect_to(&f.at);
	http = proxy_lab_connect_to(&f.at);
	plain = proxy_lab_connect_to(&f.at);
	gone = proxy_lab_connect_to(&f.at);
	proxy_lab_say_socks5(socks, &at);
	proxy_lab_say_socks5(gone, &at);
	snprintf(request, sizeof(request), "CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\nearly",
	         ntohs(at.sin_port));
	proxy_lab_say(http, request, strlen(request));
	snprintf(request, sizeof(request), "GET http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n",
	         ntohs(at.sin_port));
	proxy_lab_say(plain, request, strlen(request));
	for (int i = 0; i < 10; i++)
		proxy_lab_serve(&f);
	close(gone);
	proxy_lab_expect(&f, socks, BYTES("\5\0\5\4\0\1"));
	proxy_lab_expect(&f, http, BYTES("HTTP/1.1 504 "));
	proxy_lab_expect(&f, plain, BYTES("HTTP/1.1 504 "));
	close(socks);
	close(http);
	close(plain);
	for (int i = 0; i < 2; i++)
		close(fillers[i]);
	close(listener);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(who_says_nothing_has_to_go)
{
	static const struct conn_limits short_limits = { .ask_ns = 200 * NS_PER_MS,
		                                         .keep_ns = 50 * NS_PER_MS,
		                                         .idle_ns = 200 * NS_PER_MS,
		                                         .half_closed_ns = 50 * NS_PER_MS,
		                                         .end_ns = 50 * NS_PER_MS };
	struct proxy_lab f;
	int silent, slow, client, server;

	proxy_lab_begin_with(&f, NULL, 100, &short_limits);
	silent = proxy_lab_connect_to(&f.at);
	slow = proxy_lab_connect_to(&f.at);
	proxy_lab_say(slow, BYTES("GET http://"));
	ck_assert(proxy_lab_ends(&f, silent));
	proxy_lab_expect(&f, slow, BYTES("HTTP/1.1 408 "));
	proxy_lab_connect_both(&f, &client, &server);
	ck_assert(proxy_lab_ends(&f, client)); /* idle */
	ck_assert(proxy_lab_ends(&f, server));
	close(silent);
	close(slow);
	close(client);
	close(server);
	proxy_lab_end(&f);
}
END_TEST

/* All of the response is in the buffers of the kernel, and no more is waited for: a client that
 * reads slowly still gets it. */
START_TEST(who_reads_slowly_gets_the_end)
{
	enum { BODY = 100000 };
	static const struct conn_limits limits = {
		.ask_ns = 60 * NS_PER_SEC,
		.idle_ns = 60 * NS_PER_SEC,
		.half_closed_ns = 60 * NS_PER_SEC,
		.end_ns = 20 * NS_PER_MS,
	};
	static char body[BODY], got[2 * BODY];
	static const char head[] = "HTTP/1.0 200 OK\r\n\r\n";
	char request[128];
	struct sockaddr_in at;
	struct proxy_lab f;
	int listener, server, client, small = 4096;
	size_t n;

	proxy_lab_begin_with(&f, NULL, 10, &limits);
	listener = proxy_lab_listen_at(&at, 10);
	client = proxy_lab_connect_to(&f.at);
	setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	snprintf(request, sizeof(request), "GET http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n",
	         ntohs(at.sin_port));
	proxy_lab_say(client, request, strlen(request));
	server = proxy_lab_accept_one(&f, listener);
	proxy_lab_say(server, head, sizeof(head) - 1);
	proxy_lab_say(server, body, sizeof(body));
	close(server);
	for (int i = 0; i < 100; i++)
		proxy_lab_serve(&f);
	n = proxy_lab_receive(&f, client, got, sizeof(got));
	ck_assert_uint_gt(n, BODY);
	close(client);
	close(listener);
	proxy_lab_end(&f);
}
END_TEST

/* One that has ended waits for the other side, but not as long as one that is open. */
START_TEST(half_closed_for_too_long)
{
	static const struct conn_limits limits = { .ask_ns = 60 * NS_PER_SEC,
		                                   .keep_ns = 60 * NS_PER_SEC,
		                                   .idle_ns = 3600 * NS_PER_SEC,
		                                   .half_closed_ns = 50 * NS_PER_MS,
		                                   .end_ns = 60 * NS_PER_SEC };
	struct proxy_lab f;
	int client, server;

	proxy_lab_begin_with(&f, NULL, 100, &limits);
	proxy_lab_connect_both(&f, &client, &server);
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	ck_assert(proxy_lab_ends(&f, server));
	errno = 0;
	ck_assert(proxy_lab_ends(&f, client));
	ck_assert_int_eq(errno, ECONNRESET);
	close(client);
	close(server);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(no_more_than_allowed)
{
	struct proxy_lab f;
	int a, b, third, server_a, server_b;
	uint8_t answer[2];

	proxy_lab_begin_with(&f, NULL, 2, NULL);
	proxy_lab_connect_both(&f, &a, &server_a);
	proxy_lab_connect_both(&f, &b, &server_b);
	third = proxy_lab_connect_to(&f.at);
	proxy_lab_say(third, BYTES("\5\1\0"));
	for (int i = 0; i < 10; i++)
		proxy_lab_serve(&f);
	ck_assert_int_lt(recv(third, answer, 2, MSG_DONTWAIT), 0);
	close(a);
	close(server_a);
	proxy_lab_expect(&f, third, BYTES("\5\0"));
	close(b);
	close(server_b);
	close(third);
	proxy_lab_end(&f);
}
END_TEST

static int adds_left = -1; /* then one fails */
int __real_loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
int __wrap_loop_add(struct loop *loop, struct loop_source *source, uint32_t events);

int __wrap_loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
	return adds_left >= 0 && adds_left-- == 0 ? -ENOSPC
	                                          : __real_loop_add(loop, source, events);
}

/* The system may refuse to wait for a listener again. Then nobody is accepted by another one,
 * either, at which the next client would be announced for ever. */
START_TEST(one_of_two_listeners_waits)
{
	const uint64_t nap_ns = 20 * NS_PER_MS;
	int client, server, clients[2];
	struct sockaddr_in other;
	struct proxy_lab f;
	bool slept = false;

	proxy_lab_begin_with(&f, NULL, 1, NULL);
	ck_assert_int_eq(
		proxy_listen(f.proxy, proxy_lab_listen_at(&other, 10), PROXY_ASK, NULL),
		0);
	proxy_lab_connect_both(&f, &client, &server);
	for (int i = 0; i < 2; i++)
		clients[i] = proxy_lab_connect_to(&other);
	for (int i = 0; i < 10; i++)
		proxy_lab_serve(&f);
	adds_left = 1;
	close(client);
	close(server);
	for (int i = 0; i < 100 && !slept; i++) {
		uint64_t before_ns = loop_now_ns();

		ck_assert_int_eq(loop_wait(f.loop, before_ns + nap_ns), 0);
		proxy_run(f.proxy, loop_now_ns());
		slept = adds_left < 0 && loop_now_ns() >= before_ns + nap_ns;
	}
	ck_assert(slept);
	for (int i = 0; i < 2; i++)
		close(clients[i]);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(plain_http_goes_on_with_other_servers)
{
	struct sockaddr_in at[2];
	char request[256], expected[256];
	struct proxy_lab f;
	int listeners[2], servers[2] = { -1, -1 }, client;

	proxy_lab_begin(&f);
	for (int i = 0; i < 2; i++)
		listeners[i] = proxy_lab_listen_at(&at[i], 10);
	client = proxy_lab_connect_to(&f.at);
	for (int i = 0; i < 6; i++) {
		int which = i / 2 % 2, port = ntohs(at[which].sin_port);

		snprintf(request, sizeof(request),
		         "POST http://127.0.0.1:%d/%d HTTP/1.1\r\nContent-Length: 4\r\n"
		         "Connection: keep-alive\r\n\r\nbody",
		         port, i);
		proxy_lab_say(client, request, strlen(request));
		if (i % 2 == 0) { /* each second request uses the same connection */
			if (servers[which] >= 0)
				close(servers[which]);
			servers[which] = proxy_lab_accept_one(&f, listeners[which]);
		}
		snprintf(expected, sizeof(expected),
		         "POST /%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: "
		         "4\r\n\r\nbody",
		         i, port);
		proxy_lab_expect(&f, servers[which], expected, strlen(expected));
		proxy_lab_say(
			servers[which],
			BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
		              "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
		proxy_lab_expect(
			&f, client,
			BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
		              "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
		              "3\r\nabc\r\n0\r\n\r\n"));
	}
	/* a response without a length ends with the connection */
	proxy_lab_say(client, request, strlen(request));
	proxy_lab_expect(&f, servers[0], expected, strlen(expected));
	proxy_lab_say(servers[0], BYTES("HTTP/1.0 200 OK\r\n\r\nall"));
	close(servers[0]);
	proxy_lab_expect(&f, client,
	                 BYTES("HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nall"));
	ck_assert(proxy_lab_ends(&f, client));
	for (int i = 0; i < 2; i++)
		close(listeners[i]);
	close(servers[1]);
	close(client);
	proxy_lab_end(&f);
}
END_TEST

static const char *const bad_responses[] = {
	"SSH-2.0-x\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
	"HTTP/1.1 101 Switching\r\n\r\n",
	"",
};

START_TEST(bad_responses_are_not_passed_on)
{
	char request[128];
	struct sockaddr_in at;
	struct proxy_lab f;
	int listener, server, client;

	proxy_lab_begin(&f);
	listener = proxy_lab_listen_at(&at, 10);
	client = proxy_lab_connect_to(&f.at);
	snprintf(request, sizeof(request), "GET http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n",
	         ntohs(at.sin_port));
	proxy_lab_say(client, request, strlen(request));
	server = proxy_lab_accept_one(&f, listener);
	proxy_lab_say(server, bad_responses[_i], strlen(bad_responses[_i]));
	ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
	proxy_lab_expect(&f, client, BYTES("HTTP/1.1 502 "));
	close(server);
	close(listener);
	close(client);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(a_thousand_connections)
{
	enum { COUNT = 1000, DESCRIPTORS = 4 * COUNT + 100 };
	static int clients[COUNT], servers[COUNT];
	struct rlimit limit;
	struct proxy_lab f;

	process_raise_limits();
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < DESCRIPTORS) {
		unit_lacks("4100 open files (ulimit -n)");
		return;
	}
	proxy_lab_begin_with(&f, NULL, COUNT, NULL);
	for (int i = 0; i < COUNT; i++)
		proxy_lab_connect_both(&f, &clients[i], &servers[i]);
	for (int i = 0; i < COUNT; i++)
		proxy_lab_say(clients[i], &i, sizeof(i));
	for (int i = 0; i < COUNT; i++) {
		proxy_lab_expect(&f, servers[i], &i, sizeof(i));
		close(servers[i]);
		ck_assert(proxy_lab_ends(&f, clients[i]));
		close(clients[i]);
	}
	proxy_lab_end(&f);
}
END_TEST

/* Bytes without sense, often with a beginning that has some; most hang up too early. */
START_TEST(two_thousand_strangers)
{
	static const char *const beginnings[] = { "",
		                                  "\5\1",
		                                  "\5\1\2\1",
		                                  "\4\1",
		                                  "GET http://127.0.0.1:1/ HTTP/1.1\r\n",
		                                  "CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n",
		                                  "\5\1",
		                                  "POST http://192.0.2.1/ HTTP/1.1\r\n" };
	uint64_t seed = unit_seed();
	struct proxy_lab f;
	int last = open("/dev/null", O_RDONLY), again;

	close(last);
	proxy_lab_begin(&f);
	for (int i = 0; i < 2000; i++) {
		const char *beginning =
			beginnings[unit_below(&seed, ARRAY_SIZE(beginnings))];
		size_t n = strlen(beginning), more = unit_below(&seed, 64);
		int fd = proxy_lab_connect_to(&f.at);
		uint8_t bytes[256];

		memcpy(bytes, beginning, n);
		for (size_t k = 0; k < more; k++)
			bytes[n++] = (uint8_t)unit_random(&seed);
		if (n > 0)
			proxy_lab_say(fd, bytes, n);
		if (unit_below(&seed, 2))
			proxy_lab_serve(&f);
		close(fd);
		proxy_lab_serve(&f);
	}
	for (int i = 0; i < 20; i++)
		proxy_lab_serve(&f);
	proxy_lab_end(&f);
	again = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(again, last); /* no descriptor was left open */
	close(again);
}
END_TEST

START_TEST(a_forwarded_port)
{
	struct destination to = { .addr = { IP_V4, { 127, 0, 0, 1 } } };
	struct sockaddr_in server_at, port;
	struct proxy_lab f;
	int listener, client, server, fd;

	proxy_lab_begin(&f);
	listener = proxy_lab_listen_at(&server_at, 10);
	to.port = ntohs(server_at.sin_port);
	fd = proxy_lab_listen_at(&port, 10);
	ck_assert_int_eq(proxy_listen(f.proxy, fd, PROXY_OUTSIDE, &to), 0);
	client = proxy_lab_connect_to(&port);
	proxy_lab_say(client, BYTES("\5\1\0")); /* means nothing here */
	server = proxy_lab_accept_one(&f, listener);
	proxy_lab_expect(&f, server, BYTES("\5\1\0"));
	close(server);
	ck_assert(proxy_lab_ends(&f, client));
	close(client);
	close(listener);
	/* and now nobody is there */
	client = proxy_lab_connect_to(&port);
	ck_assert(proxy_lab_ends(&f, client));
	close(client);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(users_are_asked_for)
{
	char text[] = "me:secret\n";
	FILE *in = fmemopen(text, strlen(text), "r");
	struct diag diag = { 0 };
	struct users *users;
	struct proxy_lab f;
	int fd, err = users_read(&users, in, "users", &diag);

	ck_assert_int_eq(err, 0);
	fclose(in);
	proxy_lab_begin_with(&f, users, 100, NULL);
	fd = proxy_lab_connect_to(&f.at);
	proxy_lab_say(fd, BYTES("\5\1\2\1\2me\6secret\5\1\0\1\300\0\2\1\0P"));
	proxy_lab_expect(&f, fd, BYTES("\5\2\1\0\5\3\0\1"));
	close(fd);
	fd = proxy_lab_connect_to(&f.at);
	proxy_lab_say(fd, BYTES("\5\1\2\1\2me\6Secret\5\1\0\1\300\0\2\1\0P"));
	proxy_lab_expect(&f, fd, BYTES("\5\2\1\1"));
	ck_assert(proxy_lab_ends(&f, fd));
	close(fd);
	fd = proxy_lab_connect_to(&f.at);
	proxy_lab_say(fd, BYTES("CONNECT 192.0.2.1:80 HTTP/1.1\r\n\r\n"));
	proxy_lab_expect(&f, fd, BYTES("HTTP/1.1 407 "));
	close(fd);
	fd = proxy_lab_connect_to(&f.at);
	proxy_lab_say(fd,
	              BYTES("CONNECT 192.0.2.1:80 HTTP/1.1\r\nProxy-Authorization: Basic "
	                    "bWU6c2VjcmV0\r\n\r\n"));
	proxy_lab_expect(&f, fd, BYTES("HTTP/1.1 502 "));
	close(fd);
	proxy_lab_end(&f);
	users_free(users);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/proxy");

	tcase_add_test(tc, halves_end_one_after_the_other);
	tcase_add_test(tc, a_reset_is_passed_on);
	tcase_add_test(tc, urgent_data);
	tcase_add_test(tc, urgent_data_of_a_unix_socket);
	tcase_add_test(tc, back_pressure);
	tcase_add_loop_test(tc, what_cannot_be_is_refused, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tc, silence_is_answered_in_time);
	tcase_add_test(tc, who_says_nothing_has_to_go);
	tcase_add_test(tc, who_reads_slowly_gets_the_end);
	tcase_add_test(tc, half_closed_for_too_long);
	tcase_add_test(tc, no_more_than_allowed);
	tcase_add_test(tc, one_of_two_listeners_waits);
	tcase_add_test(tc, plain_http_goes_on_with_other_servers);
	tcase_add_loop_test(tc, bad_responses_are_not_passed_on, 0,
	                    ARRAY_SIZE(bad_responses));
	tcase_add_test(tc, a_thousand_connections);
	tcase_add_test(tc, two_thousand_strangers);
	tcase_add_test(tc, a_forwarded_port);
	tcase_add_test(tc, users_are_asked_for);
	return tc;
}
