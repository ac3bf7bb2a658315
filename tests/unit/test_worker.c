/* The worker as a process: the test forks it, and plays its supervisor over the channel.
 * The sandbox is replaced by the linker; test_sandbox has the real one. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "worker/worker.h"
#include "worker_lab.h"

#define PATIENCE_MS 30000
#define STATUSES    200

/* ---- failures that the linker puts in the worker's way */

static struct {
	int sandbox_result; /* what sandbox_enter returns */
	bool path_news;     /* udp_path_news returns true once */
	int wait_result;    /* what loop_wait returns, if not 0 */
	/* So many times loop_wait does not wait: it moves the clock to the deadline. */
	unsigned leaps;
	uint64_t leapt_ns; /* how far the clock is ahead */
} fake;

int __wrap_sandbox_enter(struct sandbox *s, const struct sandbox_inmate *inmate);
bool __real_udp_path_news(struct udp_scratch *scratch);
bool __wrap_udp_path_news(struct udp_scratch *scratch);
int __real_loop_wait(struct loop *loop, uint64_t deadline_ns);
int __wrap_loop_wait(struct loop *loop, uint64_t deadline_ns);
uint64_t __real_loop_now_ns(void);
uint64_t __wrap_loop_now_ns(void);

int __wrap_sandbox_enter(struct sandbox *s, const struct sandbox_inmate *inmate)
{
	*s = (struct sandbox){ 0 };
	if (inmate->user != RIGHTS_WORKER)
		return -EINVAL;
	return inmate->parent == getppid() ? fake.sandbox_result : -ESRCH;
}

bool __wrap_udp_path_news(struct udp_scratch *scratch)
{
	bool news = __real_udp_path_news(scratch) || fake.path_news;

	fake.path_news = false;
	return news;
}

int __wrap_loop_wait(struct loop *loop, uint64_t deadline_ns)
{
	uint64_t now_ns = __wrap_loop_now_ns();

	if (fake.wait_result)
		return fake.wait_result;
	if (deadline_ns == NEVER_NS)
		return __real_loop_wait(loop, NEVER_NS);
	if (fake.leaps > 0 && deadline_ns > now_ns) {
		fake.leaps--;
		fake.leapt_ns += deadline_ns - now_ns;
	}
	return __real_loop_wait(loop, deadline_ns - fake.leapt_ns);
}

uint64_t __wrap_loop_now_ns(void)
{
	return __real_loop_now_ns() + fake.leapt_ns;
}

/* ---- the supervisor */

static struct channel channel;
static pid_t worker;

static void start(void)
{
	static const struct worker_options options = { .log_level = LOG_LEVEL_INFO };
	pid_t supervisor = getpid();
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	fflush(NULL);
	worker = fork();
	ck_assert_int_ge(worker, 0);
	if (worker == 0) {
		close(fds[1]);
		exit(worker_run(fds[0], supervisor, &options));
	}
	close(fds[0]);
	ck_assert_int_eq(channel_init(&channel, fds[1]), 0);
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
}

/* The fds are given away. */
static void send_command(struct command *m)
{
	ck_assert_int_eq(command_send(&channel, m), 0);
	while (channel_pending(&channel)) {
		ck_assert_int_eq(channel_write(&channel), 0);
		if (channel_pending(&channel))
			wait_for(channel.fd, POLLOUT);
	}
	for (size_t i = 0; i < m->fd_count; i++)
		close(m->fds[i]);
}

static void send_type(enum command_type type)
{
	struct command m = command_of(type, NULL);

	send_command(&m);
}

/* Reads the next message of this type, and passes over all others. False if the worker
 * closes the channel before it. */
static bool next_of(enum command_type type, struct command *out)
{
	int got;

	for (;;) {
		while ((got = command_next(&channel, out)) == 0)
			wait_for(channel.fd, POLLIN);
		if (got != 1)
			return false;
		if (out->type == type)
			return true;
		command_clear(out);
	}
}

static void expect_log(const char *text)
{
	struct command m;

	ck_assert(next_of(COMMAND_LOG, &m));
	ck_assert_msg(memmem(m.text, m.text_bytes, text, strlen(text)) != NULL, "%.*s",
	              (int)m.text_bytes, (const char *)m.text);
	command_clear(&m);
}

/* Sends the request, and expects that it succeeds. */
static void request(struct command *m)
{
	struct command reply;

	send_command(m);
	ck_assert(next_of(COMMAND_REPLY, &reply));
	ck_assert_int_eq(reply.request, m->type);
	ck_assert_int_eq(reply.result, 0);
}

