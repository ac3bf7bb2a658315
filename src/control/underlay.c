/* src/control/underlay.c */
#include "control/underlay.h"

#include <errno.h>
#include <string.h>

#include "control/names.h"
#include "control/supervisor_state.h"

/* How long `up` waits for names, so that routes and MTUs are right from the start. */
#define NAMES_WAIT_NS (1500 * NS_PER_MS)

static struct plan_peer *find_peer(const struct supervisor *s, const char *device,
                                   const uint8_t public_key[static KEY_BYTES])
{
	const struct plan_device *d = plan_find(&s->plan, device);

	for (size_t i = 0; d && i < d->peer_count; i++)
		if (memcmp(d->peers[i].conf->public_key, public_key, KEY_BYTES) == 0)
			return &d->peers[i];
	return NULL;
}

/* ---- names */

static size_t network_servers(void *context, struct ip_addr *out, size_t max)
{
	const struct supervisor *s = context;

	return host_network_servers(s->host, out, max);
}

static enum candidate_rank rank_in_network(const struct supervisor *s,
                                           const struct ip_addr *to)
{
	switch (host_reach(s->host, to)) {
	case HOST_REACH_NONE:
		return CANDIDATE_UNREACHABLE;
	case HOST_REACH_POOR:
		return to->family == IP_V6 ? CANDIDATE_IPV6_POOR : CANDIDATE_IPV4;
	case HOST_REACH_GOOD:
		break;
	}
	return to->family == IP_V6 ? CANDIDATE_IPV6 : CANDIDATE_IPV4;
}

static enum candidate_rank rank(void *context, const char *device,
                                const uint8_t public_key[static KEY_BYTES],
                                const struct endpoint *endpoint)
{
	const struct supervisor *s = context;
	const struct plan_peer *p = find_peer(s, device, public_key);
	struct way_peer way;

	if (!p)
		return rank_in_network(s, &endpoint->addr);
	way = p->way;
	way.endpoint = *endpoint;
	way_next(&s->plan.table, &way);
	if (way.state != WAY_OK)
		return CANDIDATE_UNREACHABLE;
	if (!way.next)
		return rank_in_network(s, &endpoint->addr);
	return endpoint->addr.family == IP_V6 ? CANDIDATE_IPV6 : CANDIDATE_IPV4;
}

static void moved(void *context, const char *device,
                  const uint8_t public_key[static KEY_BYTES],
                  const struct endpoint *endpoint)
{
	struct supervisor *s = context;
	struct plan_peer *p = find_peer(s, device, public_key);

	if (!p || !s->host_is_up) /* before: the files say it */
		return;
	p->way.endpoint = *endpoint;
	s->endpoints_moved = true;
	if (configure_endpoint(&s->engine, device, public_key, endpoint) < 0)
		supervisor_stop(s, -ENOMEM);
}

static int start_names(struct supervisor *s)
{
	struct names_env env = { .loop = s->loop,
		                 .log = &s->log,
		                 .servers = network_servers,
		                 .rank = rank,
		                 .moved = moved,
		                 .context = s };
	int err = names_new(&s->names, &env);

	return err ? err : names_update(s->names, &s->files);
}

/* ---- underlay.h */

int underlay_begin(struct supervisor *s)
{
	int err = start_names(s);
	uint64_t now_ns = loop_now_ns(), until_ns = now_ns + NAMES_WAIT_NS;

	while (!err && now_ns < until_ns) {
		uint64_t due_ns;

		names_run(s->names, now_ns);
		if (names_unasked(s->names) == 0)
			break;
		due_ns = names_deadline_ns(s->names, now_ns);
		err = loop_wait(s->loop, due_ns < until_ns ? due_ns : until_ns);
		now_ns = loop_now_ns();
	}
	return err ? err : names_update(s->names, &s->files);
}

void underlay_up(struct supervisor *s, struct diag *diag)
{
	names_set_mark(s->names, host_mark(s->host));
	names_use_host(s->names);
	names_warn(s->names, diag);
}

void underlay_end(struct supervisor *s)
{
	names_free(s->names);
	s->names = NULL;
}

void underlay_unanswered(struct supervisor *s, const struct command *m)
{
	if (s->names)
		names_unanswered(s->names, m->name, m->key, loop_now_ns());
}

void underlay_found(struct supervisor *s, const struct command *m)
{
	if (s->names)
		names_found(s->names, m->name, m->key, &m->endpoint);
}

uint64_t underlay_deadline_ns(const struct supervisor *s, uint64_t now_ns)
{
	return names_deadline_ns(s->names, now_ns);
}

void underlay_run(struct supervisor *s, uint64_t now_ns)
{
	names_run(s->names, now_ns);
}
