/* src/engine/engine.c - the engine as a whole: how it is made, its inputs, its timers */
#include "engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "engine/core.h"
#include "engine/device_list.h"
#include "engine/gate.h"
#include "engine/inbound.h"
#include "engine/moves.h"
#include "engine/outbound.h"
#include "engine/outside.h"
#include "engine/standby.h"
#include "wg/intake.h"

/* The limit for the staged packets of all devices together. A full queue of a peer (128
 * packets of up to 2048 bytes) takes 0.25 MiB of it, for as long as the peer doesn't answer. */
#define STAGED_LIMIT_BYTES (8U << 20)
/* For all other copies: fragments, of which the two modules that hold them can have 5 MiB,
 * and what lives no longer than its batch. So it never waits for dead peers. */
#define POOL_LIMIT_BYTES (8U << 20)

static struct reassembly *reassembly_for(struct engine *e)
{
	const struct reassembly_env env = { .timers = &e->timers,
		                            .pool = e->pool,
		                            .wanted = inbound_wanted,
		                            .release = inbound_release,
		                            .dropped = inbound_dropped,
		                            .context = e };

	return reassembly_new(&env);
}

static struct pieces *pieces_for(struct engine *e)
{
	const struct pieces_env env = { .timers = &e->timers,
		                        .pool = e->pool,
		                        .rng = &e->env.rng,
		                        .dropped = inbound_dropped,
		                        .context = e };

	return pieces_new(&env);
}

int engine_new(struct engine **out, const struct engine_env *env)
{
	struct engine *e = calloc(1, sizeof(*e));

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->env = *env;
	e->drops.now_ns = &e->now_ns;
	standby_init_engine(e);
	moves_init(e);
	e->pool = packet_pool_new(POOL_LIMIT_BYTES);
	e->staged = packet_pool_new(STAGED_LIMIT_BYTES);
	e->flows = flows_new(&e->env.rng);
	e->resolver = resolver_new();
	e->reassembly = reassembly_for(e);
	e->pieces = pieces_for(e);
	e->fragment_id = rng_u32(&e->env.rng);
	if (!e->pool || !e->staged || !e->flows || !e->resolver || !e->reassembly ||
	    !e->pieces || outside_init(e) != 0 ||
	    bucket_reserve(&e->devices.by_name, 1) != 0 ||
	    bucket_reserve(&e->devices.by_port, 1) != 0 ||
	    bucket_reserve(&e->devices.by_address, 1) != 0 ||
	    wg_intake_new(&e->intake, &e->env.rng, &e->timers) != 0 ||
	    union_init(&e->table) != 0) {
		engine_free(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	while (e->devices.first)
		engine_remove_device(e, e->devices.first);
	gate_forget_host_prefixes(e);
	union_clear(&e->table);
	bucket_clear(&e->devices.by_name);
	bucket_clear(&e->devices.by_port);
	bucket_clear(&e->devices.by_address);
	flows_free(e->flows);
	resolver_free(e->resolver);
	outside_clear(e);
	reassembly_free(e->reassembly);
	pieces_free(e->pieces);
	intake_free(e->intake);
	packet_pool_free(e->pool);
	packet_pool_free(e->staged);
	secrets_clear(&e->secrets);
	free(e);
}

void engine_set_tun(struct engine *e, struct tun_link *tun)
{
	e->tun = tun;
}

void engine_set_resolver(struct engine *e, const struct ip_addr *ipv4,
                         const struct ip_addr *ipv6)
{
	resolver_set_address(e->resolver, ipv4, ipv6);
}

struct silence_walk {
	const struct engine *engine;
	void (*visit)(void *context, const struct silent_server *s);
	void *context;
};

static void visit_silent(void *context, const struct resolver_silence *silence)
{
	const struct silence_walk *w = context;
	const struct device *d = device_list_by_id(w->engine, silence->file);
	const struct way_peer *way = union_lookup(&w->engine->table, &silence->server);
	bool own = resolver_active(w->engine->resolver) &&
	           device_peer_for(d, &silence->server);
	const struct silent_server s = {
		.device = d,
		.through = own   ? d
		           : way ? device_of_way(way->device)
		                 : NULL,
		.addr = silence->server,
		.for_ns = silence->for_ns,
		.others = silence->others,
	};

	w->visit(w->context, &s);
}

void engine_walk_silent_servers(const struct engine *e, uint64_t now_ns,
                                void (*visit)(void *context,
                                              const struct silent_server *s),
                                void *context)
{
	struct silence_walk w = { e, visit, context };

	resolver_walk_silent(e->resolver, now_ns, visit_silent, &w);
}

void engine_set_outside(struct engine *e, bool on)
{
	outside_set(e, on);
}

void engine_outside_answer(struct engine *e, const struct ip_addr *server,
                           const void *answer, size_t n, uint64_t now_ns)
{
	outside_answer(e, server, answer, n, now_ns);
}

void engine_outside_relay(struct engine *e, uint16_t port, const struct endpoint *relay)
{
	outside_relay(e, port, relay);
}

int engine_set_host_prefixes(struct engine *e, const struct ip_prefix *prefixes, size_t n)
{
	return gate_set_host_prefixes(e, prefixes, n);
}

const struct drop_counts *engine_drops(const struct engine *e)
{
	return &e->drops;
}

const struct union_table *engine_union(const struct engine *e)
{
	return &e->table;
}

void engine_tun_input(struct engine *e, struct packet **packets, size_t n,
                      uint64_t now_ns)
{
	assert(n <= BATCH_MAX);
	e->now_ns = now_ns;
	if (engine_settle(e) != 0)
		drop_count(&e->drops, DROP_NO_ROUTE, n);
	else
		outbound_packets(e, NULL, packets, n, now_ns);
}

void device_tun_input(struct device *d, struct packet **packets, size_t n,
                      uint64_t now_ns)
{
	assert(n <= BATCH_MAX);
	d->engine->now_ns = now_ns;
	if (engine_settle(d->engine) != 0)
		device_drop(d, DROP_DOWN, n);
	else
		outbound_packets(d->engine, d, packets, n, now_ns);
}

void engine_udp_input(struct device *d, struct packet **packets, size_t n,
                      uint64_t now_ns)
{
	assert(n <= BATCH_MAX);
	d->engine->now_ns = now_ns;
	if (engine_settle(d->engine) != 0)
		device_drop(d, DROP_DOWN, n);
	else
		inbound_datagrams(d, packets, n, now_ns);
	wg_answer_handshakes(d->engine->intake, now_ns);
}

uint64_t engine_next_deadline_ns(const struct engine *e)
{
	return timerq_next_ns(&e->timers);
}

/* If there is no memory to settle, the timers run all the same, because a session has to
 * end in time. What they send then is dropped by on_emit (events.c). */
void engine_run_timers(struct engine *e, uint64_t now_ns)
{
	int err;

	e->now_ns = now_ns;
	err = engine_settle(e);
	(void)err;
	timerq_run(&e->timers, now_ns);
}
