/* What stands in for the tun, and what the supervisor gives it. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/worker_stand_in.h"
#include "worker_lab.h"

static struct worker_lab lab;

static void set_up(void)
{
	worker_lab_begin(&lab);
}

static void tear_down(void)
{
	worker_lab_end(&lab);
}

struct fake_stand_in {
	struct stand_in stand_in; /* first member */
	struct tun_link link;
	char said[200];
	int fd;
};

static struct fake_stand_in *fake_of(struct stand_in *s)
{
	return (struct fake_stand_in *)s;
}

static int fake_give(struct stand_in *s, const char *what, int fd)
{
	strcat(fake_of(s)->said, what);
	if (fd >= 0)
		fake_of(s)->fd = fd;
	return strcmp(what, "bad") == 0 ? -EPROTO : 0;
}

static void fake_names(struct stand_in *s, const struct ip_addr *servers, size_t n,
                       const char *domains)
{
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < n; i++)
		strcat(strcat(fake_of(s)->said, ip_addr_format(&servers[i], text)), " ");
	strcat(fake_of(s)->said, domains);
}

static uint64_t fake_deadline_ns(const struct stand_in *s, uint64_t now_ns)
{
	(void)s;
	return now_ns + 7;
}

static void fake_run(struct stand_in *s, uint64_t now_ns)
{
	(void)now_ns;
	strcat(fake_of(s)->said, "run");
}

static void fake_end(struct stand_in *s)
{
	strcat(fake_of(s)->said, "end");
}

static int fake_begin(struct stand_in **out, const struct stand_in_env *env,
                      void *context)
{
	static const struct stand_in_ops ops = { fake_give, fake_names, fake_deadline_ns,
		                                 fake_run, fake_end };
	struct fake_stand_in *fake = context;
	const struct ip_addr nobody = { .family = IP_V4 };
	struct ip_addr from;
	uint32_t mtu_bytes;

	ck_assert(!env->is_own(env->context, &nobody));
	ck_assert_int_eq(env->route(env->context, &nobody, &from, &mtu_bytes),
	                 -ENETUNREACH);
	fake->stand_in = (struct stand_in){ &ops, &fake->link };
	*out = &fake->stand_in;
	return 0;
}

static int give(const char *text, int fd)
{
	struct command m = command_of(COMMAND_STAND_IN, NULL);

	m.text = text;
	m.text_bytes = strlen(text);
	m.fds[0] = fd;
	m.fd_count = fd >= 0;
	return worker_lab_ask(&lab, &m);
}

START_TEST(what_stands_in_for_the_tun_gets_its_gifts)
{
	struct fake_stand_in fake = { .fd = -1 };
	const struct stand_in_entry entry = { .begin = fake_begin, .context = &fake };
	struct command m = command_of(COMMAND_RESOLVER, NULL);
	struct ip_addr server;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(worker_stand_in_begin(&lab.stand_in, &entry, lab.engine,
	                                       lab.loop, &lab.log),
	                 0);
	ck_assert_int_eq(give("port", pair[0]), 0);
	ck_assert_int_eq(give("bad", -1), -EPROTO);
	ck_assert_int_ge(fake.fd, 0);
	close(fake.fd);
	close(pair[1]);
	ck_assert(ip_addr_parse(&server, "192.0.0.53"));
	m.addresses = &server;
	m.address_count = 1;
	m.text = "lan\nhome\n";
	m.text_bytes = 9;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	worker_stand_in_run(&lab.stand_in, 1);
	ck_assert_uint_eq(worker_stand_in_deadline_ns(&lab.stand_in, 1), 8);
	worker_stand_in_end(&lab.stand_in);
	ck_assert_str_eq(fake.said, "portbad192.0.0.53 lan\nhome\nrunend");
}
END_TEST

START_TEST(without_it_nothing_can_be_given)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(give("port", pair[0]), -EPROTO);
	ck_assert(worker_lab_closed(pair[1]));
	close(pair[1]);
	worker_stand_in_run(&lab.stand_in, 1);
	ck_assert_uint_eq(worker_stand_in_deadline_ns(&lab.stand_in, 1), NEVER_NS);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("worker/stand_in");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, what_stands_in_for_the_tun_gets_its_gifts);
	tcase_add_test(tc, without_it_nothing_can_be_given);
	return tc;
}
