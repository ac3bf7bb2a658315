/* src/cmd/proxy_inside.c
 *
 * Stages: until inside_enter it is the supervisor's twin. Then it has all rights in its
 * own namespaces, makes the tun, and opens the ports there, also those below 1024. Since
 * rights_drop it has none any more; only then it reads what strangers send. */
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
#include "base/rights.h"
#include "cmd/log_output.h"
#include "inside/handover.h"
#include "inside/inside.h"
#include "io/loop.h"
#include "proxy/kernel_stack.h"
#include "proxy/outlet.h"
#include "proxy/pipes.h"
#include "proxy/proxy.h"

/* Of each connection: two, while it is being made a few more. */
#define DESCRIPTORS_EACH  4
#define DESCRIPTORS_OTHER (64 + 2 * PIPES_MAX)

struct process {
	struct proxy_inside *x;
	struct log *log;
	struct loop *loop;
	struct loop_source control;
	struct kernel_stack inside, outside;
	struct outlet outlet;
	struct proxy *proxy;
	bool ending;
};

/* ---- what is inherited */

static bool is_needed(const struct proxy_inside *x, int fd)
{
	for (size_t i = 0; i < x->ports->n; i++) {
		if (x->ports->v[i].fd == fd)
			return true;
	}
	return fd == x->socket || fd == x->control || fd == x->outlet || fd == x->page;
}

static void close_others(const struct proxy_inside *x)
{
	int last = x->socket > x->control ? x->socket : x->control;

	if (x->outlet > last)
		last = x->outlet;
	if (x->page > last)
		last = x->page;
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

static void take_names(struct process *p, char byte)
{
	int err = proxy_set_names(p->proxy, byte == PROXY_NAMES_OUTSIDE);

	if (err)
		log_error(p->log, NULL, "proxy: names can't be looked up: %s",
		          strerror(-err));
}

static void control_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct process *p = CONTAINER_OF(source, struct process, control);
	char bytes[16];
	ssize_t n = read(source->fd, bytes, sizeof(bytes));

	(void)events;
	(void)now_ns;
	if (n > 0)
		take_names(p, bytes[n - 1]);
	else if (n == 0 || errno != EINTR)
		p->ending = true;
}

/* ---- the proxy */

static int make_outside(void *context, int family, int type)
{
	struct process *p = context;

	return outlet_socket(&p->outlet, family, type);
}

static int give_to_page(void *context, int fd)
{
	const struct process *p = context;

	return fd_pass_send(p->x->page, "", 1, fd, MSG_DONTWAIT);
}

static int make_proxy(struct process *p)
{
	struct proxy_options options = { .log = p->log,
		                         .users = p->x->users,
		                         .inside = &p->inside.stack,
		                         .make_outside = make_outside,
		                         .give_to_page =
		                                 p->x->page >= 0 ? give_to_page : NULL,
		                         .context = p,
		                         .outside = &p->outside.stack,
		                         .direct = p->x->direct,
		                         .connections_max = proxy_connections_max(
						 DESCRIPTORS_EACH, DESCRIPTORS_OTHER) };
	int err = loop_new(&p->loop);

	options.loop = p->loop;
	if (err)
		return err;
	kernel_stack_init(&p->inside, p->loop, NULL, NULL);
	kernel_stack_init(&p->outside, p->loop, make_outside, p);
	p->control = (struct loop_source){ p->x->control, control_ready };
	err = proxy_new(&p->proxy, &options);
	if (!err)
		err = proxy_ports_give(p->x->ports, p->proxy);
	return err ? err : loop_add(p->loop, &p->control, EPOLLIN);
}

static int serve(struct process *p)
{
	int err = make_proxy(p);

	while (!err && !p->ending) {
		uint64_t deadline_ns = proxy_deadline_ns(p->proxy, loop_now_ns());

		err = loop_wait(p->loop, deadline_ns);
		proxy_run(p->proxy, loop_now_ns());
	}
	if (err)
		log_error(p->log, NULL, "the proxy has to end: %s", strerror(-err));
	proxy_free(p->proxy);
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

int proxy_inside_run(struct proxy_inside *x)
{
	struct log_output output = { log_output_stderr() };
	struct log log = { x->log_level, log_output_write, &output };
	struct process p = { .x = x, .log = &log, .outlet = { .fd = x->outlet } };
	int err;

	ignore_signals();
	prctl(PR_SET_NAME, "tunion-proxy");
	close_others(x);
	if (go_inside(x))
		return EXIT_FAILURE;
	if (!x->foreground) {
		log_output_open_syslog(&output);
		process_leave_streams(0, 2);
	}
	close(x->socket);
	process_raise_limits();
	err = rights_drop(x->supervisor, RIGHTS_PROXY);
	if (err)
		log_error(&log, NULL, "the proxy can't give up its rights: %s",
		          strerror(-err));
	else
		err = serve(&p);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int proxy_outlet_run(int fd, pid_t supervisor)
{
	ignore_signals();
	prctl(PR_SET_NAME, "tunion-outlet");
	process_close_all_but(fd, -1);
	process_leave_streams(0, 2);
	if (rights_drop(supervisor, RIGHTS_PROXY))
		return EXIT_FAILURE;
	outlet_run(fd);
	return EXIT_SUCCESS;
}
