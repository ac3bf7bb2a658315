/* tests/unit/test_hook_note.c - the hook of a killed instance is found again, and only this */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/hook_note.h"

static char dir[32], path[48];

static void begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tunion-note-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/note", dir);
}

static void end(void)
{
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* As its shell does it. */
static void note(pid_t pid)
{
	char command[200];

	ck_assert(hook_note_begin(path));
	snprintf(command, sizeof(command),
	         "read -r line </proc/%d/stat; echo \"$line\" >%s", (int)pid, path);
	ck_assert_int_eq(system(command), 0);
}

/* Waits for a byte and then ends. It leads a group of its own. */
static pid_t start_hook(int *go)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	struct sigaction before;
	int fds[2];
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(fds), 0);
	/* check's own handler would pass it on to the test */
	ck_assert_int_eq(sigaction(SIGTERM, &by_default, &before), 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		close(fds[1]);
		(void)!read(fds[0], &byte, 1);
		_exit(0);
	}
	ck_assert_int_eq(sigaction(SIGTERM, &before, NULL), 0);
	(void)setpgid(pid, pid);
	close(fds[0]);
	*go = fds[1];
	return pid;
}

static bool still_runs(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

/* Now it is waited for. */
static void let_go(void *context, enum log_level level, const char *line)
{
	const int *go = context;

	(void)level;
	ck_assert_ptr_nonnull(strstr(line, "still runs"));
	ck_assert_int_eq(write(*go, "", 1), 1);
}

START_TEST(it_is_waited_for)
{
	int go;
	const struct log log = { LOG_LEVEL_INFO, let_go, &go };
	pid_t pid;
	int status;

	begin();
	pid = start_hook(&go);
	note(pid);
	hook_note_wait(path, 30, &log);
	/* an emulator's other threads may end a moment after what /proc calls dead */
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	close(go);
	end();
}
END_TEST

START_TEST(it_is_ended_when_its_time_is_over)
{
	int go, status;
	pid_t pid;

	begin();
	pid = start_hook(&go);
	note(pid);
	hook_note_wait(path, 0, NULL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	close(go);
	end();
}
END_TEST

/* Between its fork and the first line of its shell, the supervisor may be killed, and another
 * one or `tunion down` may clear up. */
START_TEST(it_is_too_late_for_it)
{
	begin();
	ck_assert_int_eq(setenv("TUNION_NOTE", path, 1), 0);
	ck_assert_int_ne(system(HOOK_NOTE_SCRIPT "\nexit 0"), 0);
	ck_assert(hook_note_begin(path));
	ck_assert_int_eq(system(HOOK_NOTE_SCRIPT "\nexit 0"), 0);
	hook_note_remove(path);
	ck_assert_int_eq(setenv("TUNION_NOTE", "/dev/null", 1), 0);
	ck_assert_int_eq(system(HOOK_NOTE_SCRIPT "\nexit 0"), 0);
	end();
}
END_TEST

/* Nobody else is waited for, or harmed. */
START_TEST(who_is_another_process_is_left_alone)
{
	static const char *const texts[] = {
		"",       "x",
		"1 1\n",  "0 0\n",
		"-1 1\n", "%d (x) S 1\n",
		"%d 0\n", "%d (a) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 7\n"
	};
	int go;
	pid_t pid;

	begin();
	pid = start_hook(&go);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		FILE *f = fopen(path, "w");
		const char *at = strstr(texts[i], "%d");

		ck_assert_ptr_nonnull(f);
		if (at)
			fprintf(f, "%d%s", (int)pid, at + 2);
		else
			fputs(texts[i], f);
		fclose(f);
		hook_note_wait(path, 0, NULL);
		ck_assert(still_runs(pid));
	}
	/* what others could have written is not believed */
	note(pid);
	ck_assert_int_eq(chmod(path, 0666), 0);
	hook_note_wait(path, 0, NULL);
	ck_assert(still_runs(pid));
	note(pid);
	hook_note_remove(path);
	hook_note_wait(path, 0, NULL);
	hook_note_wait(NULL, 0, NULL);
	ck_assert(still_runs(pid));
	/* one that has ended */
	note(pid);
	close(go);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	hook_note_wait(path, 1000, NULL);
	end();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/hook_note");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, it_is_waited_for);
	tcase_add_test(tc, it_is_too_late_for_it);
	tcase_add_test(tc, it_is_ended_when_its_time_is_over);
	tcase_add_test(tc, who_is_another_process_is_left_alone);
	return tc;
}
