/* src/cmd/up.c - the supervisor runs here, or in a child that tells us by a pipe when
 * it's ready. Until then errors go to stderr, afterwards to syslog. */
#include "cmd/up.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "cmd/plan_load.h"
#include "control/instance.h"
#include "control/supervisor.h"

static const char usage[] =
	"usage: tunion up [--foreground] [--tun NAME] [--run-dir DIR] [DIR | FILE...]\n"
	"  --foreground   stay, and log to stderr; end with Ctrl-C or tunion down\n"
	"  --tun NAME     name of the tun device (" INSTANCE_DEFAULT_TUN ")\n"
	"  --run-dir DIR  for sockets and pid files\n"
	"The default DIR is " PLAN_LOAD_DEFAULT_DIR ".\n";

/* Where log lines go. */
struct sink {
	bool background;
};

static void write_log(void *context, enum log_level level, const char *line)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARN] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};
	const struct sink *sink = context;

	if (sink->background)
		syslog(priorities[level], "%s", line);
	else
		log_to_stderr(NULL, level, line);
}

/* Leaves the terminal. */
static void go_to_background(struct sink *sink, int ready_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	openlog("tunion", LOG_PID, LOG_DAEMON);
	sink->background = true;
	fflush(NULL);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/") < 0 || write(ready_fd, "", 1) != 1)
		syslog(LOG_WARNING, "nobody waits for the start any more");
	close(ready_fd);
}

static void tell_end(const struct sink *sink, const struct diag *diag)
{
	if (!sink->background) {
		diag_print(diag, stderr);
		return;
	}
	for (size_t i = 0; i < diag->count; i++)
		syslog(LOG_WARNING, "%s", diag->entries[i].text);
}

/* ready_fd -1: in the foreground. Returns the exit status. */
static int run(struct supervisor_options *options, int ready_fd)
{
	struct sink sink = { false };
	struct log log = { LOG_LEVEL_INFO, write_log, &sink };
	struct supervisor *s;
	struct diag diag = { 0 };
	int err;

	options->log = &log;
	err = supervisor_up(&s, options, &diag);
	diag_print(&diag, stderr);
	diag_clear(&diag);
	if (err)
		return EXIT_FAILURE;
	if (ready_fd >= 0)
		go_to_background(&sink, ready_fd);
	else
		log_info(&log, NULL, "%s is up", options->tun);
	err = supervisor_serve(s);
	supervisor_down(s, &diag);
	tell_end(&sink, &diag);
	log_info(&log, NULL, "%s is down", options->tun);
	diag_clear(&diag);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The parent waits for the byte that says ready; if there is none, the child has told why
 * on stderr. */
static int run_in_background(struct supervisor_options *options)
{
	int ready[2];
	char byte;
	pid_t pid;
	ssize_t n;

	if (pipe2(ready, O_CLOEXEC) < 0) {
		perror("tunion: pipe");
		return EXIT_FAILURE;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		setsid();
		return run(options, ready[1]);
	}
	close(ready[1]);
	if (pid < 0)
		perror("tunion: fork");
	do
		n = pid < 0 ? 0 : read(ready[0], &byte, 1);
	while (n < 0 && errno == EINTR);
	close(ready[0]);
	return n == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int cmd_up(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static const char *const default_paths[] = { PLAN_LOAD_DEFAULT_DIR };
	struct supervisor_options options = { .tun = INSTANCE_DEFAULT_TUN };
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case 'f':
			options.foreground = true;
			break;
		case 't':
			options.tun = optarg;
			break;
		case 'r':
			options.run_dir = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	options.paths =
		optind < argc ? (const char *const *)argv + optind : default_paths;
	options.path_count = optind < argc ? (size_t)(argc - optind) : 1;
	return options.foreground ? run(&options, -1) : run_in_background(&options);
}
