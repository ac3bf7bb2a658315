/* What the supervisor answers to a worker that wants sockets. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "planned.h"
#include "supervisor/talk.h"

struct fixture {
	struct talk talk;
	struct keeper keeper;
	struct tunnels tunnels; /* there are none */
	struct ending ending;
	struct channel other; /* the worker's end */
};

static void begin(struct fixture *f)
{
	int pair[2];

	*f = (struct fixture){ 0 };
	f->talk = (struct talk){ .ending = &f->ending,
		                 .keeper = &f->keeper,
		                 .tunnels = &f->tunnels };
	ck_assert_int_eq(channel_pair(pair), 0);
	ck_assert_int_eq(channel_init(&f->keeper.worker.channel, pair[0]), 0);
	ck_assert_int_eq(channel_init(&f->other, pair[1]), 0);
	permit_tell(&f->keeper.worker.permit, COMMAND_DEVICE_ADD);
}

static void end(struct fixture *f)
{
	ck_assert(!f->ending.wanted);
	channel_clear(&f->keeper.worker.channel);
	permit_clear(&f->keeper.worker.permit);
	channel_clear(&f->other);
}

static int want(struct fixture *f, enum command_type type)
{
	struct command m = command_of(type, "coming");

	return talk_handle(&f->talk, &m);
}

/* Its UAPI client would wait for half a minute. */
START_TEST(a_device_that_is_not_in_the_plan_yet_gets_an_answer)
{
	static const enum command_type types[] = { COMMAND_PORT_WANTED,
		                                   COMMAND_MARK_WANTED };
	struct fixture f;
	struct command got;

	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		ck_assert_int_eq(want(&f, types[i]), 0);
		ck_assert_int_eq(channel_write(&f.keeper.worker.channel), 0);
		ck_assert_int_eq(command_next(&f.other, &got), 1);
		ck_assert_int_eq((int)got.type, COMMAND_SOCKETS_ANSWER);
		ck_assert_str_eq(got.name, "coming");
		ck_assert_int_eq(got.result, -ENODEV);
		command_clear(&got);
	}
	end(&f);
}
END_TEST

/* The answers would use up memory and descriptors. */
START_TEST(a_worker_that_asks_and_asks_and_does_not_read)
{
	struct fixture f;
	int n = 0;

	begin(&f);
	while (n < 100 && want(&f, COMMAND_PORT_WANTED) == 0)
		n++;
	ck_assert_int_lt(n, 3);
	ck_assert_int_eq(channel_write(&f.keeper.worker.channel), 0);
	ck_assert_int_eq(want(&f, COMMAND_PORT_WANTED), 0);
	end(&f);
}
END_TEST

static void count_line(void *context, enum log_level level, const char *line)
{
	(void)level;
	(void)line;
	*(unsigned *)context += 1;
}

START_TEST(a_worker_that_logs_and_logs)
{
	unsigned lines = 0;
	const struct log log = { LOG_LEVEL_INFO, count_line, &lines };
	struct command m = command_of(COMMAND_LOG, NULL);
	struct fixture f;

	begin(&f);
	f.talk.log = &log;
	m.text = "bla";
	m.text_bytes = 3;
	for (int i = 0; i < 3 * LINE_LIMIT_MAX; i++) {
		m.result = i % 3;
		ck_assert_int_eq(talk_handle(&f.talk, &m), 0);
	}
	ck_assert_uint_eq(lines, LINE_LIMIT_MAX);
	f.keeper.worker.lines.since_ns -= LINE_LIMIT_NS; /* a minute later */
	ck_assert_int_eq(talk_handle(&f.talk, &m), 0);
	ck_assert_uint_eq(lines, LINE_LIMIT_MAX + 2); /* also how many were left out */
	end(&f);
}
END_TEST

/* By its replies, too. */
START_TEST(a_worker_that_refuses_and_refuses)
{
	unsigned lines = 0;
	const struct log log = { LOG_LEVEL_INFO, count_line, &lines };
	struct ending ending = { .wanted = true }; /* no other is started */
	struct fixture f;

	begin(&f);
	f.keeper.log = &log;
	f.keeper.ending = &ending;
	for (int i = 0; i < 2 * LINE_LIMIT_MAX; i++) {
		f.keeper.worker.error = -EIO;
		keeper_round(&f.keeper);
	}
	ck_assert_uint_eq(lines, LINE_LIMIT_MAX);
	end(&f);
}
END_TEST

START_TEST(what_only_a_supervisor_says_is_nonsense)
{
	struct fixture f;

	begin(&f);
	for (int type = COMMAND_TUN; type <= COMMAND_STATUS; type++)
		ck_assert_int_eq(want(&f, (enum command_type)type), -EPROTO);
	end(&f);
}
END_TEST

/* Port 0 means any. `wg syncconf` wants it each time if the file has no ListenPort, and what is
 * on its way to the old port would be lost. */
