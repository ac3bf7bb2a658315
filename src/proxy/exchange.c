/* src/proxy/exchange.c */
#include "proxy/exchange.h"

#include <errno.h>

#define INTERIM_MAX 100 /* then the server only wants to keep us busy */

void exchange_begin(struct exchange *x, const struct http_message *request,
                    const struct destination *at)
{
	exchange_clear(x);
	x->at = *at;
	x->request = http_body_of_request(request);
	x->head_only = http_span_equals(request->method, "HEAD");
	x->client_keeps = request->keep_alive;
}

void exchange_clear(struct exchange *x)
{
	http_head_clear(&x->head);
	*x = (struct exchange){ 0 };
}

/* ---- the request */

/* Nothing is to be sent. So the client either waits, has gone, or sends the next request,
 * which is not looked at yet. A server that waits for nobody learns it, too. */
static bool client_is_there(struct exchange *x, struct half *up)
{
	uint8_t byte;
	ssize_t n;

	if (x->said_more || up->ended)
		return true;
	n = up->from->ops->peek(up->from, &byte, 1);
	if (n == 0)
		half_end(up);
	x->said_more = n > 0;
	return n >= 0 || n == -EAGAIN;
}

static bool send_request(struct exchange *x, struct half *up,
                         const struct half_space *space)
{
	if (!half_flush(up))
		return false;
	if (x->request.state == HTTP_BODY_ENDED)
		return true;
	switch (half_move(up, &x->request, space)) {
	case HALF_WAITS:
	case HALF_AGAIN:
	case HALF_BODY_ENDED:
		return true;
	case HALF_ENDED: /* before its body did */
	case HALF_BROKEN:
		break;
	}
	return false;
}

/* What couldn't be sent once is not looked at again: it would be there for ever. */
static bool request_goes_on(struct exchange *x, struct half *up,
                            const struct half_space *space)
{
	if (!x->cut_off)
		x->cut_off = !send_request(x, up, space);
	if (x->cut_off)
		up->blocked = false;
	return !x->cut_off;
}

/* ---- the response */

/* Sends the head on. A head 1xx is followed by another one. */
static enum exchange_result send_head(struct exchange *x, struct half *down)
{
	struct http_message m;
	size_t n = 0;
	char *text;

	if (http_response_read(&m, x->head.text, x->head.n) || m.status == 101)
		return EXCHANGE_BAD;
	if (m.status < 200 && ++x->interim > INTERIM_MAX)
		return EXCHANGE_BAD;
	if (m.status >= 200) {
		x->answered = true;
		x->response = http_body_of_response(&m, x->head_only);
		x->server_keeps = m.keep_alive;
		x->framed = x->response.state != HTTP_BODY_UNTIL_CLOSE;
	}
	text = http_response_print(&m, x->client_keeps && x->framed, &n);
	http_head_clear(&x->head);
	return half_say(down, text, n) ? EXCHANGE_NO_MEMORY : EXCHANGE_WAITS;
}

static enum exchange_result read_head(struct exchange *x, struct half *down,
                                      const struct half_space *space)
{
	while (!x->answered) {
		enum exchange_result result;
		size_t taken;
		ssize_t n;
		int err;

		if (!half_flush(down))
			return EXCHANGE_BROKEN;
		if (half_is_saying(down))
			return EXCHANGE_WAITS; /* for a client that reads slowly */
		n = down->from->ops->peek(down->from, space->bytes, space->n);
		if (n == -EAGAIN)
			return EXCHANGE_WAITS;
		if (n <= 0)
			return EXCHANGE_BAD;
		err = http_head_feed(&x->head, space->bytes, (size_t)n, &taken);
		down->from->ops->consume(down->from, taken);
		if (err)
			return err == -ENOMEM ? EXCHANGE_NO_MEMORY : EXCHANGE_BAD;
		if (!x->head.end.complete)
			continue;
		result = send_head(x, down);
		if (result != EXCHANGE_WAITS)
			return result;
	}
	return EXCHANGE_WAITS;
}

static enum exchange_result move_body(struct exchange *x, struct half *down,
                                      const struct half_space *space)
{
	enum half_result result = half_move(down, &x->response, space);

	switch (result) {
	case HALF_WAITS:
	case HALF_AGAIN:
		return EXCHANGE_WAITS;
	case HALF_BODY_ENDED:
		return EXCHANGE_DONE;
	case HALF_ENDED:
		return x->framed ? EXCHANGE_BROKEN : EXCHANGE_DONE;
	case HALF_BROKEN:
		break;
	}
	return EXCHANGE_BROKEN;
}

/* An unframed response has ended only when the server has said so. A server may answer
 * before it has read the whole request, and then it may hang up. */
enum exchange_result exchange_run(struct exchange *x, struct half *up, struct half *down,
                                  const struct half_space *space)
{
	bool sending = request_goes_on(x, up, space);
	enum exchange_result result = read_head(x, down, space);

	if (x->answered && result == EXCHANGE_WAITS)
		result = move_body(x, down, space);
	if (result == EXCHANGE_WAITS && !sending && !x->answered)
		return EXCHANGE_BAD;
	if (result == EXCHANGE_WAITS && sending && x->request.state == HTTP_BODY_ENDED &&
	    !half_is_saying(up) && !client_is_there(x, up))
		return EXCHANGE_BROKEN;
	return result;
}

void exchange_wants(const struct exchange *x, const struct half *up,
                    const struct half *down, unsigned *client, unsigned *server)
{
	*client = *server = 0;
	if (up->blocked)
		*server |= STREAM_WRITE;
	else if (!x->cut_off && !x->said_more && !up->ended)
		*client |= STREAM_READ;
	if (down->blocked)
		*client |= STREAM_WRITE;
	else
		*server |= STREAM_READ;
}
