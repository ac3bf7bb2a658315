/* A UAPI client asks for what only the supervisor can do, and waits for it: who gets
 * which answer? */
#include "unit.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "worker_lab.h"

#define WANTS_PORT "set=1\nlisten_port=7\n\n"
#define WANTS_MARK "set=1\nfwmark=9\n\n"

static struct worker_lab lab;
static struct sockaddr_un address;
static socklen_t address_len;

static void set_up(void)
{
	worker_lab_begin(&lab);
	worker_lab_device(&lab, "home", &address, &address_len);
}

static void tear_down(void)
{
	worker_lab_end(&lab);
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
	                 (ssize_t)strlen(text));
	worker_lab_run(&lab);
}

/* Returns a new client that has sent this text. */
static int client(const char *text)
{
	int fd = worker_lab_client(&address, address_len);

	say(fd, text);
	return fd;
}

static void hang_up(int fd)
{
	close(fd);
	worker_lab_run(&lab);
}

/* Returns what the client has been answered since the last call; "(end)" if the worker
 * has closed the connection. */
static const char *answer(int fd)
{
	static char text[4096];
	ssize_t n;

	worker_lab_run(&lab);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0 && errno == EAGAIN)
		return "";
	if (n <= 0)
		return "(end)";
	text[n] = '\0';
	return text;
}

static void expect_wanted(enum command_type type, uint16_t port, uint32_t mark)
{
	struct command m;

	worker_lab_expect(&lab, type, &m);
	ck_assert_str_eq(m.name, "home");
	ck_assert_uint_eq(m.port, port);
	ck_assert_uint_eq(m.mark, mark);
	ck_assert(worker_lab_silent(&lab));
}

/* The supervisor answers. */
static void answer_wanted(int result, uint16_t port, uint32_t mark)
{
	struct command m = command_of(COMMAND_SOCKETS_ANSWER, "home");

	m.result = result;
	m.port = port;
	m.mark = mark;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
}

START_TEST(a_port_and_a_mark_are_granted)
{
	int fd = client(WANTS_PORT "get=1\n\n");

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	ck_assert_str_eq(answer(fd), "");
	answer_wanted(0, 7, 0);
	ck_assert_str_eq(answer(fd), "errno=0\n\nlisten_port=7\nerrno=0\n\n");
	say(fd, WANTS_MARK "get=1\n\n");
	expect_wanted(COMMAND_MARK_WANTED, 0, 9);
	ck_assert_str_eq(answer(fd), "");
	answer_wanted(0, 7, 9);
	ck_assert_str_eq(answer(fd), "errno=0\n\nlisten_port=7\nfwmark=9\nerrno=0\n\n");
	close(fd);
}
END_TEST

static void expect_endpoint(const char *text)
{
	struct command m;
	struct endpoint e;

	worker_lab_expect(&lab, COMMAND_ENDPOINT_SET, &m);
	ck_assert_str_eq(m.name, "home");
	ck_assert(endpoint_parse(&e, text));
	ck_assert(endpoint_equal(&m.endpoint, &e));
	command_clear(&m);
}

/* By the supervisor, which is told of it first if `told`, and then answered. */
static void supervisor_sets(const char *text, const char *endpoint, bool told)
{
	struct command m;

	worker_lab_uapi_piece(&lab, "home", text);
	if (told)
		expect_endpoint(endpoint);
	worker_lab_expect(&lab, COMMAND_REPLY, &m);
	ck_assert_int_eq(m.result, 0);
	ck_assert(worker_lab_silent(&lab));
}

/* Otherwise it would route the new endpoint's datagrams back to the tun. But `wg syncconf`
 * sets all endpoints again. What the supervisor has set itself it is told if there was another
 * one before: the news of that one may be on the way, and would be believed. */
