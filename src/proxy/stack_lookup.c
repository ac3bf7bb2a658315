/* src/proxy/stack_lookup.c */
#include "proxy/stack_lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct stack_lookup_socket *find(void *context, int number)
{
	struct stack_lookup *s = context;

	return &s->sockets[number];
}

static int number_of(const struct stack_lookup_socket *k)
{
	return (int)(k - k->all->sockets);
}

static void packets_ready(struct packets *p, uint64_t now_ns)
{
	const struct stack_lookup_socket *k = p->user;

	(void)now_ns;
	lookup_ready(k->all->lookup, number_of(k), true, false);
}

static void stream_ready(struct stream *s, unsigned events, uint64_t now_ns)
{
	const struct stack_lookup_socket *k = s->user;

	(void)now_ns;
	lookup_ready(k->all->lookup, number_of(k), events & STREAM_READ,
	             events & STREAM_WRITE);
}

/* ---- struct lookup_sockets */

static int open_socket(void *context, int family, int type)
{
	struct stack_lookup *s = context;

	for (int i = 0; i < STACK_LOOKUP_SOCKETS; i++) {
		if (s->sockets[i].all)
			continue;
		s->sockets[i] = (struct stack_lookup_socket){ .all = s,
			                                      .family = family,
			                                      .type = type };
		return i;
	}
	return -EMFILE;
}

static void close_socket(void *context, int number)
{
	struct stack_lookup_socket *k = find(context, number);

	if (k->packets)
		k->packets->ops->close(k->packets);
	if (k->stream)
		k->stream->ops->close(k->stream, false);
	*k = (struct stack_lookup_socket){ 0 };
}

static int connect_socket(void *context, int number, const struct endpoint *to)
{
	struct stack_lookup_socket *k = find(context, number);
	struct stack *stack = k->all->stack;
	int err;

	k->to = *to;
	if (k->type == SOCK_STREAM) {
		err = stack->ops->connect(stack, to, &k->stream);
		if (err)
			return err;
		k->stream->ready = stream_ready;
		k->stream->user = k;
		return 0;
	}
	err = stack->ops->open_packets(stack, to->addr.family, &k->packets);
	if (err)
		return err;
	k->packets->ready = packets_ready;
	k->packets->user = k;
	return 0;
}

static ssize_t receive(void *context, int number, void *bytes, size_t n,
                       struct endpoint *from)
{
	struct stack_lookup_socket *k = find(context, number);
	ssize_t got;

	if (k->packets)
		return k->packets->ops->receive(k->packets, from, bytes, n);
	if (!k->stream)
		return -ENOTCONN;
	got = k->stream->ops->peek(k->stream, bytes, n);
	if (got > 0)
		k->stream->ops->consume(k->stream, (size_t)got);
	return got;
}

static ssize_t send_bytes(void *context, int number, const void *bytes, size_t n)
{
	struct stack_lookup_socket *k = find(context, number);
	int err;

	if (k->stream)
		return k->stream->ops->write(k->stream, bytes, n);
	if (!k->packets)
		return -ENOTCONN;
	err = k->packets->ops->send(k->packets, &k->to, bytes, n);
	return err ? err : (ssize_t)n;
}

/* A port for datagrams always tells when there are some. */
static void watch(void *context, int number, bool readable, bool writable)
{
	struct stack_lookup_socket *k = find(context, number);

	if (k->stream)
		(void)!k->stream->ops->want(k->stream,
		                            (readable ? STREAM_READ : 0) |
		                                    (writable ? STREAM_WRITE : 0));
}

/* ---- stack_lookup.h */

void stack_lookup_init(struct stack_lookup *s, struct stack *stack)
{
	*s = (struct stack_lookup){
		.functions = { open_socket, close_socket, connect_socket, receive,
		               send_bytes, watch, s },
		.stack = stack,
	};
}

int stack_lookup_new(struct lookup **out, struct stack_lookup *s, struct loop *loop)
{
	int err = lookup_new_bare(out, loop);

	if (err)
		return err;
	lookup_set_own_sockets(*out, &s->functions);
	s->lookup = *out;
	return 0;
}
