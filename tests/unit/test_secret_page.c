/* tests/unit/test_secret_page.c - who can read the page, and when? */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/secret_page.h"

#define APP "/data/data/com.termux/files/usr"

static struct secret_page page;
static uint8_t bytes[SECRET_PAGE_BYTES];

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	unsetenv("PREFIX");
	unsetenv("ANDROID_ROOT");
}

static void make(void)
{
	ck_assert_int_eq(secret_page_init(&page), 0);
	ck_assert_int_eq(secret_page_open(&page), 0);
	memcpy(bytes, page.bytes, sizeof(bytes));
	secret_page_close(&page);
	ck_assert(!sodium_is_zero(bytes, sizeof(bytes)));
}

static bool is_unchanged(void)
{
	bool same;

	if (secret_page_open(&page) < 0)
		return false;
	same = memcmp(page.bytes, bytes, sizeof(bytes)) == 0;
	secret_page_close(&page);
	return same;
}

/* What becomes of a child that does this; 0: it has ended well. */
static int child(void (*act)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* without a sanitizer's report */
		act();
		_exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void read_it(void)
{
	volatile uint8_t first = page.bytes[0];

	(void)first;
}

static void write_it_while_open(void)
{
	if (secret_page_open(&page) == 0)
		*(volatile uint8_t *)page.bytes = 1;
}

static void leave_it(void)
{
	secret_page_clear(&page);
}

static void open_it(void)
{
	if (!is_unchanged())
		_exit(EXIT_FAILURE);
}

static void check_page(void)
{
	make();
	ck_assert(is_unchanged());
	ck_assert_int_eq(WTERMSIG(child(read_it)), SIGSEGV);
	ck_assert_int_eq(WTERMSIG(child(write_it_while_open)), SIGSEGV);
	ck_assert_int_eq(child(leave_it), 0);
	ck_assert(is_unchanged()); /* the child has only left its own */
	ck_assert_int_eq(child(open_it), 0);
	secret_page_clear(&page);
	ck_assert_ptr_null(page.bytes);
	secret_page_clear(&page);
}

START_TEST(only_its_process_can_open_it)
{
	check_page();
}
END_TEST

START_TEST(an_app_of_android_gets_guarded_memory)
{
	setenv("PREFIX", APP, 1);
	make();
	ck_assert(!page.is_secret_memory);
	secret_page_clear(&page);
	check_page();
}
END_TEST

/* Even while it is open. */
START_TEST(a_debugger_finds_nothing_in_secret_memory)
{
	uint8_t found[SECRET_PAGE_BYTES];
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	make();
	if (!page.is_secret_memory || mem < 0) {
		unit_lacks("this system has no secret memory, or it could hibernate");
	} else {
		ck_assert_int_eq(secret_page_open(&page), 0);
		ck_assert_int_lt(
			pread(mem, found, sizeof(found), (off_t)(uintptr_t)page.bytes),
			0);
		secret_page_close(&page);
	}
	if (mem >= 0)
		close(mem);
	secret_page_clear(&page);
}
END_TEST

START_TEST(each_page_has_other_bytes)
{
	uint8_t first[SECRET_PAGE_BYTES];

	make();
	memcpy(first, bytes, sizeof(first));
	secret_page_clear(&page);
	make();
	ck_assert_mem_ne(first, bytes, sizeof(first));
	secret_page_clear(&page);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/secret_page");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, only_its_process_can_open_it);
	tcase_add_test(tc, an_app_of_android_gets_guarded_memory);
	tcase_add_test(tc, a_debugger_finds_nothing_in_secret_memory);
	tcase_add_test(tc, each_page_has_other_bytes);
	return tc;
}
