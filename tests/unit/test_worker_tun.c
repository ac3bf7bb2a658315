/* The tuns of the worker: they come, are replaced, and are lost. A socket pair stands for each,
 * because only root could make a tun. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker_lab.h"

static struct worker_lab lab;
static struct sockaddr_un uapi_address;
static socklen_t uapi_address_len;

static void set_up(void)
{
	worker_lab_begin(&lab);
	worker_lab_device(&lab, "home", &uapi_address, &uapi_address_len);
}

static void tear_down(void)
{
	worker_lab_end(&lab);
}

/* An app's VPN is established anew: the one before is closed, not read any more. */
START_TEST(a_tun_replaces_the_one_before)
{
	struct command m = command_of(COMMAND_TUN, NULL);
	int pair[2], other[2];

	ck_assert_int_eq(worker_lab_ask(&lab, &m), -EPROTO);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, other), 0);
	m.fds[0] = pair[0];
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	m.fds[0] = other[0];
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert(worker_lab_closed(pair[1]));
	ck_assert(!worker_lab_closed(other[1]));
	worker_lab_run(&lab);
	ck_assert(worker_lab_silent(&lab)); /* nothing is lost */
	close(other[1]);
	close(pair[1]);
}
END_TEST

START_TEST(a_tun_that_can_not_be_waited_for)
{
	struct command m = command_of(COMMAND_TUN, NULL);

	m.fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), -EPERM);
}
END_TEST

/* to 10.99.0.1, which no device takes: an ICMP error comes back */
static const uint8_t packet[] = {
	0x45, 0, 0,  28, 0, 0, 0, 0, 64, 17, 0x66, 0x6c, 10, 0,
	0,    1, 10, 99, 0, 1, 0, 7, 0,  7,  0,    8,    0,  0
};

/* A socket pair stands for the tun, which only root could make. The worker reads and
 * writes the same packets. */
START_TEST(the_end_of_a_pair_is_a_loss)
{
	struct command m = command_of(COMMAND_TUN, NULL);
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	m.fds[0] = pair[0];
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	close(pair[1]);
	worker_lab_run(&lab);
	worker_lab_expect(&lab, COMMAND_TUN_LOST, &m);
	ck_assert_int_eq(m.result, -ENOTCONN);
	ck_assert(worker_lab_silent(&lab));
}
END_TEST

/* That the other end of a pair of datagram sockets is gone can't be read. An empty datagram
 * is none, and no end. */
START_TEST(a_refused_packet_is_a_loss)
{
	struct command m = command_of(COMMAND_TUN, NULL);
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	m.fds[0] = pair[0];
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_int_eq(send(pair[1], "", 0, 0), 0);
	worker_lab_run(&lab);
	ck_assert(worker_lab_silent(&lab));
	ck_assert_int_eq(send(pair[1], packet, sizeof(packet), 0), sizeof(packet));
	close(pair[1]);
	worker_lab_run(&lab); /* the answer to the packet is refused */
	worker_tun_check(&lab.tun);
	worker_lab_expect(&lab, COMMAND_TUN_LOST, &m);
	ck_assert_int_eq(m.result, -ECONNREFUSED);
	worker_tun_check(&lab.tun);
	ck_assert(worker_lab_silent(&lab));
}
END_TEST

START_TEST(the_supervisor_is_told_that_the_tun_is_lost)
{
	struct command m = command_of(COMMAND_TUN, NULL);
	struct pollfd p;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	m.fds[0] = pair[0];
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_int_eq(send(pair[1], packet, sizeof(packet), 0), sizeof(packet));
	worker_lab_run(&lab);
	p = (struct pollfd){ .fd = pair[1], .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert(worker_lab_silent(&lab));
	close(pair[1]); /* not everything was read: the other end gets an error */
	worker_lab_run(&lab);
	worker_lab_expect(&lab, COMMAND_TUN_LOST, &m);
	ck_assert_int_eq(m.result, -ECONNRESET);
	ck_assert(worker_lab_silent(&lab)); /* the loss is told only once */
}
END_TEST

static int ask_tun(const char *name, int fd)
{
	struct command m = command_of(COMMAND_TUN, name);

	m.fds[0] = fd;
	m.fd_count = 1;
	return worker_lab_ask(&lab, &m);
}

/* A device may get another one, and gives it up when it shares one. */
START_TEST(a_device_has_a_tun_of_its_own)
{
	struct command m = command_of(COMMAND_DEVICE_SETTINGS, "home"), lost;
	int pair[2], other[2];

	m.settings.own_tun = true;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(ask_tun("nobody", pair[0]), -ENOENT);
	close(pair[1]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, other), 0);
	ck_assert_int_eq(ask_tun("home", pair[0]), 0);
	ck_assert_int_eq(ask_tun("home", other[0]), 0);
	ck_assert(worker_lab_closed(pair[1]));
	close(pair[1]);
	/* its loss is told under its name */
	ck_assert_int_eq(send(other[1], packet, sizeof(packet), 0), sizeof(packet));
	worker_lab_run(&lab);
	close(other[1]);
	worker_lab_run(&lab);
	worker_lab_expect(&lab, COMMAND_TUN_LOST, &lost);
	ck_assert_str_eq(lost.name, "home");
	command_clear(&lost);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(ask_tun("home", pair[0]), 0);
	m = command_of(COMMAND_DEVICE_SETTINGS, "home");
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert(worker_lab_closed(pair[1]));
	close(pair[1]);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("worker/worker_tun");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_tun_replaces_the_one_before);
	tcase_add_test(tc, the_end_of_a_pair_is_a_loss);
	tcase_add_test(tc, a_refused_packet_is_a_loss);
	tcase_add_test(tc, a_tun_that_can_not_be_waited_for);
	tcase_add_test(tc, the_supervisor_is_told_that_the_tun_is_lost);
	tcase_add_test(tc, a_device_has_a_tun_of_its_own);
	return tc;
}
