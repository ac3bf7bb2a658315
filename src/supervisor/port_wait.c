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

/* Returns the text of an answer that ends within ANSWER_MS; NULL if it doesn't. To be freed. */
static char *read_answer(int fd)
{
	int64_t until_ms = clock_now_ms() + ANSWER_MS, left_ms;
	size_t used = 0, size = 0;
	char *text = NULL;
	ssize_t n = 1;

	while (n > 0 && used < ANSWER_MAX && (left_ms = until_ms - clock_now_ms()) > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (size - used < 2) {
			char *more = realloc(text, size = 2 * size + 4096);

			if (!more)
				break;
			text = more;
		}
		if (poll(&p, 1, (int)left_ms) != 1)
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
	const struct instance *self;
	uint16_t port; /* 0: nobody is asked */
	bool others;   /* is there any besides us? */
};

static bool is_holder(void *context, const char *tun)
{
	struct search *s = context;
	struct diag not_told = { 0 };
	struct instance other;
	char *answer = NULL;
	json_t *status = NULL;
	bool has;
	int fd;

	if (strcmp(s->self->tun, tun) == 0)
		return false;
	s->others = true;
	if (s->port == 0)
		return false;
	if (instance_init(&other, s->self->run_dir, tun, &not_told) == 0 &&
	    instance_ask(&other, "status", &fd) == 0) {
		answer = read_answer(fd);
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
static bool wait_a_moment(const struct instance *self, uint16_t port, int64_t since_ms,
                          int64_t *asked_ms, char **holder)
{
	int64_t now_ms = clock_now_ms();
	bool ask = now_ms - since_ms >= ENDING_MS && now_ms - *asked_ms >= ASK_MS;
	struct search s = { .self = self, .port = ask ? port : 0 };

	if (now_ms - since_ms >= LIMIT_MS)
		return false;
	*holder = instance_find_running(self->run_dir, is_holder, &s);
	if (*holder || !s.others)
		return false;
	if (ask)
		*asked_ms = now_ms;
	(void)poll(NULL, 0, PAUSE_MS);
	return true;
}

int port_wait_open(struct tunnel *t, uint32_t mark, const struct instance *self,
                   struct diag *diag)
{
	const struct conf *conf = t->plan->conf;
	int64_t since_ms = clock_now_ms(), asked_ms = 0;
	struct diag tried = { 0 };
	bool last = false;
	char *holder = NULL;
	int err = tunnel_open_udp(t, mark, NULL, &tried);

	while (err == -EADDRINUSE && conf->listen_port && !last) {
		last = !wait_a_moment(self, conf->listen_port, since_ms, &asked_ms,
		                      &holder);
		if (holder)
			break;
		/* if it was the last one that has just gone, its port is free now */
		diag_clear(&tried);
		err = tunnel_open_udp(t, mark, NULL, &tried);
	}
	if (holder)
		report(conf, holder, diag);
	else
		diag_move(diag, &tried);
	diag_clear(&tried);
	free(holder);
	return err;
}
