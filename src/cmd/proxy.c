/* src/cmd/proxy.c - the supervisor and its two children: the proxy, which moves inside, and
 * the outlet, which makes sockets outside for it. Over lwIP the proxy is in the worker
 * (proxy_worker.h), and there is no inside.
 *
 * The children are forked before there are keys in memory. The ports outside are opened
 * first, so that one that is taken is reported before anything is done. */
#include "cmd/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "base/process.h"
#include "base/rights.h"
#include "base/unreadable.h"
#include "cmd/arguments.h"
#include "cmd/paths.h"
#include "cmd/proxy_inside.h"
#include "cmd/proxy_names.h"
#include "cmd/proxy_ports.h"
#include "cmd/proxy_worker.h"
#include "cmd/service.h"
#include "cmd/up_told.h"
#include "cmd/within.h"
#include "inside/handover.h"
#include "inside/inside.h"
#include "page/page.h"
#include "proxy/outlet.h"
#include "resolver/resolve.h"
#include "worker/stand_in.h"
#include "worker/worker.h"

#define END_MS     2000 /* then the proxy is killed */
#define HOSTS_PATH "/etc/hosts"

static const char usage[] =
	"usage: tunion proxy [--listen ADDRESS:PORT | --listen unix:PATH]... [--auth FILE]\n"
	"                    [-L [ADDRESS:]PORT:HOST:PORT[/udp]]...\n"
	"                    [-R [ADDRESS:]PORT:HOST:PORT[/udp]]... [--direct]\n"
	"                    [--stack kernel | --stack lwip]\n"
	"                    [--foreground] [--no-offload] [--no-watch] [--log-level LEVEL]\n"
	"                    [--tun NAME] [--run-dir DIR] [DIR | FILE...]\n"
	"  --listen ADDRESS:PORT  where clients reach it by SOCKS or HTTP; the default is\n"
	"                         " PROXY_DEFAULT_LISTEN "\n"
	"  --listen unix:PATH     the same at a socket of the file system\n"
	"  --auth FILE            only for these users: lines USER:PASSWORD\n"
	"  -L PORT:HOST:PORT      connections to this port go to the host and port in the union\n"
	"  -R PORT:HOST:PORT      connections from the union to this port of a device's address\n"
	"                         go to the host and port outside\n"
	"  --direct               connect outside to what is not in the union\n"
	"  --stack kernel         over the kernel's TCP in a namespace of its own\n"
	"  --stack lwip           over lwIP, which needs no namespace and no tun; without\n"
	"                         --stack, this is taken where the kernel's can't be had\n"
	"  --foreground           don't go to the background; Ctrl-C ends it\n"
	"  --no-offload           don't use large packets that the kernel or a NIC cuts\n"
	"  --no-watch             apply changed files only after tunion reload\n"
	"  --log-level LEVEL      error, warn, info (the default) or debug\n"
	"  --tun NAME             name of the instance (proxy0, proxy1...), and of the tun inside\n"
	"  --run-dir DIR          for sockets and pid files\n" PATHS_USAGE;

enum proxy_stack {
	PROXY_STACK_ANY, /* the kernel's if it can be had */
	PROXY_STACK_KERNEL,
	PROXY_STACK_LWIP,
};

struct proxy_command {
	/* What the command line contains. */
	struct service service;
	enum proxy_stack stack; /* after prepare: not ANY */
	struct proxy_ports ports;
	const char *auth;
	bool direct;

