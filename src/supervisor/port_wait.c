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

static bool is_holder(const struct instance *self, const char *tun, uint16_t port)
{
	struct diag not_told = { 0 };
	struct instance other;
	char *answer = NULL;
	json_t *status = NULL;
	bool has;
	int fd;

	if (instance_init(&other, self->run_dir, tun, &not_told) == 0 &&
	    instance_ask(&other, "status", &fd) == 0) {
		answer = read_answer(fd);
		close(fd);
	}
	if (answer)
		status = json_loads(answer, 0, NULL);
	has = has_port(status, port);
	json_decref(status);
	free(answer);
	instance_clear(&other);
	diag_clear(&not_told);
	return has;
}

/* Asks the others for the one that has the port, unless it is 0. *others: is there any besides us? */
static bool find_holder(const struct instance *self, uint16_t port, char **holder,
                        bool *others)
{
	char *names = instance_find_names(self->run_dir), *rest = NULL;

	*others = false;
	*holder = NULL;
	for (char *tun = names ? strtok_r(names, ", ", &rest) : NULL; tun && !*holder;
	     tun = strtok_r(NULL, ", ", &rest)) {
		if (strcmp(tun, self->tun) == 0)
			continue;
		*others = true;
		if (port != 0 && is_holder(self, tun, port))
			*holder = strdup(tun);
	}
	free(names);
	return *holder != NULL;
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
	bool ask = now_ms - since_ms >= ENDING_MS && now_ms - *asked_ms >= ASK_MS, others;

	if (now_ms - since_ms >= LIMIT_MS ||
	    find_holder(self, ask ? port : 0, holder, &others) || !others)
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
