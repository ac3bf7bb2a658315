#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmsg.h"
#include "channel/frame.h"

static void pair(struct channel *a, struct channel *b)
{
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_init(a, fds[0]), 0);
	ck_assert_int_eq(channel_init(b, fds[1]), 0);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	ck_assert_int_eq(fstat(a, &x), 0);
	ck_assert_int_eq(fstat(b, &y), 0);
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

START_TEST(frames_come_whole_and_in_order)
{
	struct channel a, b;
	struct frame f;

	pair(&a, &b);
	ck_assert_int_eq(channel_next(&b, &f), 0);
	ck_assert_int_eq(channel_send(&a, 7, "hello", 5, NULL, 0), 0);
	ck_assert_int_eq(channel_send(&a, 8, NULL, 0, NULL, 0), 0);
	ck_assert(channel_pending(&a));
	ck_assert_int_eq(channel_write(&a), 0);
	ck_assert(!channel_pending(&a));
	ck_assert_int_eq(channel_next(&b, &f), 1);
	ck_assert_uint_eq(f.type, 7);
	ck_assert_uint_eq(f.body_bytes, 5);
	ck_assert_mem_eq(f.body, "hello", 5);
	ck_assert_int_eq(channel_next(&b, &f), 1);
	ck_assert_uint_eq(f.type, 8);
	ck_assert_uint_eq(f.body_bytes, 0);
	ck_assert_int_eq(channel_next(&b, &f), 0);
	channel_clear(&a);
	ck_assert_int_eq(channel_next(&b, &f), -ENOTCONN);
	channel_clear(&b);
}
END_TEST

/* Random frames through a small socket buffer, which is full most of the time. */
START_TEST(descriptors_stay_with_their_frames)
{
	uint64_t random = unit_seed();
	static uint8_t body[FRAME_BODY_MAX];
	struct channel a, b;
	int files[4], size = FRAME_BODY_MAX + 4096;
	unsigned sent = 0, received = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		ck_assert_int_ge(files[i], 0);
	}
	pair(&a, &b);
	ck_assert_int_eq(setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	while (received < 300) {
		struct frame f;
		size_t most = unit_random(&random) % 8 ? 100 : sizeof(body);
		size_t n = unit_below(&random, most);

		if (sent < 300 && unit_random(&random) % 2) {
			/* the frame's number says everything about it */
			memset(body, (int)(sent & 0xff), n);
			ck_assert_int_eq(channel_send(&a, (uint16_t)sent, body, n,
			                              &files[sent % 3], sent % 3),
			                 0);
			sent++;
		}
		ck_assert_int_eq(channel_write(&a), 0);
		while (channel_next(&b, &f) == 1) {
			ck_assert_uint_eq(f.type, received);
			memset(body, (int)(received & 0xff), sizeof(body));
			ck_assert_int_eq(memcmp(f.body, body, f.body_bytes), 0);
			ck_assert_uint_eq(f.fd_count, received % 3);
			for (size_t i = 0; i < f.fd_count; i++)
				ck_assert(same_file(f.fds[i], files[received % 3 + i]));
			frame_close_fds(&f);
			received++;
		}
	}
	channel_clear(&a);
	channel_clear(&b);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		close(files[i]);
}
END_TEST

/* Sends bytes as they are, with n times the descriptor 0 beside them. */
static void send_raw(struct channel *to, const void *bytes, size_t size, size_t n)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(2 * FRAME_FDS_MAX * sizeof(int))];
	} control = { .align = { .cmsg_len = CMSG_BYTES(n * sizeof(int)),
		                 .cmsg_level = SOL_SOCKET,
		                 .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (void *)(uintptr_t)bytes, size };
	struct msghdr m = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = n ? control.bytes : NULL,
		            .msg_controllen = n ? CMSG_SPACE_BYTES(n * sizeof(int)) : 0 };
	int fds[2 * FRAME_FDS_MAX];

	for (size_t i = 0; i < n; i++)
		fds[i] = to->fd;
	memcpy(CMSG_DATA(&control.align), fds, n * sizeof(int));
	ck_assert_int_eq(sendmsg(to->fd, &m, 0), (ssize_t)size);
}

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static const struct {
	size_t bytes; /* sent */
	uint16_t says_fds;
	size_t fds;
	const char *why;
} bad_frames[] = {
	{ 3, 0, 0, "half a header" },
	{ sizeof(struct frame_header) + FRAME_BODY_MAX + 1, 0, 0, "too long" },
	{ 4, 1, 0, "a descriptor that did not come" },
	{ 4, 0, 1, "a descriptor that it does not speak of" },
	{ 4, 3, 2, "too few descriptors" },
	{ 4, FRAME_FDS_MAX, FRAME_FDS_MAX + 1, "one descriptor too many" },
	{ 4, FRAME_FDS_MAX + 1, FRAME_FDS_MAX + 1, "more than a frame may have" },
	{ 4, 2 * FRAME_FDS_MAX, 2 * FRAME_FDS_MAX, "far too many descriptors" },
	{ 0, 0, 1, "descriptors without a byte" },
};

