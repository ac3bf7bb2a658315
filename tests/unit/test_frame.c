#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel/frame.h"

static void pair(struct channel *a, struct channel *b)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
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

/* Every split of the stream into two writes, so that each read is short once. */
START_TEST(short_reads)
{
	struct frame_header h = { be32_put(3), be16_put(9), be16_put(0) };
	char wire[sizeof(h) + 3];

	memcpy(wire, &h, sizeof(h));
	memcpy(wire + sizeof(h), "abc", 3);
	for (size_t cut = 1; cut < sizeof(wire); cut++) {
		struct channel a, b;
		struct frame f;

		pair(&a, &b);
		ck_assert_int_eq(write(a.fd, wire, cut), (ssize_t)cut);
		ck_assert_int_eq(channel_next(&b, &f), 0);
		ck_assert_int_eq(channel_next(&b, &f), 0);
		ck_assert_int_eq(write(a.fd, wire + cut, sizeof(wire) - cut),
		                 (ssize_t)(sizeof(wire) - cut));
		ck_assert_int_eq(channel_next(&b, &f), 1);
		ck_assert_uint_eq(f.type, 9);
		ck_assert_mem_eq(f.body, "abc", 3);
		channel_clear(&a);
		channel_clear(&b);
	}
}
END_TEST

/* Random frames through small socket buffers: short writes, and descriptors must stay
 * with their frames. */
START_TEST(descriptors_stay_with_their_frames)
{
	uint64_t random = unit_seed();
	static uint8_t body[FRAME_BODY_MAX];
	struct channel a, b;
	int files[4], size = 4096;
	unsigned sent = 0, received = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		ck_assert_int_ge(files[i], 0);
	}
	pair(&a, &b);
	ck_assert_int_eq(setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	while (received < 300) {
		struct frame f;
		size_t n = unit_random(&random) %
		           (unit_random(&random) % 8 ? 100 : sizeof(body));

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

static const struct {
	uint32_t body_bytes;
	uint16_t fds;
	const char *why;
} bad_headers[] = {
	{ FRAME_BODY_MAX + 1, 0, "too long" },
	{ UINT32_MAX, 0, "much too long" },
	{ 0, FRAME_FDS_MAX + 1, "too many descriptors" },
	{ 0, 1, "a descriptor that did not come" },
};

START_TEST(bad_frames_are_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_headers); i++) {
		struct frame_header h = { be32_put(bad_headers[i].body_bytes),
			                  be16_put(1), be16_put(bad_headers[i].fds) };
		struct channel a, b;
		struct frame f;

		pair(&a, &b);
		ck_assert_int_eq(write(a.fd, &h, sizeof(h)), sizeof(h));
		ck_assert_msg(channel_next(&b, &f) == -EPROTO, "%s", bad_headers[i].why);
		channel_clear(&a);
		channel_clear(&b);
	}
}
END_TEST

START_TEST(an_end_within_a_frame_is_an_error)
{
	struct channel a, b;
	struct frame f;

	pair(&a, &b);
	ck_assert_int_eq(write(a.fd, "\0\0\0", 3), 3);
	channel_clear(&a);
	ck_assert_int_eq(channel_next(&b, &f), -EPROTO);
	channel_clear(&b);
}
END_TEST

/* More descriptors than any frame may have, without a frame to take them. */
START_TEST(a_flood_of_descriptors_is_refused)
{
	struct channel a, b;
	struct frame f;
	int got = 0;

	pair(&a, &b);
	for (int i = 0; i < 40 && got == 0; i++) {
		union {
			struct cmsghdr align;
			uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
		} control = { .align = { .cmsg_len = CMSG_LEN(2 * sizeof(int)),
			                 .cmsg_level = SOL_SOCKET,
			                 .cmsg_type = SCM_RIGHTS } };
		uint8_t byte = 0;
		struct iovec iov = { &byte, 1 };
		struct msghdr m = { .msg_iov = &iov,
			            .msg_iovlen = 1,
			            .msg_control = control.bytes,
			            .msg_controllen = sizeof(control.bytes) };
		int fds[2] = { a.fd, a.fd };

		memcpy(CMSG_DATA(&control.align), fds, sizeof(fds));
		ck_assert_int_eq(sendmsg(a.fd, &m, 0), 1);
		got = channel_next(&b, &f);
		frame_close_fds(&f);
		if (got == 1) /* eight zero bytes are an empty frame of type 0 */
			got = 0;
	}
	ck_assert_int_eq(got, -EPROTO);
	channel_clear(&a);
	channel_clear(&b);
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
	tcase_add_test(tc, short_reads);
	tcase_add_test(tc, descriptors_stay_with_their_frames);
	tcase_add_test(tc, bad_frames_are_refused);
	tcase_add_test(tc, an_end_within_a_frame_is_an_error);
	tcase_add_test(tc, a_flood_of_descriptors_is_refused);
	tcase_add_test(tc, what_is_too_large_is_not_sent);
	return tc;
}
