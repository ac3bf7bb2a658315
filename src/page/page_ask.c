/* src/page/page_ask.c */
#include "page/page_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READ_MAX 16384U /* bytes at a time */

static void close_answer(struct page_ask *a)
{
	if (a->answer_source.fd < 0)
		return;
	loop_remove(a->loop, &a->answer_source);
	close(a->answer_source.fd);
	a->answer_source.fd = -1;
}

static void finish(struct page_ask *a, bool whole)
{
	struct outbuf answer = a->answer;
	enum page_question question = a->question;
	size_t n = outbuf_bytes(&answer);

	close_answer(a);
	a->question = PAGE_QUESTION_NONE;
	a->answer = (struct outbuf){ 0 };
	outbuf_add(&answer, "", 1);
	if (whole && !answer.failed)
		a->answered(a->context, question,
		            (const char *)answer.bytes + answer.first, n);
	else
		a->answered(a->context, question, NULL, 0);
	outbuf_clear(&answer);
}

static void answer_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct page_ask *a = CONTAINER_OF(source, struct page_ask, answer_source);
	char bytes[READ_MAX];
	ssize_t n = read(source->fd, bytes, sizeof(bytes));

	(void)events;
	(void)now_ns;
	if (n > 0) {
		outbuf_add(&a->answer, bytes, (size_t)n);
		sodium_memzero(bytes, (size_t)n);
		if (!a->answer.failed && outbuf_bytes(&a->answer) <= PAGE_ASK_MAX)
			return;
	} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	finish(a, n == 0);
}

static void take_answer(struct page_ask *a, struct frame *frame)
{
	int fd = frame->fd_count == 1 ? frame->fds[0] : -1;

	if (frame->type != (uint16_t)a->question || a->answer_source.fd >= 0)
		return;
	if (fd < 0) {
		finish(a, false);
		return;
	}
	frame->fds[0] = -1;
	a->answer_source.fd = fd;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    loop_add(a->loop, &a->answer_source, EPOLLIN) < 0) {
		close(fd);
		a->answer_source.fd = -1;
		finish(a, false);
	}
}

static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct page_ask *a = CONTAINER_OF(source, struct page_ask, channel_source);
	struct frame frame;
	int got = channel_next(&a->channel, &frame);

	(void)events;
	(void)now_ns;
	if (got < 0) {
		a->gone = true;
	} else if (got > 0) {
		take_answer(a, &frame);
		frame_close_fds(&frame);
	}
}

int page_ask(struct page_ask *a, enum page_question question, const char *name)
{
	int err = channel_send(&a->channel, (uint16_t)question, name, strlen(name), NULL,
	                       0);

	if (!err)
		err = channel_write(&a->channel);
	if (!err)
		a->question = question;
	return err;
}

int page_ask_init(struct page_ask *a, struct loop *loop, int channel_fd)
{
	int err;

	a->loop = loop;
	a->answer_source = (struct loop_source){ -1, answer_ready };
	a->channel_source = (struct loop_source){ -1, channel_ready };
	err = channel_init(&a->channel, channel_fd);
	if (!err) {
		a->channel_source.fd = a->channel.fd;
		err = loop_add(loop, &a->channel_source, EPOLLIN);
	}
	return err;
}

void page_ask_clear(struct page_ask *a)
{
	close_answer(a);
	outbuf_clear(&a->answer);
	channel_clear(&a->channel);
}
