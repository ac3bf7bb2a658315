/* Bytes that go through pipes: none is lost and none comes twice, also when more receivers
 * don't read than there are pipes. */
#include "proxy/half.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/kernel_stack.h"
#include "proxy_lab.h"
#include "unit.h"

#define BLOCK 65536
#define LINES 4
#define PIPES 2 /* that are left for them */

/* source -> [from, half, to] -> sink */
struct line {
	int source, sink;
	struct stream *from, *to;
	struct half half;
	uint64_t sent, received;
	bool ended;
};

struct fixture {
	struct loop *loop;
	struct pipes pipes;
	struct half_space space;
	struct line lines[LINES];
};

/* The bytes of a stream from `at` on. */
static void fill(uint8_t *bytes, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)((at + i) * 31 >> 3);
}

static void connect_pair(int *far, struct stream **near, struct loop *loop)
{
	const int small = 65536;
	struct sockaddr_in at;
	int listener = proxy_lab_listen_at(&at, 1), fd;

	*far = proxy_lab_connect_to(&at);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	(void)setsockopt(*far, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	ck_assert_int_eq(kernel_stream_new(near, loop, fd), 0);
	close(listener);
}

/* qemu's emulation of a system may not have it. */
static bool has_splice(void)
{
	int fds[2], n;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	n = (int)splice(fds[0], NULL, fds[1], NULL, 1, SPLICE_F_NONBLOCK);
	n = n < 0 ? errno : 0;
	close(fds[0]);
	close(fds[1]);
	if (n == ENOSYS)
		unit_lacks("splice");
	return n != ENOSYS;
}

static void begin(struct fixture *f, size_t taken)
{
	static uint8_t bytes[2 * BLOCK];

	*f = (struct fixture){ .pipes.taken = taken };
	f->space = (struct half_space){ bytes, sizeof(bytes), &f->pipes };
	signal(SIGPIPE, SIG_IGN); /* as the process of the proxy does */
	ck_assert_int_eq(loop_new(&f->loop), 0);
	for (size_t i = 0; i < LINES; i++) {
		struct line *l = &f->lines[i];

		connect_pair(&l->source, &l->from, f->loop);
		connect_pair(&l->sink, &l->to, f->loop);
		l->half = (struct half){ .from = l->from, .to = l->to };
	}
}

static void end(struct fixture *f)
{
	for (size_t i = 0; i < LINES; i++) {
		struct line *l = &f->lines[i];

		half_clear(&l->half);
		l->from->ops->close(l->from, false);
		l->to->ops->close(l->to, false);
		close(l->source);
		close(l->sink);
	}
	pipes_clear(&f->pipes);
	loop_free(f->loop);
}

static void move(struct fixture *f, struct line *l)
{
	switch (half_move(&l->half, NULL, &f->space)) {
	case HALF_WAITS:
	case HALF_AGAIN:
		break;
	case HALF_ENDED:
		l->ended = true;
		break;
	case HALF_BODY_ENDED:
	case HALF_BROKEN:
		ck_abort_msg("it is broken");
	}
}

/* Sends until the half can't pass on any more. */
static void flood(struct fixture *f, struct line *l)
{
	static uint8_t block[BLOCK];

	for (int i = 0; i < ROUNDS && !l->half.blocked; i++) {
		ssize_t n;

		fill(block, l->sent, BLOCK);
		n = send(l->source, block, BLOCK, MSG_DONTWAIT | MSG_NOSIGNAL);
		l->sent += n > 0 ? (uint64_t)n : 0;
		move(f, l);
	}
	ck_assert(l->half.blocked);
}

static void read_all(struct fixture *f, struct line *l)
{
	static uint8_t expected[BLOCK], got[BLOCK];
	uint64_t until_ns = loop_now_ns() + 60 * NS_PER_SEC;
	ssize_t n;

	while ((n = recv(l->sink, got, BLOCK, MSG_DONTWAIT)) != 0) {
		ck_assert_uint_lt(loop_now_ns(), until_ns);
		if (n > 0) {
			fill(expected, l->received, (size_t)n);
			ck_assert_mem_eq(got, expected, (size_t)n);
			l->received += (uint64_t)n;
		}
		move(f, l);
	}
	ck_assert_uint_eq(l->received, l->sent);
	ck_assert_uint_eq(l->half.moved_bytes, l->sent);
	ck_assert(l->ended);
}

START_TEST(more_than_there_are_pipes)
{
	struct fixture f;

	if (!has_splice())
		return;
	begin(&f, PIPES_MAX - PIPES);
	for (size_t i = 0; i < LINES; i++) {
		struct line *l = &f.lines[i];

		flood(&f, l);
		ck_assert((l->half.piped_n > 0) == (i < PIPES));
		ck_assert_int_eq(shutdown(l->source, SHUT_WR), 0);
	}
	for (size_t i = 0; i < LINES; i++)
		read_all(&f, &f.lines[LINES - 1 - i]);
	ck_assert_uint_eq(f.pipes.taken, PIPES_MAX - PIPES);
	end(&f);
}
END_TEST

/* What is in a pipe when a connection ends doesn't come out of another one. */
START_TEST(a_full_pipe_is_not_used_again)
{
	struct fixture f;

	if (!has_splice())
		return;
	begin(&f, 0);
	flood(&f, &f.lines[0]);
	ck_assert_uint_gt(f.lines[0].half.piped_n, 0);
	half_clear(&f.lines[0].half);
	ck_assert_uint_eq(f.pipes.taken, 0);
	flood(&f, &f.lines[1]);
	ck_assert_int_eq(shutdown(f.lines[1].source, SHUT_WR), 0);
	read_all(&f, &f.lines[1]);
	end(&f);
}
END_TEST

/* Where the system refuses to splice, bytes are copied. */
START_TEST(without_splice)
{
	struct fixture f;

	begin(&f, 0);
	f.pipes.useless = true;
	flood(&f, &f.lines[0]);
	ck_assert_uint_eq(f.lines[0].half.piped_n, 0);
	ck_assert_int_eq(shutdown(f.lines[0].source, SHUT_WR), 0);
	read_all(&f, &f.lines[0]);
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/half");

	tcase_add_test(tc, more_than_there_are_pipes);
	tcase_add_test(tc, a_full_pipe_is_not_used_again);
	tcase_add_test(tc, without_splice);
	return tc;
}