	bool prepared;           /* in the process of the supervisor */
	struct users *users;     /* owned; NULL: everybody may use it */
	struct page_wanted page; /* handed_fd is owned; used if a browser can get at it */
	struct handover_fds fds;
	struct supervisor_inside inside;
	pid_t child;           /* the process inside; 0: none */
	int control;           /* to it */
	const struct log *log; /* borrowed; that of the supervisor */
	struct proxy_worker_setup setup;
	struct stand_in_entry stand_in; /* borrows setup */
	struct worker_gift *gifts;      /* owned */
	int to_page;  /* owned; -1: none. To the process of the page, for the gifts */
	int outlet;   /* owned; -1: none. To the process outside, for the gifts */
	int lines;    /* owned; -1: none. What the two processes say */
	bool gone;    /* the process inside was told that everything is up */
	bool outside; /* names are looked up outside, which was said */
	struct up_told told;
};

/* ---- what happens with names */

/* Without rights it can't open files such as this one. If it has ended, we notice it soon. */
static void send_names(const struct proxy_command *c, const struct plan *plan)
{
	char *message = malloc(PROXY_NAMES_BYTES);
	int hosts = open(HOSTS_PATH, O_RDONLY | O_CLOEXEC);

	if (message)
		(void)!fd_pass_send(c->control, message, proxy_names_make(message, plan),
		                    hosts, MSG_DONTWAIT);
	if (hosts >= 0)
		close(hosts);
	free(message);
}

static void planned(void *context, const struct plan *plan,
                    const struct ip_addr *resolver4, const struct ip_addr *resolver6)
{
	struct proxy_command *c = context;
	bool inside = proxy_names_has_servers(plan);

	(void)resolver4;
	(void)resolver6;
	up_told_plan(&c->told, plan, NULL);
	if (!inside && !c->outside)
		log_warn(
			c->log, NULL,
			"no tunnel file has DNS: names are looked up at the name servers of the network, outside of the tunnels");
	c->outside = !inside;
	if (c->stack == PROXY_STACK_LWIP)
		return; /* the worker knows it already */
	send_names(c, plan);
	if (!c->gone)
		(void)!handover_go(c->inside.socket);
	c->gone = true;
}

/* The proxy ends before the routes inside go: with --direct, what has no route there is
 * reached outside. */
static int end_inside(struct proxy_command *c)
{
	struct pollfd p = { .fd = process_pidfd(c->child), .events = POLLIN };
	bool alive = p.fd >= 0 && poll(&p, 1, 0) == 0;

	if (!alive)
		log_error(c->log, NULL,
		          "the process of the proxy has ended unexpectedly");
	close(c->control);
	c->control = -1;
	if (p.fd < 0 || poll(&p, 1, END_MS) != 1)
		kill(c->child, SIGKILL);
	(void)waitpid(c->child, NULL, 0);
	if (p.fd >= 0)
		close(p.fd);
	return alive ? 0 : -ECHILD;
}

/* Over lwIP it ends with the worker. */
static int before_down(void *context)
{
	struct proxy_command *c = context;

	return c->stack == PROXY_STACK_LWIP ? 0 : end_inside(c);
}

static void tell_up(void *context, const char *tun)
{
	const struct proxy_command *c = context;
	const struct supervisor_options *o = &c->service.options;
	char *at = proxy_ports_text(&c->ports), *serves = NULL;
	struct up_told_more more = { .tun = tun,
		                     .run_dir = o->run_dir,
		                     .paths = o->paths,
		                     .path_count = o->path_count };

	if (at && asprintf(&serves, "SOCKS5 and HTTP at %s", at) < 0)
		serves = NULL;
	more.serves = serves ? serves : "SOCKS5 and HTTP";
	up_told_print(&c->told, &more, stdout);
	free(serves);
	free(at);
}

/* ---- the start */

