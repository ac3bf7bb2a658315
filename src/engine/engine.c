/* src/engine/engine.c - devices and their settings, and the way from and to wg: its
 * callbacks come in here, with the device as context. */
#include "engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/carry.h"
#include "engine/core.h"
#include "engine/inbound.h"
#include "engine/outbound.h"
#include "engine/settle.h"
#include "engine/standby.h"

/* All staged packets of all devices together; 128 of 1500 bytes are 0.5 MiB of it. */
#define POOL_LIMIT_BYTES (8U << 20)

/* ---- what wg says */

static void on_emit(void *context, struct wg_peer *wg, struct packet *const *packets,
                    size_t n, uint64_t now_ns)
{
	struct device *d = context;
	struct packet *batch[BATCH_MAX];
	int err = settle(d->engine); /* configured a moment ago, perhaps */

	if (err || !wg_peer_context(wg)) {
		device_drop(d, DROP_NO_ENDPOINT, n);
		return;
	}
	while (n > 0) {
		size_t now = n < BATCH_MAX ? n : BATCH_MAX;

		memcpy(batch, packets, now * sizeof(*packets));
		standby_messages_sent(wg_peer_context(wg), batch, now, now_ns);
		carry_messages(wg_peer_context(wg), batch, now, now_ns);
		packets += now;
		n -= now;
	}
}

static void on_emit_to(void *context, const struct endpoint *to, struct packet *packet,
                       uint64_t now_ns)
{
	carry_to(context, to, packet, now_ns);
}

static void on_endpoint_changed(void *context, struct wg_peer *wg)
{
	struct device *d = context;
	struct engine *e = d->engine;

	if (wg_peer_context(wg))
		settle_endpoint(wg_peer_context(wg));
	if (e->env.endpoint_changed)
		e->env.endpoint_changed(e->env.context, d, wg);
}

static void on_handshake_done(void *context, struct wg_peer *wg)
{
	(void)context;
	if (wg_peer_context(wg))
		standby_handshake_done(wg_peer_context(wg));
}

/* No timer may find the peer until settle frees its shadow, which can take long: settle
 * may have no memory. */
static void on_peer_removed(void *context, struct wg_peer *wg)
{
	struct peer *peer = wg_peer_context(wg);

	if (!peer)
		return;
	standby_clear_peer(peer);
	peer->wg = NULL;
	settle_touch(context);
}

static uint64_t wall_clock(void *context)
{
	const struct device *d = context;

	return d->engine->env.wall_clock_ns(d->engine->env.context);
}

static const struct wg_callbacks callbacks = {
	.emit = on_emit,
	.emit_to = on_emit_to,
	.endpoint_changed = on_endpoint_changed,
	.handshake_done = on_handshake_done,
	.peer_removed = on_peer_removed,
};

static struct way_peer *peer_of_entry(const struct trie_entry *entry)
{
	struct peer *peer = wg_peer_context(wg_allowed_ip_peer(entry));

	return peer ? &peer->way : NULL;
}

/* ---- the engine */

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

