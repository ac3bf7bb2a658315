/* src/proxy/conn.c
 *
 *   asking -> dialing -> relaying -> (freed)          SOCKS, CONNECT, a forwarded port
 *   asking -> [dialing ->] exchanging -> asking ...   plain HTTP
 *   asking -> associated -> (freed)                   UDP over SOCKS5
 *   any of them but the last -> ending -> (freed)     the last answer is sent
 *
 * Every event leads to `run`, which does what the state allows, and then says which
 * events it waits for. While a client says what it wants, no byte is taken that is not a
 * part of this: the rest stays in its stream for the destination. */
#include "proxy/conn.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/refusal.h"
#include "proxy/request.h"

enum conn_state {
	CONN_ASKING,
	CONN_DIALING,
	CONN_RELAYING,
	CONN_EXCHANGING,
	CONN_ASSOCIATED,
	CONN_ENDING,
};

enum conn_protocol {
	PROTOCOL_UNKNOWN,
	PROTOCOL_SOCKS,
	PROTOCOL_CONNECT,
	PROTOCOL_HTTP,
	PROTOCOL_FORWARD,
};

struct conn {
	struct conn *next, *previous; /* in env->first */
	struct conn_env *env;
	const struct dial_env *dial_env;
	enum conn_state state;
	enum conn_protocol protocol;
	bool client_said_more;          /* while dialing: what it is will be seen later */
	struct stream *client, *server; /* owned */
	struct half up, down;
	struct timer timer;
	uint64_t active_ns;
	struct request *request;         /* owned; NULL: bytes are only passed on */
	struct association *association; /* owned */
};

/* What a step of `run` leads to. */
enum step { STEP_WAIT, STEP_AGAIN, STEP_CLOSE, STEP_BROKEN };

static void set_timer(struct conn *c, uint64_t deadline_ns)
{
	timerq_arm(c->env->timers, &c->timer, deadline_ns);
}

/* The only function that changes the state. */
static enum step set_state(struct conn *c, enum conn_state state)
{
	c->state = state;
	return STEP_AGAIN;
}

/* ---- the end */

static void close_server(struct conn *c, bool reset)
{
	if (c->server)
		c->server->ops->close(c->server, reset);
	c->server = NULL;
	half_clear(&c->up);
	c->down.from = NULL;
}

static void enter_list(struct conn *c)
{
	c->next = c->env->first;
	if (c->next)
		c->next->previous = c;
	c->env->first = c;
	c->env->count++;
}

static void leave_list(struct conn *c)
{
	if (c->previous)
		c->previous->next = c->next;
	else
		c->env->first = c->next;
	if (c->next)
		c->next->previous = c->previous;
	c->env->count--;
}

static void close_all(struct conn *c, bool reset)
{
	struct conn_env *env = c->env;

	leave_list(c);
	timerq_disarm(c->env->timers, &c->timer);
	association_free(c->association);
	request_free(c->request);
	close_server(c, reset);
	half_clear(&c->down);
	c->client->ops->close(c->client, reset);
	free(c);
	env->closed(env->context);
}

void conn_end_all(struct conn_env *env)
{
	struct conn *next;

	for (struct conn *c = env->first; c; c = next) {
		next = c->next;
		close_all(c, true);
	}
}

/* What was said last is sent; then the client has some time to read it. */
static enum step end(struct conn *c, uint64_t now_ns)
{
	close_server(c, false);
	set_timer(c, now_ns + c->env->limits->end_ns);
	return set_state(c, CONN_ENDING);
}

/* Says the text of the request. */
static enum step say_answer(struct conn *c, uint64_t now_ns)
{
	char *text = c->request->text;

	c->request->text = NULL;
	return half_say(&c->down, text, c->request->text_n) ? STEP_BROKEN
	                                                    : end(c, now_ns);
}

static enum step say_http(struct conn *c, unsigned status, const char *text,
                          uint64_t now_ns)
{
	(void)request_refuse(c->request, status, text);
	return say_answer(c, now_ns);
}

/* ---- dialing */

static void dialed(struct dial *dial, int err, struct stream *stream, uint64_t now_ns);
static void run(struct conn *c, uint64_t now_ns);

static enum step dial(struct conn *c, uint64_t now_ns)
{
	struct request *r = c->request;