START_TEST(a_port_that_was_drawn_is_any_port)
{
	static const char *const texts[] = { "home", "[Interface]\n", NULL };
	struct command m = command_of(COMMAND_PORT_WANTED, "home");
	struct hosts hosts = { 0 };
	struct diag diag = { 0 };
	struct planned planned;
	struct fixture f;
	struct tunnel *t;
	uint16_t drawn;
	int fd;

	begin(&f);
	planned_init(&planned, texts);
	f.keeper.hosts = &hosts;
	ck_assert_int_eq(
		hosts_new(&hosts,
	                  &(struct host_options){
				  .tun = "t",
				  .place = &(struct host_place){ .nowhere = true } },
	                  &diag),
		0);
	f.tunnels.plan = planned.plan;
	ck_assert_int_eq(tunnels_make(&f.tunnels), 0);
	t = &f.tunnels.v[0];
	ck_assert_int_eq(tunnel_open_udp(t, 0, NULL, &diag), 0);
	drawn = t->port;
	fd = t->udp_fds[UDP_IPV4];
	ck_assert_int_eq(talk_handle(&f.talk, &m), 0);
	ck_assert_uint_eq(t->port, drawn);
	ck_assert_int_eq(t->udp_fds[UDP_IPV4], fd);
	/* one that somebody has asked for isn't */
	t->drawn = false;
	ck_assert_int_eq(talk_handle(&f.talk, &m), 0);
	ck_assert_uint_ne(t->port, 0);
	ck_assert_uint_ne(t->port, drawn);
	ck_assert(t->drawn);
	tunnel_close(t);
	free(f.tunnels.v);
	hosts_free(&hosts);
	planned_clear(&planned);
	end(&f);
}
END_TEST

/* A peer without Endpoint is answered by the way that it came; one with an Endpoint has the way
 * to it that the prefixes say. */
START_TEST(wg_has_set_an_endpoint)
{
	static const char *const texts[] = { "home", "[Interface]\n" PEER("B"), NULL };
	const struct command ours = command_of(COMMAND_DEVICE_UAPI, "home");
	struct command m = command_of(COMMAND_ENDPOINT_SET, "home");
	struct planned planned;
	struct plan_peer *peer;
	struct fixture f;

	begin(&f);
	planned_init(&planned, texts);
	f.tunnels.plan = planned.plan;
	peer = &f.tunnels.plan.devices[0].peers[0];
	memcpy(m.key, peer->conf->public_key, KEY_BYTES);
	ck_assert(endpoint_parse(&m.endpoint, "10.1.2.3:7"));
	ck_assert(peer->way.by_arrival);
	ck_assert_int_eq(talk_handle(&f.talk, &m), 0);
	ck_assert(f.tunnels.endpoints_moved);
	ck_assert(endpoint_equal(&peer->way.endpoint, &m.endpoint));
	ck_assert(!peer->way.by_arrival);
	/* one that we have set ourselves, before its file lost the Endpoint */
	peer->way.by_arrival = true;
	ck_assert_int_eq(permit_reserve(&f.keeper.worker.permit), 0);
	permit_request(&f.keeper.worker.permit, &ours);
	ck_assert_int_eq(talk_handle(&f.talk, &m), 0);
	ck_assert(peer->way.by_arrival);
	/* one that the plan doesn't know */
	f.tunnels.endpoints_moved = false;
	m.key[0] ^= 1;
	ck_assert_int_eq(talk_handle(&f.talk, &m), 0);
	ck_assert(!f.tunnels.endpoints_moved);
	planned_clear(&planned);
	end(&f);
}
END_TEST

/* For instance one that was never given a tun can't have lost it, which would end the
 * instance. */
START_TEST(what_makes_no_sense_yet_is_nonsense)
{
	static const enum command_type types[] = {
		COMMAND_TUN_LOST,  COMMAND_ENDPOINT,    COMMAND_UNANSWERED,
		COMMAND_PATH_NEWS, COMMAND_STATUS_TEXT, COMMAND_ENDPOINT_SET
	};
	struct fixture f;

	begin(&f);
	permit_clear(&f.keeper.worker.permit);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		ck_assert_int_eq(want(&f, types[i]), -EPROTO);
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/talk");

	tcase_add_test(tc, a_device_that_is_not_in_the_plan_yet_gets_an_answer);
	tcase_add_test(tc, a_worker_that_asks_and_asks_and_does_not_read);
	tcase_add_test(tc, a_worker_that_logs_and_logs);
	tcase_add_test(tc, a_worker_that_refuses_and_refuses);
	tcase_add_test(tc, a_port_that_was_drawn_is_any_port);
	tcase_add_test(tc, wg_has_set_an_endpoint);
	tcase_add_test(tc, what_only_a_supervisor_says_is_nonsense);
	tcase_add_test(tc, what_makes_no_sense_yet_is_nonsense);
	return tc;
}