static int read_users(struct proxy_command *c, struct diag *diag)
{
	struct stat st;
	FILE *in;
	int err;

	if (!c->auth)
		return 0;
	in = fopen(c->auth, "re");
	if (!in) {
		err = -errno;
		unreadable_report(c->auth, -err, diag);
		return err;
	}
	if (fstat(fileno(in), &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
		diag_warning(diag, c->auth, 0,
		             "others can read the passwords: chmod go= %s", c->auth);
	err = users_read(&c->users, in, c->auth, diag);
	fclose(in);
	return err;
}

/* In a process that serves no client. */
static void forget_users(void *context)
{
	struct proxy_command *c = context;

	users_free(c->users);
	c->users = NULL;
}

static void warn_of_strangers(const struct proxy_command *c)
{
	for (size_t i = 0; i < c->ports.n; i++) {
		const struct proxy_port *port = &c->ports.v[i];

		if (port->way != PROXY_ASK || port->path || c->users ||
		    ip_addr_is_loopback(&port->at.addr))
			continue;
		log_warn(
			c->log, NULL,
			"every machine that reaches %s can use the proxy: use --auth FILE, or listen on 127.0.0.1",
			port->word);
	}
}

/* Everything that the children need. [0] is ours, [1] the child's; [0] of the outlet is for
 * the other child, and [0] of the page for its process, which the supervisor starts. */
struct pairs {
	int handover[2], control[2], outlet[2], page[2], lines[2];
};

#define NO_PAIRS                                                                         \
	{                                                                                \
		{ -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 },                          \
		{                                                                        \
			-1, -1                                                           \
		}                                                                        \
	}

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void close_pairs(struct pairs *p)
{
	close_pair(p->handover);
	close_pair(p->control);
	close_pair(p->outlet);
	close_pair(p->page);
	close_pair(p->lines);
}

static int open_pairs(struct pairs *p, bool with_page)
{
	int err = handover_pair(p->handover);

	if (!err && with_page &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->page) < 0)
		err = -errno;

	if (!err)
		err = outlet_pair(p->outlet);
	if (!err &&
	    (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->control) < 0 ||
	     socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->lines) < 0))
		err = -errno;
	return err;
}

/* Returns its process id or -errno. */
static pid_t start_outlet(struct proxy_command *c, const struct pairs *p)
{
	pid_t supervisor = getpid(), child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		forget_users(c);
		_exit(proxy_outlet_run(p->outlet[1], p->lines[1], supervisor));
	}
	return child < 0 ? -errno : child;
}

static pid_t start_inside(struct proxy_command *c, const struct pairs *p, bool foreground)
{
	struct proxy_inside x = { .ports = &c->ports,
		                  .users = c->users,
		                  .socket = p->handover[1],
		                  .control = p->control[1],
		                  .outlet = p->outlet[0],
		                  .lines = p->lines[1],
		                  .page = p->page[1],
		                  .supervisor = getpid(),
		                  .direct = c->direct,
		                  .foreground = foreground };
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0)
		exit(proxy_inside_run(&x));
	return child < 0 ? -errno : child;
}

/* Starts the children, and takes what the one inside hands over. */
static int start_children(struct proxy_command *c, bool foreground, struct diag *diag)
{
	struct pairs p = NO_PAIRS;
	pid_t inside = 0, outlet;
	int err = open_pairs(&p, c->page.handed), pidfd = -1;

	outlet = err ? err : start_outlet(c, &p);
	if (outlet > 0)
		inside = start_inside(c, &p, foreground);
	if (outlet < 0 || inside < 0)
		err = outlet < 0 ? outlet : inside;
	if (!err)
		pidfd = process_pidfd(inside);
	if (!err && pidfd < 0)
		err = -errno;
	if (err)
		diag_error(
			diag, NULL, 0,
			"can't start the process of the proxy (Linux 5.3 or newer is needed): %s",
			strerror(-err));
	c->inside = (struct supervisor_inside){ &c->fds, p.handover[0], pidfd };
	c->control = p.control[0];
	c->child = inside > 0 ? inside : 0;
	c->page.handed_fd = p.page[0];
	c->lines = p.lines[0];
	p.handover[0] = p.control[0] = p.page[0] = p.lines[0] = -1;
	close_pairs(&p);
	/* after an error the other process has said why */
	return err ? err : handover_take(c->inside.socket, &c->fds);
}

