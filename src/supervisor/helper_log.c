/* src/supervisor/helper_log.c */
#include "supervisor/helper_log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "channel/line.h"

#define AT_ONCE 64 /* messages; then others have their turn */

/* What is more than they have to say is not kept. */
static void note_stage(struct helper_log *h, const struct line_stage *said)
{
	size_t i = 0;

	while (i < h->stage_count && (strcmp(h->stages[i].process, said->process) != 0 ||
	                              strcmp(h->stages[i].stage, said->stage) != 0))
		i++;
	if (i == HELPER_LOG_STAGES)
		return;
	h->stages[i] = *said;
	if (i == h->stage_count)
		h->stage_count++;
}

int helper_log_take(struct helper_log *h, const void *message, size_t n)
{
	char text[LINE_BYTES];
	struct line_stage stage;
	enum log_level level;

	if (!line_read(message, n, &level, text))
		return -EPROTO;
	if (line_read_stage(message, n, &stage)) {
		note_stage(h, &stage);
		return 0;
	}
	if (line_limit_allows(&h->limit, h->log, level, h->who, loop_now_ns()))
		log_line(h->log, level, NULL, "%s", text);
	return 0;
}

/* The end looks like an empty message, but after it nobody is there. */
static bool is_left(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* Returns false if nothing more comes, now or ever. */
static bool take_one(struct helper_log *h)
{
	char message[LINE_BYTES];
	ssize_t n = recv(h->source.fd, message, sizeof(message), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0 && helper_log_take(h, message, (size_t)n) == 0)
		return true;
	if (n > 0 || (n == 0 && !is_left(h->source.fd)))
		log_error(h->log, NULL, "the %s has talked nonsense", h->who);
	loop_remove(h->loop, &h->source); /* it would be ready for ever */
	h->loop = NULL;
	return false;
}

static void line_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct helper_log *h = CONTAINER_OF(source, struct helper_log, source);
	int n = 0;

	(void)events;
	(void)now_ns;
	while (n < AT_ONCE && take_one(h))
		n++;
}

int helper_log_start(struct helper_log *h, struct loop *loop, int fd)
{
	int err;

	h->source = (struct loop_source){ fd, line_ready };
	err = loop_add(loop, &h->source, EPOLLIN);
	if (!err)
		h->loop = loop;
	return err;
}

void helper_log_end(struct helper_log *h)
{
	int n = 0;

	while (h->loop && n < LINE_LIMIT_MAX && take_one(h))
		n++;
	if (h->loop)
		loop_remove(h->loop, &h->source);
	h->loop = NULL;
}
