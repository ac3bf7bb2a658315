/* src/supervisor/supervisor_status.c */
#include "supervisor/supervisor_status.h"

#include <unistd.h>

#include "io/loop.h"

void supervisor_status_describe(void *context, struct instance_status *out)
{
	const struct supervisor_status *s = context;

	*out = (struct instance_status){
		.tun = s->instance->tun,
		.tun_mtu_bytes = s->tunnels->plan.tun_mtu_bytes,
		.mark = host_mark(s->hosts->shared),
		.pid = (int)getpid(),
		.engine_pid = (int)s->keeper->worker.pid,
		.engine_restarts = s->keeper->restarts,
		.errors = &s->live->file_errors,
		.files = follow_paths(s->follow),
		.plan = &s->tunnels->plan,
		.hosts = s->hosts,
		.is_missing = hosts_is_missing,
		.names = s->underlay->names,
		.walk_names = s->underlay->names ? names_walk : NULL,
		.now_ns = loop_now_ns(),
		.up_s = (loop_now_ns() - *s->up_since_ns) / NS_PER_SEC,
		.helpers = { &s->underlay->resolver.lines, s->page, s->proxy },
	};
	out->yields = host_yields(s->hosts->shared, &out->yield_count);
}