/* The process inside has copies of all. */
static int prepare_kernel(struct proxy_command *c, struct supervisor_options *options,
                          struct diag *diag)
{
	int err = start_children(c, options->foreground, diag);

	proxy_ports_close(&c->ports);
	users_free(c->users);
	c->users = NULL;
	options->inside = &c->inside;
	options->lines_fd = c->lines;
	if (c->page.handed)
		options->page = &c->page;
	return err;
}

/* Each worker gets copies of all, also one that is started later. */
static int prepare_lwip(struct proxy_command *c, struct supervisor_options *options,
                        struct diag *diag)
{
	struct pairs p = NO_PAIRS;
	pid_t outlet;
	int err = open_pairs(&p, c->page.handed);

	outlet = err ? err : start_outlet(c, &p);
	if (outlet < 0) {
		err = outlet;
		diag_error(diag, NULL, 0, "can't start the process of the proxy: %s",
		           strerror(-err));
	}
	c->outlet = p.outlet[0];
	c->to_page = p.page[1];
	c->page.handed_fd = p.page[0];
	c->lines = p.lines[0];
	p.outlet[0] = p.page[0] = p.page[1] = p.lines[0] = -1;
	close_pairs(&p);
	c->setup = (struct proxy_worker_setup){ &c->ports, c->users, c->direct,
		                                c->page.handed };
	proxy_worker_entry(&c->stand_in, &c->setup);
	options->no_tun = true;
	options->lines_fd = c->lines;
	options->worker.stand_in = &c->stand_in;
	if (!err)
		err = proxy_worker_gifts(&c->gifts, &options->worker.gift_count,
		                         &c->ports, c->outlet, c->to_page);
	options->worker.gifts = c->gifts;
	if (c->page.handed)
		options->page = &c->page;
	return err;
}

/* It isn't a failure, so it needn't sound like one: neither begins with what would be needed
 * nor ends with what to do. */
static const char *plain_reason(char *why)
{
	const char *needed = rights_needed(EPERM);
	size_t n = strlen(needed);

	why[strcspn(why, ";")] = '\0';
	return strncmp(why, needed, n) == 0 ? why + n : why;
}

static int choose_stack(struct proxy_command *c, struct diag *diag)
{
	char why[INSIDE_WHY_STRLEN];

	if (c->stack == PROXY_STACK_ANY) {
		c->stack = PROXY_STACK_KERNEL;
		if (proxy_worker_is_built() && !inside_is_possible(why)) {
			c->stack = PROXY_STACK_LWIP;
			log_info(
				c->log, NULL,
				"the proxy uses the lwIP stack, because %s; --stack kernel says what the kernel's needs",
				plain_reason(why));
		}
	}
	if (c->stack != PROXY_STACK_LWIP || proxy_worker_is_built())
		return 0;
	diag_error(
		diag, NULL, 0,
		"--stack lwip: this tunion was built without lwIP; configure it with --with-lwip=FOLDER, where FOLDER has the sources, which build-aux/lwip fetches");
	return -EOPNOTSUPP;
}

static int prepare(void *context, struct supervisor_options *options, struct diag *diag)
{
	struct proxy_command *c = context;
	int err;

	c->log = options->log;
	err = choose_stack(c, diag);
	if (!err)
		err = read_users(c, diag);
	c->prepared = true;
	c->page.handed = proxy_ports_at(&c->ports, &c->page.at);
	c->page.proxy = c->auth ? PAGE_PROXY_WITH_USERS : PAGE_PROXY;
	c->ports.run_dir = options->run_dir;
	if (!err)
		err = proxy_ports_open(&c->ports, false, diag);
	if (!err) {
		warn_of_strangers(c);
		within_warn("this proxy", options->run_dir, c->log);
	}
	if (!err && c->stack == PROXY_STACK_LWIP)
		err = prepare_lwip(c, options, diag);
	else if (!err)
		err = prepare_kernel(c, options, diag);
	return err;
}

