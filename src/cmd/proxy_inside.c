/* src/cmd/proxy_inside.c
 *
 * Stages: until inside_enter it is the supervisor's twin. Then it has all rights in its
 * own namespaces, makes the tun, and opens the ports there, also those below 1024. From
 * sandbox_enter on it has none any more, and makes only the system calls of proxy_calls.h; only
 * then does it read what strangers send. */
#include "cmd/proxy_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "base/process.h"
#include "channel/line.h"
#include "cmd/proxy_names.h"
#include "inside/handover.h"
#include "inside/inside.h"
#include "io/loop.h"
#include "names/hosts_file.h"
#include "names/lookup.h"
#include "proxy/kernel_stack.h"
#include "proxy/outlet.h"
#include "proxy/pipes.h"
#include "proxy/proxy.h"
#include "proxy/proxy_calls.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_log.h"

/* Of each connection: two, while it is being made a few more. */
#define DESCRIPTORS_EACH  4
#define DESCRIPTORS_OTHER (64 + 2 * PIPES_MAX)
#define FILES_MAX         (DESCRIPTORS_EACH * PROXY_CONNECTIONS_MAX + DESCRIPTORS_OTHER)

/* It has few. But the kernel also compares this with how many descriptors are on their way from
 * any process of the same user, and sends no more then (unix(7), ETOOMANYREFS). */
#define OUTLET_FILES_MAX 1024

struct process {
	struct proxy_inside *x;
	struct log log;
	struct sandbox sandbox;
	struct log_limit refused;
	struct loop *loop; /* owned */
	struct loop_source control;
	struct kernel_stack inside, outside;
	struct outlet outlet;
	struct lookup *names_inside, *names_outside; /* owned */
	char *hosts; /* owned: the text of the hosts file, which they use; may be NULL */
	struct proxy *proxy; /* owned */
	bool ending;
	char message[PROXY_NAMES_BYTES + 1];
};

/* ---- what is inherited */

static bool is_needed(const struct proxy_inside *x, int fd)
{
	for (size_t i = 0; i < x->ports->n; i++) {
		if (x->ports->v[i].fd == fd)
			return true;
	}
	return fd == x->socket || fd == x->control || fd == x->outlet || fd == x->page ||
	       fd == x->lines;
}

static void close_others(const struct proxy_inside *x)
{
	int last = x->socket > x->control ? x->socket : x->control;

	if (x->outlet > last)
		last = x->outlet;
	if (x->page > last)
		last = x->page;
	if (x->lines > last)
		last = x->lines;
	for (size_t i = 0; i < x->ports->n; i++) {
		if (x->ports->v[i].fd > last)
			last = x->ports->v[i].fd;
	}
	for (int fd = 3; fd < last; fd++) {
		if (!is_needed(x, fd))
			close(fd);
	}
	process_close_from(last + 1);
}

/* ---- the supervisor */

/* Takes over the text of the hosts file, if it can be read. */
static void take_hosts(struct process *p, int fd)
{
	char *text = fd >= 0 ? hosts_file_read(fd) : NULL;

	if (fd >= 0)
		close(fd);
	lookup_set_hosts(p->names_inside, text);
	lookup_set_hosts(p->names_outside, text);
	free(p->hosts);
	p->hosts = text;
}

static int use_names(struct process *p, const struct proxy_names *names)
{
	struct lookup *lookup = names->outside ? p->names_outside : p->names_inside;
	int err = lookup_set_servers(lookup, names->servers, names->server_count,
	                             names->domains, names->domain_count);

	if (!err)
		proxy_use_lookup(p->proxy, lookup);
	return err;
}

static void take_names(struct process *p, char *message)
{
	struct proxy_names names;
	int err = proxy_names_read(&names, message);

	if (!err)
		err = use_names(p, &names);
	proxy_names_clear(&names);
	if (err)
		log_error(&p->log, NULL, "proxy: names can't be looked up: %s",
		          strerror(-err));
}

static void control_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct process *p = CONTAINER_OF(source, struct process, control);
	int hosts = -1;
	ssize_t n = fd_pass_receive(source->fd, p->message, PROXY_NAMES_BYTES, &hosts);

	(void)events;
	(void)now_ns;
	if (n > 0) {
		take_hosts(p, hosts);
		p->message[n] = '\0';
		take_names(p, p->message);
	} else if (n != -EAGAIN) {
		p->ending = true;
	}
}

/* ---- the proxy */

static int make_outside(void *context, int family, int type)
{
	struct process *p = context;

	return outlet_socket(&p->outlet, family, type);
}

/* They learn later whom to ask. */
static int make_lookups(struct process *p)
{
	int err = lookup_new_bare(&p->names_inside, p->loop);

	if (!err)
		err = lookup_new_bare(&p->names_outside, p->loop);
	if (!err)
		lookup_set_sockets(p->names_outside, make_outside, p);
	return err;
}