	close_server(c, false);
	if (r->dialing)
		dial_clear(&r->dial);
	r->dial = (struct dial){ .env = c->dial_env, .done = dialed, .user = c };
	r->dialing = true;
	c->client_said_more = false;
	timerq_disarm(c->env->timers, &c->timer);
	dial_start(&r->dial, &r->to, now_ns);
	return set_state(c, CONN_DIALING);
}

static void connect_halves(struct conn *c)
{
	c->up.from = c->down.to = c->client;
	c->up.to = c->down.from = c->server;
	c->up.ended = c->down.ended = false;
}

static enum step begin_relay(struct conn *c)
{
	request_free(c->request);
	c->request = NULL;
	set_timer(c, c->active_ns + c->env->limits->idle_ns);
	return set_state(c, CONN_RELAYING);
}

static enum step begin_exchange(struct conn *c)
{
	struct request *r = c->request;
	char *text = r->text;

	r->text = NULL;
	if (half_say(&c->up, text, r->text_n))
		return STEP_BROKEN;
	set_timer(c, c->active_ns + c->env->limits->idle_ns);
	return set_state(c, CONN_EXCHANGING);
}

static enum step server_is_there(struct conn *c)
{
	static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	struct socks *s = &c->request->socks;
	struct endpoint local, remote;
	int err = 0;

	connect_halves(c);
	switch (c->protocol) {
	case PROTOCOL_SOCKS:
		c->server->ops->ends(c->server, &local, &remote);
		socks_answer(s, SOCKS_SUCCEEDED, &local);
		err = half_say_copy(&c->down, s->reply, s->reply_n);
		break;
	case PROTOCOL_CONNECT:
		err = half_say_copy(&c->down, established, sizeof(established) - 1);
		break;
	case PROTOCOL_HTTP:
		return begin_exchange(c);
	case PROTOCOL_FORWARD:
	case PROTOCOL_UNKNOWN:
		break;
	}
	return err ? STEP_BROKEN : begin_relay(c);
}

static enum step server_is_not_there(struct conn *c, int err, uint64_t now_ns)
{
	struct socks *s = &c->request->socks;
	char text[REFUSAL_STRLEN];

	switch (c->protocol) {
	case PROTOCOL_SOCKS:
		socks_answer(s, socks_code_of(err), NULL);
		return half_say_copy(&c->down, s->reply, s->reply_n) ? STEP_BROKEN
		                                                     : end(c, now_ns);
	case PROTOCOL_CONNECT:
	case PROTOCOL_HTTP:
		return say_http(c, refusal_status(err),
		                refusal_text(&c->request->to, err, text), now_ns);
	case PROTOCOL_FORWARD:
	case PROTOCOL_UNKNOWN:
		break;
	}
	return STEP_BROKEN;
}

static void server_ready(struct stream *s, unsigned events, uint64_t now_ns)
{
	(void)events;
	run(s->user, now_ns);
}

/* Goes on with what a step has led to. */
static void finish_step(struct conn *c, enum step step, uint64_t now_ns)
{
	if (step == STEP_BROKEN || step == STEP_CLOSE)
		close_all(c, step == STEP_BROKEN);
	else
		run(c, now_ns);
}

static void dialed(struct dial *dial, int err, struct stream *stream, uint64_t now_ns)
{
	struct request *r = CONTAINER_OF(dial, struct request, dial);
	struct conn *c = dial->user;

	r->dialing = false;
	c->active_ns = now_ns;
	if (!stream) {
		finish_step(c, server_is_not_there(c, err, now_ns), now_ns);
		return;
	}
	c->server = stream;
	stream->ready = server_ready;
	stream->user = c;
	finish_step(c, server_is_there(c), now_ns);
}

/* ---- asking */

static enum step ask_socks(struct conn *c, const uint8_t *bytes, size_t n, size_t *taken,
                           uint64_t now_ns)
{
	struct socks *s = &c->request->socks;
	enum socks_step step = socks_feed(s, bytes, n, taken);

	if (s->reply_n > 0 && half_say_copy(&c->down, s->reply, s->reply_n))
		return STEP_BROKEN;
	switch (step) {
	case SOCKS_MORE:
	case SOCKS_ANSWER:
		return STEP_AGAIN;
	case SOCKS_END:
		return end(c, now_ns);
	case SOCKS_REQUEST:
		break;
	}
	c->request->to = s->destination;
	if (s->command == SOCKS_CONNECT)
		return dial(c, now_ns);
	return set_state(c, CONN_ASSOCIATED);
}