/* ---- the command line */

static bool take_stack(struct proxy_command *c, const char *argument)
{
	if (strcmp(argument, "kernel") == 0)
		c->stack = PROXY_STACK_KERNEL;
	else if (strcmp(argument, "lwip") == 0)
		c->stack = PROXY_STACK_LWIP;
	else
		fprintf(stderr, "tunion: --stack %s is wrong; expected kernel or lwip\n",
		        argument);
	return c->stack != PROXY_STACK_ANY;
}

/* Returns false if there is no such option, or if its argument is wrong. */
static bool take_option(struct proxy_command *c, int option, const char *argument)
{
	switch (option) {
	case 'p':
		return proxy_ports_listen(&c->ports, argument);
	case 'L':
		return proxy_ports_forward(&c->ports, argument, PROXY_INSIDE);
	case 'R':
		return proxy_ports_forward(&c->ports, argument, PROXY_OUTSIDE);
	case 'a':
		c->auth = argument;
		return true;
	case 'd':
		c->direct = true;
		return true;
	case 's':
		return take_stack(c, argument);
	case 't':
		c->service.options.tun = argument;
		return true;
	default:
		return service_take_option(&c->service, option, argument);
	}
}

static int run(struct proxy_command *c, int argc, char **argv)
{
	struct supervisor_options *options = &c->service.options;
	struct paths paths;
	int status = EXIT_FAILURE;
	bool ok = paths_take(&paths, argv + optind, argc - optind);

	options->paths = paths.v;
	options->path_count = paths.n;
	options->names_folder = paths.folder;
	if (ok && (proxy_ports_have(&c->ports, PROXY_ASK) ||
	           proxy_ports_listen(&c->ports, PROXY_DEFAULT_LISTEN)))
		status = service_run(&c->service);
	paths_clear(&paths);
	options->paths = NULL; /* they end here */
	if (c->prepared) {
		proxy_ports_remove_files(&c->ports);
		handover_close(&c->fds);
		if (c->page.handed_fd >= 0)
			close(c->page.handed_fd);
	}
	users_free(c->users);
	free(c->gifts);
	if (c->outlet >= 0)
		close(c->outlet);
	if (c->to_page >= 0)
		close(c->to_page);
	if (c->lines >= 0)
		close(c->lines);
	return status;
}

int cmd_proxy(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "listen", required_argument, NULL, 'p' },
		{ "auth", required_argument, NULL, 'a' },
		{ "direct", no_argument, NULL, 'd' },
		{ "stack", required_argument, NULL, 's' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "no-offload", no_argument, NULL, 'O' },
		{ "no-watch", no_argument, NULL, 'w' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct proxy_command c = {
		.service = { .options = { .base = "proxy",
		                          .worker = { .run = worker_run },
		                          .resolver = { resolve_run, forget_users, &c } },
		             .log_level = LOG_LEVEL_INFO,
		             .prepare = prepare,
		             .before_down = before_down,
		             .tell_up = tell_up },
		.fds = HANDOVER_NO_FDS,
		.page = { .entry = { page_run, forget_users, &c }, .handed_fd = -1 },
		.control = -1,
		.to_page = -1,
		.outlet = -1,
		.lines = -1
	};
	const struct supervisor_events events = { planned, &c };
	int option, status = -1;

	c.service.context = &c;
	c.service.options.events = &events;
	while (status < 0 &&
	       (option = arguments_next(argc, argv, "hL:R:", long_options)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			status = EXIT_SUCCESS;
		} else if (!take_option(&c, option, optarg)) {
			status = EXIT_FAILURE;
		}
	}
	signal(SIGPIPE, SIG_IGN); /* the terminal or the parent may be gone */
	if (status < 0)
		status = run(&c, argc, argv);
	proxy_ports_clear(&c.ports);
	return status;
}
