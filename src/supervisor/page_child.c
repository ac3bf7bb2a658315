/* src/supervisor/page_child.c */
#include "supervisor/page_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ifname.h"
#include "base/rights.h"
#include "supervisor/child.h"

#define BACKLOG     16
#define NO_CLIENTS  "[]"
#define REASON_MAX  512
#define TOKEN_BYTES (PAGE_TOKEN_CHARS / 2)

/* ---- the process */

struct own {
	struct page_entry entry;
	struct page_options options;
};

static int run(const void *context, const int fds[static CHILD_FDS], pid_t supervisor)
{
	const struct own *own = context;

	if (own->entry.forget)
		own->entry.forget(own->entry.context);
	return own->entry.run(fds[0], fds[1], supervisor, &own->options);
}

static MUST_CHECK int start(struct page_child *p)
{
	struct own own = { p->wanted->entry, p->options };
	const struct child_plan plan = { .fd = p->listen_fd,
		                         .forget = p->forget,
		                         .run = run,
		                         .own = &own,
		                         .context = p->context };
	int err = child_start(&plan, &p->channel, &p->pid);

	sodium_memzero(&own, sizeof(own));
	if (!err)
		p->broken = 0;
	return err;
}

/* It has nothing to finish. Returns its wait status. */
static int stop(struct page_child *p)
{
	int status = 0;

	if (p->serving)
		loop_remove(p->clients->loop, &p->source);
	p->serving = false;
	channel_clear(&p->channel);
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, &status, 0);
	}
	p->pid = 0;
	return status;
}

/* ---- questions */

/* Makes an answer of PAGE_ERROR and the first error. */
static char *error_text(const struct diag *diag, size_t *n)
{
	char *text = malloc(REASON_MAX);
	int chars;

	if (!text)
		return NULL;
	chars = snprintf(text, REASON_MAX, "%s%s\n", PAGE_ERROR,
	                 diag->count > 0 ? diag->entries[0].text : "out of memory");
	*n = chars < REASON_MAX ? (size_t)chars : REASON_MAX - 1;
	return text;
}

/* Returns NULL if out of memory. */
static char *make_text(const struct page_child *p, enum page_question question,
                       const char *name, size_t *n)
{
	const struct page_wanted *w = p->wanted;
	struct diag diag = { 0 };
	char *text;

	if (question == PAGE_QUESTION_CLIENTS && !w->clients) {
		*n = strlen(NO_CLIENTS);
		return strdup(NO_CLIENTS);
	}
	if (question == PAGE_QUESTION_CLIENTS)
		text = w->clients(w->context, n, &diag);
	else if (w->file)
		text = w->file(w->context, name, n, &diag);
	else
		text = NULL;
	if (!text)
		text = error_text(&diag, n);
	diag_clear(&diag);
	return text;
}

/* Owns fd. Returns 0 or -errno. */
static int answer(struct page_child *p, enum page_question question, const char *name,
                  int fd)
{
	size_t n = 0;
	char *text;
	int err;

	if (question == PAGE_QUESTION_STATUS)
		return clients_lend_status(p->clients, fd);
	text = make_text(p, question, name, &n);
	if (!text) {
		close(fd);
		return -ENOMEM;
	}
	err = clients_lend_text(p->clients, fd, text, n);
	sodium_memzero(text, n);
	free(text);
	return err;
}

/* Sends the page one end of a socket pair, and makes a client of the other one. */
static int answer_by_socket(struct page_child *p, enum page_question question,
                            const char *name)
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return channel_send(&p->channel, (uint16_t)question, NULL, 0, NULL, 0);
	err = answer(p, question, name, pair[0]);
	err = channel_send(&p->channel, (uint16_t)question, NULL, 0, &pair[1],
	                   err ? 0 : 1);
	close(pair[1]);
	return err;
}

/* Returns 0, or -EPROTO if the page must not say this, or doesn't read. */
static int take_question(struct page_child *p, const struct frame *frame)
{
	char name[IFNAME_MAX + 1] = "";
	int err;

	if (frame->type == PAGE_LINE && frame->fd_count == 0)
		return helper_log_take(&p->lines, frame->body, frame->body_bytes);
	if (frame->fd_count > 0 || frame->body_bytes > IFNAME_MAX)
		return -EPROTO;
	memcpy(name, frame->body, frame->body_bytes);
	switch (frame->type) {
	case PAGE_QUESTION_STATUS:
	case PAGE_QUESTION_CLIENTS:
		break;
	case PAGE_QUESTION_FILE:
		if (!ifname_valid(name))
			return -EPROTO;
		break;
	default:
		return -EPROTO;
	}
	err = answer_by_socket(p, (enum page_question)frame->type, name);
	if (!err)
		err = channel_write(&p->channel);
	return err || channel_pending(&p->channel) ? -EPROTO : 0;
}

