/* tests/unit/test_hooks.c - hooks that take too long, and what they have started
 *
 * Each program here keeps one end of a FIFO open, so that its end can be seen wherever it
 * runs. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/load.h"
#include "host/hooks.h"
#include "host/spawn.h"

#define LONG_MS 30000 /* more than any machine needs */

static char dir[32], fifo[48];
static int fifo_fd;

static void begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tunion-hooks-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	fifo_fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fifo_fd, 0);
}

static void end(void)
{
	close(fifo_fd);
	unlink(fifo);
	rmdir(dir);
}

/* Have all who held the FIFO ended, or do they soon? */
static bool all_ended(int ms)
{
	struct pollfd p = { .fd = fifo_fd };

	return poll(&p, 1, ms) == 1 && (p.revents & POLLHUP);
}

/* Runs it under sh, which has the FIFO open as 9. */
static int run(const char *command, unsigned limit_ms,
               void (*wait)(void *context, int fd, int64_t end_ms))
{
	char text[200], output[32] = "";
	const char *argv[] = { "sh", "-c", text, NULL };
	struct spawn s = { .argv = argv,
		           .limit_ms = limit_ms,
		           .wait = wait,
		           .output = output,
		           .output_size = sizeof(output) };
	int result;

	snprintf(text, sizeof(text), "exec 9>%s; %s", fifo, command);
	result = spawn_run(&s);
	if (output[0] != '\0') /* what is left to live longer */
		kill((pid_t)atol(output), SIGKILL);
	return result;
}

static void look_once(void *context, int fd, int64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)context;
	ck_assert_int_le(end_ms, clock_now_ms() + LONG_MS);
	(void)poll(&p, 1, (int)(end_ms - clock_now_ms()));
}

static void do_not_wait(void *context, int fd, int64_t end_ms)
{
	(void)context;
	(void)fd;
	(void)end_ms;
}

START_TEST(the_whole_group_is_ended)
{
	static const struct {
		const char *command;
		void (*wait)(void *context, int fd, int64_t end_ms);
	} cases[] = {
		{ "sleep 1000", NULL },
		{ "sleep 1000", look_once },
		{ "sleep 1000 & sleep 1000", NULL },
		{ "(sleep 1000 & sleep 1000) & sleep 1000", do_not_wait },
		{ "kill -STOP $$; sleep 1000", look_once },
	};

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(run(cases[i].command, 100, cases[i].wait), -ETIMEDOUT);
		ck_assert_msg(all_ended(LONG_MS), "%s has left something",
		              cases[i].command);
	}
	end();
}
END_TEST

START_TEST(who_is_in_time_is_left_alone)
{
	begin();
	ck_assert_int_eq(run("true", LONG_MS, NULL), 0);
	ck_assert_int_eq(run("exit 5", LONG_MS, look_once), 5);
	ck_assert_int_eq(run("kill -KILL $$", LONG_MS, do_not_wait), 128 + SIGKILL);
	ck_assert_int_eq(run("sleep 0.2", 0, NULL), 0);
	ck_assert(all_ended(LONG_MS));
	/* what stays in the background is not waited for, and stays */
	ck_assert_int_eq(run("sleep 1000 & echo $!; sleep 0.1", LONG_MS, look_once), 0);
	ck_assert(all_ended(LONG_MS)); /* run() has ended it */
	end();
}
END_TEST

/* As PreUp = wg set %i private-key <(pass show vpn) needs it. In a session of its own. */
static int ask_at_terminal(const char *name)
{
	int fd;

	setsid();
	fd = open(name, O_RDWR | O_CLOEXEC); /* is its terminal now */
	if (fd < 0)
		return 2;
	if (run("read -r word </dev/tty && test \"$word\" = secret", LONG_MS, NULL) != 0)
		return 3;
	return tcgetpgrp(fd) == getpgrp() ? 0 : 4;
}

START_TEST(a_hook_has_the_terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;
	const char *name = master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0
	                           ? ptsname(master)
	                           : NULL;
	pid_t pid;

	if (!name) {
		printf("skipped: no terminal to be had\n");
		return;
	}
	begin();
	pid = fork();
	if (pid == 0)
		_exit(ask_at_terminal(name));
	ck_assert_int_eq(write(master, "secret\n", 7), 7);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
	              (unsigned)status);
	close(master);
	end();
}
END_TEST

