#include "base/fd_pass.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cmsg.h"
#include "unit.h"

static void make_pair(int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

/* The lowest descriptor that is free. */
static int lowest(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

START_TEST(a_descriptor_and_a_message)
{
	int pair[2], pipes[2], fd = -1, err;
	char bytes[8];

	make_pair(pair);
	ck_assert_int_eq(pipe(pipes), 0);
	err = fd_pass_send(pair[0], "abc", 3, pipes[1], 0);
	ck_assert_int_eq(err, 0);
	close(pipes[1]);
	ck_assert_int_eq(fd_pass_receive(pair[1], bytes, sizeof(bytes), &fd), 3);
	ck_assert_mem_eq(bytes, "abc", 3);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(read(pipes[0], bytes, sizeof(bytes)), 1);
	close(fd);
	close(pipes[0]);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(without_a_descriptor)
{
	int pair[2], fd = 7, err;
	char byte;

	make_pair(pair);
	err = fd_pass_send(pair[0], "a", 1, -1, 0);
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(fd_pass_receive(pair[1], &byte, 1, &fd), 1);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(fd_pass_receive(pair[1], &byte, 1, &fd), -EAGAIN);
	close(pair[0]);
	ck_assert_int_eq(fd_pass_receive(pair[1], &byte, 1, &fd), 0);
	err = fd_pass_send(pair[1], "a", 1, -1, 0);
	ck_assert_int_eq(err, -EPIPE);
	close(pair[1]);
}
END_TEST

/* Neither is taken, and neither stays open. */
START_TEST(two_descriptors)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	char byte = 'a';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = control.bytes,
		            .msg_controllen = sizeof(control.bytes) };
	int pair[2], fds[2] = { 0, 1 }, fd = 7, before;

	make_pair(pair);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_BYTES(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	ck_assert_int_eq(sendmsg(pair[0], &m, 0), 1);
	before = lowest();
	ck_assert_int_eq(fd_pass_receive(pair[1], &byte, 1, &fd), 1);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(lowest(), before);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/fd_pass");

	tcase_add_test(tc, a_descriptor_and_a_message);
	tcase_add_test(tc, without_a_descriptor);
	tcase_add_test(tc, two_descriptors);
	return tc;
}
