/* src/cmd/exec.c - this process becomes the command
 *
 * So its exit status, signals, process group and terminal are those of a command that was
 * started without us: there is nothing in between. Before that, it forks the supervisor,
 * which stays outside in a session of its own, and is not its child: a command that waits
 * for all its children must not wait for one that it doesn't know. The supervisor sees by
 * a pidfd when the command ends. See handover.h for what they say to each other. */
#include "cmd/exec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "cmd/arguments.h"
#include "cmd/log_output.h"
#include "cmd/paths.h"
#include "cmd/service.h"
#include "cmd/target.h"
#include "inside/handover.h"
#include "inside/inside.h"
#include "instance/instance.h"
#include "resolver/resolve.h"
#include "supervisor/supervisor.h"
#include "worker/worker.h"

#define NOT_FOUND    127 /* as in the shell, and env(1) */
#define NOT_EXECUTED 126

static const char usage[] =
	"usage: tunion exec [--no-offload] [--no-watch] [--log-level LEVEL]\n"
	"                   [--tun NAME] [--run-dir DIR] [DIR | FILE...] -- COMMAND [ARGUMENT...]\n"
	"       tunion exec --in NAME [--run-dir DIR] -- COMMAND [ARGUMENT...]\n"
	"  --in NAME          run it where the command of this instance runs\n"
	"  --no-offload       don't use large packets that the kernel or a NIC cuts\n"
	"  --no-watch         apply changed files only after tunion reload\n"
	"  --log-level LEVEL  error, warn, info (the default) or debug; it goes to syslog\n"
	"  --tun NAME         name of the tun device and the instance (exec0, exec1...)\n"
	"  --run-dir DIR      for sockets and pid files\n" PATHS_USAGE;

/* What the command line contains. */
struct exec {
	struct supervisor_options options;
	enum log_level log_level;
	const char *in;
	char **command;
};

/* ---- the supervisor */

