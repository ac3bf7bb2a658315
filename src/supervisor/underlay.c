/* src/supervisor/underlay.c */
#include "supervisor/underlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "host/monitor.h"
#include "plan/plan_mtu.h"
#include "plan/way_compute.h"
#include "supervisor/names.h"
#include "supervisor/supervisor_state.h"

/* How long `up` waits for names, so that routes and MTUs are right from the start. */
#define NAMES_WAIT_NS (1500 * NS_PER_MS)

/* Changes come in swarms: the first waits for those that follow, and swarms keep their
 * distance. */
#define SETTLE_NS   (200 * NS_PER_MS)
#define DISTANCE_NS NS_PER_SEC
/* Somebody who takes our rules away again and again is not to keep us busy. */
#define RESTORE_FIRST_NS   NS_PER_SEC
#define RESTORE_LONGEST_NS (60 * NS_PER_SEC)

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

/* ---- changes of the network */

static void note_changes(struct underlay *u, unsigned bits, uint64_t now_ns)
{
	uint64_t due_ns = now_ns + SETTLE_NS;

	if (due_ns < u->dealt_ns + DISTANCE_NS)
		due_ns = u->dealt_ns + DISTANCE_NS;
	if (!u->changes || due_ns < u->due_ns)
		u->due_ns = due_ns;
	u->changes |= bits;
}

static void monitor_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct supervisor *s = CONTAINER_OF(source, struct supervisor, underlay.monitor);
	unsigned bits = monitor_read(source->fd, host_tun_ifindex(s->host));

	(void)events;
	if (bits)
		note_changes(&s->underlay, bits, now_ns);
}

/* Without one the instance works, it only does not follow. */
static void start_monitor(struct supervisor *s)
{
	struct loop_source *source = &s->underlay.monitor;
	int err = monitor_open(&source->fd);

	source->ready = monitor_ready;
	if (!err)
		err = loop_add(s->loop, source, EPOLLIN);
	if (err)
		log_warn(&s->log, NULL, "changes of the network will not be noticed: %s",
		         strerror(-err));
}

static void restore(struct supervisor *s, uint64_t now_ns)
{
	struct underlay *u = &s->underlay;
	size_t n = host_restore(s->host, &s->plan);

	if (n == 0)
		return;
	log_warn(&s->log, NULL,
	         "somebody has removed %zu of our addresses, routes and rules: they are "
	         "back",
	         n);
	if (now_ns - u->restored_ns > RESTORE_LONGEST_NS)
		u->restore_pause_ns = RESTORE_FIRST_NS;
	else if (u->restore_pause_ns < RESTORE_LONGEST_NS)
		u->restore_pause_ns *= 2;
	u->restored_ns = now_ns;
}

void underlay_restore_now(struct supervisor *s)
{
	struct underlay *u = &s->underlay;

	if (u->monitor.fd >= 0)
		monitor_ready(&u->monitor, 0, loop_now_ns());
	if (!(u->changes & MONITOR_OURS))
		return;
	u->changes &= ~(unsigned)MONITOR_OURS;
	restore(s, loop_now_ns());
}

static void follow(struct supervisor *s, unsigned bits, uint64_t now_ns)
{
	struct command changed = command_of(COMMAND_NETWORK_CHANGED, NULL);

	if (bits & MONITOR_OURS)
		restore(s, now_ns);
	if (!(bits & MONITOR_NETWORK))
		return;
	log_debug(&s->log, NULL, "the network has changed");
	names_network_changed(s->names, now_ns);
	s->endpoints_moved = true; /* and MTUs, maybe */
	if ((bits & MONITOR_SOURCES) && worker_child_send(&s->engine, &changed) < 0)
		supervisor_stop(s, -ENOMEM);
}

/* What may be dealt with now. */
static unsigned take_changes(struct underlay *u, uint64_t now_ns)
{
	unsigned bits = u->changes;

	if (bits == 0 || now_ns < u->due_ns)
		return 0;
	u->changes = 0;
	u->dealt_ns = now_ns;
	if ((bits & MONITOR_OURS) && u->restored_ns &&
	    now_ns - u->restored_ns < u->restore_pause_ns) {
		bits &= ~(unsigned)MONITOR_OURS;
		u->changes = MONITOR_OURS;
		u->due_ns = u->restored_ns + u->restore_pause_ns;
	}
	return bits;
}

/* ---- underlay.h */

void underlay_update_mtus(struct supervisor *s)
{
	struct plan_env env = { .path_mtu = host_path_mtu, .context = s->host };
	uint32_t *old = calloc(s->plan.device_count + 1, sizeof(*old));

	if (!old) {
		supervisor_stop(s, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < s->plan.device_count; i++)
		old[i] = s->plan.devices[i].mtu_bytes;
	plan_mtu(&s->plan, &env);
	for (size_t i = 0; i < s->device_count; i++) {
		const struct plan_device *d = s->devices[i].plan;

		if (d->mtu_bytes == old[d - s->plan.devices])
			continue;
		log_info(&s->log, d->way.name, "its MTU is %u now", d->mtu_bytes);
		if (configure_settings(&s->engine, d) < 0)
			supervisor_stop(s, -ENOMEM);
	}
	free(old);
}

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
	start_monitor(s);
}

void underlay_end(struct supervisor *s)
{
	if (s->underlay.monitor.fd >= 0)
		close(s->underlay.monitor.fd);
	s->underlay.monitor.fd = -1;
	names_free(s->names);
	s->names = NULL;
}

void underlay_path_news(struct supervisor *s)
{
	note_changes(&s->underlay, MONITOR_NETWORK, loop_now_ns());
}

void underlay_unanswered(struct supervisor *s, const struct command *m)
{
	if (s->names)
		names_unanswered(s->names, m->name, m->key, &m->endpoint, loop_now_ns());
}

void underlay_found(struct supervisor *s, const struct command *m)
{
	if (s->names)
		names_found(s->names, m->name, m->key, &m->endpoint);
}

uint64_t underlay_deadline_ns(const struct supervisor *s, uint64_t now_ns)
{
	uint64_t due_ns = names_deadline_ns(s->names, now_ns);
	const struct underlay *u = &s->underlay;

	return u->changes && u->due_ns < due_ns ? u->due_ns : due_ns;
}

void underlay_run(struct supervisor *s, uint64_t now_ns)
{
	unsigned bits = take_changes(&s->underlay, now_ns);

	if (bits)
		follow(s, bits, now_ns);
	names_run(s->names, now_ns);
}
