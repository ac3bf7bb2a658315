#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

#define LAST 200

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

/* The rest of the test needs its descriptors, so a child loses its own. Returns the first
 * descriptor that is wrongly open or closed there; 0: none. */
static int after(void (*close_some)(void), bool (*stays)(int fd))
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		for (int fd = 30; fd < LAST; fd++)
			dup2(STDOUT_FILENO, fd);
		close_some();
		for (int fd = 0; fd < LAST; fd++) {
			if (is_open(fd) != stays(fd))
				_exit(fd);
		}
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void close_from_3(void)
{
	process_close_from(3);
}

static bool is_standard(int fd)
{
	return fd < 3;
}

static void close_all_but_two(void)
{
	process_close_all_but(157, 52);
}

static bool is_one_of_two(int fd)
{
	return fd < 3 || fd == 52 || fd == 157;
}

static void close_all_but_one(void)
{
	process_close_all_but(40, -1);
}

static bool is_the_one(int fd)
{
	return fd < 3 || fd == 40;
}

START_TEST(what_stays_open)
{
	ck_assert_int_eq(after(close_from_3, is_standard), 0);
	ck_assert_int_eq(after(close_all_but_two, is_one_of_two), 0);
	ck_assert_int_eq(after(close_all_but_one, is_the_one), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/process");

	tcase_add_test(tc, what_stays_open);
	return tc;
}
