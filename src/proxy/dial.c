/* src/proxy/dial.c - every result comes by a timer or by a stream, never by dial_start
 * itself, so that its caller isn't called back too early */
#include "proxy/dial.h"

#include <errno.h>

#define NEXT_NS (250 * NS_PER_MS) /* RFC 8305 5, connection attempt delay */

size_t dial_order(struct endpoint out[static DIAL_ADDRESSES_MAX],
                  const struct endpoint *found, size_t n)
{
	size_t at[2] = { 0, 0 }, count = 0;
	const enum ip_family families[2] = { IP_V6, IP_V4 };

	/* each turn takes the next one of the family, if there is one */
	for (size_t turn = 0; count < DIAL_ADDRESSES_MAX && (at[0] < n || at[1] < n);
	     turn++) {
		size_t *i = &at[turn % 2];

		while (*i < n && found[*i].addr.family != families[turn % 2])
			(*i)++;
		if (*i < n)
			out[count++] = found[(*i)++];
	}
	return count;
}

static void close_tries(struct dial *d)
{
	for (size_t i = 0; i < d->begun; i++) {
		if (d->tries[i])
			d->tries[i]->ops->close(d->tries[i], false);
		d->tries[i] = NULL;
	}
}

void dial_clear(struct dial *d)
{
	lookup_forget(&d->query);
	timerq_disarm(d->env->timers, &d->next_timer);
	timerq_disarm(d->env->timers, &d->end_timer);
	timerq_disarm(d->env->timers, &d->now_timer);
	close_tries(d);
}

static void finish(struct dial *d, int err, struct stream *stream, uint64_t now_ns)
{
	dial_clear(d);
	d->done(d, err, stream, now_ns);
}

/* Which of two failures says more? One that comes from the destination itself does. */
static int telling(int err)
{
	static const int order[] = { ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH };
	int i = 0;

	while (i < (int)ARRAY_SIZE(order) && order[i] != -err)
		i++;
	return err == 0 ? 100 : i;
}

static void note(struct dial *d, int err)
{
	if (telling(err) < telling(d->err))
		d->err = err;
}

static bool is_waiting(const struct dial *d)
{
	for (size_t i = 0; i < d->begun; i++) {
		if (d->tries[i])
			return true;
	}
	return false;
}

static void try_ready(struct stream *s, unsigned events, uint64_t now_ns);

static int begin(struct dial *d, const struct endpoint *to, struct stream **out)
{
	struct stack *other = d->env->otherwise;
	int err = d->env->stack->ops->connect(d->env->stack, to, out);

	/* outside, that leads to programs that trust whoever is on this machine */
	if (err == -ENETUNREACH && other && !ip_addr_is_this_machine(&to->addr))
		err = other->ops->connect(other, to, out);
	if (err)
		return err;
	(*out)->ready = try_ready;
	(*out)->user = d;
	err = (*out)->ops->want(*out, STREAM_WRITE);
	if (err) {
		(*out)->ops->close(*out, false);
		*out = NULL;
	}
	return err;
}

/* Begins with the next address that doesn't fail at once. Returns false if nothing is left
 * to wait for. */
static bool go_on(struct dial *d, uint64_t now_ns)
{
	while (d->begun < d->n) {
		size_t i = d->begun++;
		int err = begin(d, &d->list[i], &d->tries[i]);

		if (!err) {
			timerq_arm(d->env->timers, &d->next_timer, now_ns + NEXT_NS);
			return true;
		}
		note(d, err);
	}
	return is_waiting(d);
}

static void try_ready(struct stream *s, unsigned events, uint64_t now_ns)
{
	struct dial *d = s->user;
	int err = s->ops->connected(s);

	(void)events;
	for (size_t i = 0; i < d->begun; i++) {
		if (d->tries[i] == s)
			d->tries[i] = NULL;
	}
	(void)!s->ops->want(s, 0);
	if (!err) {
		finish(d, 0, s, now_ns);
		return;
	}
	s->ops->close(s, false);
	note(d, err);
	if (!go_on(d, now_ns))
		finish(d, d->err, NULL, now_ns);
}

static void next_due(struct timer *timer, uint64_t now_ns)
{
	struct dial *d = CONTAINER_OF(timer, struct dial, next_timer);

	if (d->begun < d->n && !go_on(d, now_ns))
		finish(d, d->err, NULL, now_ns);
}

static void end_due(struct timer *timer, uint64_t now_ns)
{
	finish(CONTAINER_OF(timer, struct dial, end_timer), -ETIMEDOUT, NULL, now_ns);
}

/* The addresses are known, or there are none. */
static void now_due(struct timer *timer, uint64_t now_ns)
{
	struct dial *d = CONTAINER_OF(timer, struct dial, now_timer);

	if (!go_on(d, now_ns))
		finish(d, d->err ? d->err : -ENOENT, NULL, now_ns);
}

static void looked_up(struct lookup_query *query, const char *error,
                      const struct endpoint *found, size_t n)
{
	struct dial *d = CONTAINER_OF(query, struct dial, query);

	d->n = error ? 0 : dial_order(d->list, found, n);
	for (size_t i = 0; i < d->n; i++)
		d->list[i].port = d->port;
	timerq_arm(d->env->timers, &d->now_timer, 0);
}

void dial_start(struct dial *d, const struct destination *to, uint64_t now_ns)
{
	timer_init(&d->next_timer, next_due);
	timer_init(&d->end_timer, end_due);
	timer_init(&d->now_timer, now_due);
	timerq_arm(d->env->timers, &d->end_timer, now_ns + d->env->timeout_ns);
	d->port = to->port;
	d->query.done = looked_up;
	if (to->addr.family != IP_NONE) {
		d->list[0] = (struct endpoint){ .addr = to->addr, .port = to->port };
		d->n = 1;
		timerq_arm(d->env->timers, &d->now_timer, now_ns);
	} else if (*d->env->lookup) {
		lookup_ask(*d->env->lookup, &d->query, to->name);
	} else {
		timerq_arm(d->env->timers, &d->now_timer, now_ns);
	}
}