static int make_proxy(struct process *p)
{
	struct proxy_options options = { .log = &p->log,
		                         .users = p->x->users,
		                         .inside = &p->inside.stack,
		                         .make_outside = make_outside,
		                         .context = p,
		                         .page = p->x->page >= 0 ? &p->x->page : NULL,
		                         .outside = &p->outside.stack,
		                         .direct = p->x->direct,
		                         .connections_max = proxy_connections_max(
						 DESCRIPTORS_EACH, DESCRIPTORS_OTHER) };
	int err = loop_new(&p->loop);

	if (!err)
		err = make_lookups(p);
	options.loop = p->loop;
	if (err)
		return err;
	kernel_stack_init(&p->inside, p->loop, NULL, NULL);
	kernel_stack_init(&p->outside, p->loop, make_outside, p);
	p->outside.limit_unsent = true;
	p->control = (struct loop_source){ p->x->control, control_ready };
	err = proxy_new(&p->proxy, &options);
	if (!err)
		err = proxy_ports_give(p->x->ports, p->proxy);
	return err ? err : loop_add(p->loop, &p->control, EPOLLIN);
}

/* Returns how many. */
static size_t all_calls(struct call_rule out[static CALL_RULES_MAX])
{
	size_t n, sockets_n;
	const struct call_rule *calls = proxy_calls(&n);
	const struct call_rule *sockets = proxy_socket_calls(&sockets_n);

	memcpy(out, calls, n * sizeof(*calls));
	memcpy(out + n, sockets, sockets_n * sizeof(*sockets));
	return n + sockets_n;
}

static int lock_in(struct process *p)
{
	struct sandbox_inmate inmate = { .parent = p->x->supervisor,
		                         .user = RIGHTS_PROXY,
		                         .files_max = FILES_MAX,
		                         .network = true };
	struct call_rule calls[CALL_RULES_MAX];

	inmate.calls = calls;
	inmate.call_count = all_calls(calls);
	return sandbox_enter(&p->sandbox, &inmate);
}

/* Nobody is accepted before the sandbox is closed. */
static int serve(struct process *p)
{
	int err = make_proxy(p);

	if (!err)
		err = lock_in(p);
	if (!err)
		sandbox_tell_stages(&p->log, &p->sandbox, "proxy");
	while (!err && !p->ending) {
		uint64_t deadline_ns = proxy_deadline_ns(p->proxy, loop_now_ns());

		err = loop_wait(p->loop, deadline_ns);
		proxy_run(p->proxy, loop_now_ns());
		sandbox_log_refused(&p->log, &p->refused, loop_now_ns(), "proxy");
	}
	if (err)
		log_error(&p->log, NULL, "the proxy has to end: %s", strerror(-err));
	proxy_free(p->proxy);
	lookup_free(p->names_inside);
	lookup_free(p->names_outside);
	free(p->hosts);
	loop_free(p->loop);
	return err;
}

/* Ctrl-C, and a SIGTERM for all processes of a service, are for the supervisor, which ends
 * us then. */
static void ignore_signals(void)
{
	static const int numbers[] = { SIGINT, SIGHUP, SIGTERM, SIGPIPE };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		signal(numbers[i], SIG_IGN);
}

/* Returns 0 when everything is up; otherwise the reason was told. */
static int go_inside(struct proxy_inside *x)
{
	struct handover_fds fds;
	struct diag diag = { 0 };
	int err = inside_enter(&fds, "the proxy", &diag);

	if (!err)
		err = proxy_ports_open(x->ports, true, &diag);
	if (!err)
		err = handover_give(x->socket, &fds);
	handover_close(&fds);
	if (!err)
		err = inside_serve(x->socket, &diag);
	diag_print(&diag, stderr);
	diag_clear(&diag);
	return err;
}

/* The terminal, the journal and syslog are the supervisor's. */
static void leave_terminal(bool foreground)
{
	process_leave_streams(0, foreground && BUILT_WITH_SANITIZERS ? 1 : 2);
	(void)setsid();
}

int proxy_inside_run(struct proxy_inside *x)
{
	struct process *p = calloc(1, sizeof(*p));
	int err;

	ignore_signals();
	prctl(PR_SET_NAME, "tunion-proxy");
	close_others(x);
	if (!p || go_inside(x)) {
		free(p);
		return EXIT_FAILURE;
	}
	leave_terminal(x->foreground);
	close(x->socket);
	process_raise_limits();
	p->x = x;
	p->outlet.fd = x->outlet;
	p->outlet.log = &p->log;
	/* the supervisor leaves out what nobody wants to read */
	p->log = (struct log){ LOG_LEVEL_DEBUG, line_send, &x->lines };
	err = serve(p);
	free(p);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int proxy_outlet_run(int fd, int lines, pid_t supervisor)
{
	const struct log log = { LOG_LEVEL_DEBUG, line_send, &lines };
	struct sandbox_inmate inmate = { .parent = supervisor,
		                         .user = RIGHTS_PROXY,
		                         .files_max = OUTLET_FILES_MAX,
		                         .network = true };
	struct log_limit refused = { 0 };
	struct sandbox sandbox;

	ignore_signals();
	prctl(PR_SET_NAME, "tunion-outlet");
	process_close_all_but(fd, lines);
	leave_terminal(false);
	inmate.calls = proxy_socket_calls(&inmate.call_count);
	if (sandbox_enter(&sandbox, &inmate))
		return EXIT_FAILURE;
	sandbox_tell_stages(&log, &sandbox, "outlet");
	while (outlet_serve(fd))
		sandbox_log_refused(&log, &refused, loop_now_ns(), "outlet");
	return EXIT_SUCCESS;
}
