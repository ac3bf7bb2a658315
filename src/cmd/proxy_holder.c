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

static bool holds(const char *run_dir, const char *tun, const struct endpoint *at)
{
	struct diag diag = { 0 };
	struct instance i = { .lock_fd = -1, .listen_fd = -1 };
	char *answer = NULL;
	bool it = instance_init(&i, run_dir, tun, &diag) == 0 &&
	          target_ask_quietly(&i, "page", &answer) == 0 && is_at(answer, at);

	free(answer);
	instance_clear(&i);
	diag_clear(&diag);
	return it;
}

char *proxy_holder_find(const char *run_dir, const struct endpoint *at)
{
	char *dir = run_dir ? strdup(run_dir) : instance_default_dir();
	char *names = dir ? instance_find_names(dir) : NULL, *rest = NULL;
	char *tun = names ? strtok_r(names, ", ", &rest) : NULL, *found;

	while (tun && (strncmp(tun, BASE, strlen(BASE)) != 0 || !holds(run_dir, tun, at)))
		tun = strtok_r(NULL, ", ", &rest);
	found = tun ? strdup(tun) : NULL;
	free(names);
	free(dir);
	return found;
}
