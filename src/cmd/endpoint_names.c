/* src/cmd/endpoint_names.c - asks the host's resolver, one name after the other */
#include "cmd/endpoint_names.h"

#include <netdb.h>
#include <stdbool.h>

#include "plan/plan_findings.h"

/* Returns the resolver's error, or 0 if the name was resolved. */
static int resolve(struct conf_peer *peer)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG },
			*list;
	struct endpoint found;
	int err = getaddrinfo(peer->endpoint_host, NULL, &hints, &list);

	if (err)
		return err;
	if (endpoint_from_sockaddr(&found, list->ai_addr)) {
		peer->endpoint = found;
		peer->endpoint.port = peer->endpoint_port;
	}
	freeaddrinfo(list);
	return 0;
}

static bool is_name(const struct conf_peer *peer)
{
	return peer->has_endpoint && peer->endpoint.addr.family == IP_NONE;
}

void endpoint_names_resolve(const struct conf_set *set, struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct conf *conf = set->v[i];

		for (size_t j = 0; j < conf->peer_count; j++) {
			struct conf_peer *peer = &conf->peers[j];

			if (!is_name(peer))
				continue;
			if (err != EAI_AGAIN)
				err = resolve(peer);
			if (err)
				plan_findings_unresolved(
					diag, conf->path, peer->endpoint_line,
					peer->endpoint_host, gai_strerror(err));
		}
	}
}