/* The request is for the same server as the one before, and that still listens. */
static bool can_go_on(struct conn *c)
{
	uint8_t byte;

	return c->server &&
	       destination_equal(&c->request->exchange.at, &c->request->to) &&
	       c->server->ops->peek(c->server, &byte, 1) == -EAGAIN;
}

static enum step open_page(struct conn *c, uint64_t now_ns)
{
	close_server(c, false);
	if (c->env->open_page(c->env->context, &c->server) < 0)
		return say_http(c, 503, "The status page can't be reached\n", now_ns);
	c->server->ready = server_ready;
	c->server->user = c;
	connect_halves(c);
	return begin_exchange(c);
}

/* A request of plain HTTP: to the server r->to, or to the page. */
static enum step pass_on(struct conn *c, const struct http_message *m, uint64_t now_ns)
{
	struct request *r = c->request;
	bool go_on = can_go_on(c);

	exchange_begin(&r->exchange, m, &r->to);
	http_head_clear(&r->head);
	if (!go_on)
		return r->to.port ? dial(c, now_ns) : open_page(c, now_ns);
	connect_halves(c);
	return begin_exchange(c);
}

static enum step ask_http(struct conn *c, uint64_t now_ns)
{
	struct http_message m;

	switch (request_http(c->request, &m, c->env->users, c->client,
	                     c->env->open_page != NULL)) {
	case REQUEST_REFUSED:
		return say_answer(c, now_ns);
	case REQUEST_CONNECT:
		c->protocol = PROTOCOL_CONNECT;
		return dial(c, now_ns);
	case REQUEST_PLAIN:
		return pass_on(c, &m, now_ns);
	case REQUEST_NO_MEMORY:
		break;
	}
	return STEP_BROKEN;
}

static enum step take_http(struct conn *c, const uint8_t *bytes, size_t n, size_t *taken,
                           uint64_t now_ns)
{
	struct http_head *head = &c->request->head;
	int err = http_head_feed(head, bytes, n, taken);

	if (err == -E2BIG)
		return say_http(c, 431, "The head of this request is too long\n", now_ns);
	if (err)
		return STEP_BROKEN;
	return STEP_AGAIN;
}

static void learn_protocol(struct conn *c, uint8_t first)
{
	bool socks = first == SOCKS5_VERSION || first == SOCKS4_VERSION;

	c->protocol = socks ? PROTOCOL_SOCKS : PROTOCOL_HTTP;
}

/* Takes what is there of the request. */
static enum step ask(struct conn *c, uint64_t now_ns)
{
	const struct half_space *space = c->env->space;
	enum step step;
	size_t taken;
	ssize_t n;

	if (!half_flush(&c->down))
		return STEP_BROKEN;
	if (half_is_saying(&c->down))
		return STEP_WAIT;
	n = c->client->ops->peek(c->client, space->bytes, space->n);
	if (n == -EAGAIN)
		return STEP_WAIT;
	if (n <= 0)
		return n == 0 ? STEP_CLOSE : STEP_BROKEN;
	if (c->protocol == PROTOCOL_UNKNOWN)
		learn_protocol(c, space->bytes[0]);
	step = c->protocol == PROTOCOL_SOCKS
	               ? ask_socks(c, space->bytes, (size_t)n, &taken, now_ns)
	               : take_http(c, space->bytes, (size_t)n, &taken, now_ns);
	c->client->ops->consume(c->client, taken);
	if (c->env->users) /* there may be a password in it */
		sodium_memzero(space->bytes, (size_t)n);
	if (step == STEP_AGAIN && c->state == CONN_ASKING &&
	    c->request->head.end.complete)
		step = ask_http(c, now_ns);
	return step;
}

/* Plain HTTP: the response was sent, and there may be another request. */
static enum step next_request(struct conn *c, uint64_t now_ns)
{
	const struct exchange *x = &c->request->exchange;