START_TEST(the_supervisor_is_told_of_an_endpoint)
{
	int fd = client("set=1\npublic_key=" LAB_PEER1 "\nendpoint=192.0.2.1:7\n\n");

	expect_endpoint("192.0.2.1:7");
	say(fd, "set=1\npublic_key=" LAB_PEER1 "\nendpoint=192.0.2.1:7\n\n");
	ck_assert(worker_lab_silent(&lab));
	say(fd, "set=1\npublic_key=" LAB_PEER1 "\nendpoint=[2001:db8::1]:8\n\n");
	expect_endpoint("[2001:db8::1]:8");
	supervisor_sets("set=1\npublic_key=" LAB_PEER1 "\nendpoint=192.0.2.2:7\n\n",
	                "192.0.2.2:7", true);
	supervisor_sets("set=1\npublic_key=" LAB_PEER1 "\nendpoint=192.0.2.2:7\n\n", NULL,
	                false);
	supervisor_sets("set=1\npublic_key=" LAB_PEER2 "\nendpoint=192.0.2.3:7\n\n", NULL,
	                false);
	/* an Endpoint isn't the same as one that was learned (design R8) */
	ck_assert_int_eq(worker_lab_uapi(&lab, "home",
	                                 "set=1\npublic_key=" LAB_PEER1
	                                 "\ntunion_by_arrival=true\n\n"),
	                 0);
	say(fd, "set=1\npublic_key=" LAB_PEER1 "\nendpoint=192.0.2.2:7\n\n");
	expect_endpoint("192.0.2.2:7");
	/* wg setconf */
	say(fd, "set=1\nreplace_peers=true\npublic_key=" LAB_PEER1
	        "\nendpoint=192.0.2.2:7\n\n");
	expect_endpoint("192.0.2.2:7");
	close(fd);
}
END_TEST

START_TEST(an_endpoint_names_an_interface)
{
	int fd = client("set=1\npublic_key=" LAB_PEER1 "\nendpoint=[fe80::1%lo]:7\n\n"
	                "get=1\n\n");
	char expected[32];

	snprintf(expected, sizeof(expected), "endpoint=[fe80::1%%%u]:7\n",
	         if_nametoindex("lo"));
	ck_assert_ptr_nonnull(strstr(answer(fd), expected));
	say(fd, "set=1\npublic_key=" LAB_PEER1 "\nendpoint=[fe80::1%nope]:7\n\n");
	ck_assert_ptr_nonnull(strstr(answer(fd), "errno=-22\n"));
	close(fd);
}
END_TEST

START_TEST(a_port_is_refused)
{
	int fd = client(WANTS_PORT "get=1\n\n");

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	answer_wanted(-EADDRINUSE, 5, 3); /* port and mark are as they were before */
	ck_assert_str_eq(answer(fd), "errno=-98\n\nerrno=0\n\n");
	close(fd);
}
END_TEST

START_TEST(one_question_at_a_time)
{
	int first = client(WANTS_PORT), second = client(WANTS_MARK);

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	ck_assert_str_eq(answer(second), "errno=-16\n\n"); /* EBUSY */
	answer_wanted(0, 7, 0);
	ck_assert_str_eq(answer(first), "errno=0\n\n");
	ck_assert_str_eq(answer(second), "");
	close(first);
	close(second);
}
END_TEST

START_TEST(the_answer_of_one_who_has_gone_is_nobody_elses)
{
	int first = client(WANTS_PORT), second;

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	hang_up(first);
	second = client(WANTS_MARK);
	ck_assert_str_eq(answer(second), "errno=-16\n\n");
	ck_assert(worker_lab_silent(&lab));
	answer_wanted(-EADDRINUSE, 0, 0);
	ck_assert_str_eq(answer(second), "");
	/* from now on the second client may ask, and gets its own answer */
	say(second, WANTS_MARK);
	expect_wanted(COMMAND_MARK_WANTED, 0, 9);
	answer_wanted(0, 0, 9);
	ck_assert_str_eq(answer(second), "errno=0\n\n");
	close(second);
}
END_TEST

START_TEST(no_client_waits_for_ever)
{
	uint64_t before_ns = loop_now_ns();
	int first, second;

	ck_assert_uint_eq(worker_device_next_deadline_ns(&lab.devices), NEVER_NS);
	first = client(WANTS_PORT "get=1\n\n");
	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	lab.devices.now_ns = worker_device_next_deadline_ns(&lab.devices);
	ck_assert_uint_ge(lab.devices.now_ns, before_ns + WORKER_DEVICE_ANSWER_NS);
	ck_assert_uint_le(lab.devices.now_ns, loop_now_ns() + WORKER_DEVICE_ANSWER_NS);
	lab.devices.now_ns--;
	worker_device_run_timers(&lab.devices);
	ck_assert_str_eq(answer(first), "");
	lab.devices.now_ns++;
	worker_device_run_timers(&lab.devices);
	ck_assert_str_eq(answer(first), "errno=-110\n\nerrno=0\n\n"); /* ETIMEDOUT */
	ck_assert_uint_eq(worker_device_next_deadline_ns(&lab.devices), NEVER_NS);
	/* the first client's answer may still come: it is not for the next client */
	second = client(WANTS_MARK);
	ck_assert_str_eq(answer(second), "errno=-16\n\n");
	answer_wanted(0, 7, 0);
	ck_assert_str_eq(answer(second), "");
	ck_assert_uint_eq(device_port(engine_find_device(lab.engine, "home")), 7);
	close(first);
	close(second);
}
END_TEST

