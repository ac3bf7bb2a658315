/* src/cmd/proxy_worker.c
 *
 * The gifts come in the order of the ports: first the outlet and perhaps the page, then a
 * socket for each port that has one, then a word that says that these were all. Only then
 * is anybody accepted. The outlet is the same for each worker, so the numbers of questions begin
 * at random. */
#include "cmd/proxy_worker.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/stand_in.h"

#ifdef HAVE_LWIP
#include "io/loop.h"
#include "names/lookup.h"
#include "proxy/kernel_stack.h"
#include "proxy/lwip_stack.h"
#include "proxy/outlet.h"
#include "proxy/proxy.h"
#include "proxy/proxy_calls.h"
#include "proxy/stack_lookup.h"
#endif

#define WORD_OUTLET "outlet"
#define WORD_PAGE   "page"
#define WORD_PORT   "port"
#define WORD_ALL    "all"

int proxy_worker_gifts(struct worker_gift **out, size_t *n,
                       const struct proxy_ports *ports, int outlet, int page)
{
	struct worker_gift *v = calloc(ports->n + 3, sizeof(*v));

	*out = v;
	*n = 0;
	if (!v)
		return -ENOMEM;
	v[(*n)++] = (struct worker_gift){ WORD_OUTLET, outlet };
	if (page >= 0)
		v[(*n)++] = (struct worker_gift){ WORD_PAGE, page };
	for (size_t i = 0; i < ports->n; i++) {
		if (ports->v[i].fd >= 0)
			v[(*n)++] = (struct worker_gift){ WORD_PORT, ports->v[i].fd };
	}
	v[(*n)++] = (struct worker_gift){ WORD_ALL, -1 };
	return 0;
}

#ifndef HAVE_LWIP

bool proxy_worker_is_built(void)
{
	return false;
}

void proxy_worker_entry(struct stand_in_entry *entry, struct proxy_worker_setup *setup)
{
	*entry = (struct stand_in_entry){ .context = setup };
}

#else

/* Of each connection: the client's socket, and one outside with -R or --direct. */
#define DESCRIPTORS_EACH  2
#define DESCRIPTORS_OTHER 256
#define SERVERS_MAX       4

struct process {
	struct stand_in stand_in; /* first member */
	struct stand_in_env env;
	struct proxy_worker_setup *setup; /* borrowed */
	struct lwip_stack *stack;         /* owned */
	struct kernel_stack outside;
	struct proxy *proxy; /* owned */
	struct stack_lookup sockets;
	/* owned; both are made before the sandbox is closed */
	struct lookup *names_inside, *names_outside;
	struct outlet outlet; /* its fd is owned; -1: not given yet */
	int page;             /* owned; -1: there is none */
	size_t given;         /* ports before this one have got their sockets */
};

static struct process *of(struct stand_in *s)
{
	return CONTAINER_OF(s, struct process, stand_in);
}

bool proxy_worker_is_built(void)
{
	return true;
}

/* ---- names */

/* Splits the text into lines, which are strings inside it. */
static size_t split(char *text, const char **lines)
{
	char *line, *rest = text;
	size_t n = 0;

	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			lines[n++] = line;
	}
	return n;
}

static int look_up_inside(struct process *p, const struct ip_addr *servers, size_t n,
                          const char *domains)
{
	char *copy = strdup(domains);
	const char **lines = calloc(strlen(domains) + 1, sizeof(*lines));
	int err = copy && lines ? 0 : -ENOMEM;

	if (!err)
		err = lookup_set_servers(p->names_inside, servers, n, lines,
		                         split(copy, lines));
	free(lines);
	free(copy);
	return err;
}

static void take_names(struct stand_in *s, const struct ip_addr *servers, size_t n,
                       const char *domains)
{
	struct process *p = of(s);
	int err = n > 0 ? look_up_inside(p, servers, n, domains) : 0;

	if (err)
		log_error(p->env.log, NULL, "proxy: names can't be looked up: %s",
		          strerror(-err));
	else
		proxy_use_lookup(p->proxy, n > 0 ? p->names_inside : p->names_outside);
}

/* ---- gifts */

static int take_port(struct process *p, int fd)
{
	struct proxy_ports *ports = p->setup->ports;

	while (p->given < ports->n && ports->v[p->given].way == PROXY_OUTSIDE)
		p->given++;
	if (fd < 0 || p->given == ports->n) {
		if (fd >= 0)
			close(fd);
		return -EPROTO;
	}
	ports->v[p->given++].fd = fd;
	return 0;
}

static int listen_inside(struct process *p, const struct proxy_port *port)
{
	int err = port->udp ? proxy_listen_inside_udp(p->proxy, &port->at, &port->to)
	                    : proxy_listen_inside(p->proxy, &port->at, &port->to);

	if (err)
		log_error(p->env.log, NULL, "proxy: can't listen on -R %s: %s",
		          port->word, strerror(-err));
	return err;
}

