/* src/cmd/proxy_names.c - the message is a line "inside" or "outside", then lines "server ADDRESS"
 * and "search DOMAIN" */
#include "cmd/proxy_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/dns.h"

#define SERVER "server "
#define SEARCH "search "

/* ---- the supervisor */

bool proxy_names_has_servers(const struct plan *plan)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		if (plan->devices[i].conf->dns.servers.n > 0)
			return true;
	}
	return false;
}

struct text {
	char *bytes;
	size_t used;
};

static void add(struct text *t, const char *what, const char *value)
{
	size_t room = PROXY_NAMES_BYTES - t->used;
	int n = snprintf(t->bytes + t->used, room, "%s%s\n", what, value);

	if (n > 0 && (size_t)n < room)
		t->used += (size_t)n;
}

static void add_server(void *context, const struct ip_addr *server)
{
	char text[IP_ADDR_STRLEN];

	add(context, SERVER, ip_addr_format(server, text));
}

static void add_domain(void *context, const char *domain)
{
	add(context, SEARCH, domain);
}

size_t proxy_names_make(char out[static PROXY_NAMES_BYTES], const struct plan *plan)
{
	struct ip_addr servers[LOOKUP_SERVERS_MAX];
	struct text t = { out, 0 };
	bool inside = proxy_names_has_servers(plan);
	size_t n = inside ? 0 : lookup_system_servers(servers, LOOKUP_SERVERS_MAX);

	add(&t, inside ? "inside" : "outside", "");
	if (inside)
		dns_walk_servers(plan, add_server, &t);
	for (size_t i = 0; i < n; i++)
		add_server(&t, &servers[i]);
	if (inside)
		plan_walk_domains(plan, add_domain, &t);
	return t.used;
}

/* ---- the process inside */

/* Returns what follows, or NULL if it doesn't begin so. */
static const char *after(const char *line, const char *begin)
{
	size_t n = strlen(begin);

	return strncmp(line, begin, n) == 0 ? line + n : NULL;
}

static bool take_line(struct proxy_names *n, const char *line)
{
	const char *server = after(line, SERVER), *domain = after(line, SEARCH);

	if (domain)
		n->domains[n->domain_count++] = domain;
	else if (!server)
		return false;
	else if (n->server_count < LOOKUP_SERVERS_MAX)
		return ip_addr_parse(&n->servers[n->server_count++], server);
	return true;
}

int proxy_names_read(struct proxy_names *out, char *message)
{
	char *rest = message, *line = strsep(&rest, "\n");
	size_t lines = 1;

	*out = (struct proxy_names){ .outside = strcmp(line, "outside") == 0 };
	if (!out->outside && strcmp(line, "inside") != 0)
		return -EPROTO;
	for (const char *at = rest; at && *at; at++)
		lines += *at == '\n';
	out->domains = calloc(lines, sizeof(*out->domains));
	if (!out->domains)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n"))) {
		if (*line && !take_line(out, line))
			return -EPROTO;
	}
	return 0;
}

void proxy_names_clear(struct proxy_names *n)
{
	free(n->domains);
	*n = (struct proxy_names){ 0 };
}