	if (!x->client_keeps || !x->framed || x->cut_off || c->up.ended ||
	    x->request.state != HTTP_BODY_ENDED || c->down.ended)
		return end(c, now_ns);
	if (!x->server_keeps)
		close_server(c, false);
	set_timer(c, now_ns + c->env->limits->keep_ns);
	return set_state(c, CONN_ASKING);
}

/* ---- passing on */

static enum step relay(struct conn *c, uint64_t now_ns)
{
	uint64_t before = c->up.moved_bytes + c->down.moved_bytes;
	bool half_closed = c->up.ended || c->down.ended;
	enum half_result up = half_move(&c->up, NULL, c->env->space);
	enum half_result down = half_move(&c->down, NULL, c->env->space);

	if (c->up.moved_bytes + c->down.moved_bytes != before ||
	    half_closed != (c->up.ended || c->down.ended))
		c->active_ns = now_ns;
	if (up == HALF_BROKEN || down == HALF_BROKEN)
		return STEP_BROKEN;
	return up == HALF_ENDED && down == HALF_ENDED ? STEP_CLOSE : STEP_WAIT;
}

static enum step exchange(struct conn *c, uint64_t now_ns)
{
	struct exchange *x = &c->request->exchange;

	c->active_ns = now_ns;
	switch (exchange_run(x, &c->up, &c->down, c->env->space)) {
	case EXCHANGE_WAITS:
		return STEP_WAIT;
	case EXCHANGE_DONE:
		return next_request(c, now_ns);
	case EXCHANGE_BAD:
		return say_http(
			c, 502,
			"The server's answer can't be understood, or it hung up\n",
			now_ns);
	case EXCHANGE_BROKEN:
	case EXCHANGE_NO_MEMORY:
		break;
	}
	return STEP_BROKEN;
}

/* Ignores what the client says. Returns whether it has ended. */
static bool client_has_ended(struct conn *c)
{
	const struct half_space *space = c->env->space;
	ssize_t n = c->client->ops->peek(c->client, space->bytes, space->n);

	if (n > 0)
		c->client->ops->consume(c->client, (size_t)n);
	return n == 0 || (n < 0 && n != -EAGAIN);
}

/* Closing a stream with unread bytes would reset it, and the client might never see the
 * answer. */
static enum step ending(struct conn *c)
{
	if (!half_flush(&c->down))
		return STEP_BROKEN;
	if (half_is_saying(&c->down))
		return STEP_WAIT;
	if (!c->down.ended)
		c->client->ops->shut_down(c->client);
	c->down.ended = true;
	return client_has_ended(c) ? STEP_CLOSE : STEP_WAIT;
}

/* ---- datagrams */

static void association_ended(struct association *a, uint64_t now_ns)
{
	(void)now_ns;
	close_all(association_user(a), false);
}

/* The port that the client will send from; 0 if it doesn't say, or means another machine. */
static uint16_t said_port(const struct destination *to, const struct endpoint *remote)
{
	bool its_own =
		to->addr.family != IP_NONE && (ip_addr_is_unspecified(&to->addr) ||
	                                       ip_addr_equal(&to->addr, &remote->addr));

	return its_own ? to->port : 0;
}

static enum step associate(struct conn *c, uint64_t now_ns)
{
	struct socks *s = &c->request->socks;
	struct endpoint local, remote, bound = { 0 };
	int err;

	c->client->ops->ends(c->client, &local, &remote);
	remote.port = said_port(&c->request->to, &remote);
	err = association_new(&c->association, c->env->association, &local, &remote,
	                      &bound, c, association_ended);
	socks_answer(s, err ? SOCKS_NO_SUCH_COMMAND : SOCKS_SUCCEEDED, &bound);
	if (half_say_copy(&c->down, s->reply, s->reply_n))
		return STEP_BROKEN;
	if (err)
		return end(c, now_ns);
	request_free(c->request);
	c->request = NULL;
	timerq_disarm(c->env->timers, &c->timer);
	return STEP_AGAIN;
}

static enum step associated(struct conn *c, uint64_t now_ns)
{
	if (!c->association)
		return associate(c, now_ns);
	if (!half_flush(&c->down))
		return STEP_BROKEN;
	return client_has_ended(c) ? STEP_CLOSE : STEP_WAIT;
}

/* ---- events */

