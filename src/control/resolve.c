/* src/control/resolve.c */
#include "control/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRIES    15
#define FIRST_MS   1000
#define LONGEST_MS 20000

static unsigned long allowed_retries(void)
{
	const char *text = getenv("WG_ENDPOINT_RESOLUTION_RETRIES");
	unsigned long n;
	char *end;

	if (!text || !*text)
		return RETRIES;
	if (strcmp(text, "infinity") == 0)
		return (unsigned long)-1;
	n = strtoul(text, &end, 10);
	return *end ? RETRIES : n;
}

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static int look_up(struct endpoint *out, const char *host, uint16_t port,
                   const struct log *log)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		                  .ai_socktype = SOCK_DGRAM,
		                  .ai_protocol = IPPROTO_UDP };
	struct addrinfo *found = NULL;
	unsigned long retries = allowed_retries();
	long ms = FIRST_MS;
	int got;

	while ((got = getaddrinfo(host, NULL, &hints, &found)) == EAI_AGAIN &&
	       retries-- > 0) {
		log_warn(log, NULL, "%s: %s. Trying again in %ld.%02ld seconds...", host,
		         gai_strerror(got), ms / 1000, ms % 1000 / 10);
		wait_ms(ms);
		ms = ms * 6 / 5 < LONGEST_MS ? ms * 6 / 5 : LONGEST_MS;
	}
	if (got == 0 && !endpoint_from_sockaddr(out, found->ai_addr))
		got = EAI_FAMILY;
	if (got == 0)
		out->port = port;
	if (found)
		freeaddrinfo(found);
	return got;
}

int resolve_endpoints(struct conf_set *set, const struct log *log, struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < set->n; i++) {
		for (size_t k = 0; k < set->v[i]->peer_count; k++) {
			struct conf_peer *p = &set->v[i]->peers[k];
			int got;

			if (!p->has_endpoint || p->endpoint.addr.family != IP_NONE)
				continue;
			got = look_up(&p->endpoint, p->endpoint_host, p->endpoint_port,
			              log);
			if (got == 0)
				continue;
			diag_error(diag, set->v[i]->path, p->endpoint_line,
			           "the Endpoint %s has no address: %s", p->endpoint_host,
			           gai_strerror(got));
			err = -EHOSTUNREACH;
		}
	}
	return err;
}
