/* src/cmd/gate.c - makes keys and files, and then an instance without a tun, one of whose
 * devices is the gate
 *
 * The supervisor's process does all of it, so that nobody else has the folder. */
#include "cmd/gate.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rights.h"
#include "cmd/arguments.h"
#include "cmd/gate_page.h"
#include "cmd/page_option.h"
#include "cmd/paths.h"
#include "cmd/plan_load.h"
#include "cmd/service.h"
#include "cmd/up_told.h"
#include "cmd/within.h"
#include "gate/gate_clients.h"
#include "gate/gate_state.h"
#include "io/udp.h"
#include "resolver/resolve.h"
#include "show/qr.h"
#include "worker/worker.h"

static const char usage[] =
	"usage: tunion gate [--listen ADDRESS:PORT] [--client NAME]... [--all]\n"
	"                   [--page ADDRESS:PORT] [--state DIR] [--foreground]\n"
	"                   [--no-offload] [--no-watch] [--log-level LEVEL]\n"
	"                   [--resolver ADDRESS[,ADDRESS]] [--run-dir DIR]\n"
	"                   [DIR | FILE...]\n"
	"       tunion gate --show NAME [--state DIR]\n"
	"  --listen ADDRESS:PORT  where clients reach it: at first 127.0.0.1:51821, and\n"
	"                         then where it was before\n"
	"  --client NAME          also make a file for this client (at first: phone)\n"
	"  --all                  clients send everything, not only what is in the union\n"
	"  --page ADDRESS:PORT    show the status and the clients' files in a browser on\n"
	"                         this machine, such as 127.0.0.1:1081\n"
	"  --show NAME            print this client's file, on a terminal as a QR code too\n"
	"  --state DIR            where keys and clients' files are kept; the default is\n"
	"                         $XDG_STATE_HOME/tunion or $HOME/.local/state/tunion\n"
	"  --foreground           don't go to the background; Ctrl-C ends it\n"
	"  --no-offload           don't use large packets that the kernel or a NIC cuts\n"
	"  --no-watch             apply changed files only after tunion reload\n"
	"  --log-level LEVEL      error, warn, info (the default) or debug\n"
	"  --resolver ADDRESS[,ADDRESS]  ask these servers for names in Endpoints\n"
	"  --run-dir DIR          for sockets and pid files\n" PATHS_USAGE;

struct gate {
	/* What the command line contains. */
	struct service service;
	const char *state;
	struct endpoint listen; /* IP_NONE: not given */
	const char **clients;   /* owned array; the names are borrowed */
	size_t client_count;
	bool all;
	const char *show;
	struct page_wanted page;

	char *state_path; /* owned; absolute */
	struct gate_folder folder;
	char conf_path[GATE_FOLDER_PATH_MAX];
	const char **paths;    /* owned array: of the tunnel files, and conf_path */
	const struct log *log; /* borrowed; that of the supervisor */
	bool told_no_dns;
	struct endpoint told_listen;
	struct up_told told;
};

/* ---- the files of the clients */

static void tell_written(void *context, const char *client, const char *path,
                         enum gate_news news)
{
	const struct gate *g = context;

	switch (news) {
	case GATE_NEWS_NEW:
		log_info(
			g->log, NULL,
			"%s is new: import it into the WireGuard app (tunion gate --show %s prints it)",
			path, client);
		break;
	case GATE_NEWS_CHANGED:
		log_warn(g->log, NULL, "%s has changed: import it again", path);
		break;
	case GATE_NEWS_OLD_KEY:
		log_warn(g->log, NULL,
		         "%s was for an older key of the gate: import it again", path);
		break;
	}
}

static void tell_no_dns(struct gate *g, const struct gate_view *view)
{
	bool none =
		view->resolver4.family == IP_NONE && view->resolver6.family == IP_NONE;

	if (none && !g->told_no_dns)
		log_warn(
			g->log, NULL,
			"no tunnel file has DNS: clients go on asking the name servers of their own network");
	g->told_no_dns = none;
}

static void tell_listen(struct gate *g, const struct plan *plan)
{
	const struct plan_device *d = plan_find(plan, GATE_FOLDER_DEVICE);
	struct endpoint at = { 0 };
	char text[ENDPOINT_STRLEN];

	if (d)
		at = (struct endpoint){ .addr = d->conf->listen,
			                .port = d->conf->listen_port };
	if (d && !ip_addr_is_loopback(&at.addr) && !endpoint_equal(&at, &g->told_listen))
		log_warn(
			g->log, NULL,
			"the gate listens on %s: every machine that reaches this address can try to get in, and those with a client's file from %s do",
			endpoint_format(&at, text), g->folder.path);
	g->told_listen = at;
}

