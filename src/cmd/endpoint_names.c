/* src/cmd/endpoint_names.c - asks the host's resolver, one name after the other
 *
 * In Termux the C library of a static binary finds no name server, and waits for one on
 * this device for some seconds. So there the names are asked for as `up` and `gate` do
 * it. */
#include "cmd/endpoint_names.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/termux.h"
#include "host/nameservers.h"
#include "io/loop.h"
#include "io/outward.h"
#include "names/lookup.h"
#include "names/names.h"
#include "plan/plan_findings.h"

#define WAIT_NS (5 * NS_PER_SEC)

/* ---- the C library */

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

static void ask_libc(struct conf_set *set, struct diag *diag)
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
					peer->endpoint_host,
					err == EAI_NONAME ? LOOKUP_NO_SUCH_NAME
							  : gai_strerror(err));
		}
	}
}

/* ---- name servers */

static size_t servers(void *context, struct ip_addr *out, size_t max)
{
	struct ip_addr found[NAMESERVERS_MAX];
	size_t n = nameservers_of_network("", NULL, found);

	(void)context;
	if (n > max)
		n = max;
	memcpy(out, found, n * sizeof(*out));
	return n;
}

static enum candidate_rank rank(void *context, const char *device,
                                const uint8_t public_key[static KEY_BYTES],
                                const struct endpoint *endpoint)
{
	struct outward found;

	(void)context;
	(void)device;
	(void)public_key;
	if (outward_look(NULL, endpoint, 0, &found) < 0)
		return CANDIDATE_UNREACHABLE;
	return endpoint->addr.family == IP_V6 ? CANDIDATE_IPV6 : CANDIDATE_IPV4;
}

/* The address is taken from names_update. */
static void moved(void *context, const char *device,
                  const uint8_t public_key[static KEY_BYTES],
                  const struct endpoint *endpoint)
{
	(void)context;
	(void)device;
	(void)public_key;
	(void)endpoint;
}

static int wait_for_answers(struct names *names, struct loop *loop)
{
	uint64_t now_ns = loop_now_ns(), until_ns = now_ns + WAIT_NS;
	int err = 0;

	while (!err && now_ns < until_ns) {
		uint64_t due_ns;

		names_run(names, now_ns);
		if (names_unasked(names) == 0)
			break;
		due_ns = names_deadline_ns(names, now_ns);
		err = loop_wait(loop, due_ns < until_ns ? due_ns : until_ns);
		now_ns = loop_now_ns();
	}
	return err;
}

static void ask_servers(struct conf_set *set, struct diag *diag)
{
	struct names_env env = { .servers = servers, .rank = rank, .moved = moved };
	struct names *names = NULL;
	struct loop *loop;
	int err = loop_new(&loop);

	env.loop = loop;
	if (!err)
		err = names_new(&names, &env);
	if (!err)
		err = names_update(names, set);
	if (!err)
		err = wait_for_answers(names, loop);
	if (!err)
		err = names_update(names, set);
	if (!err)
		names_warn(names, diag);
	else
		diag_error(diag, NULL, 0, "can't look up names: %s", strerror(-err));
	names_free(names);
	loop_free(loop);
}

/* ---- endpoint_names.h */

static bool libc_has_servers(void)
{
#ifdef __ANDROID__
	return true; /* Bionic asks Android's own resolver */
#else
	return !termux_prefix() || access("/etc/resolv.conf", F_OK) == 0;
#endif
}

static bool any_name(const struct conf_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		for (size_t k = 0; k < set->v[i]->peer_count; k++) {
			if (is_name(&set->v[i]->peers[k]))
				return true;
		}
	}
	return false;
}

void endpoint_names_resolve(struct conf_set *set, struct diag *diag)
{
	if (!any_name(set))
		return;
	if (isatty(STDERR_FILENO)) /* it may take seconds, and somebody waits */
		fprintf(stderr,
		        "looking up the names of Endpoints; --no-resolve leaves this out\n");
	if (libc_has_servers())
		ask_libc(set, diag);
	else
		ask_servers(set, diag);
}
