/* The test is the app, and also the worker, whose end of the channel it reads. */
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "base/unix_socket.h"
#include "channel/command.h"
#include "planned.h"
#include "supervisor/protector.h"

#define START_NS (100 * NS_PER_SEC)

static const char *const texts[] = { "a", "[Interface]\nAddress = 10.8.0.2\n", "b",
	                             "[Interface]\nAddress = 10.8.1.2\n", NULL };

static struct planned planned;
static struct tunnel v[2];
static struct tunnels tunnels;
static struct worker_child worker;
static struct channel channel; /* the worker's end */
static struct log log_none;
static struct protector protector;
static char name[64];
static int listener, looks;
static uint64_t now_ns;

static void no_line(void *context, enum log_level level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

static void can_look(void *context)
{
	(void)context;
	looks++;
}

static void open_udp(struct tunnel *t)
{
	struct endpoint at = { .addr = { IP_V4, { 127, 0, 0, 1 } } };

	ck_assert_int_eq(udp_open(t->udp_fds, &at, 0), 0);
}

static void set_up(void)
{
	int pair[2];

	snprintf(name, sizeof(name), "@test_protector.%ld", (long)getpid());
	listener = unix_listen(name);
	ck_assert_int_ge(listener, 0);
	planned_init(&planned, texts);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = tunnel_of(&planned.plan.devices[i]);
		open_udp(&v[i]);
	}
	tunnels = (struct tunnels){ .v = v, .count = ARRAY_SIZE(v) };
	ck_assert_int_eq(channel_pair(pair), 0);
	worker = (struct worker_child){ .pid = 1, .only_protected = true };
	ck_assert_int_eq(channel_init(&worker.channel, pair[0]), 0);
	ck_assert_int_eq(channel_init(&channel, pair[1]), 0);
	log_none = (struct log){ LOG_LEVEL_DEBUG, no_line, NULL };
	protector = (struct protector){ .name = name,
		                        .log = &log_none,
		                        .tunnels = &tunnels,
		                        .worker = &worker,
		                        .can_look = can_look };
	protector_init(&protector);
	ck_assert_int_eq(loop_new(&protector.loop), 0);
	looks = 0;
	now_ns = START_NS;
}

static void tear_down(void)
{
	protector_end(&protector);
	loop_free(protector.loop);
	permit_clear(&worker.permit);
	channel_clear(&worker.channel);
	channel_clear(&channel);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		tunnel_close(&v[i]);
	planned_clear(&planned);
	close(listener);
}

static void run(void)
{
	ck_assert_int_eq(protector_run(&protector, now_ns), 0);
}

/* Returns the port of the socket that the app is asked for, with the connection; 0: it is not
 * asked. */