static void planned(void *context, const struct plan *plan,
                    const struct ip_addr *resolver4, const struct ip_addr *resolver6)
{
	struct gate *g = context;
	const struct gate_view view = { plan, *resolver4, *resolver6, g->all };
	const struct gate_clients_events events = { tell_written, g };
	struct diag diag = { 0 };

	up_told_plan(&g->told, plan, GATE_FOLDER_DEVICE);
	tell_listen(g, plan);
	tell_no_dns(g, &view);
	/* an error is in diag */
	(void)!gate_clients_update(&g->folder, &view, &events, &diag);
	diag_log(&diag, g->log);
	diag_clear(&diag);
}

static void tell_up(void *context, const char *tun)
{
	const struct gate *g = context;
	const struct supervisor_options *o = &g->service.options;
	char at[ENDPOINT_STRLEN], serves[ENDPOINT_STRLEN + 32];
	const struct up_told_more more = { .tun = tun,
		                           .run_dir = o->run_dir,
		                           .paths = o->paths,
		                           .path_count = o->path_count,
		                           .serves = serves };

	snprintf(serves, sizeof(serves), "for clients at %s",
	         endpoint_format(&g->told_listen, at));
	up_told_print(&g->told, &more, stdout);
}

/* ---- the start */

static void fill_random(void *context, void *bytes, size_t n)
{
	(void)context;
	randombytes_buf(bytes, n);
}

static int add_gate_file(struct gate *g, struct supervisor_options *options)
{
	size_t n = options->path_count;

	g->paths = calloc(n + 1, sizeof(*g->paths));
	if (!g->paths)
		return -ENOMEM;
	memcpy(g->paths, options->paths, n * sizeof(*g->paths));
	g->paths[n] = gate_folder_conf(&g->folder, g->conf_path);
	options->paths = g->paths;
	options->path_count = n + 1;
	return 0;
}

/* gate.conf keeps where it listens, so this has to be possible before it is written
 * there. */
static int check_listen(const struct gate *g, struct diag *diag)
{
	struct endpoint at = g->listen;
	int fds[UDP_FAMILIES], err;
	char text[ENDPOINT_STRLEN];

	if (at.addr.family == IP_NONE)
		return 0;
	err = udp_open(fds, &at, 0);
	for (int f = 0; f < UDP_FAMILIES && !err; f++) {
		if (fds[f] >= 0)
			close(fds[f]);
	}
	if (err == -EADDRNOTAVAIL)
		diag_error(
			diag, NULL, 0,
			"--listen %s: this host has no such address; expected one of its own that the clients reach",
			endpoint_format(&g->listen, text));
	else if (err == -EADDRINUSE)
		diag_error(
			diag, NULL, 0,
			"--listen %s: the port is in use by another program; expected another one",
			endpoint_format(&g->listen, text));
	else if (err)
		diag_error(diag, NULL, 0, "%s--listen %s: can't listen there: %s",
		           rights_needed(-err), endpoint_format(&g->listen, text),
		           strerror(-err));
	return err;
}

static int make_state(struct gate *g, const struct plan *plan, struct diag *diag)
{
	const struct rng rng = { fill_random, NULL };
	const struct gate_wanted wanted = {
		.listen = g->listen.addr.family != IP_NONE ? &g->listen : NULL,
		.clients = g->clients,
		.client_count = g->client_count,
		.plan = plan,
		.rng = &rng,
	};
	int err = gate_folder_make(g->state_path, diag);

	if (!err)
		err = gate_folder_open(&g->folder, g->state_path, diag);
	if (!err)
		err = gate_folder_lock(&g->folder, diag);
	if (!err)
		err = check_listen(g, diag);
	if (!err)
		err = gate_state_prepare(&g->folder, &wanted, diag);
	return err;
}

/* The supervisor will read the tunnel files again. So this only tells of errors. */
static int prepare(void *context, struct supervisor_options *options, struct diag *diag)
{
	struct gate *g = context;
	struct plan_load load;
	const struct conf_paths from = { .v = options->paths,
		                         .n = options->path_count,
		                         .names_folder = options->names_folder };
	int err = plan_load(&load, &from, PLAN_LOAD_NO_RESOLVE);

	g->log = options->log;
	within_warn("this gate", options->run_dir, g->log);
	if (err)
		diag_copy_errors(diag, &load.diag);
	else
		err = make_state(g, &load.plan, diag);
	plan_load_clear(&load);
	return err ? err : add_gate_file(g, options);
}

/* ---- --show */

