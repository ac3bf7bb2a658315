/* src/cmd/up.c */
#include "cmd/up.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/app_option.h"
#include "cmd/arguments.h"
#include "cmd/one_file.h"
#include "cmd/page_option.h"
#include "cmd/paths.h"
#include "cmd/service.h"
#include "cmd/up_told.h"
#include "host/hooks.h"
#include "instance/instance.h"
#include "resolver/resolve.h"
#include "worker/worker.h"

static const char usage[] =
	"usage: tunion up [--foreground] [--no-dns] [--no-firewall] [--no-offload]\n"
	"                 [--no-watch] [--hook-limit SECONDS] [--log-level LEVEL]\n"
	"                 [--syslog]\n"
	"                 [--page ADDRESS:PORT] [--resolver ADDRESS[,ADDRESS]]\n"
	"                 [--tun NAME] [--run-dir DIR] [--gate FILE]\n"
	"                 [--tun-fd N] [--tun-path SOCK] [--protect-path SOCK]\n"
	"                 [DIR | FILE...]\n"
	"  --foreground       don't go to the background; log to stderr; Ctrl-C ends it\n"
	"  --no-dns           leave the host's name servers as they are\n"
	"  --no-firewall      don't use nft and iptables\n"
	"  --no-offload       don't use large packets that the kernel or a NIC cuts\n"
	"  --no-watch         apply changed files only after tunion reload\n"
	"  --hook-limit SECONDS  how long each hook may take (60)\n"
	"  --log-level LEVEL  error, warn, info (the default) or debug\n"
	"  --resolver ADDRESS[,ADDRESS]  ask these servers for names in Endpoints\n"
	"  --syslog           log to syslog once it is up, even with --foreground\n"
	"  --page ADDRESS:PORT  show the status in a browser on this machine, such as\n"
	"                     127.0.0.1:1081\n"
	"  --tun NAME         name of the tun device (" INSTANCE_DEFAULT_TUN ")\n"
	"  --run-dir DIR      for sockets and pid files\n"
	"  --gate FILE        the peers of this file are clients of the tunnels\n"
	"  --tun-fd N         the tun is this open descriptor, such as an Android app's;\n"
	"                     nothing is changed on the host\n"
	"  --tun-path SOCK    the same, but descriptors come by this Unix socket\n"
	"  --protect-path SOCK  ask the app at this Unix socket to keep each of our\n"
	"                     sockets out of its VPN\n" PATHS_USAGE;

static bool take_hook_limit(struct service *up, const char *argument)
{
	char *end;
	unsigned long seconds = strtoul(argument, &end, 10);

	if (argument[0] < '0' || argument[0] > '9' || *end || seconds < 1 ||
	    seconds > HOOKS_LIMIT_MAX_S) {
		fprintf(stderr,
		        "tunion: --hook-limit %s is wrong; expected 1 to %d seconds\n",
		        argument, HOOKS_LIMIT_MAX_S);
		return false;
	}
	up->options.hook_limit_s = (unsigned)seconds;
	return true;
}

/* What is known when it is up. */
struct up {
	struct service service;
	bool tun_given;
	struct up_told told;
	struct page_wanted page;
	struct app_option app;
};

static void planned(void *context, const struct plan *plan,
                    const struct ip_addr *resolver4, const struct ip_addr *resolver6)
{
	struct up *up = context;

	(void)resolver4;
	(void)resolver6;
	up_told_plan(&up->told, plan, NULL);
}

static void tell_up(void *context, const char *tun)
{
	const struct up *up = context;
	const struct supervisor_options *o = &up->service.options;
	const struct up_told_more more = { .tun = tun,
		                           .default_tun = INSTANCE_DEFAULT_TUN,
		                           .run_dir = o->run_dir,
		                           .paths = o->paths,
		                           .path_count = o->path_count };

	up_told_print(&up->told, &more, stdout);
}

/* Returns false if there is no such option, or if its argument is wrong. */
static bool take_option(struct up *up, int option, const char *argument)
{
	struct supervisor_options *options = &up->service.options;

	switch (option) {
	case 'D':
		options->no_dns = true;
		return true;
	case 'F':
		options->no_firewall = true;
		return true;
	case 'R':
		return service_take_resolver(&up->service, argument);
	case 'H':
		return take_hook_limit(&up->service, argument);
	case 's':
		up->service.syslog = true;
		return true;
	case 'p':
		options->page = &up->page;
		return page_option_take(&up->page, argument);
	case 't':
		options->tun = argument;
		up->tun_given = true;
		return true;
	case 'g':
		options->gate = argument;
		return true;
	case 'T':
	case 'P':
	case 'V':
		return app_option_take(&up->app, &up->service, option, argument);
	default:
		return service_take_option(&up->service, option, argument);
	}
}

/* NAMEs come into the instance if it is up already. */
static int run(struct up *u, const struct paths *paths)
{
	struct service *up = &u->service;
	const char *tun = u->tun_given ? up->options.tun : NULL;
	int status;

	if (paths->all_names && !up->options.foreground &&
	    one_file_up(up->options.run_dir, tun, paths, &status))
		return status;
	up->options.paths = paths->v;
	up->options.path_count = paths->n;
	up->options.names_folder = paths->folder;
	return service_run(up);
}

int cmd_up(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "no-dns", no_argument, NULL, 'D' },
		{ "no-firewall", no_argument, NULL, 'F' },
		{ "no-offload", no_argument, NULL, 'O' },
		{ "no-watch", no_argument, NULL, 'w' },
		{ "hook-limit", required_argument, NULL, 'H' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "resolver", required_argument, NULL, 'R' },
		{ "syslog", no_argument, NULL, 's' },
		{ "page", required_argument, NULL, 'p' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "gate", required_argument, NULL, 'g' },
		{ "tun-fd", required_argument, NULL, 'T' },
		{ "tun-path", required_argument, NULL, 'P' },
		{ "protect-path", required_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct up up = { .service = { .options = { .tun = INSTANCE_DEFAULT_TUN,
		                                   .worker = { .run = worker_run },
		                                   .resolver = { .run = resolve_run } },
		                      .log_level = LOG_LEVEL_INFO,
		                      .tell_up = tell_up,
		                      .context = &up },
		         .app.wanted.tun_fd = -1 };
	const struct supervisor_events events = { planned, &up };
	struct paths paths;
	int option, status = EXIT_FAILURE;

	while ((option = arguments_next(argc, argv, "h", long_options)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			status = EXIT_SUCCESS;
			goto out;
		}
		if (!take_option(&up, option, optarg))
			goto out;
	}
	signal(SIGPIPE, SIG_IGN); /* the terminal or the parent may be gone */
	up.service.options.events = &events;
	if (paths_take(&paths, argv + optind, argc - optind) &&
	    app_option_complete(&up.app))
		status = run(&up, &paths);
	paths_clear(&paths);
out:
	app_option_clear(&up.app);
	return status;
}
