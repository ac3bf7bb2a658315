#include "conf/load.h"
#include "names/names.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

/* Names of the hosts file, which need no server: localhost is 127.0.0.1 and maybe ::1. */
#define FILE_TEXT                                                                        \
	"[Interface]\n[Peer]\nPublicKey = "                                              \
	"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nEndpoint = %s:51820\n"

struct fixture {
	struct names *names;
	struct loop *loop;
	struct conf_set set;
	struct conf *conf; /* owned; the set's only one */
	struct endpoint at;
	size_t moves, servers_asked;
	struct log log; /* counts its lines */
	size_t lines;
	struct diag diag;
};

static size_t no_servers(void *context, struct ip_addr *out, size_t max)
{
	struct fixture *f = context;

	(void)out;
	(void)max;
	f->servers_asked++;
	return 0;
}

static enum candidate_rank rank(void *context, const char *device,
                                const uint8_t public_key[static KEY_BYTES],
                                const struct endpoint *endpoint)
{
	(void)context;
	(void)public_key;
	ck_assert_str_eq(device, "a");
	return endpoint->addr.family == IP_V6 ? CANDIDATE_UNREACHABLE : CANDIDATE_IPV4;
}

static void moved(void *context, const char *device,
                  const uint8_t public_key[static KEY_BYTES],
                  const struct endpoint *endpoint)
{
	struct fixture *f = context;

	(void)public_key;
	ck_assert_str_eq(device, "a");
	f->at = *endpoint;
	f->moves++;
}

static void read_conf(struct fixture *f, const char *host)
{
	char text[512];
	FILE *stream;

	snprintf(text, sizeof(text), FILE_TEXT, host);
	stream = fmemopen(text, strlen(text), "r");
	ck_assert_ptr_nonnull(stream);
	conf_free(f->conf);
	ck_assert_int_eq(conf_read_stream(&f->conf, stream, "a.conf", &f->diag), 0);
	fclose(stream);
	diag_clear(&f->diag);
	f->set = (struct conf_set){ &f->conf, 1 };
}

static void count_line(void *context, enum log_level level, const char *line)
{
	struct fixture *f = context;

	(void)level;
	(void)line;
	f->lines++;
}

static void init(struct fixture *f, const char *host)
{
	*f = (struct fixture){ .log = { LOG_LEVEL_INFO, count_line, f } };
	ck_assert_int_eq(loop_new(&f->loop), 0);
	ck_assert_int_eq(names_new(&f->names, &(struct names_env){ .loop = f->loop,
	                                                           .log = &f->log,
	                                                           .servers = no_servers,
	                                                           .rank = rank,
	                                                           .moved = moved,
	                                                           .context = f }),
	                 0);
	read_conf(f, host);
	ck_assert_int_eq(names_update(f->names, &f->set), 0);
}

static void clear(struct fixture *f)
{
	names_free(f->names);
	loop_free(f->loop);
	conf_free(f->conf);
	diag_clear(&f->diag);
}

static void is_at_localhost(const struct endpoint *e)
{
	char text[ENDPOINT_STRLEN];

	ck_assert_str_eq(endpoint_format(e, text), "127.0.0.1:51820");
}

START_TEST(a_name_is_found_and_entered_in_the_file)
{
	struct fixture f;
	uint64_t now_ns = loop_now_ns();

	init(&f, "localhost");
	ck_assert_uint_eq(names_unasked(f.names), 1);
	ck_assert_uint_le(names_deadline_ns(f.names, now_ns), now_ns);
	names_run(f.names, now_ns);
	ck_assert_uint_eq(f.moves, 1);
	is_at_localhost(&f.at);
	ck_assert_uint_eq(names_unasked(f.names), 0);
	ck_assert_uint_eq(names_deadline_ns(f.names, now_ns), NEVER_NS);
	ck_assert_int_eq(names_update(f.names, &f.set), 0);
	is_at_localhost(&f.conf->peers[0].endpoint);
	names_warn(f.names, &f.diag);
	ck_assert_uint_eq(f.diag.count, 0);
	ck_assert_uint_eq(f.lines, 0); /* it is where it should be */
	clear(&f);
}
END_TEST

START_TEST(a_peer_that_does_not_answer_has_its_name_asked_for)
{
	struct fixture f;
	const uint8_t *key;
	uint64_t now_ns = loop_now_ns();

	init(&f, "localhost");
	key = f.conf->peers[0].public_key;
	names_run(f.names, now_ns);
	/* the entry stays through updates: also with its address in the file */
	ck_assert_int_eq(names_update(f.names, &f.set), 0);
	ck_assert_int_eq(names_update(f.names, &f.set), 0);
	names_unanswered(f.names, "a", key, &f.at, now_ns);
	ck_assert_uint_le(names_deadline_ns(f.names, now_ns), now_ns);
	names_run(f.names, now_ns);
	ck_assert_uint_eq(f.servers_asked, 2);
	ck_assert_uint_eq(f.moves, 1); /* there is no other address */
	/* the next time not at once */
	names_unanswered(f.names, "a", key, &f.at, now_ns + 5 * NS_PER_SEC);
	ck_assert_uint_eq(names_deadline_ns(f.names, now_ns), now_ns + 15 * NS_PER_SEC);
	/* nor at all, if it has answered meanwhile */
	names_run(f.names, now_ns + 60 * NS_PER_SEC);
	ck_assert_uint_eq(f.servers_asked, 2);
	ck_assert_uint_eq(names_deadline_ns(f.names, now_ns), NEVER_NS);
	clear(&f);
}
END_TEST