static int print_file(const char *text, const char *name)
{
	int err = 0;

	if (isatty(STDOUT_FILENO)) {
		err = qr_print(stdout, text);
		putchar('\n');
	}
	fputs(text, stdout);
	fflush(stdout);
	if (err == -E2BIG)
		fprintf(stderr, "tunion: the file of %s is too long for a QR code\n",
		        name);
	else if (err == -ENOTSUP)
		fprintf(stderr,
		        "tunion: there is no QR code, because tunion was built without libqrencode\n");
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int show(const char *state_path, const char *client)
{
	struct gate_folder folder;
	struct diag diag = { 0 };
	int status = EXIT_FAILURE;
	char *text = NULL;
	size_t n = 0;

	if (gate_folder_open(&folder, state_path, &diag) == 0) {
		text = gate_clients_show(&folder, client, &n, &diag);
		gate_folder_close(&folder);
	}
	diag_print(&diag, stderr);
	diag_clear(&diag);
	if (text) {
		status = print_file(text, client);
		sodium_memzero(text, n);
	}
	free(text);
	return status;
}

/* ---- the command line */

/* Other machines must know where to send their datagrams, so it is one address. */
static bool take_listen(struct gate *g, const char *argument)
{
	if (endpoint_parse(&g->listen, argument) && g->listen.port != 0 &&
	    g->listen.scope_id == 0 && !ip_addr_is_unspecified(&g->listen.addr) &&
	    !ip_addr_is_multicast(&g->listen.addr))
		return true;
	fprintf(stderr,
	        "tunion: --listen %s is wrong; expected one address of this machine that the clients reach, and a port, such as 127.0.0.1:51821 or [::1]:51821\n",
	        argument);
	return false;
}

static bool take_client(struct gate *g, const char *argument)
{
	const char **clients =
		reallocarray(g->clients, g->client_count + 1, sizeof(*clients));

	if (!clients)
		return false;
	clients[g->client_count++] = argument;
	g->clients = clients;
	return true;
}

/* Returns false if there is no such option, or if its argument is wrong. */
static bool take_option(struct gate *g, int option, const char *argument)
{
	switch (option) {
	case 'L':
		return take_listen(g, argument);
	case 'c':
		return take_client(g, argument);
	case 'a':
		g->all = true;
		return true;
	case 'p':
		g->service.options.page = &g->page;
		return page_option_take(&g->page, argument);
	case 'S':
		g->show = argument;
		return true;
	case 'd':
		g->state = argument;
		return true;
	case 'R':
		return service_take_resolver(&g->service, argument);
	default:
		return service_take_option(&g->service, option, argument);
	}
}

/* Returns the folder, to be freed, or NULL after the reason was printed. */
static char *find_state(const char *given)
{
	const char *home = getenv("HOME"), *state = getenv("XDG_STATE_HOME");
	char *path = NULL, **absolute;

	if (given) {
		absolute = paths_absolute(&given, 1);
		path = absolute ? strdup(absolute[0]) : NULL;
		paths_free(absolute);
	} else if (state && state[0] == '/') {
		if (asprintf(&path, "%s/tunion", state) < 0)
			path = NULL;
	} else if (home && home[0] == '/') {
		if (asprintf(&path, "%s/.local/state/tunion", home) < 0)
			path = NULL;
	} else {
		fprintf(stderr,
		        "tunion: there is no HOME in the environment; expected --state DIR\n");
		return NULL;
	}
	if (!path)
		perror("tunion");
	return path;
}

static int run(struct gate *g, int argc, char **argv)
{
	struct supervisor_options *options = &g->service.options;
	struct paths paths;
	int status = EXIT_FAILURE;

	g->state_path = find_state(g->state);
	if (!g->state_path)
		return EXIT_FAILURE;
	if (paths_take(&paths, argv + optind, argc - optind)) {
		options->paths = paths.v;
		options->path_count = paths.n;
		options->names_folder = paths.folder;
		status =
			g->show ? show(g->state_path, g->show) : service_run(&g->service);
	}
	paths_clear(&paths);
	options->paths = NULL; /* they end here */
	free(g->paths);
	free(g->clients);
	free(g->state_path);
	return status;
}

int cmd_gate(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "listen", required_argument, NULL, 'L' },
		{ "client", required_argument, NULL, 'c' },
		{ "all", no_argument, NULL, 'a' },
		{ "page", required_argument, NULL, 'p' },
		{ "show", required_argument, NULL, 'S' },
		{ "state", required_argument, NULL, 'd' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "no-offload", no_argument, NULL, 'O' },
		{ "no-watch", no_argument, NULL, 'w' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "resolver", required_argument, NULL, 'R' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct gate g = { .service = { .options = { .base = "gate",
		                                    .no_tun = true,
		                                    .worker = { .run = worker_run },
		                                    .resolver = { .run = resolve_run } },
		                       .log_level = LOG_LEVEL_INFO,
		                       .prepare = prepare,
		                       .tell_up = tell_up },
		          .page = { .clients = gate_page_clients,
		                    .file = gate_page_file } };
	const struct supervisor_events events = { planned, &g };
	int option;

	g.service.context = &g;
	g.page.context = &g.folder;
	g.service.options.events = &events;
	while ((option = arguments_next(argc, argv, "h", long_options)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
		if (!take_option(&g, option, optarg))
			return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN); /* the terminal or the parent may be gone */
	return run(&g, argc, argv);
}
