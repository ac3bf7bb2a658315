/* src/supervisor/clients.c - the clients have a loop of their own, so that they can also
 * be served while the supervisor waits for something else */
#include "supervisor/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text_stream.h"
#include "channel/outbuf.h"

#define REQUEST_MAX (PATH_MAX + 8) /* characters of a request */

enum client_state {
	CLIENT_ASKS, /* its request is not complete yet */
	CLIENT_WANTS_STATUS,
	CLIENT_WANTS_RELOAD,
	CLIENT_RELOADS, /* the reload that it waits for has begun */
	CLIENT_WANTS_DOWN,
	CLIENT_WANTS_FILE,
	CLIENT_ANSWERED, /* is removed when its answer is written */
};

struct client {
	struct client *next;
	struct clients *clients;   /* borrowed */
	struct loop_source source; /* its fd is owned */
	enum client_state state;
	bool lent; /* to the status page */
	struct outbuf out;
	size_t used;
	char request[REQUEST_MAX];
};

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A descriptor has become free. */
static void go_on_accepting(struct clients *all)
{
	if (all->spare_fd < 0)
		all->spare_fd = open_spare();
	if (all->paused && loop_modify(all->loop, &all->listener, EPOLLIN) == 0)
		all->paused = false;
}

static void client_free(struct client *c)
{
	struct clients *all = c->clients;
	struct client **at = &all->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	all->count--;
	all->lent -= c->lent;
	loop_remove(all->loop, &c->source);
	close(c->source.fd);
	outbuf_clear(&c->out);
	free(c);
	go_on_accepting(all);
}

/* Returns false if the client has to be removed. */
static bool write_answer(struct client *c)
{
	if (c->out.failed || outbuf_write(&c->out, c->source.fd) < 0 ||
	    outbuf_bytes(&c->out) == 0)
		return false;
	return loop_modify(c->clients->loop, &c->source, EPOLLOUT) == 0;
}

static bool answer(struct client *c, const char *text)
{
	c->state = CLIENT_ANSWERED;
	outbuf_add(&c->out, text, strlen(text));
	return write_answer(c);
}

/* Tells the client that we have heard it. One byte fits into any socket buffer. */
static bool acknowledge(struct client *c)
{
	outbuf_add(&c->out, "\n", 1);
	return !c->out.failed && outbuf_write(&c->out, c->source.fd) == 0;
}

static bool answer_page(struct client *c)
{
	const char *url = c->clients->page_url;

	if (!url)
		return answer(
			c,
			"error: this instance has no status page; it has to be started with --page\n");
	outbuf_add(&c->out, url, strlen(url));
	return answer(c, "\n");
}

static bool want_file(struct client *c, bool in, const char *what)
{
	const struct clients *all = c->clients;
	const char *refused = all->want_file(all->context, in, what);

	if (refused)
		return answer(c, refused);
	c->state = CLIENT_WANTS_FILE;
	return true;
}

static bool carry_out(struct client *c)
{
	struct clients *all = c->clients;

	/* While the client waits, only its hang-up matters, which epoll always
	 * reports. */
	if (loop_modify(all->loop, &c->source, 0) < 0 || !acknowledge(c))
		return false;
	if (strcmp(c->request, "status") == 0) {
		c->state = CLIENT_WANTS_STATUS;
		all->want_status(all->context);
	} else if (strcmp(c->request, "reload") == 0) {
		c->state = CLIENT_WANTS_RELOAD;
		all->want_reload(all->context);
	} else if (strcmp(c->request, "down") == 0) {
		c->state = CLIENT_WANTS_DOWN;
		all->want_down(all->context);
	} else if (strncmp(c->request, "out ", 4) == 0) {
		return want_file(c, false, c->request + 4);
	} else if (strncmp(c->request, "in ", 3) == 0) {
		return want_file(c, true, c->request + 3);
	} else if (strcmp(c->request, "enter") == 0) {
		(void)!all->enter(all->context, c->source.fd);
		return false;
	} else if (strcmp(c->request, "page") == 0) {
		return answer_page(c);
	} else {
		return answer(c, "error: unknown request\n");
	}
	return true;
}

static bool read_request(struct client *c)
{
	ssize_t n =
		read(c->source.fd, c->request + c->used, sizeof(c->request) - c->used);
	char *end;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->used += (size_t)n;
	end = memchr(c->request, '\n', c->used);
	if (end) {
		*end = '\0';
		return carry_out(c);
	}
	return n > 0 && c->used < sizeof(c->request);
}

static void client_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct client *c = CONTAINER_OF(source, struct client, source);
	bool alive = false;

	(void)now_ns;
	if (c->state == CLIENT_ASKS)
		alive = read_request(c);
	else if (c->state == CLIENT_ANSWERED && !(events & EPOLLERR))
		alive = write_answer(c);
	/* in all other states it has hung up while waiting */
	if (!alive)
		client_free(c);
}

/* Removes the client that has kept us waiting longest: it doesn't complete its request, or
 * doesn't read its answer. Does nothing if all wait for us. */
static void make_place(struct clients *all)
{
	struct client *oldest = NULL;

	for (struct client *c = all->first; c; c = c->next)
		if (c->state == CLIENT_ASKS || c->state == CLIENT_ANSWERED)
			oldest = c;
	if (oldest)
		client_free(oldest);
}

/* Many devices may have used up the descriptors, but `status` and `down` have to be heard
 * all the same. Returns -1 if nobody can be accepted now. */