static int begin_to_serve(struct process *p)
{
	struct proxy_ports *ports = p->setup->ports;
	int err = proxy_ports_give(ports, p->proxy);

	for (size_t i = 0; i < ports->n; i++) {
		if (!err && ports->v[i].way == PROXY_OUTSIDE)
			err = listen_inside(p, &ports->v[i]);
	}
	return err;
}

static int take_gift(struct stand_in *s, const char *what, int fd)
{
	struct process *p = of(s);

	if (strcmp(what, WORD_PORT) == 0)
		return take_port(p, fd);
	if (strcmp(what, WORD_OUTLET) == 0 && p->outlet.fd < 0) {
		p->outlet.fd = fd;
		return 0;
	}
	if (strcmp(what, WORD_PAGE) == 0 && p->page < 0) {
		p->page = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return strcmp(what, WORD_ALL) == 0 ? begin_to_serve(p) : -EPROTO;
}

/* ---- each round */

static uint64_t deadline_ns(const struct stand_in *s, uint64_t now_ns)
{
	const struct process *p = (const struct process *)s;
	uint64_t proxy_ns = proxy_deadline_ns(p->proxy, now_ns);
	uint64_t stack_ns = lwip_stack_deadline_ns(p->stack);

	return proxy_ns < stack_ns ? proxy_ns : stack_ns;
}

static void run(struct stand_in *s, uint64_t now_ns)
{
	const struct process *p = of(s);

	proxy_run(p->proxy, now_ns);
	lwip_stack_run(p->stack, now_ns);
}

static void end(struct stand_in *s)
{
	struct process *p = of(s);

	proxy_free(p->proxy);
	lookup_free(p->names_inside);
	lookup_free(p->names_outside);
	if (p->stack)
		lwip_stack_run(p->stack, loop_now_ns()); /* tells the others the end */
	lwip_stack_free(p->stack);
	if (p->outlet.fd >= 0)
		close(p->outlet.fd);
	if (p->page >= 0)
		close(p->page);
	free(p);
}

/* ---- the begin */

static int make_outside(void *context, int family, int type)
{
	struct process *p = context;

	return outlet_socket(&p->outlet, family, type);
}

static int connect_outside(void *context, const struct endpoint *to)
{
	struct process *p = context;

	return outlet_connect(&p->outlet, to);
}

/* Those of the network are asked outside. */
static int make_lookups(struct process *p)
{
	struct ip_addr servers[SERVERS_MAX];
	size_t n = lookup_system_servers(servers, SERVERS_MAX);
	int err;

	stack_lookup_init(&p->sockets, lwip_stack_as_stack(p->stack));
	err = stack_lookup_new(&p->names_inside, &p->sockets, p->env.loop);
	if (!err)
		err = lookup_new_bare(&p->names_outside, p->env.loop);
	if (err)
		return err;
	lookup_set_sockets(p->names_outside, make_outside, p);
	return lookup_set_servers(p->names_outside, servers, n, NULL, 0);
}

static int make_proxy(struct process *p)
{
	const struct lwip_env env = { p->env.route, p->env.is_own, p->env.send,
		                      p->env.context };
	struct proxy_options options = { .loop = p->env.loop,
		                         .log = p->env.log,
		                         .users = p->setup->users,
		                         .make_outside = make_outside,
		                         .context = p,
		                         .page = p->setup->page ? &p->page : NULL,
		                         .outside = &p->outside.stack,
		                         .direct = p->setup->direct,
		                         .connections_max = proxy_connections_max(
						 DESCRIPTORS_EACH, DESCRIPTORS_OTHER) };
	int err = lwip_stack_new(&p->stack, &env);

	if (!err)
		err = make_lookups(p);
	if (err)
		return err;
	kernel_stack_init(&p->outside, p->env.loop, make_outside, p);
	p->outside.limit_unsent = true;
	p->outside.connect_socket = connect_outside;
	options.inside = lwip_stack_as_stack(p->stack);
	return proxy_new(&p->proxy, &options);
}

static int begin(struct stand_in **out, const struct stand_in_env *env, void *context)
{
	static const struct stand_in_ops ops = { take_gift, take_names, deadline_ns, run,
		                                 end };
	struct process *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	*p = (struct process){
		.stand_in.ops = &ops,
		.env = *env,
		.setup = context,
		.outlet = { .fd = -1, .asked = randombytes_random(), .log = env->log },
		.page = -1
	};
	err = make_proxy(p);
	if (err) {
		end(&p->stand_in);
		return err;
	}
	p->stand_in.link = lwip_stack_as_link(p->stack);
	*out = &p->stand_in;
	return 0;
}

void proxy_worker_entry(struct stand_in_entry *entry, struct proxy_worker_setup *setup)
{
	*entry = (struct stand_in_entry){ .begin = begin, .context = setup };
	entry->calls = proxy_calls(&entry->call_count);
}

#endif