/* One question at a time: others are served between two. */
static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct page_child *p = CONTAINER_OF(source, struct page_child, source);
	struct frame frame;
	int got = channel_next(&p->channel, &frame);

	(void)events;
	(void)now_ns;
	if (got < 0) {
		p->broken = got;
	} else if (got > 0) {
		p->broken = take_question(p, &frame);
		frame_close_fds(&frame);
	}
	if (!p->broken)
		return;
	loop_remove(p->clients->loop, &p->source);
	p->serving = false;
}

/* ---- begin and end */

struct page_child page_child_of(const struct page_wanted *wanted, const struct log *log,
                                struct clients *clients, void (*forget)(void *context),
                                void *context)
{
	return (struct page_child){ .wanted = wanted,
		                    .log = log,
		                    .lines = { .log = log,
		                               .who = "process of the status page" },
		                    .forget = forget,
		                    .context = context,
		                    .clients = clients,
		                    .listen_fd = -1,
		                    .channel.fd = -1 };
}

static int explain_listen(const struct page_child *p, int error, struct diag *diag)
{
	char text[ENDPOINT_STRLEN];

	endpoint_format(&p->wanted->at, text);
	if (error == EADDRINUSE)
		diag_error(
			diag, NULL, 0,
			"the status page can't be at %s, because another program listens there: use another port with --page",
			text);
	else
		diag_error(diag, NULL, 0, "%sthe status page can't be at %s: %s",
		           rights_needed(error), text, strerror(error));
	return -error;
}

static int listen_at(struct page_child *p, struct diag *diag)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_to_sockaddr(&p->wanted->at, &sa);
	const int yes = 1;

	if (p->wanted->handed) {
		p->listen_fd = fcntl(p->wanted->handed_fd, F_DUPFD_CLOEXEC, 0);
		return p->listen_fd < 0 ? explain_listen(p, errno, diag) : 0;
	}
	p->listen_fd =
		socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->listen_fd < 0 ||
	    setsockopt(p->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(p->listen_fd, (struct sockaddr *)&sa, n) < 0 ||
	    listen(p->listen_fd, BACKLOG) < 0)
		return explain_listen(p, errno, diag);
	return 0;
}

static void make_url(struct page_child *p)
{
	unsigned char token[TOKEN_BYTES];
	char at[ENDPOINT_STRLEN];

	randombytes_buf(token, sizeof(token));
	sodium_bin2hex(p->options.token, sizeof(p->options.token), token, sizeof(token));
	sodium_memzero(token, sizeof(token));
	snprintf(p->url, sizeof(p->url), "http://%s/%s/",
	         endpoint_format(&p->wanted->at, at), p->options.token);
}

int page_child_begin(struct page_child *p, struct diag *diag)
{
	int err;

	if (!p->wanted)
		return 0;
	err = listen_at(p, diag);
	if (err)
		return err;
	err = sodium_init() < 0 ? -EIO : 0;
	if (!err) {
		p->options.proxy = p->wanted->proxy;
		make_url(p);
		err = start(p);
	}
	if (err)
		diag_error(diag, NULL, 0,
		           "can't start the process of the status page: %s",
		           strerror(-err));
	return err;
}

int page_child_serve(struct page_child *p)
{
	int err;

	if (!p->wanted)
		return 0;
	p->source = (struct loop_source){ p->channel.fd, channel_ready };
	err = loop_add(p->clients->loop, &p->source, EPOLLIN);
	p->serving = err == 0;
	return err;
}

static void give_up(struct page_child *p)
{
	log_error(
		p->log, NULL,
		"the status page is not started again, because its process has ended too often; everything else goes on");
	page_child_end(p);
}

bool page_child_is_due(const struct page_child *p)
{
	return p->broken != 0;
}

void page_child_round(struct page_child *p)
{
	int why = p->broken, status;

	if (!why)
		return;
	status = stop(p);
	child_say_end(p->log, "the process of the status page", status, why);
	p->broken = 0;
	if (!restarts_allow(&p->restarts, loop_now_ns()) || start(p) < 0 ||
	    page_child_serve(p) < 0)
		give_up(p);
	else
		log_warn(p->log, NULL,
		         "the process of the status page was started again");
}

void page_child_end(struct page_child *p)
{
	if (!p->wanted)
		return;
	(void)stop(p);
	if (p->listen_fd >= 0)
		close(p->listen_fd);
	p->listen_fd = -1;
	p->broken = 0;
}

void page_child_forget(struct page_child *p)
{
	channel_clear(&p->channel);
	sodium_memzero(&p->options, sizeof(p->options));
	sodium_memzero(p->url, sizeof(p->url));
}

const char *page_child_url(const struct page_child *p)
{
	return p->listen_fd >= 0 ? p->url : NULL;
}
