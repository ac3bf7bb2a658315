/* src/cmd/up.c - the supervisor runs in this process or in a child, which uses a pipe to
 * tell us when it is ready. Until then errors go to stderr, and afterwards to syslog (in
 * the foreground only if this was asked for). */
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
#include <unistd.h>

#include "base/process.h"
#include "cmd/log_output.h"
#include "cmd/notify.h"
#include "cmd/paths.h"
#include "cmd/plan_load.h"
#include "instance/instance.h"
#include "supervisor/supervisor.h"
#include "worker/worker.h"

static const char usage[] =
	"usage: tunion up [--foreground] [--no-dns] [--no-firewall] [--no-offload]\n"
	"                 [--no-watch] [--log-level LEVEL] [--syslog] [--tun NAME]\n"
	"                 [--run-dir DIR] [DIR | FILE...]\n"
	"  --foreground       don't go to the background; log to stderr; Ctrl-C ends it\n"
	"  --no-dns           leave the host's name servers as they are\n"
	"  --no-firewall      don't use nft and iptables\n"
	"  --no-offload       don't use large packets that the kernel or a NIC cuts\n"
	"  --no-watch         apply changed files only after tunion reload\n"
	"  --log-level LEVEL  error, warn, info (the default) or debug\n"
	"  --syslog           log to syslog once it is up, even with --foreground\n"
	"  --tun NAME         name of the tun device (" INSTANCE_DEFAULT_TUN ")\n"
	"  --run-dir DIR      for sockets and pid files\n"
	"The default DIR is " PLAN_LOAD_DEFAULT_DIR ".\n";

/* What the command line contains. */
struct up {
	struct supervisor_options options;
	enum log_level log_level;
	bool syslog; /* also in the foreground */
};

/* Detaches from the terminal. */
static void go_to_background(struct log_output *output, int ready_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	log_output_open_syslog(output);
	fflush(NULL);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/") < 0 || write(ready_fd, "", 1) != 1)
		log_output_write(output, LOG_LEVEL_WARN,
		                 "nobody is waiting for the start any more");
	close(ready_fd);
}

/* ready_fd is -1 in the foreground. Returns the exit status. */
static int run(struct up *up, int ready_fd)
{
	struct supervisor_options options = up->options;
	struct log_output output = { log_output_stderr() };
	struct log log = { up->log_level, log_output_write, &output };
	struct supervisor *s;
	struct diag diag = { 0 };
	int err;

	options.log = &log;
	err = supervisor_up(&s, &options, &diag);
	log_output_diag(&output, &diag);
	diag_clear(&diag);
	if (err)
		return EXIT_FAILURE;
	if (ready_fd >= 0)
		go_to_background(&output, ready_fd);
	else if (up->syslog)
		log_output_open_syslog(&output);
	log_info(&log, NULL, "%s is up", options.tun);
	notify("READY=1");
	err = supervisor_serve(s);
	notify("STOPPING=1");
	supervisor_down(s, &diag);
	log_output_diag(&output, &diag);
	log_info(&log, NULL, "%s is down", options.tun);
	diag_clear(&diag);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Waits for the child's byte, which says that it is ready, or for its end. A signal that
 * should end us is passed on to the child. Then the child undoes what it has done, and we
 * still wait for that. */
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
	/* otherwise the child has printed the reason on stderr */
}

/* Closes all other descriptors that were inherited, because somebody may be waiting for
 * their end, which would never come from a daemon. Returns the descriptor, which may have
 * changed. */
static int keep_only(int fd)
{
	if (fd != 3 && dup3(fd, 3, O_CLOEXEC) < 0)
		return fd;
	process_close_from(4);
	return 3;
}

static int run_with_absolute_paths(struct up *up, int ready_fd)
{
	struct supervisor_options *options = &up->options;
	char **paths = paths_absolute(options->paths, options->path_count);
	int status = EXIT_FAILURE;

	if (paths) {
		options->paths = (const char *const *)paths;
		status = run(up, ready_fd);
	} else {
		perror("tunion");
	}
	paths_free(paths);
	return status;
}

static int run_in_background(struct up *up)
{
	int ready[2], signal_fd;
	sigset_t ending, before;
	pid_t child;
	bool is_up;

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
		return run_with_absolute_paths(up, keep_only(ready[1]));
	}
	close(ready[1]);
	if (child < 0)
		perror("tunion: fork");
	is_up = child > 0 && wait_until_ready(ready[0], signal_fd, child);
	if (child > 0 && !is_up)
		say_how_it_ended(child);
	close(ready[0]);
	close(signal_fd);
	return is_up ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns false if there is no such option, or if its argument is wrong. */
static bool take_option(struct up *up, int option, const char *argument)
{
	switch (option) {
	case 'f':
		up->options.foreground = true;
		return true;
	case 'D':
		up->options.no_dns = true;
		return true;
	case 'F':
		up->options.no_firewall = true;
		return true;
	case 'O':
		up->options.no_offload = true;
		return true;
	case 'w':
		up->options.no_watch = true;
		return true;
	case 'l':
		if (log_output_parse_level(argument, &up->log_level))
			return true;
		fprintf(stderr,
		        "tunion: %s is no log level; expected error, warn, info or debug\n",
		        argument);
		return false;
	case 's':
		up->syslog = true;
		return true;
	case 't':
		up->options.tun = argument;
		return true;
	case 'r':
		up->options.run_dir = argument;
		return true;
	default:
		return false;
	}
}

int cmd_up(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "no-dns", no_argument, NULL, 'D' },
		{ "no-firewall", no_argument, NULL, 'F' },
		{ "no-offload", no_argument, NULL, 'O' },
		{ "no-watch", no_argument, NULL, 'w' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "syslog", no_argument, NULL, 's' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static const char *const default_paths[] = { PLAN_LOAD_DEFAULT_DIR };
	struct up up = { .options = { .tun = INSTANCE_DEFAULT_TUN,
		                      .worker = { worker_run } },
		         .log_level = LOG_LEVEL_INFO };
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
		if (!take_option(&up, option, optarg)) {
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	signal(SIGPIPE, SIG_IGN); /* the terminal or the parent may be gone */
	up.options.paths =
		optind < argc ? (const char *const *)argv + optind : default_paths;
	up.options.path_count = optind < argc ? (size_t)(argc - optind) : 1;
	return up.options.foreground ? run_with_absolute_paths(&up, -1)
	                             : run_in_background(&up);
}