START_TEST(a_roamed_peer_is_sought_where_its_name_says)
{
	struct endpoint elsewhere = { .port = 1 };
	struct fixture f;
	uint64_t now_ns = loop_now_ns();

	init(&f, "localhost");
	ck_assert(ip_addr_parse(&elsewhere.addr, "192.0.2.1"));
	names_run(f.names, now_ns);
	names_found(f.names, "a", f.conf->peers[0].public_key, &elsewhere);
	ck_assert_uint_eq(f.moves, 1);
	names_unanswered(f.names, "a", f.conf->peers[0].public_key, &elsewhere,
	                 now_ns + 60 * NS_PER_SEC);
	ck_assert_uint_eq(f.moves, 2);
	is_at_localhost(&f.at);
	clear(&f);
}
END_TEST

/* A worker that was taken over says it as fast as it can. */
START_TEST(who_complains_all_the_time_does_not_keep_us_busy)
{
	struct endpoint elsewhere = { .port = 1 };
	struct fixture f;
	const uint8_t *key;
	uint64_t now_ns = loop_now_ns(), later_ns = now_ns + 3 * NS_PER_SEC;

	init(&f, "localhost");
	key = f.conf->peers[0].public_key;
	ck_assert(ip_addr_parse(&elsewhere.addr, "192.0.2.1"));
	names_run(f.names, now_ns);
	names_warn(f.names, &f.diag);
	for (int i = 0; i < 100; i++) {
		names_found(f.names, "a", key, &elsewhere);
		names_unanswered(f.names, "a", key, &elsewhere, later_ns);
		names_run(f.names, later_ns);
	}
	ck_assert_uint_eq(f.servers_asked, 2);
	ck_assert_uint_eq(f.moves, 1);
	ck_assert_uint_eq(f.lines, 0);
	/* but later it may be true */
	names_found(f.names, "a", key, &elsewhere);
	names_unanswered(f.names, "a", key, &elsewhere, now_ns + 20 * NS_PER_SEC);
	is_at_localhost(&f.at);
	names_run(f.names, now_ns + 20 * NS_PER_SEC);
	ck_assert_uint_eq(f.servers_asked, 3);
	ck_assert_uint_eq(f.moves, 2);
	clear(&f);
}
END_TEST

START_TEST(with_resolve_off_a_name_is_asked_for_once)
{
	struct fixture f;
	uint64_t now_ns = loop_now_ns();

	init(&f, "localhost");
	f.conf->switches.resolve_off = true;
	ck_assert_int_eq(names_update(f.names, &f.set), 0);
	names_run(f.names, now_ns);
	ck_assert_uint_eq(f.servers_asked, 1);
	names_unanswered(f.names, "a", f.conf->peers[0].public_key, &f.at, now_ns);
	ck_assert_uint_eq(names_deadline_ns(f.names, now_ns), NEVER_NS);
	clear(&f);
}
END_TEST

START_TEST(what_is_not_known_is_asked_for_again)
{
	struct fixture f;
	uint64_t now_ns = loop_now_ns(), due_ns;

	init(&f, "nowhere.invalid");
	names_run(f.names, now_ns);
	ck_assert_uint_eq(f.moves, 0);
	ck_assert_uint_eq(names_unasked(f.names), 0);
	names_warn(f.names, &f.diag);
	ck_assert_uint_eq(f.diag.count, 1);
	ck_assert_uint_eq(f.lines, 0); /* it was said once */
	due_ns = names_deadline_ns(f.names, now_ns);
	ck_assert_uint_ge(due_ns, now_ns + NS_PER_SEC);
	ck_assert_uint_lt(due_ns, now_ns + 3 * NS_PER_SEC);
	names_run(f.names, due_ns - 1);
	ck_assert_uint_eq(f.servers_asked, 1);
	names_run(f.names, due_ns);
	ck_assert_uint_eq(f.servers_asked, 2);
	/* a new network: at once */
	names_network_changed(f.names, now_ns);
	ck_assert_uint_eq(names_deadline_ns(f.names, now_ns), now_ns);
	/* and the file may say something else meanwhile */
	read_conf(&f, "localhost");
	ck_assert_int_eq(names_update(f.names, &f.set), 0);
	names_run(f.names, now_ns);
	is_at_localhost(&f.at);
	ck_assert_uint_eq(f.lines, 1); /* this is news */
	read_conf(&f, "192.0.2.1");
	ck_assert_int_eq(names_update(f.names, &f.set), 0);
	ck_assert_uint_eq(names_deadline_ns(f.names, now_ns), NEVER_NS);
	clear(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("names/names");

	tcase_add_test(tc, a_name_is_found_and_entered_in_the_file);
	tcase_add_test(tc, a_peer_that_does_not_answer_has_its_name_asked_for);
	tcase_add_test(tc, a_roamed_peer_is_sought_where_its_name_says);
	tcase_add_test(tc, who_complains_all_the_time_does_not_keep_us_busy);
	tcase_add_test(tc, with_resolve_off_a_name_is_asked_for_once);
	tcase_add_test(tc, what_is_not_known_is_asked_for_again);
	return tc;
}