int engine_new(struct engine **out, const struct engine_env *env)
{
	struct engine *e = calloc(1, sizeof(*e));

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->env = *env;
	standby_init_engine(e);
	e->pool = packet_pool_new(POOL_LIMIT_BYTES);
	e->flows = flows_new(&e->env.rng);
	e->resolver = resolver_new();
	e->reassembly = reassembly_for(e);
	e->fragment_id = rng_u32(&e->env.rng);
	if (!e->pool || !e->flows || !e->resolver || !e->reassembly ||
	    bucket_init(&e->by_name) != 0 || bucket_init(&e->by_port) != 0 ||
	    bucket_init(&e->by_address) != 0 || union_init(&e->table) != 0) {
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
	while (e->first)
		engine_remove_device(e, e->first);
	union_clear(&e->table);
	bucket_clear(&e->by_name);
	bucket_clear(&e->by_port);
	bucket_clear(&e->by_address);
	flows_free(e->flows);
	resolver_free(e->resolver);
	reassembly_free(e->reassembly);
	packet_pool_free(e->pool);
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

const struct drop_counts *engine_drops(const struct engine *e)
{
	return &e->drops;
}

const struct union_table *engine_union(const struct engine *e)
{
	return &e->table;
}

int engine_settle(struct engine *e, uint64_t now_ns)
{
	(void)now_ns;
	return settle(e);
}

void engine_tun_input(struct engine *e, struct packet **packets, size_t n,
                      uint64_t now_ns)
{
	assert(n <= BATCH_MAX);
	if (settle(e) != 0)
		drop_count(&e->drops, DROP_NO_ROUTE, n);
	else
		outbound_packets(e, packets, n, now_ns);
}

void engine_udp_input(struct device *d, struct packet **packets, size_t n,
                      uint64_t now_ns)
{
	assert(n <= BATCH_MAX);
	if (settle(d->engine) != 0)
		device_drop(d, DROP_DOWN, n);
	else
		inbound_datagrams(d, packets, n, now_ns);
}

uint64_t engine_next_deadline_ns(const struct engine *e)
{
	return timerq_next_ns(&e->timers);
}

/* If there is no memory to settle, the timers run all the same: a session has to end in
 * its time, and what they would send is dropped by on_emit. */
void engine_run_timers(struct engine *e, uint64_t now_ns)
{
	int err = settle(e);

	(void)err;
	timerq_run(&e->timers, now_ns);
}

/* ---- devices: the list */

static struct device *device_of_link(struct bucket_link *link)
{
	return CONTAINER_OF(link, struct device, by_name);
}

struct device *engine_find_device(const struct engine *e, const char *name)
{
	struct bucket_link *l = bucket_first(&e->by_name, bucket_hash_name(name));

	while (l && strcmp(device_of_link(l)->way.name, name) != 0)
		l = bucket_next(l);
	return l ? device_of_link(l) : NULL;
}

struct device *engine_first_device(const struct engine *e)
{
	return e->first;
}

struct device *engine_next_device(const struct device *d)
{
	return d->way.sibling ? device_of_way(d->way.sibling) : NULL;
}

static void list_add(struct engine *e, struct device *d)
{
	d->previous = e->last;
	if (e->last)
		e->last->way.sibling = &d->way;
	else
		e->first = d;
	e->last = d;
}

static void list_remove(struct engine *e, struct device *d)
{
	struct device *next = engine_next_device(d);

	if (d->previous)
		d->previous->way.sibling = d->way.sibling;
	else
		e->first = next;
	if (next)
		next->previous = d->previous;
	else
		e->last = d->previous;
}

int engine_add_device(struct engine *e, const char *name, struct device **out)
{
	struct device *d;

	*out = NULL;
	if (engine_find_device(e, name))
		return -EEXIST;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->engine = e;
	d->id = ++e->last_id;
	d->wg_env = (struct wg_env){ .rng = &e->env.rng,
		                     .timers = &e->timers,
		                     .pool = e->pool,
		                     .secrets = &e->secrets,
		                     .log = e->env.log,
		                     .aead = e->env.aead,
		                     .wall_clock_ns = wall_clock,
		                     .callbacks = &callbacks,
		                     .context = d };
	if (wg_device_new(&d->wg, name, &d->wg_env) != 0) {
		free(d);
		return -ENOMEM;
	}
	wg_device_set_context(d->wg, d);
	d->ipv4_id = (uint16_t)rng_u32(&e->env.rng);
	d->way.name = wg_device_name(d->wg);
	d->way.peer_of = peer_of_entry;
	list_add(e, d);
	bucket_add(&e->by_name, &d->by_name, bucket_hash_name(name));
	bucket_add(&e->by_port, &d->by_port, bucket_hash_port(0));
	settle_touch(d);
	*out = d;
	return 0;
}

static void free_vias(struct device *d)
{
	struct peer_via *v;

	while ((v = d->vias)) {
		d->vias = v->next;
		free(v->name);
		free(v);
	}
}

static void forget_addresses(struct device *d)
{
	for (size_t i = 0; i < d->address_count; i++)
		bucket_remove(&d->engine->by_address, &d->addresses[i].by_address);
	free(d->addresses);
	d->address_count = 0;
}

void engine_remove_device(struct engine *e, struct device *d)
{
	settle_remove(d);
	list_remove(e, d);
	bucket_remove(&e->by_name, &d->by_name);
	bucket_remove(&e->by_port, &d->by_port);
	wg_device_free(d->wg);
	free_vias(d);
	free(d->via_name);
	forget_addresses(d);
	flows_forget_device(e->flows, d->id);
	resolver_forget_file(e->resolver, d->id);
	free(d);
}

/* ---- devices: settings */

static struct ip_addr first_of(const struct device_settings *s, enum ip_family family)
{
	for (size_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].family == family)
			return s->addresses[i];
	}
	return (struct ip_addr){ 0 };
}

