#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside/handover.h"
#include "supervisor/place.h"

struct pair {
	int inside, outside;
};

static struct pair begin(void)
{
	int fds[2];

	ck_assert_int_eq(handover_pair(fds), 0);
	return (struct pair){ fds[0], fds[1] };
}

static void end(struct pair *p)
{
	close(p->inside);
	close(p->outside);
}

static int an_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Each bit is one of the descriptors. */
START_TEST(what_there_is_arrives_in_its_place)
{
	struct handover_fds given = HANDOVER_NO_FDS, taken;
	int *in[] = { &given.user,    &given.net,         &given.mount,
		      &given.netlink, &given.resolv_conf, &given.mountinfo };
	const int *out[] = { &taken.user,    &taken.net,         &taken.mount,
		             &taken.netlink, &taken.resolv_conf, &taken.mountinfo };
	struct pair p = begin();

	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		*in[i] = _i & 1 << i ? an_fd() : -1;
	ck_assert_int_eq(handover_give(p.inside, &given), 0);
	ck_assert_int_eq(handover_take(p.outside, &taken), 0);
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		ck_assert((*out[i] >= 0) == (*in[i] >= 0));
		ck_assert(*out[i] < 0 || (is_open(*out[i]) && *out[i] != *in[i]));
		/* it is closed by exec, because the command must not have it */
		ck_assert(*out[i] < 0 || fcntl(*out[i], F_GETFD) == FD_CLOEXEC);
	}
	handover_close(&given);
	handover_close(&taken);
	ck_assert_int_eq(given.mount, -1);
	end(&p);
}
END_TEST

START_TEST(a_tun_is_made_when_it_is_wanted)
{
	struct handover_fds fds = HANDOVER_NO_FDS;
	struct pair p = begin();
	struct place_inside inside = { &fds, p.outside };
	struct host_place place = place_inside(&inside);
	struct handover_wanted wanted;
	int tun = an_fd(), got;

	/* the answers are there before the questions, so that one process can do both */
	ck_assert_int_eq(handover_give_tun(p.inside, tun), 0);
	got = place.make_tun(place.context, "exec0", true);
	ck_assert_int_ge(got, 0);
	ck_assert_int_eq(handover_wait(p.inside, &wanted), 0);
	ck_assert_int_eq((int)wanted.request, HANDOVER_TUN);
	ck_assert_str_eq(wanted.tun, "exec0");
	ck_assert(wanted.vnet_hdr);
	ck_assert_int_eq(handover_give_tun(p.inside, -EACCES), 0);
	ck_assert_int_eq(place.make_tun(place.context, "exec1", false), -EACCES);
	ck_assert_int_eq(handover_wait(p.inside, &wanted), 0);
	ck_assert(!wanted.vnet_hdr);
	ck_assert_int_eq(handover_go(p.outside), 0);
	ck_assert_int_eq(handover_wait(p.inside, &wanted), 0);
	ck_assert_int_eq((int)wanted.request, HANDOVER_GO);
	handover_fail(p.outside);
	ck_assert_int_eq(handover_wait(p.inside, &wanted), -ECANCELED);
	close(tun);
	close(got);
	end(&p);
}
END_TEST

START_TEST(the_other_process_has_ended)
{
	struct handover_fds fds = HANDOVER_NO_FDS;
	struct handover_wanted wanted;
	struct pair p = begin();

	close(p.inside);
	ck_assert_int_eq(handover_take(p.outside, &fds), -ENOTCONN);
	ck_assert_int_eq(handover_take_tun(p.outside, "exec0", true), -ENOTCONN);
	ck_assert_int_eq(handover_go(p.outside), -ENOTCONN);
	close(p.outside);
	p = begin();
	close(p.outside);
	ck_assert_int_eq(handover_give(p.inside, &fds), -ENOTCONN);
	ck_assert_int_eq(handover_wait(p.inside, &wanted), -ENOTCONN);
	close(p.inside);
}
END_TEST

START_TEST(something_else_than_expected)
{
	struct handover_fds fds = HANDOVER_NO_FDS;
	struct handover_wanted wanted;
	struct pair p = begin();

	ck_assert_int_eq(handover_give_tun(p.inside, -EACCES), 0);
	ck_assert_int_eq(handover_take(p.outside, &fds), -EPROTO);
	ck_assert_int_eq(handover_give(p.inside, &fds), 0);
	ck_assert_int_eq(handover_take_tun(p.outside, "exec0", true), -EPROTO);
	ck_assert_int_eq(handover_wait(p.inside, &wanted), 0);
	ck_assert_int_eq(write(p.outside, "short", 5), 5);
	ck_assert_int_eq(handover_wait(p.inside, &wanted), -EPROTO);
	end(&p);
}
END_TEST

START_TEST(the_resolv_conf_is_written_anew)
{
	struct handover_fds fds = HANDOVER_NO_FDS;
	struct place_inside inside = { &fds, -1 };
	struct host_place place = place_inside(&inside);
	static const char *const texts[] = { "nameserver 10.8.0.1\nsearch a\n",
		                             "nameserver fd08::1\n", "" };
	char path[] = "/tmp/tunion-test.XXXXXX", got[64];

	/* without a file there is nothing to do */
	ck_assert_int_eq(place.set_resolv_conf(place.context, "text"), 0);
	fds.resolv_conf = mkstemp(path);
	ck_assert_int_ge(fds.resolv_conf, 0);
	unlink(path);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		ssize_t n;

		ck_assert_int_eq(place.set_resolv_conf(place.context, texts[i]), 0);
		n = pread(fds.resolv_conf, got, sizeof(got) - 1, 0);
		ck_assert_int_ge(n, 0);
		got[n] = '\0';
		ck_assert_str_eq(got, texts[i]);
	}
	handover_close(&fds);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("inside/handover");

	tcase_add_loop_test(tc, what_there_is_arrives_in_its_place, 0, 64);
	tcase_add_test(tc, a_tun_is_made_when_it_is_wanted);
	tcase_add_test(tc, the_other_process_has_ended);
	tcase_add_test(tc, something_else_than_expected);
	tcase_add_test(tc, the_resolv_conf_is_written_anew);
	return tc;
}