static unsigned asked(int *connection)
{
	struct sockaddr_in at = { 0 };
	socklen_t len = sizeof(at);
	char byte = 1;
	int fd;

	run();
	*connection = accept(listener, NULL, NULL);
	if (*connection < 0)
		return 0;
	ck_assert_int_eq(fd_pass_receive(*connection, &byte, 1, &fd), 1);
	ck_assert_int_eq(byte, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static void answer(int connection, const char *bytes)
{
	ck_assert_int_eq(send(connection, bytes, 1, 0), 1);
	close(connection);
	ck_assert_int_eq(loop_wait(protector.loop, loop_now_ns() + NS_PER_SEC), 0);
	ck_assert_uint_eq(protector_deadline_ns(&protector), 0);
}

/* Which device has got sockets? NULL: none has. */
static const char *given(void)
{
	static char device[IFNAME_MAX + 1];
	struct command m;

	ck_assert_int_eq(channel_write(&worker.channel), 0);
	if (command_next(&channel, &m) == 0)
		return NULL;
	ck_assert_int_eq(m.type, COMMAND_DEVICE_SOCKETS);
	ck_assert_uint_eq(m.fd_count, 1);
	snprintf(device, sizeof(device), "%s", m.name);
	command_clear(&m);
	return device;
}

static unsigned port_of(const struct tunnel *t)
{
	struct sockaddr_in at = { 0 };
	socklen_t len = sizeof(at);

	ck_assert_int_eq(getsockname(t->udp_fds[UDP_IPV4], (struct sockaddr *)&at, &len),
	                 0);
	return ntohs(at.sin_port);
}

START_TEST(a_socket_is_given_once_it_is_protected)
{
	int connection;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		ck_assert_uint_eq(asked(&connection), port_of(&v[i]));
		ck_assert_uint_eq(protector_deadline_ns(&protector),
		                  now_ns + PROTECTOR_ANSWER_NS);
		ck_assert_ptr_null(given());
		answer(connection, "");
		run();
		ck_assert_str_eq(given(), v[i].plan->way.name);
		ck_assert_ptr_null(given());
	}
	ck_assert_uint_eq(asked(&connection), 0);
	ck_assert_uint_eq(protector_deadline_ns(&protector), NEVER_NS);
}
END_TEST

/* The pause becomes longer, and meanwhile the others have their turn. */
START_TEST(a_refused_socket_is_asked_for_again)
{
	uint64_t pause_ns = PROTECTOR_FIRST_NS;
	int connection;

	for (unsigned i = 0; i < 8; i++) {
		ck_assert_uint_eq(asked(&connection), port_of(&v[i % 2]));
		answer(connection, "\1");
		run();
		ck_assert_uint_eq(protector_deadline_ns(&protector), now_ns + pause_ns);
		ck_assert_uint_eq(asked(&connection), 0);
		now_ns += pause_ns;
		pause_ns = 2 * pause_ns < PROTECTOR_LONGEST_NS ? 2 * pause_ns
		                                               : PROTECTOR_LONGEST_NS;
	}
	ck_assert_ptr_null(given());
	ck_assert_uint_eq(asked(&connection), port_of(&v[0]));
	answer(connection, "");
	run();
	ck_assert_str_eq(given(), "a");
	ck_assert_uint_eq(asked(&connection), port_of(&v[1])); /* at once */
	close(connection);
}
END_TEST

/* The new one may have the number of the old one. */
START_TEST(a_socket_that_is_replaced_meanwhile_is_not_protected)
{
	unsigned old = port_of(&v[0]);
	int connection, fd = v[0].udp_fds[UDP_IPV4];

	ck_assert_uint_eq(asked(&connection), old);
	tunnel_close_udp(&v[0]);
	open_udp(&v[0]);
	ck_assert_int_eq(v[0].udp_fds[UDP_IPV4], fd);
	answer(connection, "");
	run();
	ck_assert_ptr_null(given());
	ck_assert(!v[0].is_protected[UDP_IPV4]);
	connection = accept(listener, NULL, NULL);
	ck_assert_int_ge(connection, 0); /* for the new one */
	answer(connection, "");
	run();
	ck_assert_str_eq(given(), "a");
}
END_TEST

START_TEST(an_app_that_does_not_answer)
{
	int connection, late;

	ck_assert_uint_eq(asked(&connection), port_of(&v[0]));
	now_ns += PROTECTOR_ANSWER_NS - 1;
	ck_assert_uint_eq(asked(&late), 0);
	now_ns += 1;
	ck_assert_uint_eq(asked(&late), 0);
	ck_assert_int_lt(send(connection, "", 1, MSG_NOSIGNAL), 0); /* nobody hears it */
	close(connection);
	now_ns += PROTECTOR_FIRST_NS;
	ck_assert_uint_eq(asked(&connection), port_of(&v[1]));
	close(connection); /* it hangs up */
	ck_assert_int_eq(loop_wait(protector.loop, loop_now_ns() + NS_PER_SEC), 0);
	run();
	ck_assert_ptr_null(given());
	ck_assert_uint_eq(protector_deadline_ns(&protector),
	                  now_ns + 2 * PROTECTOR_FIRST_NS);
}
END_TEST

START_TEST(an_app_that_comes_back)
{
	int connection;

	close(listener);
	run();
	ck_assert_uint_eq(protector_deadline_ns(&protector), now_ns + PROTECTOR_FIRST_NS);
	listener = unix_listen(name);
	ck_assert_int_ge(listener, 0);
	now_ns += PROTECTOR_FIRST_NS;
	ck_assert_uint_eq(asked(&connection), port_of(&v[1]));
	answer(connection, "");
	run();
	ck_assert_str_eq(given(), "b");
}
END_TEST

/* What asks the network has sockets of its own, which nobody else can be told to use. */
START_TEST(sockets_to_look_with)
{
	int connection;

	close(listener);
	protector_begin(&protector);
	ck_assert_int_eq(protector.outward.ipv4, -1);
	ck_assert_int_eq(protector_socket(&protector, AF_INET, SOCK_DGRAM),
	                 -ECONNREFUSED);
	listener = unix_listen(name);
	ck_assert_int_ge(listener, 0);
	for (int i = 0; i < UDP_FAMILIES && protector.unprotected[UDP_IPV4] >= 0; i++) {
		(void)asked(&connection);
		answer(connection, "");
		run();
		if (protector.unprotected[UDP_IPV6] < 0)
			break;
		close(accept(listener, NULL, NULL));
	}
	ck_assert_int_ge(protector.outward.ipv4, 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/protector");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_socket_is_given_once_it_is_protected);
	tcase_add_test(tc, a_refused_socket_is_asked_for_again);
	tcase_add_test(tc, a_socket_that_is_replaced_meanwhile_is_not_protected);
	tcase_add_test(tc, an_app_that_does_not_answer);
	tcase_add_test(tc, an_app_that_comes_back);
	tcase_add_test(tc, sockets_to_look_with);
	return tc;
}