static void uapi(const char *name, const char *text)
{
	struct command m = command_of(COMMAND_DEVICE_UAPI, name);

	m.text = text;
	m.text_bytes = strlen(text);
	request(&m);
}

/* Closes the channel, if it is open, and returns the exit status. */
static int finish(void)
{
	int status;

	if (channel.fd >= 0)
		channel_clear(&channel);
	channel.fd = -1;
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- beginning and end */

START_TEST(it_ends_with_the_channel)
{
	struct command m = command_of(COMMAND_NETWORK_CHANGED, NULL);

	start();
	request(&m);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* If the supervisor doesn't wait for what it has asked for, that is no failure. */
START_TEST(it_ends_with_the_channel_when_it_has_more_to_say)
{
	struct command m;

	start();
	for (int i = 0; i < STATUSES; i++)
		send_type(COMMAND_STATUS);
	ck_assert(next_of(COMMAND_STATUS_TEXT, &m));
	command_clear(&m);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(it_ends_if_it_can_not_drop_its_rights)
{
	fake.sandbox_result = -EPERM;
	start();
	expect_log("the worker process can't start: Operation not permitted");
	ck_assert_int_eq(finish(), 1);
}
END_TEST

START_TEST(it_ends_if_the_channel_is_none)
{
	static const struct worker_options options = { 0 };

	fflush(NULL);
	worker = fork();
	if (worker == 0)
		exit(worker_run(-1, getppid(), &options));
	channel.fd = -1;
	ck_assert_int_eq(finish(), 1);
}
END_TEST

START_TEST(it_ends_at_a_message_that_is_not_for_it)
{
	struct command m;

	start();
	send_type(COMMAND_PATH_NEWS);
	expect_log("the supervisor sent an unexpected message: path-news");
	ck_assert(!next_of(COMMAND_REPLY, &m));
	ck_assert_int_eq(finish(), 1);
}
END_TEST

START_TEST(it_ends_at_a_message_that_is_none)
{
	struct command m;

	start();
	ck_assert_int_eq(channel_send(&channel, 9999, "?", 1, NULL, 0), 0);
	ck_assert_int_eq(channel_write(&channel), 0);
	ck_assert(!next_of(COMMAND_REPLY, &m));
	ck_assert_int_eq(finish(), 1);
}
END_TEST

START_TEST(it_ends_if_it_can_not_wait)
{
	fake.wait_result = -EBADF;
	start();
	expect_log("waiting failed: Bad file descriptor");
	ck_assert_int_eq(finish(), 1);
}
END_TEST

/* ---- what the worker tells */

START_TEST(it_tells_that_a_path_has_become_narrow)
{
	struct command m;

	fake.path_news = true;
	start();
	ck_assert(next_of(COMMAND_PATH_NEWS, &m));
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* The worker goes on writing when the supervisor reads again. */
START_TEST(a_supervisor_that_does_not_read)
{
	struct command m;

	start();
	for (int i = 0; i < STATUSES; i++)
		send_type(COMMAND_STATUS);
	for (int i = 0; i < 2 * STATUSES; i++) { /* the text, and the end of it */
		ck_assert(next_of(COMMAND_STATUS_TEXT, &m));
		ck_assert_int_eq(m.text_bytes == 0, i % 2);
		command_clear(&m);
	}
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* ---- packets */

/* Two devices in one worker, which are each other's peers over the loopback. */
static const struct {
	const char *name, *private_key, *allowed;
} ends[2] = {
	{ "a", "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f",
	  "10.9.0.0/24" },
	{ "b", "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
	  "10.8.0.0/24" },
};

/* Returns the port. */
static uint16_t add_end(int i)
{
	struct command add = command_of(COMMAND_DEVICE_ADD, ends[i].name);
	struct command sockets = command_of(COMMAND_DEVICE_SOCKETS, ends[i].name);
	struct command settings = command_of(COMMAND_DEVICE_SETTINGS, ends[i].name);
	struct sockaddr_un address;
	socklen_t address_len;
	struct endpoint at = { 0 };
	int fds[UDP_FAMILIES];

	add.fds[0] = worker_lab_listen(&address, &address_len);
	add.fd_count = 1;
	request(&add);
	settings.settings.mtu_bytes = 1420;
	request(&settings);
	ck_assert_int_eq(udp_open(fds, &at, 0), 0);
	sockets.port = at.port;
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (fds[f] >= 0)
			sockets.fds[sockets.fd_count++] = fds[f];
	request(&sockets);
	return sockets.port;
}

static void public_key(int i, uint8_t out[KEY_BYTES])
{
	uint8_t private_key[KEY_BYTES];

	ck_assert(key_from_hex(private_key, ends[i].private_key, KEY_HEX_CHARS));
	ck_assert_int_eq(crypto_scalarmult_base(out, private_key), 0);
}

/* b does not know where a is. */
static void connect_ends(uint16_t port_of_b)
{
	for (int i = 0; i < 2; i++) {
		struct command go = command_of(COMMAND_DEVICE_START, ends[i].name);
		char text[512], hex[KEY_HEX_CHARS + 1], endpoint[64] = "";
		uint8_t key[KEY_BYTES];

		public_key(1 - i, key);
		key_to_hex(hex, key);
		if (i == 0)
			snprintf(endpoint, sizeof(endpoint), "endpoint=127.0.0.1:%u\n",
			         (unsigned)port_of_b);
		snprintf(text, sizeof(text),
		         "set=1\nprivate_key=%s\npublic_key=%s\n%sallowed_ip=%s\n\n",
		         ends[i].private_key, hex, endpoint, ends[i].allowed);
		uapi(ends[i].name, text);
		request(&go);
	}
}

START_TEST(a_packet_goes_out_and_comes_in)
{
	/* from 10.8.0.1 to 10.9.0.1: a sends it, b receives it */
	static const uint8_t packet[] = { 0x45, 0,    0,  28, 0, 0, 0,  0, 64, 17,
		                          0x66, 0xbf, 10, 8,  0, 1, 10, 9, 0,  1,
		                          0,    7,    0,  7,  0, 8, 0,  0 };
	struct command tun = command_of(COMMAND_TUN, NULL), m;
	uint8_t key_of_a[KEY_BYTES], got[64];
	uint16_t port_of_a, port_of_b;
	int pair[2];

	start();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	tun.fds[0] = pair[0];
	tun.fd_count = 1;
	request(&tun);
	port_of_a = add_end(0);
	port_of_b = add_end(1);
	connect_ends(port_of_b);
	ck_assert_int_eq(send(pair[1], packet, sizeof(packet), 0), sizeof(packet));
	wait_for(pair[1], POLLIN);
	ck_assert_int_eq(recv(pair[1], got, sizeof(got), 0), sizeof(packet));
	ck_assert_mem_eq(got, packet, sizeof(packet));
	/* now b knows where a is */
	ck_assert(next_of(COMMAND_ENDPOINT, &m));
	public_key(0, key_of_a);
	ck_assert_str_eq(m.name, "b");
	ck_assert_mem_eq(m.key, key_of_a, KEY_BYTES);
	ck_assert_uint_eq(m.endpoint.port, port_of_a);
	ck_assert_int_eq(finish(), 0);
	close(pair[1]);
}
END_TEST

START_TEST(it_tells_of_a_peer_that_does_not_answer)
{
	struct command m, go = command_of(COMMAND_DEVICE_START, "a");
	struct sockaddr_in nobody = { .sin_family = AF_INET };
	int silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(nobody);
	char text[512];

	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(silent, (struct sockaddr *)&nobody, len), 0);
	ck_assert_int_eq(getsockname(silent, (struct sockaddr *)&nobody, &len), 0);
	fake.leaps = 10; /* the message comes 5 s after the first initiation */
	start();
	add_end(0);
	snprintf(text, sizeof(text),
	         "set=1\nprivate_key=" LAB_PRIVATE "\npublic_key=" LAB_PEER1
	         "\nendpoint=127.0.0.1:%u\npersistent_keepalive_interval=1\n\n",
	         (unsigned)ntohs(nobody.sin_port));
	uapi("a", text);
	request(&go);
	ck_assert(next_of(COMMAND_UNANSWERED, &m));
	ck_assert_str_eq(m.name, "a");
	ck_assert_uint_eq(m.endpoint.port, ntohs(nobody.sin_port));
	close(silent);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("worker/worker");

	tcase_add_test(tc, it_ends_with_the_channel);
	tcase_add_test(tc, it_ends_with_the_channel_when_it_has_more_to_say);
	tcase_add_test(tc, it_ends_if_it_can_not_drop_its_rights);
	tcase_add_test(tc, it_ends_if_the_channel_is_none);
	tcase_add_test(tc, it_ends_at_a_message_that_is_not_for_it);
	tcase_add_test(tc, it_ends_at_a_message_that_is_none);
	tcase_add_test(tc, it_ends_if_it_can_not_wait);
	tcase_add_test(tc, it_tells_that_a_path_has_become_narrow);
	tcase_add_test(tc, a_supervisor_that_does_not_read);
	tcase_add_test(tc, a_packet_goes_out_and_comes_in);
	tcase_add_test(tc, it_tells_of_a_peer_that_does_not_answer);
	return tc;
}
