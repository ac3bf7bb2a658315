/* src/cmd/wireguard.c - arguments and environment are those of wireguard-go, which wg-quick and
 * others know how to call */
#include "cmd/wireguard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/diag.h"
#include "cmd/background.h"
#include "cmd/log_output.h"
#include "supervisor/drop_in.h"
#include "worker/worker.h"

static const char usage[] =
	"usage: " WIREGUARD_NAME " [-f | --foreground] INTERFACE-NAME\n"
	"  -f, --foreground  don't go to the background\n"
	"  --version         print the version\n"
	"  --help            print this\n"
	"Environment, as of wireguard-go:\n"
	"  LOG_LEVEL                verbose, error (the default) or silent\n"
	"  WG_TUN_FD, WG_UAPI_FD    descriptors of the tun and of the listening socket\n"
	"  WG_PROCESS_FOREGROUND=1  the same as --foreground\n";

struct wireguard {
	const char *name;
	bool foreground;
	bool silent, keeps_stderr;
	enum log_level log_level;
	int tun_fd, uapi_fd;
};

static bool is_foreground(const char *word)
{
	return strcmp(word, "-f") == 0 || strcmp(word, "--foreground") == 0;
}

/* Returns false if the arguments are wrong. */
static bool take_arguments(struct wireguard *w, int argc, char **argv)
{
	const char *variable = getenv("WG_PROCESS_FOREGROUND");

	w->foreground = argc == 3 && is_foreground(argv[1]);
	if (argc != (w->foreground ? 3 : 2) || argv[argc - 1][0] == '-')
		return false;
	w->name = argv[argc - 1];
	if (variable && strcmp(variable, "1") == 0)
		w->foreground = true;
	return true;
}

/* In the background, wireguard-go leaves stderr too, unless a level was chosen. */
static void take_log_level(struct wireguard *w)
{
	const char *word = getenv("LOG_LEVEL");

	if (!word)
		word = "";
	w->log_level = LOG_LEVEL_ERROR;
	if (strcmp(word, "verbose") == 0 || strcmp(word, "debug") == 0)
		w->log_level = LOG_LEVEL_DEBUG;
	w->silent = strcmp(word, "silent") == 0;
	w->keeps_stderr = *word && !w->silent;
}

/* It is not handed on to other programs. */
static bool take_fd(int *out, const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long fd;

	*out = -1;
	if (!text || !*text)
		return true;
	errno = 0;
	fd = strtol(text, &end, 10);
	if (*end == '\0' && errno == 0 && fd >= 0 && fd <= INT_MAX &&
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0) {
		*out = (int)fd;
		return true;
	}
	fprintf(stderr,
	        WIREGUARD_NAME
	        ": %s=%s is wrong: expected the number of an open descriptor\n",
	        variable, text);
	return false;
}

static bool take_uapi_fd(struct wireguard *w)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (!take_fd(&w->uapi_fd, "WG_UAPI_FD"))
		return false;
	if (w->uapi_fd < 0)
		return true;
	if (getsockopt(w->uapi_fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	    listens && fcntl(w->uapi_fd, F_SETFL, O_NONBLOCK) == 0)
		return true;
	fputs(WIREGUARD_NAME ": WG_UAPI_FD is wrong: expected a socket that listens\n",
	      stderr);
	return false;
}

static void write_nothing(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

static void become_ready(const struct wireguard *w, struct log_output *output,
                         int ready_fd)
{
	if (ready_fd < 0)
		return;
	if (w->keeps_stderr)
		background_begin_with_stderr(output, ready_fd);
	else
		background_begin(output, ready_fd);
}

/* ready_fd is -1 in the foreground. */
static int run(const void *context, int ready_fd)
{
	const struct wireguard *w = context;
	struct log_output output = { log_output_stderr() };
	const struct log log = { w->log_level,
		                 w->silent ? write_nothing : log_output_write, &output };
	const struct drop_in_options options = { .name = w->name,
		                                 .tun_fd = w->tun_fd,
		                                 .uapi_fd = w->uapi_fd,
		                                 .log = &log,
		                                 .worker = { .run = worker_run },
		                                 .foreground = ready_fd < 0 };
	struct diag diag = { 0 };
	struct drop_in *d;
	int err = drop_in_up(&d, &options, &diag);

	if (!w->silent)
		log_output_diag(&output, &diag);
	diag_clear(&diag);
	if (err)
		return EXIT_FAILURE;
	become_ready(w, &output, ready_fd);
	log_info(&log, drop_in_name(d), "is there");
	err = drop_in_serve(d);
	drop_in_down(d);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_wireguard(int argc, char **argv)
{
	struct wireguard w = { 0 };
	int *const keep[] = { &w.tun_fd, &w.uapi_fd };

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts(WIREGUARD_NAME " " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (!take_arguments(&w, argc, argv)) {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	take_log_level(&w);
	if (!take_fd(&w.tun_fd, "WG_TUN_FD") || !take_uapi_fd(&w))
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN); /* the terminal or the parent may be gone */
	return w.foreground ? run(&w, -1)
	                    : background_run(run, &w, keep, ARRAY_SIZE(keep));
}