/* A reload that comes meanwhile may change the port, too. */
START_TEST(sockets_that_were_not_asked_for_are_no_answer)
{
	struct command m = command_of(COMMAND_DEVICE_SOCKETS, "home");
	int fd = client(WANTS_PORT "get=1\n\n");

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	m.port = 8;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_str_eq(answer(fd), "");
	answer_wanted(-ENODEV, 0, 0);
	ck_assert_str_eq(answer(fd), "errno=-19\n\nlisten_port=8\nerrno=0\n\n");
	close(fd);
}
END_TEST

START_TEST(who_waits_for_a_device_that_goes_is_hung_up_on)
{
	int fd = client(WANTS_PORT);

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_REMOVE, "home"), 0);
	ck_assert_str_eq(answer(fd), "(end)");
	/* the answer comes too late, but it is nobody's fault */
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_SOCKETS_ANSWER, "home"), 0);
	ck_assert_uint_eq(worker_device_next_deadline_ns(&lab.devices), NEVER_NS);
	close(fd);
}
END_TEST

START_TEST(the_answer_of_a_device_that_has_gone_is_nobody_elses)
{
	int first = client(WANTS_PORT), second;

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_REMOVE, "home"), 0);
	worker_lab_device(&lab, "home", &address, &address_len);
	second = client(WANTS_MARK);
	expect_wanted(COMMAND_MARK_WANTED, 0, 9);
	answer_wanted(-EADDRINUSE, 0, 0);
	ck_assert_str_eq(answer(second), "");
	answer_wanted(0, 0, 9);
	ck_assert_str_eq(answer(second), "errno=0\n\n");
	/* one that is still owed at the end is no leak */
	say(second, WANTS_MARK);
	expect_wanted(COMMAND_MARK_WANTED, 0, 9);
	close(first);
	close(second);
}
END_TEST

/* Otherwise the worker would look for the client again and again, and do little else. */
START_TEST(no_descriptor_is_left)
{
	struct rlimit before, limit;
	int fd = worker_lab_client(&address, address_len), later;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)fd + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_str_eq(answer(fd), "(end)");
	ck_assert_int_eq(poll(&(struct pollfd){ loop_fd(lab.loop), POLLIN, 0 }, 1, 0), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	later = client("get=1\n\n");
	ck_assert_str_eq(answer(later), "errno=0\n\n");
	close(fd);
	close(later);
}
END_TEST

START_TEST(devices_do_not_wait_for_each_other)
{
	struct sockaddr_un home = address;
	socklen_t home_len = address_len;
	int first = client(WANTS_PORT), second;
	struct command m;

	expect_wanted(COMMAND_PORT_WANTED, 7, 0);
	worker_lab_device(&lab, "vpn", &address, &address_len);
	second = client(WANTS_PORT);
	worker_lab_expect(&lab, COMMAND_PORT_WANTED, &m);
	ck_assert_str_eq(m.name, "vpn");
	address = home;
	address_len = home_len;
	answer_wanted(0, 7, 0);
	ck_assert_str_eq(answer(first), "errno=0\n\n");
	ck_assert_str_eq(answer(second), "");
	close(first);
	close(second);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("worker/worker_device");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_port_and_a_mark_are_granted);
	tcase_add_test(tc, the_supervisor_is_told_of_an_endpoint);
	tcase_add_test(tc, an_endpoint_names_an_interface);
	tcase_add_test(tc, a_port_is_refused);
	tcase_add_test(tc, one_question_at_a_time);
	tcase_add_test(tc, the_answer_of_one_who_has_gone_is_nobody_elses);
	tcase_add_test(tc, no_client_waits_for_ever);
	tcase_add_test(tc, sockets_that_were_not_asked_for_are_no_answer);
	tcase_add_test(tc, who_waits_for_a_device_that_goes_is_hung_up_on);
	tcase_add_test(tc, the_answer_of_a_device_that_has_gone_is_nobody_elses);
	tcase_add_test(tc, no_descriptor_is_left);
	tcase_add_test(tc, devices_do_not_wait_for_each_other);
	return tc;
}
