/* src/cmd/down.c - asks the instance to go down; cleans up after one that was killed */
#include "cmd/down.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "cmd/one_file.h"
#include "cmd/target.h"
#include "instance/own_states.h"
#include "supervisor/hosts.h"

#define END_MS 5000

static const char usage[] =
	"usage: tunion down [--tun NAME] [--run-dir DIR] [NAME...]\n"
	"  NAME           take only the file NAME.conf out of the instance; without a NAME,\n"
	"                 or with the last one, the whole instance goes down\n"
	"  --tun NAME     the tun of the instance, if several are up\n"
	"  --run-dir DIR  as given to tunion up\n";

/* Removes the last line from an answer and returns it; to be freed. NULL: out of
 * memory. */
static char *take_last_line(char *answer)
{
	size_t n = strlen(answer);
	char *line, *copy;

	if (n > 0 && answer[n - 1] == '\n')
		answer[n - 1] = '\0';
	line = strrchr(answer, '\n');
	line = line ? line + 1 : answer;
	copy = strdup(line);
	*line = '\0';
	return copy;
}

/* The supervisor answers before it ends, and only then are its locks free: of the folder
 * of a gate, and of the instance itself. pidfd may be -1. */
static void wait_for_end(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0)
		(void)!poll(&p, 1, END_MS);
}

/* The answer consists of warnings, one on each line, and then one of
 *   ok
 *   failed N    it is down, but a hook has failed with exit status N;
 *   refused N   it stays up, because a hook has failed with exit status N, or a file with
 *               SaveConfig can't be written (N is 1). */
static int tell(const struct instance *i, int pidfd, char *answer)
{
	char *last = take_last_line(answer);
	int status = 0;
	bool ok = last && strcmp(last, "ok") == 0, refused;

	refused = last && sscanf(last, "refused %d", &status) == 1;
	if (!ok && !refused && last && sscanf(last, "failed %d", &status) == 1)
		ok = true;
	if (!refused)
		wait_for_end(pidfd);
	fputs(answer, stderr);
	if (refused)
		fprintf(stderr,
		        "tunion: %s stays up; after the reason is mended, tunion down takes it down, and kill %d does so all the same\n",
		        i->tun, (int)instance_pid(i));
	else if (!ok)
		fprintf(stderr,
		        "%s%stunion: the instance ended without saying whether everything was restored\n",
		        last ? last : "", last && *last ? "\n" : "");
	free(last);
	if (ok || (refused && status > 0))
		return status;
	return EXIT_FAILURE;
}

/* Removes what an instance that was killed has left on the host and in the run
 * directory. */
static int clear_up(struct instance *i)
{
	struct diag diag = { 0 };
	struct log log = { LOG_LEVEL_INFO, log_to_stderr, NULL };
	struct host_options options = { .tun = i->tun,
		                        .state_path = i->state_path,
		                        .log = &log };
	struct hosts hosts = { 0 };
	int err = instance_lock_killed(i, &diag);

	options.lock_fd = i->lock_fd;
	if (!err)
		err = hosts_new(&hosts, &options, &diag);
	hosts_free(&hosts);
	diag_print(&diag, stderr);
	diag_clear(&diag);
	if (err)
		return EXIT_FAILURE;
	if (own_states_any_left(i->state_path)) {
		fprintf(stderr,
		        "tunion: %s was not running; not all that it had left on the host could be removed: after the reason is mended, call tunion down again\n",
		        i->tun);
		return EXIT_FAILURE;
	}
	fprintf(stderr,
	        "tunion: %s was not running; what it had left on the host was removed\n",
	        i->tun);
	return EXIT_SUCCESS;
}

static int ask_down(struct instance *i, int pidfd)
{
	char *answer;
	int status, err = target_ask(i, "down", &answer);

	if (err == -ENOENT || err == -ECONNREFUSED) {
		if (instance_is_stale(i))
			return clear_up(i);
		target_say_not_up(i);
		return EXIT_FAILURE;
	}
	if (err)
		return EXIT_FAILURE;
	status = tell(i, pidfd, answer);
	free(answer);
	return status;
}

/* With its last file the whole instance goes down. */
static int tell_last(const struct instance *i, int pidfd, const char *name, char *answer)
{
	int status = tell(i, pidfd, answer);

	if (status == EXIT_SUCCESS)
		printf("%s was the last file: %s is down\n", name, i->tun);
	return status;
}

/* Sets *heard to false if the instance gives no answer. */
static int ask_out(struct instance *i, int pidfd, const char *word, bool *heard)
{
	char *answer = NULL, *name = one_file_name(word);
	int status = EXIT_FAILURE, err;

	err = name ? one_file_ask_down(i, name, &answer) : -ENOMEM;
	*heard = err == 0;
	if (err == -ENOENT || err == -ECONNREFUSED)
		target_say_not_up(i);
	if (!err)
		status = one_file_is_answer(answer) ? one_file_tell(answer)
		                                    : tell_last(i, pidfd, name, answer);
	free(answer);
	free(name);
	return status;
}

static int take_down(struct instance *i, char *const *words)
{
	pid_t pid = instance_pid(i);
	/* without pidfds, which are new in Linux 5.3, we don't wait */
	int fd = pid > 0 ? process_pidfd(pid) : -1, status;
	bool heard = true;

	status = *words ? EXIT_SUCCESS : ask_down(i, fd);
	for (; *words && heard; words++) {
		int one = ask_out(i, fd, *words, &heard);

		if (status == EXIT_SUCCESS)
			status = one;
	}
	if (fd >= 0)
		close(fd);
	return status;
}

int cmd_down(int argc, char **argv)
{
	static const struct target_command command = { usage, true, take_down };

	return target_command(argc, argv, &command);
}