START_TEST(the_message_says_which_and_how_long)
{
	char text[500];
	FILE *in;
	struct conf *conf;
	struct diag diag = { 0 };
	const struct log log = { LOG_LEVEL_ERROR, log_to_stderr, NULL };
	const struct hooks_env env = {
		.tun = "tun9", .limit_s = 1, .log = &log, .diag = &diag
	};
	struct hooks hooks = { 0 };

	begin();
	snprintf(text, sizeof(text),
	         "[Interface]\nPostUp = true\nPostUp = exec 9>%s; sleep 1000\n"
	         "PostUp = false\nPostDown = sleep 1000\nPostDown = exit 3\n",
	         fifo);
	in = fmemopen(text, strlen(text), "r");
	ck_assert_int_eq(conf_read_stream(&conf, in, "/x/a.conf", &diag), 0);
	fclose(in);
	conf->file.only_ours = true;
	diag_clear(&diag);
	ck_assert_int_eq(hooks_run_up(&env, conf, CONF_POST_UP), -EIO);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_uint_eq(diag.entries[0].line, 3);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "PostUp was ended"));
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "limit of 1 s"));
	ck_assert(all_ended(LONG_MS));
	diag_clear(&diag);
	ck_assert_int_eq(hooks_remember(&hooks, conf), 0);
	ck_assert_int_eq(hooks_run_down(&env, &hooks.v[0], CONF_POST_DOWN), -ETIMEDOUT);
	ck_assert_uint_eq(diag.errors, 0);
	ck_assert_uint_eq(diag.count, 1);
	ck_assert_uint_eq(diag.entries[0].line, 5);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "PostDown was ended"));
	hooks_clear(&hooks);
	diag_clear(&diag);
	conf_free(conf);
	end();
}
END_TEST

/* Returns the line of the first hook that fails; 0: all work. */
static unsigned failing_line(const char *path, const char *hooks)
{
	char text[500];
	FILE *in;
	struct conf *conf;
	struct diag diag = { 0 };
	const struct log log = { LOG_LEVEL_ERROR, log_to_stderr, NULL };
	const struct hooks_env env = { .tun = "tun9", .log = &log, .diag = &diag };
	unsigned line;

	snprintf(text, sizeof(text), "[Interface]\n%s", hooks);
	in = fmemopen(text, strlen(text), "r");
	ck_assert_int_eq(conf_read_stream(&conf, in, path, &diag), 0);
	fclose(in);
	conf->file.only_ours = true;
	diag_clear(&diag);
	(void)!hooks_run_up(&env, conf, CONF_POST_UP);
	line = diag.count > 0 ? diag.entries[0].line : 0;
	conf_free(conf);
	diag_clear(&diag);
	return line;
}

/* Of two variables with one name, shells take the last. */
START_TEST(its_variables_replace_those_of_the_caller)
{
	ck_assert_int_eq(setenv("INTERFACE", "eth0", 1), 0);
	ck_assert_int_eq(setenv("CONFIG_FILE", "/etc/other", 1), 0);
	ck_assert_int_eq(setenv("INTERFACE_", "kept", 1), 0);
	ck_assert_uint_eq(failing_line("/x/a.conf",
	                               "PostUp = test $INTERFACE = tun9\n"
	                               "PostUp = test $CONFIG_FILE = /x/a.conf\n"
	                               "PostUp = test $INTERFACE_ = kept\n"),
	                  0);
}
END_TEST

/* So that it finds what lies beside the file. */
START_TEST(links_to_its_file_are_followed)
{
	char link[64], file[64];
	FILE *f;

	begin();
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(link, sizeof(link), "%s/a.conf", dir);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert_int_eq(symlink("file", link), 0);
	ck_assert_uint_eq(failing_line(link, "PostUp = test ${CONFIG_FILE##*/} = file\n"),
	                  0);
	unlink(link);
	unlink(file);
	end();
}
END_TEST

START_TEST(a_hook_is_run_as_by_wg_quick)
{
	ck_assert_int_eq(setenv("LC_ALL", "de_DE.UTF-8", 1), 0);
	ck_assert_uint_eq(failing_line("/x/a.conf", "PostUp = test $LC_ALL = C\n"), 0);
	ck_assert_uint_eq(failing_line("/x/a.conf", "PostUp = false; true\n"), 2);
	if (!spawn_has("bash")) {
		printf("skipped: there is no bash\n");
		return;
	}
	ck_assert_uint_eq(failing_line("/x/a.conf",
	                               "PostUp = true | true\nPostUp = false | true\n"),
	                  3);
	ck_assert_uint_eq(
		failing_line("/x/a.conf", "PostUp = [ /etc/+(passwd) = /etc/passwd ]\n"),
		0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/hooks");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_whole_group_is_ended);
	tcase_add_test(tc, who_is_in_time_is_left_alone);
	tcase_add_test(tc, a_hook_has_the_terminal);
	tcase_add_test(tc, the_message_says_which_and_how_long);
	tcase_add_test(tc, its_variables_replace_those_of_the_caller);
	tcase_add_test(tc, links_to_its_file_are_followed);
	tcase_add_test(tc, a_hook_is_run_as_by_wg_quick);
	return tc;
}
