/* The test is the app, and also the worker, whose end of the channel it reads. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "base/unix_socket.h"
#include "channel/command.h"
#include "supervisor/given_tun.h"

static struct worker_child worker;
static struct channel channel; /* the worker's end */
static struct log said;
static struct ending ending;
static struct given_tun given;
static struct loop *loop;
static int fd;
static char name[64];

static size_t lines;

static void count_line(void *context, enum log_level level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
	lines++;
}

static void set_up(void)
{
	int pair[2];

	snprintf(name, sizeof(name), "@test_given_tun.%ld", (long)getpid());
	ck_assert_int_eq(channel_pair(pair), 0);
	worker = (struct worker_child){ .pid = 1 };
	ck_assert_int_eq(channel_init(&worker.channel, pair[0]), 0);
	ck_assert_int_eq(channel_init(&channel, pair[1]), 0);
	said = (struct log){ LOG_LEVEL_DEBUG, count_line, NULL };
	ending = (struct ending){ 0 };
	given = (struct given_tun){ .wanted = true,
		                    .name = name,
		                    .fd = &fd,
		                    .log = &said,
		                    .ending = &ending,
		                    .worker = &worker };
	ck_assert_int_eq(loop_new(&loop), 0);
}

static void tear_down(void)
{
	given_tun_end(&given);
	loop_free(loop);
	permit_clear(&worker.permit);
	channel_clear(&worker.channel);
	channel_clear(&channel);
}

static void start(int tun)
{
	struct diag diag = { 0 };

	ck_assert_int_eq(given_tun_init(&given, tun, &diag), 0);
	ck_assert_int_eq(given_tun_start(&given, loop), 0);
	diag_clear(&diag);
}

/* Whatever is ready: a client that has come, and what it says. */
static void run(void)
{
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(loop_wait(loop, loop_now_ns()), 0);
}

/* Sends it; returns the answer, or -1 if there is none. */
static int give(int tun)
{
	int client = unix_connect(name);
	unsigned char byte = 77;
	ssize_t got;

	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(fd_pass_send(client, "", 1, tun, 0), 0);
	run();
	got = recv(client, &byte, 1, MSG_DONTWAIT);
	close(client);
	run();
	return got == 1 ? byte : -1;
}

static bool worker_has_one(void)
{
	struct command m;
	bool has;

	ck_assert_int_eq(channel_write(&worker.channel), 0);
	has = command_next(&channel, &m) > 0;
	if (has) {
		ck_assert_int_eq(m.type, COMMAND_TUN);
		ck_assert_uint_eq(m.fd_count, 1);
		command_clear(&m);
	}
	return has;
}

static void worker_answers(void)
{
	struct command m = command_of(COMMAND_REPLY, NULL);
	struct permit_due due;

	m.request = COMMAND_TUN;
	ck_assert(permit_reply(&worker.permit, &m, &due));
}

START_TEST(each_one_replaces_the_one_before)
{
	int first[2], second[2];
	char byte;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, first), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, second), 0);
	start(-1);
	ck_assert_int_eq(give(first[0]), 0);
	ck_assert(worker_has_one());
	close(first[0]);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(give(second[0]), 0);
	ck_assert(worker_has_one());
	ck_assert_int_eq(recv(first[1], &byte, 1, MSG_DONTWAIT), 0); /* nobody has it */
	ck_assert(!worker_has_one());
	close(first[1]);
	close(second[0]);
	close(second[1]);
}
END_TEST

START_TEST(what_is_no_tun_is_refused)
{
	int stream[2], file = open("/dev/null", O_RDWR);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	start(-1);
	ck_assert_int_eq(give(stream[0]), 1);
	ck_assert_int_eq(give(file), 1);
	ck_assert_int_eq(give(-1), 1); /* a byte alone */
	ck_assert(!worker_has_one());
	ck_assert_int_eq(fd, -1);
	close(stream[0]);
	close(stream[1]);
	close(file);
}
END_TEST

START_TEST(without_another_one_a_loss_is_the_end)
{
	int pair[2];
	uint64_t now_ns = loop_now_ns(), due_ns;
	size_t before;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	start(pair[0]);
	before = lines;
	ck_assert(given_tun_lost(&given, -ENOTCONN));
	ck_assert_uint_ge(given_tun_deadline_ns(&given), now_ns + GIVEN_TUN_GRACE_NS);
	due_ns = given_tun_deadline_ns(&given);
	/* a worker that says it again gains no time by that */
	ck_assert_uint_gt(loop_now_ns(), now_ns);
	ck_assert(given_tun_lost(&given, -ENOTCONN));
	ck_assert_uint_eq(given_tun_deadline_ns(&given), due_ns);
	ck_assert_uint_eq(lines, before + 1);
	given_tun_run(&given, due_ns - 1);
	ck_assert(!ending.wanted);
	given_tun_run(&given, given_tun_deadline_ns(&given));
	ck_assert(ending.wanted && given.revoked && ending.error == 0);
	close(pair[1]);
}
END_TEST

START_TEST(another_one_comes_in_time)
{
	int pair[2], next[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, next), 0);
	start(pair[0]);
	ck_assert(given_tun_lost(&given, -ENOTCONN));
	ck_assert_int_eq(give(next[0]), 0);
	ck_assert_uint_eq(given_tun_deadline_ns(&given), NEVER_NS);
	/* the worker said this before it got the new one */
	ck_assert(given_tun_lost(&given, -EIO));
	ck_assert_uint_eq(given_tun_deadline_ns(&given), NEVER_NS);
	worker_answers();
	ck_assert(given_tun_lost(&given, -EIO));
	ck_assert_uint_ne(given_tun_deadline_ns(&given), NEVER_NS);
	close(pair[1]);
	close(next[0]);
	close(next[1]);
}
END_TEST

START_TEST(an_instance_without_an_app)
{
	given.wanted = false;
	ck_assert_int_eq(given_tun_start(&given, loop), 0);
	ck_assert(!given_tun_lost(&given, -EIO));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/given_tun");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, each_one_replaces_the_one_before);
	tcase_add_test(tc, what_is_no_tun_is_refused);
	tcase_add_test(tc, without_another_one_a_loss_is_the_end);
	tcase_add_test(tc, another_one_comes_in_time);
	tcase_add_test(tc, an_instance_without_an_app);
	return tc;
}