static int accept_client(struct clients *all)
{
	int fd = accept4(all->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	if (all->spare_fd >= 0) {
		close(all->spare_fd);
		all->spare_fd = -1;
		fd = accept4(all->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
	/* without this the loop would find the listener ready again and again */
	if (fd < 0 && all->first)
		all->paused = loop_modify(all->loop, &all->listener, 0) == 0;
	return fd;
}

/* Owns fd. Returns NULL if there is no place, or no memory. */
static struct client *add_client(struct clients *all, int fd, uint32_t events)
{
	struct client *c;

	if (all->count == CLIENTS_MAX)
		make_place(all);
	c = all->count < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return NULL;
	}
	c->clients = all;
	c->source = (struct loop_source){ fd, client_ready };
	if (loop_add(all->loop, &c->source, events) < 0) {
		close(fd);
		free(c);
		return NULL;
	}
	c->next = all->first;
	all->first = c;
	all->count++;
	return c;
}

static void accept_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct clients *all = CONTAINER_OF(source, struct clients, listener);
	int fd = accept_client(all);

	(void)events;
	(void)now_ns;
	if (fd >= 0)
		(void)!add_client(all, fd, EPOLLIN);
}

static struct client *lend(struct clients *all, int fd)
{
	struct client *c;

	if (all->lent == CLIENTS_LENT_MAX) {
		close(fd);
		return NULL;
	}
	c = add_client(all, fd, 0);
	if (c) {
		c->lent = true;
		all->lent++;
	}
	return c;
}

int clients_lend_status(struct clients *all, int fd)
{
	struct client *c = lend(all, fd);

	if (!c)
		return -EBUSY;
	c->state = CLIENT_WANTS_STATUS;
	all->want_status(all->context);
	return 0;
}

int clients_lend_text(struct clients *all, int fd, const char *text, size_t n)
{
	struct client *c = lend(all, fd);

	if (!c)
		return -EBUSY;
	c->state = CLIENT_ANSWERED;
	outbuf_add(&c->out, text, n);
	if (!write_answer(c))
		client_free(c);
	return 0;
}

int clients_fd(const struct clients *c)
{
	return c->outer ? loop_fd(c->loop) : -1;
}

void clients_serve(struct clients *c)
{
	(void)!loop_wait(c->loop, 0);
}

static void somebody_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	(void)events;
	(void)now_ns;
	clients_serve(CONTAINER_OF(source, struct clients, source));
}

int clients_start(struct clients *c, struct loop *loop, int listen_fd)
{
	int err = loop_new(&c->loop);

	if (err)
		return err;
	c->spare_fd = open_spare();
	c->paused = false;
	c->listener = (struct loop_source){ listen_fd, accept_ready };
	err = loop_add(c->loop, &c->listener, EPOLLIN);
	c->source = (struct loop_source){ loop_fd(c->loop), somebody_ready };
	if (!err)
		err = loop_add(loop, &c->source, EPOLLIN);
	if (err) {
		loop_free(c->loop);
		c->loop = NULL;
		if (c->spare_fd >= 0)
			close(c->spare_fd);
	} else {
		c->outer = loop;
	}
	return err;
}

bool clients_want_status(const struct clients *c)
{
	for (const struct client *at = c->first; at; at = at->next)
		if (at->state == CLIENT_WANTS_STATUS)
			return true;
	return false;
}

static void answer_all(struct clients *c, enum client_state waiting, const char *text)
{
	struct client *next;

	for (struct client *at = c->first; at; at = next) {
		next = at->next;
		if (at->state == waiting && !answer(at, text))
			client_free(at);
	}
}

char *clients_text(const struct diag *diag, const char *last)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return NULL;
	diag_print(diag, f);
	if (last)
		fprintf(f, "%s\n", last);
	return text_stream_close(f, &text);
}

/* Sends a text that is short enough for any socket buffer. */
static void tell(struct client *c, const char *text)
{
	outbuf_add(&c->out, text, strlen(text));
	if (!c->out.failed)
		(void)!outbuf_write(&c->out, c->source.fd);
}

void clients_tell_down(struct clients *c, const char *text)
{
	for (struct client *at = c->first; at; at = at->next)
		if (at->state == CLIENT_WANTS_DOWN)
			tell(at, text);
}

void clients_refuse_down(struct clients *c, const char *text)
{
	answer_all(c, CLIENT_WANTS_DOWN, text);
}

void clients_answer_status(struct clients *c, const char *text)
{
	answer_all(c, CLIENT_WANTS_STATUS,
	           text ? text : "error: the status is not available\n");
}

void clients_begin_reload(struct clients *c)
{
	for (struct client *at = c->first; at; at = at->next)
		if (at->state == CLIENT_WANTS_RELOAD)
			at->state = CLIENT_RELOADS;
}

void clients_answer_reload(struct clients *c, const char *text)
{
	answer_all(c, CLIENT_RELOADS, text ? text : "failed: out of memory\n");
}

void clients_answer_file(struct clients *c, const char *text)
{
	answer_all(c, CLIENT_WANTS_FILE, text ? text : "failed: out of memory\n");
}

void clients_turn_file_to_down(struct clients *c)
{
	for (struct client *at = c->first; at; at = at->next)
		if (at->state == CLIENT_WANTS_FILE)
			at->state = CLIENT_WANTS_DOWN;
}

void clients_end(struct clients *c, const char *text)
{
	clients_tell_down(c, text);
	clients_forget(c);
}

void clients_forget(struct clients *c)
{
	if (!c->outer)
		return;
	for (struct client *one = c->first, *next; one; one = next) {
		next = one->next;
		client_free(one);
	}
	if (c->spare_fd >= 0)
		close(c->spare_fd);
	loop_remove(c->outer, &c->source);
	loop_free(c->loop);
	c->loop = c->outer = NULL;
}