/* *out is NULL for NULL. */
static int copy_name(char **out, const char *name)
{
	*out = name ? strdup(name) : NULL;
	return name && !*out ? -ENOMEM : 0;
}

static void take_addresses(struct device *d, const struct device_settings *s)
{
	d->address_count = s->address_count;
	for (size_t i = 0; i < s->address_count; i++) {
		d->addresses[i].addr = s->addresses[i];
		d->addresses[i].device = d;
		bucket_add(&d->engine->by_address, &d->addresses[i].by_address,
		           bucket_hash_addr(&s->addresses[i]));
	}
}

static void take_settings(struct device *d, const struct device_settings *s)
{
	d->mtu_bytes = s->mtu_bytes;
	d->source_fix_off = s->source_fix_off;
	d->way.metric = s->metric;
	d->way.table_off = s->table_off;
	d->way.via = s->via;
	d->way.address4 = first_of(s, IP_V4);
	d->way.address6 = first_of(s, IP_V6);
	device_set_port(d, s->port);
	wg_device_set_mtu(d->wg, s->mtu_bytes);
}

static int set_dns(struct device *d, const struct device_settings *s)
{
	struct resolver_file file = { .id = d->id,
		                      .name = d->way.name,
		                      .default_route = s->default_route,
		                      .servers = s->dns_servers,
		                      .server_count = s->dns_server_count,
		                      .domains = s->dns_domains,
		                      .domain_count = s->dns_domain_count };

	return resolver_set_file(d->engine->resolver, &file);
}

int device_set(struct device *d, const struct device_settings *s)
{
	struct device_address *addresses =
		calloc(s->address_count + 1, sizeof(*addresses));
	char *via_name = NULL;

	if (!addresses ||
	    copy_name(&via_name, s->via == WAY_VIA_DEVICE ? s->via_name : NULL) != 0 ||
	    set_dns(d, s) != 0) {
		free(addresses);
		free(via_name);
		return -ENOMEM;
	}
	forget_addresses(d);
	free(d->via_name);
	free_vias(d);
	d->addresses = addresses;
	take_addresses(d, s);
	d->via_name = via_name;
	take_settings(d, s);
	settle_touch(d);
	return 0;
}

static struct peer_via *find_via(struct device *d,
                                 const uint8_t public_key[static KEY_BYTES])
{
	struct peer_via *v = d->vias;

	while (v && memcmp(v->public_key, public_key, KEY_BYTES) != 0)
		v = v->next;
	return v;
}

int device_set_peer_via(struct device *d, const uint8_t public_key[static KEY_BYTES],
                        enum way_via via, const char *via_name)
{
	struct peer_via *v = find_via(d, public_key);
	char *name;

	if (copy_name(&name, via == WAY_VIA_DEVICE ? via_name : NULL) != 0)
		return -ENOMEM;
	if (!v) {
		v = calloc(1, sizeof(*v));
		if (!v) {
			free(name);
			return -ENOMEM;
		}
		memcpy(v->public_key, public_key, KEY_BYTES);
		v->next = d->vias;
		d->vias = v;
	}
	free(v->name);
	v->name = name;
	v->via = via;
	settle_touch(d);
	return 0;
}

void device_set_udp(struct device *d, struct udp_link *udp)
{
	d->udp = udp;
}

void device_set_port(struct device *d, uint16_t port)
{
	d->way.port = port;
	bucket_remove(&d->engine->by_port, &d->by_port);
	bucket_add(&d->engine->by_port, &d->by_port, bucket_hash_port(port));
}

void engine_touch(struct device *d)
{
	settle_touch(d);
}

/* ---- questions */

struct wg_device *device_wg(const struct device *d)
{
	return d->wg;
}

const char *device_name(const struct device *d)
{
	return d->way.name;
}

struct engine *device_engine(const struct device *d)
{
	return d->engine;
}

uint32_t device_mtu_bytes(const struct device *d)
{
	return d->mtu_bytes;
}

uint16_t device_port(const struct device *d)
{
	return d->way.port;
}

/* The engine counts what it drops of a device where wg does. */
void device_drops(const struct device *d, struct drop_counts *out)
{
	*out = *wg_device_drops(d->wg);
}

const struct way_peer *peer_way(const struct wg_peer *p)
{
	const struct peer *peer = wg_peer_context(p);

	return peer ? &peer->way : NULL;
}
