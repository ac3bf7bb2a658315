/* src/supervisor/vpn_app.c */
#include "supervisor/vpn_app.h"

static void can_look(void *context)
{
	const struct vpn_app *a = context;

	underlay_path_news(a->underlay);
}

void vpn_app_connect(struct vpn_app *a, const struct vpn_app_wanted *wanted,
                     const struct vpn_app_env *env, struct host_place *place)
{
	if (!wanted)
		return;
	*place = host_place_given(wanted->protect_path != NULL);
	a->underlay = env->underlay;
	a->tun = (struct given_tun){ .wanted = true,
		                     .name = wanted->tun_path,
		                     .fd = &place->tun_fd,
		                     .log = env->log,
		                     .ending = env->ending,
		                     .worker = env->worker,
		                     .listener.fd = -1,
		                     .client.fd = -1 };
	if (!wanted->protect_path)
		return;
	a->protector = (struct protector){ .name = wanted->protect_path,
		                           .log = env->log,
		                           .tunnels = env->tunnels,
		                           .worker = env->worker,
		                           .can_look = can_look,
		                           .context = a };
	protector_init(&a->protector);
	env->worker->only_protected = true;
	env->outside->make_socket = protector_socket;
	env->outside->socket_context = &a->protector;
	place->outward = &a->protector.outward;
}

int vpn_app_prepare(struct vpn_app *a, const struct vpn_app_wanted *wanted,
                    struct diag *diag)
{
	return wanted ? given_tun_init(&a->tun, wanted->tun_fd, diag) : 0;
}

void vpn_app_begin(struct vpn_app *a, struct underlay_env *env)
{
	env->only_looks = a->tun.wanted;
	if (!a->protector.name)
		return;
	a->protector.loop = env->loop;
	env->outward = &a->protector.outward;
	env->resolver.make_socket = protector_socket;
	env->resolver.socket_context = &a->protector;
	protector_begin(&a->protector);
}

int vpn_app_start(struct vpn_app *a, struct loop *loop)
{
	return given_tun_start(&a->tun, loop);
}

uint64_t vpn_app_deadline_ns(const struct vpn_app *a)
{
	uint64_t tun_ns = given_tun_deadline_ns(&a->tun),
		 protector_ns = protector_deadline_ns(&a->protector);

	return tun_ns < protector_ns ? tun_ns : protector_ns;
}

int vpn_app_run(struct vpn_app *a, uint64_t now_ns)
{
	given_tun_run(&a->tun, now_ns);
	return protector_run(&a->protector, now_ns);
}

void vpn_app_end(struct vpn_app *a)
{
	protector_end(&a->protector);
	given_tun_end(&a->tun);
}