/* And the descriptors that came with them are closed. */
START_TEST(bad_frames_are_refused)
{
	static uint8_t bytes[sizeof(struct frame_header) + FRAME_BODY_MAX + 1];
	struct frame_header h = { be16_put(1), be16_put(bad_frames[_i].says_fds) };
	struct channel a, b;
	struct frame f;
	int before;

	memcpy(bytes, &h, sizeof(h));
	pair(&a, &b);
	before = open_descriptors();
	send_raw(&a, bytes, bad_frames[_i].bytes, bad_frames[_i].fds);
	ck_assert_msg(channel_next(&b, &f) == -EPROTO, "%s", bad_frames[_i].why);
	ck_assert_uint_eq(f.fd_count, 0);
	ck_assert_int_eq(open_descriptors(), before);
	channel_clear(&a);
	channel_clear(&b);
}
END_TEST

/* Frames that nobody reads wait here, whole; the other end gets them all later. */
START_TEST(a_full_socket_keeps_frames_waiting)
{
	static uint8_t body[FRAME_BODY_MAX];
	struct channel a, b;
	struct frame f;
	uint16_t got = 0;

	pair(&a, &b);
	for (uint16_t i = 0; i < 50; i++)
		ck_assert_int_eq(channel_send(&a, i, body, sizeof(body), &a.fd, 1), 0);
	ck_assert_int_eq(channel_write(&a), 0);
	ck_assert(channel_pending(&a));
	while (got < 50) {
		int next = channel_next(&b, &f);

		if (next == 1) {
			ck_assert_uint_eq(f.type, got++);
			ck_assert_uint_eq(f.body_bytes, sizeof(body));
			ck_assert_uint_eq(f.fd_count, 1);
			frame_close_fds(&f);
		}
		ck_assert_int_ge(next, 0);
		ck_assert_int_eq(channel_write(&a), 0);
	}
	ck_assert(!channel_pending(&a));
	channel_clear(&a);
	channel_clear(&b);
}
END_TEST

/* What was never sent is let go, with its descriptors. */
START_TEST(clear_frees_what_waits)
{
	struct channel a, b;
	int before = open_descriptors();

	pair(&a, &b);
	ck_assert_int_eq(channel_send(&a, 1, "x", 1, (int[]){ 0, 0 }, 2), 0);
	channel_clear(&b);
	ck_assert_int_eq(channel_write(&a), -EPIPE);
	channel_clear(&a);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(what_is_too_large_is_not_sent)
{
	static uint8_t body[FRAME_BODY_MAX + 1];
	struct channel a, b;
	int fds[FRAME_FDS_MAX + 1] = { 0 };

	pair(&a, &b);
	ck_assert_int_eq(channel_send(&a, 1, body, sizeof(body), NULL, 0), -EMSGSIZE);
	ck_assert_int_eq(channel_send(&a, 1, body, 0, fds, ARRAY_SIZE(fds)), -EMSGSIZE);
	ck_assert_int_eq(channel_send(&a, 1, body, 0, &(int){ -1 }, 1), -EBADF);
	ck_assert(!channel_pending(&a));
	channel_clear(&a);
	channel_clear(&b);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("channel/frame");

	tcase_add_test(tc, frames_come_whole_and_in_order);
	tcase_add_test(tc, descriptors_stay_with_their_frames);
	tcase_add_loop_test(tc, bad_frames_are_refused, 0, ARRAY_SIZE(bad_frames));
	tcase_add_test(tc, a_full_socket_keeps_frames_waiting);
	tcase_add_test(tc, clear_frees_what_waits);
	tcase_add_test(tc, what_is_too_large_is_not_sent);
	return tc;
}
