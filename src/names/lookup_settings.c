/* src/names/lookup_settings.c */
#include "names/lookup_settings.h"

#include <ares.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DNS_PORT 53

static struct endpoint endpoint_of(const struct ares_addr_port_node *server)
{
	enum ip_family family = server->family == AF_INET6 ? IP_V6 : IP_V4;
	struct endpoint e = { .addr = ip_addr_from_bytes(family, &server->addr),
		              .port = DNS_PORT };

	if (server->udp_port > 0 && server->udp_port <= UINT16_MAX)
		e.port = (uint16_t)server->udp_port;
	return e;
}

int lookup_settings_of(struct ares_channeldata *channel, struct lookup_settings *out)
{
	struct ares_addr_port_node *servers = NULL;
	struct ares_options options = { 0 };
	int mask = 0, status = ares_save_options(channel, &options, &mask);

	*out = (struct lookup_settings){ 0 };
	if (status == ARES_SUCCESS)
		status = ares_get_servers_ports(channel, &servers);
	for (const struct ares_addr_port_node *at = servers;
	     at && out->server_count < LOOKUP_SETTINGS_SERVERS; at = at->next)
		out->servers[out->server_count++] = endpoint_of(at);
	for (int i = 0;
	     i < options.ndomains && out->domain_count < LOOKUP_SETTINGS_DOMAINS; i++) {
		if (strlen(options.domains[i]) < LOOKUP_SETTINGS_DOMAIN_BYTES)
			snprintf(out->domains[out->domain_count++],
			         LOOKUP_SETTINGS_DOMAIN_BYTES, "%s", options.domains[i]);
	}
	out->ndots = options.ndots;
	out->flags = options.flags;
	out->rotate = (mask & ARES_OPT_ROTATE) != 0;
	if (servers)
		ares_free_data(servers);
	ares_destroy_options(&options);
	return status;
}

bool lookup_settings_equal(const struct lookup_settings *a,
                           const struct lookup_settings *b)
{
	if (a->server_count != b->server_count || a->domain_count != b->domain_count ||
	    a->ndots != b->ndots || a->flags != b->flags || a->rotate != b->rotate)
		return false;
	for (size_t i = 0; i < a->server_count; i++)
		if (!endpoint_equal(&a->servers[i], &b->servers[i]))
			return false;
	for (size_t i = 0; i < a->domain_count; i++)
		if (strcmp(a->domains[i], b->domains[i]) != 0)
			return false;
	return true;
}

/* The file of HOSTALIASES can't be read by who is given these, either. */
int lookup_settings_options(const struct lookup_settings *s,
                            char *domains[static LOOKUP_SETTINGS_DOMAINS],
                            struct ares_options *out)
{
	for (size_t i = 0; i < s->domain_count; i++)
		domains[i] = (char *)(uintptr_t)s->domains[i];
	out->domains = domains;
	out->ndomains = (int)s->domain_count;
	out->ndots = s->ndots;
	out->flags = s->flags | ARES_FLAG_NOALIASES;
	return ARES_OPT_DOMAINS | ARES_OPT_NDOTS | ARES_OPT_FLAGS | ARES_OPT_SORTLIST |
	       (s->rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE);
}

int lookup_settings_servers(const struct lookup_settings *s,
                            struct ares_channeldata *channel)
{
	struct ares_addr_port_node nodes[LOOKUP_SETTINGS_SERVERS] = { 0 };

	for (size_t i = 0; i < s->server_count; i++) {
		const struct endpoint *e = &s->servers[i];

		nodes[i].family = e->addr.family == IP_V6 ? AF_INET6 : AF_INET;
		memcpy(&nodes[i].addr, e->addr.b, ip_addr_bytes(&e->addr));
		nodes[i].udp_port = nodes[i].tcp_port = e->port;
		nodes[i].next = i + 1 < s->server_count ? &nodes[i + 1] : NULL;
	}
	return ares_set_servers_ports(channel, s->server_count ? nodes : NULL);
}
