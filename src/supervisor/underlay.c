/* src/supervisor/underlay.c - connects names.h and monitor.h with the plan and the
 * host */
#include "supervisor/underlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "names/names.h"
#include "netlink/monitor.h"
#include "plan/plan_mtu.h"
#include "plan/way_compute.h"
#include "supervisor/configure.h"

/* How long `up` waits for names, so that routes and MTUs are right from the beginning. */
#define NAMES_WAIT_NS (1500 * NS_PER_MS)

/* Changes often come many at a time. So the first one waits for those that follow, and
 * then there is a pause before the next are handled. */
#define SETTLE_NS   (200 * NS_PER_MS)
#define DISTANCE_NS NS_PER_SEC
/* A program that removes our rules again and again must not keep us busy. */
#define RESTORE_FIRST_NS   NS_PER_SEC
#define RESTORE_LONGEST_NS (60 * NS_PER_SEC)

static void fail(struct underlay *u, int err)
{
	if (!u->error)
		u->error = err;
}

/* ---- names */

static size_t network_servers(void *context, struct ip_addr *out, size_t max)
{
	const struct underlay *u = context;

	return host_network_servers(u->env.hosts->shared, out, max);
}

static enum candidate_rank rank_in_network(const struct underlay *u,
                                           const struct plan_peer *p,
                                           const struct ip_addr *to)
{
	const struct conf *conf = p ? plan_device_of(&p->way)->conf : NULL;

	switch (host_reach(u->env.hosts->shared, conf, to)) {
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
	const struct underlay *u = context;
	const struct plan_peer *p = tunnels_find_peer(u->env.tunnels, device, public_key);
	struct way_peer way;

	if (!p)
		return rank_in_network(u, NULL, &endpoint->addr);
	way = p->way;
	way.endpoint = *endpoint;
	way_next(&u->env.tunnels->plan.table, &way);
	if (way.state != WAY_OK)
		return CANDIDATE_UNREACHABLE;
	if (!way.next)
		return rank_in_network(u, p, &endpoint->addr);
	return endpoint->addr.family == IP_V6 ? CANDIDATE_IPV6 : CANDIDATE_IPV4;
}

static void moved(void *context, const char *device,
                  const uint8_t public_key[static KEY_BYTES],
                  const struct endpoint *endpoint)
{
	struct underlay *u = context;
	struct plan_peer *p = tunnels_find_peer(u->env.tunnels, device, public_key);

	if (!p || !u->following) /* before that, the address is entered in the files */
		return;
	tunnels_peer_moved(u->env.tunnels, p, endpoint);
	if (configure_endpoint(u->env.worker, device, public_key, endpoint) < 0)
		fail(u, -ENOMEM);
}

static int start_names(struct underlay *u)
{
	struct names_env env = { .loop = u->env.loop,
		                 .log = u->env.log,
		                 .servers = network_servers,
		                 .rank = rank,
		                 .moved = moved,
		                 .context = u,
		                 .remote = &u->remote };
	int err;

	resolver_child_init(&u->resolver, &u->env.resolver);
	u->remote = resolver_child_remote(&u->resolver);
	err = names_new(&u->names, &env);
	return err ? err : underlay_files_changed(u);
}

/* The names first: they may have questions. */
static void run_names(struct underlay *u, uint64_t now_ns)
{
	names_run(u->names, now_ns);
	resolver_child_run(&u->resolver, now_ns);
}

static uint64_t names_due_ns(const struct underlay *u, uint64_t now_ns)
{
	uint64_t names_ns = names_deadline_ns(u->names, now_ns),
		 resolver_ns = resolver_child_deadline_ns(&u->resolver);

	return names_ns < resolver_ns ? names_ns : resolver_ns;
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

static bool is_ours(const void *context, uint32_t ifindex)
{
	const struct underlay *u = context;

	return hosts_have_ifindex(u->env.hosts, ifindex);
}

static void monitor_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct underlay *u = CONTAINER_OF(source, struct underlay, monitor);
	const struct monitor_tuns ours = { is_ours, u };
	unsigned bits = monitor_read(source->fd, &ours);

	(void)events;
	if (bits)
		note_changes(u, bits, now_ns);
}

/* There is a reason to doubt that the network is as it was. */
static void doubt_network(struct underlay *u)
{
	if (u->looks && outlook_changed(&u->outlook, &u->env.tunnels->plan,
	                                u->env.outward, host_mark(u->env.hosts->shared)))
		note_changes(u, MONITOR_NETWORK | MONITOR_SOURCES, loop_now_ns());
}

static void start_monitor(struct underlay *u)
{
	struct loop_source *source = &u->monitor;
	int err = u->env.only_looks ? -EACCES : monitor_open(&source->fd);

	source->ready = monitor_ready;
	if (!err)
		err = loop_add(u->env.loop, source, EPOLLIN);
	if (!err)
		return;
	u->looks = true;
	doubt_network(u);
	if (u->env.only_looks)
		return;
	log_info(
		u->env.log, NULL,
		"this system doesn't tell us of changes of the network (%s): they are noticed when a peer doesn't answer",
		strerror(-err));
}

static void restore(struct underlay *u, uint64_t now_ns)
{
	size_t n = hosts_restore(u->env.hosts, &u->env.tunnels->plan);

	if (n == 0)
		return;
	log_warn(
		u->env.log, NULL,
		"somebody has removed %zu of our addresses, routes, rules and names: they were put back",
		n);
	if (now_ns - u->restored_ns > RESTORE_LONGEST_NS)
		u->restore_pause_ns = RESTORE_FIRST_NS;
	else if (u->restore_pause_ns < RESTORE_LONGEST_NS)
		u->restore_pause_ns *= 2;
	u->restored_ns = now_ns;
}

void underlay_restore_now(struct underlay *u)
{

	if (u->monitor.fd >= 0)
		monitor_ready(&u->monitor, 0, loop_now_ns());
	if (!(u->changes & MONITOR_OURS))
		return;
	u->changes &= ~(unsigned)MONITOR_OURS;
	restore(u, loop_now_ns());
}

static void follow(struct underlay *u, unsigned bits, uint64_t now_ns)
{
	struct command changed = command_of(COMMAND_NETWORK_CHANGED, NULL);

	if (bits & MONITOR_OURS)
		restore(u, now_ns);
	if (!(bits & MONITOR_NETWORK))
		return;
	log_debug(u->env.log, NULL, "the network has changed");
	hosts_network_changed(u->env.hosts);
	names_network_changed(u->names, now_ns);
	u->env.tunnels->endpoints_moved = true; /* perhaps MTUs have changed, too */
	if ((bits & MONITOR_SOURCES) && worker_child_send(u->env.worker, &changed) < 0)
		fail(u, -ENOMEM);
}

/* Returns the changes that may be handled now. */
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

int underlay_update_mtus(struct underlay *u)
{
	struct plan_env env = { .path_mtu = host_path_mtu,
		                .context = u->env.hosts->shared };
	uint32_t *old = calloc(u->env.tunnels->plan.device_count + 1, sizeof(*old));
	int err = 0;

	if (!old)
		return -ENOMEM;
	for (size_t i = 0; i < u->env.tunnels->plan.device_count; i++)
		old[i] = u->env.tunnels->plan.devices[i].mtu_bytes;
	plan_mtu(&u->env.tunnels->plan, &env);
	doubt_network(u);
	for (size_t i = 0; i < u->env.tunnels->count && !err; i++) {
		const struct plan_device *d = u->env.tunnels->v[i].plan;

		if (d->mtu_bytes == old[d - u->env.tunnels->plan.devices])
			continue;
		if (worker_child_may_log(u->env.worker, u->env.log, LOG_LEVEL_INFO))
			log_info(u->env.log, d->way.name, "its MTU is now %u",
			         d->mtu_bytes);
		err = configure_settings(u->env.worker, d);
	}
	free(old);
	return err;
}

int underlay_begin(struct underlay *u, const struct underlay_env *env)
{
	uint64_t now_ns = loop_now_ns(), until_ns = now_ns + NAMES_WAIT_NS;
	int err;

	u->env = *env;
	err = start_names(u);

	while (!err && now_ns < until_ns) {
		uint64_t due_ns;

		run_names(u, now_ns);
		if (names_unasked(u->names) == 0)
			break;
		due_ns = names_due_ns(u, now_ns);
		err = loop_wait(u->env.loop, due_ns < until_ns ? due_ns : until_ns);
		now_ns = loop_now_ns();
	}
	return err ? err : underlay_files_changed(u);
}

int underlay_files_changed(struct underlay *u)
{
	/* it may be another one, now that there are other files */
	if (u->following || hosts_stay_closed(u->env.hosts))
		resolver_child_set_mark(&u->resolver, host_mark(u->env.hosts->shared));
	return names_update(u->names, &u->env.tunnels->files);
}

void underlay_up(struct underlay *u, struct diag *diag)
{
	u->following = true;
	resolver_child_set_mark(&u->resolver, host_mark(u->env.hosts->shared));
	if (!u->env.servers_given && !u->env.resolver.make_socket)
		names_use_host(u->names);
	names_warn(u->names, diag);
	start_monitor(u);
	hosts_network_changed(u->env.hosts); /* between host_up and now nobody listened */
}

void underlay_end(struct underlay *u)
{
	if (u->monitor.fd >= 0)
		close(u->monitor.fd);
	u->monitor.fd = -1;
	names_free(u->names);
	u->names = NULL;
	resolver_child_end(&u->resolver);
}

void underlay_forget(struct underlay *u)
{
	names_free(u->names);
	u->names = NULL;
	resolver_child_forget(&u->resolver);
}

void underlay_path_news(struct underlay *u)
{
	doubt_network(u);
	note_changes(u, MONITOR_NETWORK, loop_now_ns());
}

void underlay_unanswered(struct underlay *u, const struct command *m)
{
	doubt_network(u);
	if (u->names)
		names_unanswered(u->names, m->name, m->key, &m->endpoint, loop_now_ns());
}

void underlay_found(struct underlay *u, const struct command *m)
{
	if (u->names)
		names_found(u->names, m->name, m->key, &m->endpoint);
}

uint64_t underlay_deadline_ns(const struct underlay *u, uint64_t now_ns)
{
	uint64_t due_ns = names_due_ns(u, now_ns);

	return u->changes && u->due_ns < due_ns ? u->due_ns : due_ns;
}

int underlay_run(struct underlay *u, uint64_t now_ns)
{
	unsigned bits = take_changes(u, now_ns);
	int err;

	if (bits)
		follow(u, bits, now_ns);
	run_names(u, now_ns);
	err = u->error;
	u->error = 0;
	return err;
}
