/* src/proxy/half.c */
#include "proxy/half.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define TURNS 8 /* of the space; then others get theirs */

int half_say(struct half *h, char *text, size_t n)
{
	size_t left = h->first_n - h->first_at;
	char *both;

	if (!text)
		return -ENOMEM;
	if (left == 0) {
		free(h->first);
		h->first = text;
		h->first_n = n;
		h->first_at = 0;
		return 0;
	}
	both = malloc(left + n);
	if (both) {
		memcpy(both, h->first + h->first_at, left);
		memcpy(both + left, text, n);
		free(h->first);
		h->first = both;
		h->first_n = left + n;
		h->first_at = 0;
	}
	free(text);
	return both ? 0 : -ENOMEM;
}

int half_say_copy(struct half *h, const void *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1);

	if (copy)
		memcpy(copy, bytes, n);
	return half_say(h, copy, n);
}

bool half_is_saying(const struct half *h)
{
	return h->first != NULL;
}

bool half_flush(struct half *h)
{
	h->blocked = false;
	while (h->first) {
		ssize_t n = h->to->ops->write(h->to, h->first + h->first_at,
		                              h->first_n - h->first_at);

		if (n < 0) {
			h->blocked = n == -EAGAIN;
			return h->blocked;
		}
		h->first_at += (size_t)n;
		if (h->first_at == h->first_n) {
			free(h->first);
			h->first = NULL;
			h->first_n = h->first_at = 0;
		}
	}
	return true;
}

void half_end(struct half *h)
{
	h->ended = true;
	h->to->ops->shut_down(h->to);
}

/* How many of the bytes belong to the body? Doesn't take them. */
static size_t within(const struct http_body *body, const uint8_t *bytes, size_t n)
{
	struct http_body copy;

	if (!body)
		return n;
	copy = *body;
	return http_body_take(&copy, bytes, n);
}

/* ---- by a pipe */

static void give_pipe(struct half *h)
{
	pipes_give(h->pipes, h->pipe, h->piped_n == 0);
	h->pipes = NULL;
	h->piped_n = 0;
}

static enum half_result empty_pipe(struct half *h)
{
	ssize_t n;

	while (h->piped_n > 0) {
		n = splice(h->pipe[0], NULL, h->to->splice_fd, NULL, h->piped_n,
		           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0 && errno == EAGAIN) {
			h->blocked = true;
			return HALF_WAITS;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return HALF_BROKEN;
		h->piped_n -= (size_t)n;
		h->moved_bytes += (uint64_t)n;
	}
	give_pipe(h);
	return HALF_AGAIN;
}

static bool can_splice(struct half *h, const struct half_space *space)
{
	if (!space->pipes || h->from->splice_fd <= 0 || h->to->splice_fd <= 0 ||
	    !pipes_take(space->pipes, h->pipe))
		return false;
	h->pipes = space->pipes;
	return true;
}

/* Moves what fits into the pipe once. Returns false if that must be done by copying: also if it
 * is the first try and nothing comes, because splice never gets past an urgent byte (RFC 9293
 * 3.8.5), and the stream would be ready for ever; and if it says that the stream has ended,
 * because then it says so in front of that byte. */
static bool splice_some(struct half *h, const struct half_space *space, bool first,
                        enum half_result *result)
{
	int error;
	ssize_t n;

	if (!can_splice(h, space))
		return false;
	n = splice(h->from->splice_fd, NULL, h->pipe[1], NULL, PIPES_BYTES,
	           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	error = errno;
	if (n > 0) {
		h->piped_n = (size_t)n;
		*result = empty_pipe(h);
		return true;
	}
	give_pipe(h);
	if (n < 0 && (error == EINVAL || error == ENOSYS || error == EPERM)) {
		space->pipes->useless = true;
		return false;
	}
	if (n == 0 || (error == EAGAIN && first))
		return false;
	*result = error == EAGAIN || error == EINTR ? HALF_WAITS : HALF_BROKEN;
	return true;
}

/* ---- by a copy */

/* Moves what fits into the space once. */
static enum half_result copy_some(struct half *h, struct http_body *body,
                                  const struct half_space *space)
{
	ssize_t n = h->from->ops->peek(h->from, space->bytes, space->n), written;
	size_t belong;

	if (n == -EAGAIN)
		return HALF_WAITS;
	if (n < 0)
		return HALF_BROKEN;
	if (n == 0) {
		half_end(h);
		return HALF_ENDED;
	}
	belong = within(body, space->bytes, (size_t)n);
	if (belong == 0)
		return HALF_BROKEN; /* it would have ended before */
	written = h->to->ops->write(h->to, space->bytes, belong);
	if (written < 0 && written != -EAGAIN)
		return HALF_BROKEN;
	if (written > 0) {
		if (body)
			(void)http_body_take(body, space->bytes, (size_t)written);
		h->from->ops->consume(h->from, (size_t)written);
		h->moved_bytes += (uint64_t)written;
	}
	h->blocked = written < (ssize_t)belong;
	return h->blocked ? HALF_WAITS : HALF_AGAIN;
}

static enum half_result move_some(struct half *h, struct http_body *body,
                                  const struct half_space *space, bool first)
{
	enum half_result result;

	if (h->piped_n > 0)
		return empty_pipe(h);
	if (!body && splice_some(h, space, first, &result))
		return result;
	return copy_some(h, body, space);
}

enum half_result half_move(struct half *h, struct http_body *body,
                           const struct half_space *space)
{
	enum half_result result = HALF_AGAIN;

	if (h->ended)
		return HALF_ENDED;
	if (!half_flush(h))
		return HALF_BROKEN;
	if (h->blocked)
		return HALF_WAITS;
	for (int i = 0; i < TURNS && result == HALF_AGAIN; i++) {
		if (body && body->state == HTTP_BODY_ENDED)
			return HALF_BODY_ENDED;
		result = move_some(h, body, space, i == 0);
	}
	if (result == HALF_AGAIN && body && body->state == HTTP_BODY_ENDED)
		return HALF_BODY_ENDED;
	return result;
}

void half_wants(const struct half *h, unsigned *from, unsigned *to)
{
	if (h->blocked)
		*to |= STREAM_WRITE;
	else if (!h->ended)
		*from |= STREAM_READ;
}

void half_clear(struct half *h)
{
	free(h->first);
	if (h->pipes)
		give_pipe(h);
	*h = (struct half){ 0 };
}
