#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/worker_child.h"

/* ---- different kinds of workers */

static int wait_command(struct channel *c, struct command *m)
{
	int got;

	while ((got = command_next(c, m)) == 0) {
		struct pollfd p = { c->fd, POLLIN, 0 };

		if (channel_write(c) < 0)
			_exit(9);
		if (channel_pending(c))
			p.events |= POLLOUT;
		(void)poll(&p, 1, -1);
	}
	return got;
}

static void answer(struct channel *c, const struct command *m, int result)
{
	struct command reply = command_of(COMMAND_REPLY, m->name);

	reply.request = m->type;
	reply.result = result;
	if (command_send(c, &reply) < 0 || channel_write(c) < 0)
		_exit(9);
}

static void say(struct channel *c, const char *text)
{
	struct command log = command_of(COMMAND_LOG, NULL);

	log.text = text;
	log.text_bytes = strlen(text);
	if (command_send(c, &log) < 0)
		_exit(9);
}

static int result_in(const struct command *m)
{
	return m->name[0] == '=' ? (int)strtol(m->name + 1, NULL, 10) : 0;
}

/* Answers "w" in the name of another device. Refuses devices whose names begin with "r", sends what is no message at "g", dies at "d",
 * ends at "e", is silent from "s" on, answers "=NUMBER" with this result and "2" twice, and
 * sends itself a request at "t". */
static int obey(int channel_fd, pid_t supervisor, const struct worker_options *options)
{
	struct channel c;
	struct command m;
	bool silent = false;

	if (supervisor != getppid() || !options->no_offload ||
	    channel_init(&c, channel_fd) < 0)
		return 9;
	while (wait_command(&c, &m) > 0) {
		silent |= m.name[0] == 's';
		if (m.name[0] == 'd')
			raise(SIGKILL);
		if (m.name[0] == 'e')
			_exit(5);
		if (m.name[0] == 'g' && send(channel_fd, "?", 1, 0) != 1)
			_exit(9);
		say(&c, m.name);
		if (m.name[0] == 't' && command_send(&c, &m) < 0)
			_exit(9);
		if (m.name[0] == 'w')
			m.name[0] = 'W';
		if (!silent)
			answer(&c, &m, m.name[0] == 'r' ? -EEXIST : result_in(&m));
		if (m.name[0] == '2')
			answer(&c, &m, 0);
		command_clear(&m);
	}
	channel_clear(&c);
	return 7;
}

/* It doesn't even notice that the channel is closed. */
static int hang(int channel_fd, pid_t supervisor, const struct worker_options *options)
{
	(void)channel_fd;
	(void)supervisor;
	(void)options;
	while (pause() < 0)
		;
	return 0;
}

/* Talks as fast as it can, and never answers. */
static int chatter(int channel_fd, pid_t supervisor, const struct worker_options *options)
{
	struct channel c;
	int err = channel_init(&c, channel_fd);

	(void)supervisor;
	(void)options;
	while (!err) {
		struct pollfd p = { c.fd, POLLOUT, 0 };

		say(&c, "bla");
		(void)poll(&p, 1, -1);
		err = channel_write(&c);
	}
	channel_clear(&c);
	return 0;
}

/* ---- the supervisor's side */

static struct worker_child child;
static size_t heard;
static int forgotten; /* in the worker's process */

static int hear(void *context, struct command *m)
{
	ck_assert_ptr_eq(context, &child);
	if (m->type != COMMAND_LOG)
		return -EPROTO;
	heard++;
	return 0;
}

static struct worker_options options;

/* What belongs to the supervisor is gone afterwards, its options too. */
static void forget(void *context)
{
	if (context == &child)
		forgotten++;
	options = (struct worker_options){ 0 };
}

static void begin(int (*run)(int, pid_t, const struct worker_options *))
{
	options = (struct worker_options){ .log_level = LOG_LEVEL_INFO,
		                           .no_offload = true };
	child = (struct worker_child){ .channel.fd = -1,
		                       .interrupt_fd = -1,
		                       .silence_ms = 10000,
		                       .end_ms = 10000,
		                       .entry = { .run = run },
		                       .handle = hear,
		                       .context = &child };
	heard = 0;
	ck_assert_int_eq(worker_child_start(&child, &options, true, forget, &child), 0);
	ck_assert_int_gt(child.pid, 0);
}

static void request(const char *name)
{
	struct command m = command_of(COMMAND_DEVICE_START, name);

	ck_assert_int_eq(worker_child_send(&child, &m), 0);
}

static void check_explained(int err, const char *text)
{
	struct diag diag = { 0 };

	worker_child_explain(&child, err, &diag);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_msg(strstr(diag.entries[0].text, text), "%s", diag.entries[0].text);
	diag_clear(&diag);
}

