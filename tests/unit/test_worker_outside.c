/* tests/unit/test_worker_outside.c - the worker's sockets to DNS servers outside of the tunnels: what is asked of the
 * supervisor, and what goes through the sockets that he gives */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker_lab.h"

static struct worker_lab lab;
static uint64_t now_ns;

static void set_up(void)
{
	worker_lab_begin(&lab);
	now_ns = loop_now_ns();
}

static void tear_down(void)
{
	worker_lab_end(&lab);
}

static struct ip_addr server(unsigned n)
{
	char text[IP_ADDR_STRLEN];
	struct ip_addr a;

	snprintf(text, sizeof(text), "192.0.2.%u", n);
	ck_assert(ip_addr_parse(&a, text));
	return a;
}

static void ask(unsigned n, const char *query)
{
	struct ip_addr to = server(n);

	worker_outside_ask(&lab.outside, &to, query, strlen(query), now_ns);
}

/* The supervisor is asked for a socket; port 0: for UDP. */
static void expect_wanted(unsigned n, uint16_t port)
{
	struct ip_addr to = server(n);
	struct command m;

	worker_lab_expect(&lab, COMMAND_OUTSIDE_WANTED, &m);
	ck_assert_uint_eq(m.server_count, 1);
	ck_assert(ip_addr_equal(&m.servers[0], &to));
	ck_assert_uint_eq(m.port, port);
	command_clear(&m);
}

static void pair(int type, int fds[static 2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	                 0);
}

static void give(unsigned n, uint16_t port, int result, const int *fds, size_t fd_count)
{
	struct ip_addr from = server(n);
	struct command m = command_of(COMMAND_OUTSIDE, NULL);

	m.servers = &from;
	m.server_count = 1;
	m.port = port;
	m.result = result;
	for (m.fd_count = 0; m.fd_count < fd_count; m.fd_count++)
		m.fds[m.fd_count] = fds[m.fd_count];
	worker_outside_answered(&lab.outside, &m, now_ns);
}