static enum step step(struct conn *c, uint64_t now_ns)
{
	switch (c->state) {
	case CONN_ASKING:
		return ask(c, now_ns);
	case CONN_DIALING:
		c->client_said_more = true;
		return STEP_WAIT;
	case CONN_RELAYING:
		return relay(c, now_ns);
	case CONN_EXCHANGING:
		return exchange(c, now_ns);
	case CONN_ASSOCIATED:
		return associated(c, now_ns);
	case CONN_ENDING:
		return ending(c);
	}
	return STEP_BROKEN;
}

static int watch(struct conn *c)
{
	unsigned client = 0, server = 0;
	int err;

	switch (c->state) {
	case CONN_ASKING:
		client = half_is_saying(&c->down) ? STREAM_WRITE : STREAM_READ;
		break;
	case CONN_DIALING:
		client = c->client_said_more ? 0 : STREAM_READ;
		break;
	case CONN_RELAYING:
		half_wants(&c->up, &client, &server);
		half_wants(&c->down, &server, &client);
		break;
	case CONN_EXCHANGING:
		exchange_wants(&c->request->exchange, &c->up, &c->down, &client, &server);
		break;
	case CONN_ASSOCIATED:
	case CONN_ENDING:
		client = half_is_saying(&c->down) ? STREAM_WRITE : STREAM_READ;
		break;
	}
	err = c->client->ops->want(c->client, client);
	if (!err && c->server)
		err = c->server->ops->want(c->server, server);
	return err;
}

static uint64_t idle_ns(const struct conn *c)
{
	return c->up.ended || c->down.ended ? c->env->limits->half_closed_ns
	                                    : c->env->limits->idle_ns;
}

/* When one side has ended, the other one has less time. */
static void watch_time(struct conn *c)
{
	uint64_t due_ns = c->active_ns + idle_ns(c);

	if ((c->state == CONN_RELAYING || c->state == CONN_EXCHANGING) &&
	    due_ns < c->timer.deadline_ns)
		set_timer(c, due_ns);
}

static void run(struct conn *c, uint64_t now_ns)
{
	enum step next;

	do {
		next = step(c, now_ns);
	} while (next == STEP_AGAIN && c->state != CONN_DIALING);
	if (next == STEP_CLOSE || next == STEP_BROKEN)
		close_all(c, next == STEP_BROKEN);
	else if (watch(c) < 0)
		close_all(c, true);
	else
		watch_time(c);
}

static void client_ready(struct stream *s, unsigned events, uint64_t now_ns)
{
	(void)events;
	run(s->user, now_ns);
}

static void timer_due(struct timer *timer, uint64_t now_ns)
{
	struct conn *c = CONTAINER_OF(timer, struct conn, timer);

	switch (c->state) {
	case CONN_ASKING:
		if (c->protocol == PROTOCOL_HTTP && c->request->head.n > 0)
			finish_step(c,
			            say_http(c, 408, "The request did not come in time\n",
			                     now_ns),
			            now_ns);
		else
			close_all(c, false);
		break;
	case CONN_RELAYING:
	case CONN_EXCHANGING:
		if (now_ns - c->active_ns >= idle_ns(c))
			close_all(c, true);
		else
			set_timer(c, c->active_ns + idle_ns(c));
		break;
	case CONN_ENDING: /* what it was told still waits in the kernel's buffers */
		close_all(c, half_is_saying(&c->down));
		break;
	case CONN_DIALING:
	case CONN_ASSOCIATED:
		close_all(c, true);
		break;
	}
}

void conn_start(struct conn_env *env, const struct dial_env *dial_env,
                struct stream *client, const struct destination *to, uint64_t now_ns)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct request *r = calloc(1, sizeof(*r));

	if (!c || !r) {
		client->ops->close(client, true);
		free(c);
		free(r);
		return;
	}
	*c = (struct conn){
		.env = env, .dial_env = dial_env, .client = client, .request = r
	};
	socks_init(&r->socks, env->users);
	c->active_ns = now_ns;
	c->down.to = client;
	timer_init(&c->timer, timer_due);
	client->ready = client_ready;
	client->user = c;
	enter_list(c);
	set_timer(c, now_ns + env->limits->ask_ns);
	if (to) {
		c->protocol = PROTOCOL_FORWARD;
		r->to = *to;
		(void)dial(c, now_ns);
	}
	if (watch(c) < 0)
		close_all(c, true);
}
