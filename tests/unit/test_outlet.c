#include "proxy/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

START_TEST(sockets_are_handed_over)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	int fds[2], status, err = outlet_pair(fds);
	pid_t child;

	ck_assert_int_eq(err, 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(fds[0]);
		outlet_run(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int type = 0, fd = outlet_socket(fds[0], AF_INET, types[i]);
		socklen_t size = sizeof(type);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size), 0);
		ck_assert_int_eq(type, types[i]);
		ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
		ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	ck_assert_int_eq(outlet_socket(fds[0], AF_UNIX, SOCK_STREAM), -EINVAL);
	ck_assert_int_eq(outlet_socket(fds[0], AF_INET, SOCK_RAW), -EINVAL);
	ck_assert_int_eq(send(fds[0], "nonsense", 3, 0), 3); /* is not answered */
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(nobody_is_outside)
{
	int fds[2], err = outlet_pair(fds);

	ck_assert_int_eq(err, 0);
	close(fds[1]);
	ck_assert_int_eq(outlet_socket(fds[0], AF_INET, SOCK_STREAM), -ENETUNREACH);
	ck_assert_int_eq(outlet_socket(-1, AF_INET, SOCK_STREAM), -ENETUNREACH);
	close(fds[0]);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/outlet");

	tcase_add_test(tc, sockets_are_handed_over);
	tcase_add_test(tc, nobody_is_outside);
	return tc;
}