/* What has come to this end; "" if nothing. */
static const char *got(int fd)
{
	static char text[100];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(queries_wait_for_the_socket)
{
	int fds[2];

	ask(1, "first");
	ask(1, "second");
	expect_wanted(1, 0);
	ck_assert(worker_lab_silent(&lab));
	pair(SOCK_DGRAM, fds);
	give(1, 0, 0, fds, 1);
	ck_assert_str_eq(got(fds[1]), "first");
	ck_assert_str_eq(got(fds[1]), "second");
	ask(1, "third");
	ck_assert_str_eq(got(fds[1]), "third");
	ck_assert(worker_lab_silent(&lab));
	close(fds[1]);
}
END_TEST

/* Another socket has another port, and leaves as the network is then. */
START_TEST(a_socket_is_not_for_ever)
{
	int fds[2];

	ask(1, "first");
	expect_wanted(1, 0);
	pair(SOCK_DGRAM, fds);
	give(1, 0, 0, fds, 1);
	now_ns += WORKER_OUTSIDE_SILENT_NS + 1;
	ask(1, "second");
	expect_wanted(1, 0);
	ck_assert_str_eq(got(fds[1]), "first");
	ck_assert_str_eq(got(fds[1]), "");
	close(fds[1]);
	pair(SOCK_DGRAM, fds);
	give(1, 0, 0, fds, 1);
	ck_assert_str_eq(got(fds[1]), "second");
	worker_outside_network_changed(&lab.outside);
	ask(1, "third");
	expect_wanted(1, 0);
	close(fds[1]);
}
END_TEST

START_TEST(what_is_refused_is_asked_again_later)
{
	ask(1, "first");
	expect_wanted(1, 0);
	ask(1, "second");
	ck_assert(worker_lab_silent(&lab));
	give(1, 0, -EACCES, NULL, 0);
	ask(1, "third");
	expect_wanted(1, 0);
}
END_TEST

/* Otherwise, with queries to many servers in turn, the supervisor would be asked again and again,
 * and would take the worker for one that has been taken over. */
START_TEST(questions_are_bounded)
{
	for (unsigned n = 1; n <= 100; n++)
		ask(n, "query");
	for (unsigned n = 1; n <= WORKER_OUTSIDE_SERVERS_MAX; n++)
		expect_wanted(n, 0);
	ck_assert(worker_lab_silent(&lab));
	give(1, 0, -EACCES, NULL, 0);
	ask(50, "query"); /* in the place of the one that was asked first */
	expect_wanted(50, 0);
}
END_TEST

START_TEST(a_relay_carries_both_ways_and_ends)
{
	struct ip_addr to = server(1);
	int client[2], far[2], fds[2];

	worker_outside_connect(&lab.outside, &to, 50000);
	expect_wanted(1, 50000);
	pair(SOCK_STREAM, client);
	pair(SOCK_STREAM, far);
	fds[0] = client[0];
	fds[1] = far[0];
	give(1, 50000, 0, fds, 2);
	ck_assert_int_eq(write(client[1], "query", 5), 5);
	worker_lab_run(&lab);
	ck_assert_str_eq(got(far[1]), "query");
	ck_assert_int_eq(write(far[1], "answer", 6), 6);
	close(far[1]); /* the server hangs up: the client still hears all */
	worker_lab_run(&lab);
	ck_assert_str_eq(got(client[1]), "answer");
	ck_assert_int_eq(recv(client[1], fds, 1, MSG_DONTWAIT), 0);
	ck_assert_uint_eq(lab.outside.relays.count, 0);
	close(client[1]);
}
END_TEST

/* One that doesn't listen is not read from for ever. */
START_TEST(a_relay_keeps_little)
{
	static char much[65536];
	int client[2], far[2], fds[2];
	size_t taken = 0;
	ssize_t n;

	pair(SOCK_STREAM, client);
	pair(SOCK_STREAM, far);
	fds[0] = client[0];
	fds[1] = far[0];
	give(1, 50000, 0, fds, 2);
	for (int i = 0; i < 100; i++) {
		n = send(far[1], much, sizeof(much), MSG_DONTWAIT);
		taken += n > 0 ? (size_t)n : 0;
		worker_lab_run(&lab);
	}
	ck_assert_uint_lt(taken, 2000000);
	close(client[1]);
	worker_lab_run(&lab);
	ck_assert_uint_eq(lab.outside.relays.count, 0);
	close(far[1]);
}
END_TEST

START_TEST(relays_are_bounded)
{
	int ends[WORKER_RELAYS_MAX + 1][2], a[2], b[2], fds[2];

	for (size_t i = 0; i <= WORKER_RELAYS_MAX; i++) {
		pair(SOCK_STREAM, a);
		pair(SOCK_STREAM, b);
		fds[0] = a[0];
		fds[1] = b[0];
		ends[i][0] = a[1];
		ends[i][1] = b[1];
		give(1, (uint16_t)(50000 + i), 0, fds, 2);
	}
	ck_assert_uint_eq(lab.outside.relays.count, WORKER_RELAYS_MAX);
	ck_assert_int_eq(recv(ends[WORKER_RELAYS_MAX][0], fds, 1, MSG_DONTWAIT), 0);
	now_ns += WORKER_RELAY_SILENT_NS + 1;
	pair(SOCK_STREAM, a);
	pair(SOCK_STREAM, b);
	fds[0] = a[0];
	fds[1] = b[0];
	give(1, 60000, 0, fds, 2); /* instead of a silent one */
	ck_assert_uint_eq(lab.outside.relays.count, WORKER_RELAYS_MAX);
	ck_assert_int_lt(recv(a[1], fds, 1, MSG_DONTWAIT), 0);
	for (size_t i = 0; i <= WORKER_RELAYS_MAX; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	close(a[1]);
	close(b[1]);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *t = tcase_create("worker_outside");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, queries_wait_for_the_socket);
	tcase_add_test(t, a_socket_is_not_for_ever);
	tcase_add_test(t, what_is_refused_is_asked_again_later);
	tcase_add_test(t, questions_are_bounded);
	tcase_add_test(t, a_relay_carries_both_ways_and_ends);
	tcase_add_test(t, a_relay_keeps_little);
	tcase_add_test(t, relays_are_bounded);
	return t;
}
