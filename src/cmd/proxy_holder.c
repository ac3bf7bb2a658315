/* src/cmd/proxy_holder.c */
#include "cmd/proxy_holder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/target.h"
#include "instance/instance.h"
#include "instance/instance_find.h"

#define BASE   "proxy" /* what their names begin with */
#define SCHEME "http://"

/* Is this the address of a page of a proxy that listens at `at`? */
static bool is_at(const char *url, const struct endpoint *at)
{
	struct endpoint page;
	char text[ENDPOINT_STRLEN];
	size_t n;

	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		return false;
	url += strlen(SCHEME);
	n = strcspn(url, "/");
	if (n >= sizeof(text))
		return false;
	memcpy(text, url, n);
	text[n] = '\0';
	return endpoint_parse(&page, text) && page.port == at->port &&
	       (at->addr.family == IP_NONE || ip_addr_is_unspecified(&at->addr) ||
	        ip_addr_equal(&page.addr, &at->addr));
}

struct search {
	const char *run_dir;
	const struct endpoint *at;
};

static bool holds(void *context, const char *tun)
{
	const struct search *s = context;
	struct diag diag = { 0 };
	struct instance i = { .lock_fd = -1, .listen_fd = -1 };
	char *answer = NULL;
	bool it = strncmp(tun, BASE, strlen(BASE)) == 0 &&
	          instance_init(&i, s->run_dir, tun, &diag) == 0 &&
	          target_ask_quietly(&i, "page", &answer) == 0 && is_at(answer, s->at);

	free(answer);
	instance_clear(&i);
	diag_clear(&diag);
	return it;
}

char *proxy_holder_find(const char *run_dir, const struct endpoint *at)
{
	struct search s = { run_dir, at };

	return instance_find_running(run_dir, holds, &s);
}