static int serve(struct supervisor *s, struct log *log, struct log_output *output,
                 int socket)
{
	struct diag diag = { 0 };
	int err;

	log_output_open_syslog(output);
	process_leave_streams(2, 2);
	log_info(log, NULL, "%s is up", supervisor_tun(s));
	/* if the other process has ended, we notice it soon */
	(void)!handover_go(socket);
	close(socket);
	err = supervisor_serve(s);
	log_info(log, NULL, "%s goes down", supervisor_tun(s));
	supervisor_down(s, &diag);
	log_output_diag(output, &diag);
	diag_clear(&diag);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Returns the exit status. */
static int supervise(struct exec *e, int socket, int pidfd)
{
	struct handover_fds fds;
	const struct supervisor_inside inside = { &fds, socket, pidfd };
	struct log_output output = { log_output_stderr() };
	struct log log = { e->log_level, log_output_write, &output };
	struct supervisor *s;
	struct diag diag = { 0 };
	int err;

	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	process_close_all_but(socket, pidfd);
	process_leave_streams(0, 1);
	if (handover_take(socket, &fds) < 0 || chdir("/") < 0)
		return EXIT_FAILURE; /* the other process has said why */
	e->options.log = &log;
	e->options.inside = &inside;
	err = supervisor_up(&s, &e->options, &diag);
	log_output_diag(&output, &diag);
	diag_clear(&diag);
	if (!err)
		return serve(s, &log, &output, socket);
	handover_fail(socket);
	return EXIT_FAILURE;
}

/* The supervisor becomes a child of init, or of who else takes orphans. Returns 0 or
 * -errno. */
static int start_supervisor(struct exec *e, int socket, int pidfd)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		pid_t supervisor = setsid() < 0 ? -1 : fork();

		if (supervisor == 0)
			exit(supervise(e, socket, pidfd));
		_exit(supervisor < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	while (waitpid(child, &status, 0) < 0) {
		/* the caller ignores SIGCHLD, and so will the command */
		if (errno == ECHILD)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EAGAIN;
}

/* ---- the command */

/* Only returns if this fails. */
static int become(char **command)
{
	int error;

	fflush(NULL);
	execvp(command[0], command);
	error = errno;
	fprintf(stderr, "tunion: %s: %s\n", command[0], strerror(error));
	return error == ENOENT ? NOT_FOUND : NOT_EXECUTED;
}

/* Returns whether everything is up. */
static bool go_inside(int socket)
{
	struct handover_fds fds;
	struct diag diag = { 0 };
	int err = inside_enter(&fds, "the command", &diag);

	if (!err)
		err = handover_give(socket, &fds);
	handover_close(&fds);
	if (!err)
		err = inside_serve(socket, &diag);
	if (err == -ENOTCONN)
		diag_error(
			&diag, NULL, 0,
			"the supervisor was ended before everything was up: try again");
	diag_print(&diag, stderr);
	diag_clear(&diag);
	return err == 0;
}

static int start(struct exec *e)
{
	int sockets[2], err = handover_pair(sockets);
	int pidfd = process_pidfd(getpid());
	if (pidfd < 0) {
		fprintf(stderr,
		        "tunion: exec needs Linux 5.3 or newer, and pidfd_open: %s\n",
		        strerror(errno));
		return EXIT_FAILURE;
	}
	if (!err)
		err = start_supervisor(e, sockets[1], pidfd);
	if (err) {
		fprintf(stderr, "tunion: can't start the supervisor: %s\n",
		        strerror(-err));
		return EXIT_FAILURE;
	}
	close(sockets[1]);
	close(pidfd);
	if (!go_inside(sockets[0]))
		return EXIT_FAILURE;
	close(sockets[0]);
	return become(e->command);
}

static int start_with_absolute_paths(struct exec *e)
{
	char **paths = paths_absolute(e->options.paths, e->options.path_count);
	char **run_dir = paths_absolute(&e->options.run_dir, e->options.run_dir ? 1 : 0);
	int status = EXIT_FAILURE;

	if (paths && run_dir) {
		e->options.paths = (const char *const *)paths;
		e->options.run_dir = run_dir[0];
		status = start(e);
	} else {
		perror("tunion");
	}
	paths_free(paths);
	paths_free(run_dir);
	return status;
}

/* ---- --in */

/* Returns 0; -EUSERS, if it belongs to *other; -EPROTO or -ENOTCONN, if it isn't an instance of
 * exec; or another -errno of instance_ask. */
static int enter(const struct instance *i, struct handover_fds *out, uid_t *other)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	char heard;
	int fd, err = instance_ask(i, "enter", &fd);

	if (err)
		return err;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		err = -errno;
	else if (peer.uid != geteuid())
		err = -EUSERS;
	else
		err = read(fd, &heard, 1) == 1 ? handover_take(fd, out) : -ENOTCONN;
	*other = peer.uid;
	close(fd);
	return err;
}

static int ask_for_namespaces(struct exec *e, struct handover_fds *fds)
{
	struct instance instance;
	uid_t other = 0;
	int err = target_find(&instance, e->options.run_dir, e->in);

	*fds = HANDOVER_NO_FDS;
	if (!err) {
		err = enter(&instance, fds, &other);
		if (err == -ENOENT || err == -ECONNREFUSED)
			target_say_not_up(&instance);
		else if (err == -EUSERS)
			fprintf(stderr,
			        "tunion: %s belongs to user %u, whose programs the command would find in there: run tunion exec as that user\n",
			        instance.tun, (unsigned)other);
		else if (err == -EPROTO || err == -ENOTCONN)
			fprintf(stderr, "tunion: %s is not an instance of tunion exec\n",
			        instance.tun);
		else if (err)
			target_say_error(&instance, err);
	}
	instance_clear(&instance);
	return err;
}

static int join(struct exec *e)
{
	struct handover_fds fds;
	struct diag diag = { 0 };
	int err = ask_for_namespaces(e, &fds);

	if (!err)
		err = inside_join(&fds, &diag);
	diag_print(&diag, stderr);
	diag_clear(&diag);
	handover_close(&fds);
	return err ? EXIT_FAILURE : become(e->command);
}

/* ---- the command line */

/* Returns false if there is no such option, or if its argument is wrong. */
static bool take_option(struct exec *e, int option, const char *argument)
{
	switch (option) {
	case 'i':
		e->in = argument;
		return true;
	case 'O':
		e->options.no_offload = true;
		return true;
	case 'w':
		e->options.no_watch = true;
		return true;
	case 'l':
		return log_output_parse_level(argument, &e->log_level);
	case 't':
		e->options.tun = argument;
		return true;
	case 'r':
		e->options.run_dir = argument;
		return true;
	default:
		return false;
	}
}

/* What follows -- is the command's. Returns how many words come before it, or -1 if there
 * is no command. */
static int find_command(struct exec *e, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		e->command = argv + i + 1;
		return i + 1 < argc ? i : -1;
	}
	return -1;
}

static int run(struct exec *e, int argc, char **argv)
{
	struct paths paths;
	int status = EXIT_FAILURE;

	if (e->in && (optind < argc || e->options.tun)) {
		fprintf(stderr,
		        "tunion: --in takes neither files nor --tun: the instance has them already\n");
		return EXIT_FAILURE;
	}
	if (e->in)
		return join(e);
	if (paths_take(&paths, argv + optind, argc - optind)) {
		e->options.paths = paths.v;
		e->options.path_count = paths.n;
		e->options.names_folder = paths.folder;
		if (service_names_exist(&e->options))
			status = start_with_absolute_paths(e);
	}
	paths_clear(&paths);
	e->options.paths = NULL; /* they end here */
	return status;
}

int cmd_exec(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "in", required_argument, NULL, 'i' },
		{ "no-offload", no_argument, NULL, 'O' },
		{ "no-watch", no_argument, NULL, 'w' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct exec e = { .options = { .base = "exec",
		                       .worker = { .run = worker_run },
		                       .resolver = { .run = resolve_run } },
		          .log_level = LOG_LEVEL_INFO };
	int option, own = find_command(&e, argc, argv);

	while ((option = arguments_next(own < 0 ? argc : own, argv, "h", long_options)) !=
	       -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
		if (!take_option(&e, option, optarg))
			return EXIT_FAILURE;
	}
	if (own < 0) {
		fprintf(stderr,
		        "tunion: exec expects a command after --, such as: tunion exec -- curl https://example.net/\n");
		return EXIT_FAILURE;
	}
	return run(&e, own, argv);
}
