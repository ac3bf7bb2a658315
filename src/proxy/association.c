/* src/proxy/association.c
 *
 * A datagram to a name that isn't known yet is kept until it is; others that come
 * meanwhile for unknown names are lost, as datagrams may be. */
#include "proxy/association.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/socks.h"

#define TURNS    64   /* datagrams; then others get their turn */
#define KEPT_MAX 2048 /* bytes of the datagram that waits for a name */

struct association {
	const struct association_env *env;
	struct endpoint client;    /* port 0: not known yet */
	struct packets *to_client; /* owned */
	struct packets *v4, *v6;   /* owned; NULL: not needed yet */
	struct lookup_query query;
	struct destination known; /* a name that was looked up, or is now */
	struct ip_addr known_addr;
	uint8_t *kept; /* owned; NULL: nothing waits for `known` */
	size_t kept_n;
	struct timer timer;
	uint64_t active_ns;
	void *user;
	void (*ended)(struct association *a, uint64_t now_ns);
};

void *association_user(const struct association *a)
{
	return a->user;
}

/* ---- from the destinations */

static void answer_ready(struct packets *p, uint64_t now_ns)
{
	struct association *a = p->user;
	uint8_t header[SOCKS_UDP_HEADER_MAX], *bytes = a->env->space->bytes;
	struct endpoint from;
	size_t header_n;

	for (int i = 0; i < TURNS; i++) {
		ssize_t n = p->ops->receive(p, &from, bytes + SOCKS_UDP_HEADER_MAX,
		                            a->env->space->n - SOCKS_UDP_HEADER_MAX);

		if (n < 0)
			return;
		a->active_ns = now_ns;
		header_n = socks_udp_write(header, &from);
		memcpy(bytes + SOCKS_UDP_HEADER_MAX - header_n, header, header_n);
		if (a->client.port)
			(void)!a->to_client->ops->send(a->to_client, &a->client,
			                               bytes + SOCKS_UDP_HEADER_MAX -
			                                       header_n,
			                               header_n + (size_t)n);
	}
}

/* ---- from the client */

static struct packets *port_for(struct association *a, uint8_t family)
{
	struct packets **p = family == IP_V6 ? &a->v6 : &a->v4;
	struct stack *stack = a->env->stack;

	if (*p || stack->ops->open_packets(stack, family, p) < 0)
		return *p;
	(*p)->ready = answer_ready;
	(*p)->user = a;
	return *p;
}

static void send_to(struct association *a, const struct ip_addr *addr, uint16_t port,
                    const uint8_t *bytes, size_t n)
{
	const struct endpoint to = { .addr = *addr, .port = port };
	struct packets *p = port_for(a, addr->family);

	if (p)
		(void)!p->ops->send(p, &to, bytes, n);
}

static void looked_up(struct lookup_query *query, const char *error,
                      const struct endpoint *found, size_t n)
{
	struct association *a = CONTAINER_OF(query, struct association, query);

	if (!error && n > 0) {
		a->known_addr = found[0].addr;
		for (size_t i = 0; i < n; i++) { /* one that works nearly everywhere */
			if (found[i].addr.family == IP_V4)
				a->known_addr = found[i].addr;
		}
		if (a->kept)
			send_to(a, &a->known_addr, a->known.port, a->kept, a->kept_n);
	}
	free(a->kept);
	a->kept = NULL;
}

static void send_to_name(struct association *a, const struct destination *to,
                         const uint8_t *bytes, size_t n)
{
	if (a->known_addr.family != IP_NONE && strcasecmp(a->known.name, to->name) == 0) {
		send_to(a, &a->known_addr, to->port, bytes, n);
		return;
	}
	if (lookup_asked(&a->query) || !*a->env->lookup || n > KEPT_MAX)
		return;
	free(a->kept);
	a->kept = malloc(n ? n : 1);
	if (!a->kept)
		return;
	memcpy(a->kept, bytes, n);
	a->kept_n = n;
	a->known = *to;
	a->known_addr = (struct ip_addr){ 0 };
	lookup_ask(*a->env->lookup, &a->query, to->name);
}

static bool is_client(struct association *a, const struct endpoint *from)
{
	if (!ip_addr_equal(&a->client.addr, &from->addr))
		return false;
	if (a->client.port == 0)
		a->client = *from;
	return a->client.port == from->port;
}

static void client_ready(struct packets *p, uint64_t now_ns)
{
	struct association *a = p->user;
	const struct half_space *space = a->env->space;
	struct destination to;
	struct endpoint from;
	size_t header_n;

	for (int i = 0; i < TURNS; i++) {
		ssize_t n = p->ops->receive(p, &from, space->bytes, space->n);

		if (n < 0)
			return;
		header_n = socks_udp_read(&to, space->bytes, (size_t)n);
		if (header_n == 0 || !is_client(a, &from))
			continue;
		a->active_ns = now_ns;
		if (to.addr.family != IP_NONE)
			send_to(a, &to.addr, to.port, space->bytes + header_n,
			        (size_t)n - header_n);
		else
			send_to_name(a, &to, space->bytes + header_n,
			             (size_t)n - header_n);
	}
}

static void timer_due(struct timer *timer, uint64_t now_ns)
{
	struct association *a = CONTAINER_OF(timer, struct association, timer);
	uint64_t due_ns = a->active_ns + a->env->idle_ns;

	if (now_ns < due_ns)
		timerq_arm(a->env->timers, timer, due_ns);
	else
		a->ended(a, now_ns);
}

int association_new(struct association **out, const struct association_env *env,
                    const struct endpoint *local, const struct endpoint *remote,
                    struct endpoint *bound, void *user,
                    void (*ended)(struct association *a, uint64_t now_ns))
{
	struct association *a;
	int err;

	*out = NULL;
	if (!env || local->addr.family == IP_NONE)
		return -EOPNOTSUPP; /* the client came by a socket without an address */
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = (struct association){ .env = env,
		                   .client = { .addr = remote->addr,
		                               .port = remote->port },
		                   .query.done = looked_up,
		                   .active_ns = loop_now_ns(),
		                   .user = user,
		                   .ended = ended };
	timer_init(&a->timer, timer_due);
	err = env->open_port(env->context, &local->addr, &a->to_client, bound);
	if (err) {
		free(a);
		return err;
	}
	a->to_client->ready = client_ready;
	a->to_client->user = a;
	timerq_arm(env->timers, &a->timer, a->active_ns + env->idle_ns);
	*out = a;
	return 0;
}

void association_free(struct association *a)
{
	struct packets *each[3];

	if (!a)
		return;
	each[0] = a->to_client;
	each[1] = a->v4;
	each[2] = a->v6;
	lookup_forget(&a->query);
	timerq_disarm(a->env->timers, &a->timer);
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		if (each[i])
			each[i]->ops->close(each[i]);
	}
	free(a->kept);
	free(a);
}