START_TEST(all_replies_are_waited_for)
{
	begin(obey);
	ck_assert_int_eq(worker_child_wait(&child), 0); /* nothing was asked */
	for (int i = 0; i < 100; i++)
		request("a");
	ck_assert_uint_eq(child.permit.due_count, 100);
	ck_assert_int_eq(worker_child_wait(&child), 0);
	ck_assert_uint_eq(child.permit.due_count, 0);
	ck_assert_uint_eq(child.answered, 100);
	ck_assert_uint_eq(heard, 100);
	ck_assert_int_eq(forgotten, 0);
	ck_assert_int_eq(WEXITSTATUS(worker_child_stop(&child)), 7);
	ck_assert_int_eq(child.pid, 0);
	ck_assert_int_eq(worker_child_stop(&child), 0);
}
END_TEST

START_TEST(the_first_refusal_counts)
{
	begin(obey);
	request("a");
	request("r1");
	request("r2");
	ck_assert_int_eq(worker_child_wait(&child), -EEXIST);
	check_explained(-EEXIST, "refuses device-start r1");
	request("a");
	ck_assert_int_eq(worker_child_wait(&child), 0);
	worker_child_stop(&child);
}
END_TEST

START_TEST(one_that_dies)
{
	int status, err;

	begin(obey);
	request("a");
	request("d");
	request("a");
	ck_assert_int_lt(worker_child_wait(&child), 0);
	check_explained(-ENOTCONN, "does not answer");
	status = worker_child_stop(&child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	begin(obey);
	request("r1");
	ck_assert_int_eq(worker_child_wait(&child), -EEXIST);
	request("e");
	request("a");
	request("a");
	err = worker_child_wait(&child);
	ck_assert_int_lt(err, 0);
	check_explained(err, "the worker process does not answer");
	ck_assert_int_eq(WEXITSTATUS(worker_child_stop(&child)), 5);
}
END_TEST

/* The loop starts another one, although it is not the loop that has read this. */
START_TEST(one_that_talks_nonsense)
{
	begin(obey);
	request("g");
	ck_assert_int_eq(worker_child_wait(&child), -EPROTO);
	ck_assert_int_eq(child.broken, -EPROTO);
	check_explained(-EPROTO, "does not answer");
	ck_assert_int_eq(worker_child_wait(&child), -EPROTO);
	ck_assert_int_eq(worker_child_dispatch(&child), -EPROTO);
	worker_child_stop(&child);
	begin(obey);
	request("a");
	ck_assert_int_eq(worker_child_wait(&child), 0);
	ck_assert_int_eq(child.broken, 0);
	worker_child_stop(&child);
}
END_TEST

/* Otherwise it could put any name into our errors. */
START_TEST(one_that_answers_what_was_not_asked)
{
	begin(obey);
	request("a");
	request("w");
	ck_assert_int_eq(worker_child_wait(&child), -EPROTO);
	ck_assert_uint_eq(child.answered, 1);
	worker_child_stop(&child);
}
END_TEST

/* The supervisor waits for it once. After that it does not hold up anybody. */
START_TEST(one_that_is_silent)
{
	begin(obey);
	child.silence_ms = 50;
	request("s");
	ck_assert_int_eq(worker_child_wait(&child), -ETIMEDOUT);
	ck_assert(child.late);
	check_explained(-ETIMEDOUT, "does not answer; kill -9");
	child.silence_ms = 60000;
	ck_assert_int_eq(worker_child_wait(&child), -ETIMEDOUT);
	ck_assert_int_eq(worker_child_dispatch(&child), 0);
	ck_assert(child.late);
	worker_child_stop(&child);
	ck_assert(!child.late);
}
END_TEST

START_TEST(one_that_is_stopped_and_goes_on)
{
	struct pollfd p = { .events = POLLIN };

	begin(obey);
	child.silence_ms = 50;
	ck_assert_int_eq(kill(child.pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(child.pid, &(int){ 0 }, WUNTRACED), child.pid);
	request("a");
	request("a");
	ck_assert_int_eq(worker_child_wait(&child), -ETIMEDOUT);
	check_explained(-ETIMEDOUT, "it is stopped; kill -CONT");
	ck_assert_int_eq(kill(child.pid, SIGCONT), 0);
	p.fd = child.channel.fd;
	while (child.late) {
		ck_assert_int_eq(poll(&p, 1, -1), 1);
		ck_assert_int_eq(worker_child_dispatch(&child), 0);
	}
	ck_assert_uint_eq(child.permit.due_count, 0);
	worker_child_stop(&child);
}
END_TEST

START_TEST(an_interrupt_ends_a_wait)
{
	begin(obey);
	child.interrupt_fd = eventfd(1, EFD_CLOEXEC);
	request("s");
	ck_assert_int_eq(worker_child_wait(&child), -EINTR);
	check_explained(-EINTR, "interrupted");
	close(child.interrupt_fd);
	child.interrupt_fd = -1;
	worker_child_stop(&child);
}
END_TEST

/* These requests do not fit into the socket: sending waits until the worker has read
 * them. */
START_TEST(more_than_the_socket_takes)
{
	static char text[COMMAND_TEXT_MAX];
	struct command m = command_of(COMMAND_DEVICE_UAPI, "a");

	memset(text, 'x', sizeof(text));
	m.text = text;
	m.text_bytes = sizeof(text);
	begin(obey);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(worker_child_send(&child, &m), 0);
	ck_assert_int_eq(worker_child_wait(&child), 0);
	ck_assert_uint_eq(child.answered, 200);
	worker_child_stop(&child);
}
END_TEST

/* Otherwise signals and clients would never be served. */
START_TEST(one_that_never_stops_talking)
{
	begin(chatter);
	while (heard == 0)
		ck_assert_int_eq(worker_child_dispatch(&child), 0);
	ck_assert_uint_le(heard, 1000);
	child.silence_ms = 30;
	request("a");
	ck_assert_int_eq(worker_child_wait(&child), -ETIMEDOUT);
	child.late = false;
	child.silence_ms = 10000;
	child.interrupt_fd = eventfd(1, EFD_CLOEXEC);
	ck_assert_int_eq(worker_child_wait(&child), -EINTR);
	close(child.interrupt_fd);
	worker_child_stop(&child);
}
END_TEST

/* What worker_child_wait returns if one says this. */
static const struct {
	const char *says;
	int returned;
	bool broken;
} lies[] = {
	{ "=1", -EPROTO, true },
	{ "=2147483647", -EPROTO, true },
	{ "=-2147483648", -EPROTO, true },
	{ "=-4096", -EPROTO, true },
	{ "=-4095", -4095, false },
	{ "t", -EPROTO, true },
	/* these would mean that it is the supervisor who has to end, or to give up */
	{ "=-4", -EIO, false },
	{ "=-107", -EIO, false },
	{ "=-110", -EIO, false },
	{ "=-71", -EIO, false },
};
_Static_assert(EINTR == 4 && ENOTCONN == 107 && ETIMEDOUT == 110 && EPROTO == 71,
               "the numbers in the table");

START_TEST(one_that_lies)
{
	begin(obey);
	request(lies[_i].says);
	ck_assert_int_eq(worker_child_wait(&child), lies[_i].returned);
	ck_assert_int_eq(child.broken, lies[_i].broken ? -EPROTO : 0);
	ck_assert(!child.late);
	worker_child_stop(&child);
}
END_TEST

START_TEST(one_that_answers_twice)
{
	int err = 0;

	begin(obey);
	request("2");
	/* the second answer may come after the wait */
	for (int i = 0; i < 2 && !err; i++) {
		request("a");
		err = worker_child_wait(&child);
	}
	while (!err)
		err = worker_child_dispatch(&child);
	ck_assert_int_eq(err, -EPROTO);
	worker_child_stop(&child);
}
END_TEST

/* It could use the pause for more. */
START_TEST(one_that_talks_nonsense_is_killed_at_once)
{
	int status;

	begin(hang);
	child.broken = -EPROTO;
	/* otherwise the test runs into its time limit */
	status = worker_child_stop(&child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

/* What it says makes the supervisor send more and more. */
START_TEST(one_that_never_reads)
{
	static const char text[COMMAND_TEXT_MAX];
	struct command m = command_of(COMMAND_DEVICE_UAPI, "a");
	size_t n = 0;
	int status;

	begin(hang);
	m.text = text;
	m.text_bytes = sizeof(text);
	while (child.broken == 0 && n++ < 2 * WORKER_UNREAD_MAX / sizeof(text)) {
		ck_assert_int_eq(worker_child_send(&child, &m), 0);
		ck_assert_int_eq(worker_child_dispatch(&child), child.broken);
	}
	ck_assert_int_eq(child.broken, -ETIMEDOUT);
	status = worker_child_stop(&child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST(one_that_does_not_end_is_killed)
{
	int status;

	begin(hang);
	child.end_ms = 30;
	status = worker_child_stop(&child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/worker_child");

	tcase_add_test(tc, all_replies_are_waited_for);
	tcase_add_test(tc, the_first_refusal_counts);
	tcase_add_test(tc, one_that_dies);
	tcase_add_test(tc, one_that_talks_nonsense);
	tcase_add_test(tc, one_that_answers_what_was_not_asked);
	tcase_add_test(tc, one_that_is_silent);
	tcase_add_test(tc, one_that_is_stopped_and_goes_on);
	tcase_add_test(tc, an_interrupt_ends_a_wait);
	tcase_add_test(tc, more_than_the_socket_takes);
	tcase_add_test(tc, one_that_never_stops_talking);
	tcase_add_loop_test(tc, one_that_lies, 0, (int)ARRAY_SIZE(lies));
	tcase_add_test(tc, one_that_answers_twice);
	tcase_add_test(tc, one_that_talks_nonsense_is_killed_at_once);
	tcase_add_test(tc, one_that_never_reads);
	tcase_add_test(tc, one_that_does_not_end_is_killed);
	return tc;
}
