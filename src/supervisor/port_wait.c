/* src/supervisor/port_wait.c - the other instances are asked for their status */
#include "supervisor/port_wait.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "instance/instance_find.h"

#define PAUSE_MS   20
#define ENDING_MS  1500 /* one that ends is gone by then on most machines */
#define ASK_MS     500  /* how often the others are asked */
#define ANSWER_MS  2000 /* how long one may take to answer */
#define LIMIT_MS   10000
#define ANSWER_MAX ((size_t)4 << 20)

/* ---- asking */

/* Waits until the descriptor is readable. Returns false if it isn't in time, or if somebody
 * interrupts. fd may be -1. */
static bool wait_for(const struct port_wait *w, int fd, int64_t ms)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		              { .fd = w->interrupt_fd, .events = POLLIN } };

	return poll(p, ARRAY_SIZE(p), (int)ms) > 0 && p[1].revents == 0;
}

static bool is_interrupted(const struct port_wait *w)
{
	struct pollfd p = { .fd = w->interrupt_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* Returns the text of an answer that ends within ANSWER_MS; NULL if it doesn't. To be freed. */
static char *read_answer(const struct port_wait *w, int fd)
{
	int64_t until_ms = clock_now_ms() + ANSWER_MS, left_ms;
	size_t used = 0, size = 0;
	char *text = NULL;
	ssize_t n = 1;

	while (n > 0 && used < ANSWER_MAX && (left_ms = until_ms - clock_now_ms()) > 0) {
		if (size - used < 2) {
			char *more = realloc(text, size = 2 * size + 4096);

			if (!more)
				break;
			text = more;
		}
		if (!wait_for(w, fd, left_ms))
			break;
		n = read(fd, text + used, size - used - 1);
		used += n > 0 ? (size_t)n : 0;
	}
	if (n == 0 && text) {
		text[used] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

static bool has_port(const json_t *status, uint16_t port)
{
	const json_t *devices = json_object_get(status, "devices"), *d;
	size_t i;

	json_array_foreach(devices, i, d)
	{
		if (json_integer_value(json_object_get(d, "listen_port")) == port)
			return true;
	}
	return false;
}

struct search {
	const struct port_wait *wait;
	uint16_t port; /* 0: nobody is asked */
	bool others;   /* is there any besides us? */
};

static bool is_holder(void *context, const char *tun)
{
	struct search *s = context;
	const struct instance *self = s->wait->self;
	struct diag not_told = { 0 };
	struct instance other;
	char *answer = NULL;
	json_t *status = NULL;
	bool has;
	int fd;

	if (strcmp(self->tun, tun) == 0)
		return false;
	s->others = true;
	if (s->port == 0)
		return false;
	if (instance_init(&other, self->run_dir, tun, &not_told) == 0 &&
	    instance_ask(&other, "status", &fd) == 0) {
		answer = read_answer(s->wait, fd);
		close(fd);
	}
	if (answer)
		status = json_loads(answer, 0, NULL);
	has = has_port(status, s->port);
	json_decref(status);
	free(answer);
	instance_clear(&other);
	diag_clear(&not_told);
	return has;
}

/* ---- waiting */

static void report(const struct conf *conf, const char *holder, struct diag *diag)
{
	if (strncmp(holder, "exec", 4) == 0)
		diag_error(
			diag, conf->path, conf->lines.listen_port,
			"ListenPort %u is in use by %s, which is running: tunion exec --in %s -- COMMAND joins that, or leave out ListenPort",
			(unsigned)conf->listen_port, holder, holder);
	else
		diag_error(
			diag, conf->path, conf->lines.listen_port,
			"ListenPort %u is in use by %s, which is running: tunion down --tun %s ends that, or leave out ListenPort",
			(unsigned)conf->listen_port, holder, holder);
}

/* Is it worth trying once more? Otherwise *holder may be who has the port. */
static bool wait_a_moment(struct port_wait *w, uint16_t port, char **holder)
{
	int64_t now_ms = clock_now_ms();
	int64_t waited_ms = w->since_ms ? now_ms - w->since_ms : 0;
	bool ask = waited_ms >= ENDING_MS && now_ms - w->asked_ms >= ASK_MS;
	struct search s = { .wait = w, .port = ask ? port : 0 };

	w->since_ms = now_ms - waited_ms;
	if (waited_ms >= LIMIT_MS)
		return false;
	*holder = instance_find_running(w->self->run_dir, is_holder, &s);
	if (*holder || !s.others)
		return false;
	if (ask)
		w->asked_ms = now_ms;
	(void)wait_for(w, -1, PAUSE_MS);
	return true;
}

int port_wait_open(struct port_wait *w, struct tunnel *t, uint32_t mark,
                   struct diag *diag)
{
	const struct conf *conf = t->plan->conf;
	struct diag tried = { 0 };
	bool last = false;
	char *holder = NULL;
	int err = tunnel_open_udp(t, mark, NULL, &tried);

	while (err == -EADDRINUSE && conf->listen_port && !last) {
		last = !wait_a_moment(w, conf->listen_port, &holder);
		if (holder)
			break;
		/* if it was the last one that has just gone, its port is free now */
		diag_clear(&tried);
		err = is_interrupted(w) ? -EINTR : tunnel_open_udp(t, mark, NULL, &tried);
	}
	if (holder)
		report(conf, holder, diag);
	else if (err == -EINTR)
		diag_error(diag, NULL, 0, "interrupted");
	else
		diag_move(diag, &tried);
	diag_clear(&tried);
	free(holder);
	return err;
}
