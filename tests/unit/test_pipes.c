#include "proxy/pipes.h"

#include <fcntl.h>
#include <unistd.h>

#include "unit.h"

START_TEST(an_empty_one_is_used_again)
{
	struct pipes p = { 0 };
	int first[2], second[2];
	char byte;

	ck_assert(pipes_take(&p, first));
	pipes_give(&p, first, true);
	ck_assert(pipes_take(&p, second));
	ck_assert_int_eq(second[0], first[0]);
	ck_assert_int_eq(write(second[1], "x", 1), 1);
	pipes_give(&p, second, false);
	ck_assert(pipes_take(&p, first));
	ck_assert_int_lt(read(first[0], &byte, 1), 0); /* nothing is left in it */
	pipes_give(&p, first, true);
	pipes_clear(&p);
	ck_assert_int_lt(fcntl(first[0], F_GETFD), 0);
}
END_TEST

START_TEST(only_so_many)
{
	struct pipes p = { 0 };
	int fds[PIPES_MAX][2], more[2];

	for (int i = 0; i < PIPES_MAX; i++)
		ck_assert(pipes_take(&p, fds[i]));
	ck_assert(!pipes_take(&p, more));
	pipes_give(&p, fds[0], false);
	ck_assert(pipes_take(&p, fds[0]));
	for (int i = 0; i < PIPES_MAX; i++)
		pipes_give(&p, fds[i], true);
	ck_assert_uint_eq(p.taken, 0);
	for (int i = 0; i < PIPES_MAX; i++) /* one is kept */
		ck_assert((fcntl(fds[i][0], F_GETFD) >= 0) == (fds[i][0] == p.idle[0]));
	pipes_clear(&p);
	p.useless = true;
	ck_assert(!pipes_take(&p, more));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/pipes");

	tcase_add_test(tc, an_empty_one_is_used_again);
	tcase_add_test(tc, only_so_many);
	return tc;
}
