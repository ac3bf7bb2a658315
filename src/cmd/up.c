/* src/cmd/up.c - the supervisor runs here, or in a child that tells us by a pipe when
 * it's ready. Until then errors go to stderr, afterwards to syslog. */
#include "cmd/up.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "cmd/notify.h"
#include "cmd/plan_load.h"
#include "control/instance.h"
#include "control/rights.h"
#include "control/supervisor.h"

static const char usage[] =
	"usage: tunion up [--foreground] [--no-firewall] [--tun NAME] [--run-dir DIR]\n"
	"                 [DIR | FILE...]\n"
	"  --foreground   stay, and log to stderr; end with Ctrl-C or tunion down\n"
	"  --no-firewall  do without nft and iptables\n"
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
	notify("READY=1");
	err = supervisor_serve(s);
	notify("STOPPING=1");
	supervisor_down(s, &diag);
	tell_end(&sink, &diag);
	log_info(&log, NULL, "%s is down", options->tun);
	diag_clear(&diag);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Ends its wait at the child's byte, which says ready, or at its end. A signal that is
 * meant to end us is passed on: the child undoes what it has done, and we still wait for
 * that. */
static bool wait_until_ready(int ready_fd, int signal_fd, pid_t child)
{
	struct pollfd p[] = { { .fd = ready_fd, .events = POLLIN },
		              { .fd = signal_fd, .events = POLLIN } };
	struct signalfd_siginfo info;
	char byte;

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return false;
		if (p[1].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info))
			kill(child, SIGTERM);
		if (p[0].revents)
			return read(ready_fd, &byte, 1) == 1;
	}
}

static void say_how_it_ended(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		fprintf(stderr, "tunion: ended by signal %d before it was up\n",
		        WTERMSIG(status));
	/* else it has told why on stderr */
}

/* Of what we have inherited a daemon keeps nothing: somebody may wait for the end of it.
 * Returns where the descriptor is now. */
static int keep_only(int fd)
{
	if (fd != 3 && dup3(fd, 3, O_CLOEXEC) < 0)
		return fd;
	rights_close_from(4);
	return 3;
}

static void free_paths(char **paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		free(paths[i]);
	free(paths);
}

/* NULL-terminated, to be freed; NULL: no memory. */
static char **absolute_paths(const char *const *paths, size_t n)
{
	char **out = calloc(n + 1, sizeof(*out));
	char *cwd = getcwd(NULL, 0);

	for (size_t i = 0; out && i < n; i++) {
		if (paths[i][0] == '/' || !cwd)
			out[i] = strdup(paths[i]);
		else if (asprintf(&out[i], "%s/%s", cwd, paths[i]) < 0)
			out[i] = NULL;
		if (!out[i]) {
			free_paths(out);
			out = NULL;
		}
	}
	free(cwd);
	return out;
}

/* Leaves the directory once ready; hooks, SaveConfig and reload need the files later. */
static int run_detached(struct supervisor_options *options, int ready_fd)
{
	char **paths = absolute_paths(options->paths, options->path_count);
	int status = EXIT_FAILURE;

	if (paths) {
		options->paths = (const char *const *)paths;
		status = run(options, ready_fd);
	} else {
		perror("tunion");
	}
	free_paths(paths);
	return status;
}

static int run_in_background(struct supervisor_options *options)
{
	int ready[2], signal_fd;
	sigset_t ending, before;
	pid_t child;
	bool up;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGHUP);
	signal_fd = signalfd(-1, &ending, SFD_CLOEXEC);
	if (signal_fd < 0 || pipe2(ready, O_CLOEXEC) < 0) {
		perror("tunion");
		return EXIT_FAILURE;
	}
	sigprocmask(SIG_BLOCK, &ending, &before);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		setsid();
		return run_detached(options, keep_only(ready[1]));
	}
	close(ready[1]);
	if (child < 0)
		perror("tunion: fork");
	up = child > 0 && wait_until_ready(ready[0], signal_fd, child);
	if (child > 0 && !up)
		say_how_it_ended(child);
	close(ready[0]);
	close(signal_fd);
	return up ? EXIT_SUCCESS : EXIT_FAILURE;
}

int cmd_up(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "no-firewall", no_argument, NULL, 'F' },
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
		case 'F':
			options.no_firewall = true;
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
	signal(SIGPIPE, SIG_IGN); /* of a terminal or a parent that has gone */
	options.paths =
		optind < argc ? (const char *const *)argv + optind : default_paths;
	options.path_count = optind < argc ? (size_t)(argc - optind) : 1;
	return options.foreground ? run(&options, -1) : run_in_background(&options);
}
