/* tests/sim/askers.c */
#include "askers.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "story.h"

#define ASKERS_MAX 6
#define ANSWER_MAX 4096

struct asker {
	int fd; /* -1: none */
	char request[16];
	char answer[ANSWER_MAX];
	size_t used;
	bool complete;
};

static struct asker askers[ASKERS_MAX];
static const char *path; /* borrowed */

void askers_begin(const char *socket_path)
{
	path = socket_path;
	for (size_t i = 0; i < ASKERS_MAX; i++)
		askers[i].fd = -1;
}

static void asker_close(struct asker *c)
{
	close(c->fd);
	c->fd = -1;
}

void askers_ask(const char *request)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct asker *c = askers;
	char line[32];

	while (c < askers + ASKERS_MAX && c->fd >= 0)
		c++;
	if (c == askers + ASKERS_MAX)
		return;
	tell("a client asks for %s", request);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	*c = (struct asker){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	snprintf(c->request, sizeof(c->request), "%s", request);
	snprintf(line, sizeof(line), "%s\n", request);
	if (connect(c->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    send(c->fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		asker_close(c); /* it does not listen yet */
}

static void asker_read(struct asker *c)
{
	ssize_t n = recv(c->fd, c->answer + c->used, sizeof(c->answer) - 1 - c->used,
	                 MSG_DONTWAIT);

	if (n > 0) {
		c->used += (size_t)n;
		asker_read(c);
	} else if (n == 0 || errno == ECONNRESET) { /* it was not even accepted */
		c->complete = true;
	}
}

static void check_answer(const struct asker *c)
{
	const char *a = c->answer;

	tell("%s is answered: %s", c->request, a);
	REQUIRE(a[0] == '\n');
	if (strcmp(c->request, "status") == 0)
		REQUIRE(strstr(a, "\"tun9\"") || strstr(a, "error: "));
	else if (strcmp(c->request, "reload") == 0)
		REQUIRE(strstr(a, "ok: ") || strstr(a, "failed: "));
	else if (strcmp(c->request, "down") == 0)
		REQUIRE(strstr(a, "ok\n") || strstr(a, "refused "));
	else
		REQUIRE(strstr(a, "error: unknown"));
}

void askers_check(bool ended)
{
	for (size_t i = 0; i < ASKERS_MAX; i++) {
		struct asker *c = &askers[i];

		if (c->fd < 0)
			continue;
		asker_read(c);
		REQUIRE(c->complete);
		if (!ended || strcmp(c->request, "down") == 0)
			check_answer(c);
		asker_close(c);
	}
}

void askers_read(void)
{
	for (size_t i = 0; i < ASKERS_MAX; i++)
		if (askers[i].fd >= 0)
			asker_read(&askers[i]);
}

void askers_end(void)
{
	for (size_t i = 0; i < ASKERS_MAX; i++)
		if (askers[i].fd >= 0)
			asker_close(&askers[i]);
}
