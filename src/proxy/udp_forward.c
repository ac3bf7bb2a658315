/* src/proxy/udp_forward.c - while a name is looked up, datagrams are lost. It is looked up
 * again for a sender that is new, but not more often than once in RESOLVE_NS, or in TRY_AGAIN_NS
 * as long as it isn't known: whoever sends to the port could flood the name servers. */
#include "proxy/udp_forward.h"

#include <errno.h>
#include <stdlib.h>

#include "io/loop.h"

#define TURNS        64
#define RESOLVE_NS   (60 * NS_PER_SEC)
#define TRY_AGAIN_NS NS_PER_SEC

struct flow {
	struct flow *next; /* the one that was active last comes first */
	struct udp_forward *forward;
	struct endpoint sender;
	struct endpoint to;
	struct packets *port; /* owned */
	uint64_t active_ns;
};

struct udp_forward {
	struct udp_forward *next;
	const struct udp_forward_env *env;
	struct packets *port; /* owned */
	struct destination destination;
	struct endpoint to; /* IP_NONE: not known yet */
	uint64_t asked_ns;  /* when it was looked up; 0: never */
	struct lookup_query query;
	struct flow *flows; /* owned */
	size_t count;
	struct timer timer; /* armed while there are flows */
};

static void flow_free(struct flow *f)
{
	f->port->ops->close(f->port);
	free(f);
}

/* Takes the flow out of the list. */
static void take_out(struct udp_forward *u, struct flow *f)
{
	struct flow **at = &u->flows;

	while (*at && *at != f)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = f->next;
	u->count--;
}

static void put_first(struct udp_forward *u, struct flow *f)
{
	f->next = u->flows;
	u->flows = f;
	u->count++;
}

static struct flow *last(const struct udp_forward *u)
{
	struct flow *f = u->flows;

	while (f && f->next)
		f = f->next;
	return f;
}

static void answer_ready(struct packets *p, uint64_t now_ns)
{
	struct flow *f = p->user;
	struct udp_forward *u = f->forward;
	struct endpoint from;

	for (int i = 0; i < TURNS; i++) {
		ssize_t n =
			p->ops->receive(p, &from, u->env->space->bytes, u->env->space->n);

		if (n < 0)
			return;
		if (!endpoint_equal(&from, &f->to))
			continue;
		f->active_ns = now_ns;
		(void)!u->port->ops->send(u->port, &f->sender, u->env->space->bytes,
		                          (size_t)n);
	}
}

static struct flow *flow_new(struct udp_forward *u, const struct endpoint *sender)
{
	struct stack *stack = u->env->stack;
	struct flow *f = calloc(1, sizeof(*f)), *oldest = last(u);

	if (!f)
		return NULL;
	if (oldest && u->count >= UDP_FORWARD_FLOWS_MAX) {
		take_out(u, oldest);
		flow_free(oldest);
	}
	if (stack->ops->open_packets(stack, u->to.addr.family, &f->port) < 0) {
		free(f);
		return NULL;
	}
	f->forward = u;
	f->sender = *sender;
	f->to = u->to;
	f->port->ready = answer_ready;
	f->port->user = f;
	put_first(u, f);
	return f;
}

static struct flow *find(struct udp_forward *u, const struct endpoint *sender)
{
	struct flow *f = u->flows;

	while (f && !endpoint_equal(&f->sender, sender))
		f = f->next;
	if (f && f != u->flows) {
		take_out(u, f);
		put_first(u, f);
	}
	return f;
}

static void looked_up(struct lookup_query *query, const char *error,
                      const struct endpoint *found, size_t n)
{
	struct udp_forward *u = CONTAINER_OF(query, struct udp_forward, query);

	if (error || n == 0)
		return; /* what is known stays */
	u->to = (struct endpoint){ .addr = found[0].addr, .port = u->destination.port };
	for (size_t i = 0; i < n; i++) {
		if (found[i].addr.family == IP_V4)
			u->to.addr = found[i].addr;
	}
}

static void refresh(struct udp_forward *u, uint64_t now_ns)
{
	uint64_t pause_ns = u->to.addr.family != IP_NONE ? RESOLVE_NS : TRY_AGAIN_NS;

	if (u->destination.addr.family != IP_NONE || lookup_asked(&u->query) ||
	    !*u->env->lookup || (u->asked_ns && now_ns - u->asked_ns < pause_ns))
		return;
	u->asked_ns = now_ns;
	lookup_ask(*u->env->lookup, &u->query, u->destination.name);
}

static void datagram_ready(struct packets *p, uint64_t now_ns)
{
	struct udp_forward *u = p->user;
	const struct half_space *space = u->env->space;
	struct endpoint from;

	for (int i = 0; i < TURNS; i++) {
		ssize_t n = p->ops->receive(p, &from, space->bytes, space->n);
		struct flow *f;

		if (n < 0)
			return;
		f = find(u, &from);
		if (!f) {
			refresh(u, now_ns);
			if (u->to.addr.family == IP_NONE)
				continue;
			f = flow_new(u, &from);
		}
		if (!f)
			continue;
		f->active_ns = now_ns;
		if (!timer_armed(&u->timer))
			timerq_arm(u->env->timers, &u->timer, now_ns + u->env->idle_ns);
		(void)!f->port->ops->send(f->port, &f->to, space->bytes, (size_t)n);
	}
}

/* Frees those that were quiet for too long. */
static void timer_due(struct timer *timer, uint64_t now_ns)
{
	struct udp_forward *u = CONTAINER_OF(timer, struct udp_forward, timer);
	struct flow *f = u->flows, *next;

	for (; f; f = next) {
		next = f->next;
		if (now_ns - f->active_ns < u->env->idle_ns)
			continue;
		take_out(u, f);
		flow_free(f);
	}
	if (u->flows)
		timerq_arm(u->env->timers, timer, now_ns + u->env->idle_ns);
}

int udp_forward_add(struct udp_forward **list, const struct udp_forward_env *env,
                    struct packets *port, const struct destination *to)
{
	struct udp_forward *u = calloc(1, sizeof(*u));

	if (!u) {
		port->ops->close(port);
		return -ENOMEM;
	}
	u->env = env;
	u->port = port;
	u->destination = *to;
	if (to->addr.family != IP_NONE)
		u->to = (struct endpoint){ .addr = to->addr, .port = to->port };
	u->query.done = looked_up;
	timer_init(&u->timer, timer_due);
	port->ready = datagram_ready;
	port->user = u;
	u->next = *list;
	*list = u;
	return 0;
}

void udp_forward_free_all(struct udp_forward **list)
{
	struct udp_forward *u;
	struct flow *f;

	while ((u = *list)) {
		*list = u->next;
		lookup_forget(&u->query);
		timerq_disarm(u->env->timers, &u->timer);
		while ((f = u->flows)) {
			u->flows = f->next;
			flow_free(f);
		}
		u->port->ops->close(u->port);
		free(u);
	}
}
