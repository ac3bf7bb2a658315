#include "proxy/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void connects(struct outlet *outlet)
{
	struct endpoint to = { .addr = { IP_V4, { 127, 0, 0, 1 } } }, none = to;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, other;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	to.port = ntohs(at.sin_port);
	fd = outlet_connect(outlet, &to);
	ck_assert_int_ge(fd, 0);
	other = accept(listener, NULL, NULL);
	ck_assert_int_ge(other, 0);
	close(other);
	close(fd);
	close(listener);
	none.addr.b[0] = 224; /* multicast: at once */
	ck_assert_int_lt(outlet_connect(outlet, &none), 0);
}

/* Answers at the other end in a child, which does first what it is given, if anything. */
static pid_t serve_in_child(const int fds[static 2], void (*first)(void))
{
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(fds[0]);
		if (first)
			first();
		while (outlet_serve(fds[1]))
			continue;
		_exit(0);
	}
	close(fds[1]);
	return child;
}

START_TEST(sockets_are_handed_over)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	int fds[2], status, err = outlet_pair(fds);
	struct outlet outlet = { .fd = fds[0] };
	pid_t child;

	ck_assert_int_eq(err, 0);
	child = serve_in_child(fds, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int type = 0, fd = outlet_socket(&outlet, AF_INET, types[i]);
		socklen_t size = sizeof(type);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size), 0);
		ck_assert_int_eq(type, types[i]);
		ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
		ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	connects(&outlet);
	ck_assert_int_eq(outlet_socket(&outlet, AF_UNIX, SOCK_STREAM), -EINVAL);
	ck_assert_int_eq(outlet_socket(&outlet, AF_INET, SOCK_RAW), -EINVAL);
	ck_assert_int_eq(send(fds[0], "nonsense", 3, 0), 3); /* is not answered */
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

#define NO_OTHER_USER 77

/* More descriptors are on their way than the user may have there, who isn't root. */
static void send_many(void)
{
	enum { MANY = 64 };
	const struct rlimit few = { MANY - 4, MANY - 4 };
	int pair[2], fds[MANY];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(fds)),
		                  .cmsg_level = SOL_SOCKET,
		                  .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = control.bytes,
		            .msg_controllen = sizeof(control.bytes) };

	if (getuid() == 0 && setuid(65534) < 0)
		_exit(NO_OTHER_USER);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		_exit(1);
	for (size_t i = 0; i < MANY; i++)
		fds[i] = pair[0];
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	if (sendmsg(pair[0], &m, 0) < 0 || setrlimit(RLIMIT_NOFILE, &few) < 0)
		_exit(1);
}

/* The proxy doesn't wait for a socket that can't come. */
START_TEST(a_socket_that_cannot_be_sent)
{
	int fds[2], status, made, err = outlet_pair(fds);
	struct outlet outlet = { .fd = fds[0] };
	pid_t child;

	ck_assert_int_eq(err, 0);
	child = serve_in_child(fds, send_many);
	made = outlet_socket(&outlet, AF_INET, SOCK_STREAM);
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_OTHER_USER) {
		unit_lacks("a second user");
		return;
	}
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(made, -ETOOMANYREFS);
}
END_TEST

static void count_line(void *context, enum log_level level, const char *line)
{
	unsigned *count = context;

	ck_assert_int_eq(level, LOG_LEVEL_ERROR);
	ck_assert(strstr(line, "has ended: end the proxy"));
	(*count)++;
}

/* It was killed: this is told once, however many clients ask. */
START_TEST(nobody_is_outside)
{
	int fds[2], err = outlet_pair(fds);
	unsigned lines = 0;
	const struct log log = { LOG_LEVEL_DEBUG, count_line, &lines };
	struct outlet gone = { .fd = fds[0], .log = &log },
		      none = { .fd = -1, .log = &log };

	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(outlet_socket(&none, AF_INET, SOCK_STREAM), -ENETUNREACH);
	ck_assert_uint_eq(lines, 0);
	close(fds[1]);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(outlet_socket(&gone, AF_INET, SOCK_STREAM), -EOWNERDEAD);
	ck_assert_uint_eq(lines, 1);
	close(fds[0]);
}
END_TEST

/* A machine may be so busy that an answer comes when nobody waits for it any more. */
START_TEST(a_late_answer_is_not_taken_for_the_next_one)
{
	int fds[2], type = 0, fd, err = outlet_pair(fds);
	const struct timeval at_once = { .tv_usec = 1000 }, patient = { .tv_sec = 60 };
	struct outlet outlet = { .fd = fds[0] };
	socklen_t size = sizeof(type);
	pid_t child;

	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(
		setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &at_once, sizeof(at_once)),
		0);
	ck_assert_int_eq(outlet_socket(&outlet, AF_INET, SOCK_STREAM), -ENETUNREACH);
	child = serve_in_child(fds, NULL);
	ck_assert_int_eq(
		setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &patient, sizeof(patient)),
		0);
	fd = outlet_socket(&outlet, AF_INET, SOCK_DGRAM);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size), 0);
	ck_assert_int_eq(type, SOCK_DGRAM);
	close(fd);
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/outlet");

	tcase_add_test(tc, sockets_are_handed_over);
	tcase_add_test(tc, a_socket_that_cannot_be_sent);
	tcase_add_test(tc, nobody_is_outside);
	tcase_add_test(tc, a_late_answer_is_not_taken_for_the_next_one);
	return tc;
}
