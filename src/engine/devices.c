/* src/engine/devices.c - adds devices, gives them their settings, and removes them */
#include "engine/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/device_list.h"
#include "engine/events.h"
#include "engine/gate.h"
#include "engine/settle.h"
#include "engine/standby.h"
#include "plan/source_address.h"

/* ---- coming and going */

static struct way_peer *peer_of_entry(const struct trie_entry *entry)
{
	struct peer *peer = wg_peer_context(wg_allowed_ip_peer(entry));

	return peer ? &peer->way : NULL;
}

static uint64_t wall_clock(void *context)
{
	const struct device *d = context;

	return d->engine->env.wall_clock_ns(d->engine->env.context);
}

int engine_add_device(struct engine *e, const char *name, struct device **out)
{
	struct device *d;

	*out = NULL;
	if (device_list_find(e, name))
		return -EEXIST;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->engine = e;
	d->id = ++e->devices.last_id;
	d->wg_env = (struct wg_env){ .rng = &e->env.rng,
		                     .timers = &e->timers,
		                     .pool = e->staged,
		                     .secrets = &e->secrets,
		                     .intake = e->intake,
		                     .log = e->env.log,
		                     .aead = e->env.aead,
		                     .wall_clock_ns = wall_clock,
		                     .callbacks = &events_callbacks,
		                     .context = d };
	if (wg_device_new(&d->wg, name, &d->wg_env) != 0) {
		free(d);
		return -ENOMEM;
	}
	wg_device_set_context(d->wg, d);
	wg_device_drops(d->wg)->now_ns = &e->now_ns;
	d->ipv4_id = (uint16_t)rng_u32(&e->env.rng);
	d->way.name = wg_device_name(d->wg);
	d->way.peer_of = peer_of_entry;
	device_list_add(e, d);
	bucket_add(&e->devices.by_port, &d->by_port, bucket_hash_port(0));
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
		bucket_remove(&d->engine->devices.by_address,
		              &d->addresses[i].by_address);
	free(d->addresses);
	d->address_count = 0;
}

void engine_remove_device(struct engine *e, struct device *d)
{
	settle_remove(d);
	gate_set(d, false);
	device_list_remove(e, d);
	bucket_remove(&e->devices.by_port, &d->by_port);
	wg_device_free(d->wg);
	free_vias(d);
	free(d->via_name);
	forget_addresses(d);
	flows_forget_device(e->flows, d->id);
	resolver_forget_file(e->resolver, d->id);
	free(d);
}

/* ---- devices: settings */

/* Returns the device's own address for destinations in this prefix. Its family is IP_NONE
 * if there is none. */
static struct ip_addr source_for(const struct device_settings *s, struct ip_prefix dst)
{
	struct ip_prefix best = { 0 };

	for (size_t i = 0; i < s->address_count; i++) {
		struct ip_prefix address = { s->addresses[i],
			                     ip_addr_bits(&s->addresses[i]) };

		if (source_address_is_better(&address, &best, &dst))
			best = address;
	}
	return best.addr;
}

/* Sets *out to NULL if name is NULL. */
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
		bucket_add(&d->engine->devices.by_address, &d->addresses[i].by_address,
		           bucket_hash_addr(&s->addresses[i]));
	}
}

static void take_settings(struct device *d, const struct device_settings *s)
{
	d->mtu_bytes = s->mtu_bytes;
	/* a client's address stays, so that it is known by it */
	d->source_fix_off = s->source_fix_off || s->gate;
	d->source_check_off = s->source_check_off;
	d->left_out = s->left_out;
	d->way.metric = s->metric;
	d->way.has_metric = s->has_metric;
	d->way.has_fwmark = s->has_fwmark;
	d->way.table_off = s->table_off;
	d->way.via = s->gate ? WAY_VIA_NETWORK : s->via;
	d->way.address4 = source_for(s, source_address_all(IP_V4));
	d->way.address6 = source_for(s, source_address_all(IP_V6));
	d->way.address_ula = source_for(s, source_address_ula());
	d->tun.own = s->own_tun && !s->gate;
	gate_set(d, s->gate);
	d->gate.isolate_off = s->isolate_off;
	device_set_port(d, s->port);
	wg_device_set_mtu(d->wg, s->mtu_bytes);
}

static int set_dns(struct device *d, const struct device_settings *s)
{
	/* the host asks those of a device with a tun of its own through this tun */
	struct resolver_file file = { .id = d->id,
		                      .name = d->way.name,
		                      .servers = s->dns_servers,
		                      .server_count =
		                              s->own_tun ? 0 : s->dns_server_count,
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

void device_set_tun(struct device *d, struct tun_link *tun)
{
	d->tun.link = tun;
}

void device_set_port(struct device *d, uint16_t port)
{
	d->way.port = port;
	bucket_remove(&d->engine->devices.by_port, &d->by_port);
	bucket_add(&d->engine->devices.by_port, &d->by_port, bucket_hash_port(port));
}

void engine_touch(struct device *d)
{
	settle_touch(d);
}

/* ---- questions */

struct device *engine_find_device(const struct engine *e, const char *name)
{
	return device_list_find(e, name);
}

struct device *engine_first_device(const struct engine *e)
{
	return e->devices.first;
}

struct device *engine_next_device(const struct device *d)
{
	return device_list_next(d);
}

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

bool device_has_own_tun(const struct device *d)
{
	return d->tun.own;
}

/* The engine counts its drops in wg's counters of the device. */
void device_drops(const struct device *d, struct drop_counts *out)
{
	*out = *wg_device_drops(d->wg);
}

const struct wg_peer *way_wg_peer(const struct way_peer *way)
{
	return ((const struct peer *)(const void *)way)->wg; /* its first member */
}

const struct way_peer *peer_way(const struct wg_peer *p)
{
	const struct peer *peer = wg_peer_context(p);

	return peer ? &peer->way : NULL;
}

void peer_standing(const struct wg_peer *p, struct peer_standing *out, uint64_t now_ns)
{
	const struct peer *peer = wg_peer_context(p);
	const struct way_peer *behind;
	struct wg_peer_stats stats;
	struct way_device *via;

	*out = (struct peer_standing){ 0 };
	if (!peer || !peer->failing)
		return;
	standby_peer_failures(peer, now_ns, &out->failures, &out->waits_ns);
	wg_peer_stats(p, &stats, now_ns);
	if (stats.last_handshake_ns != 0 ||
	    !source_address_is_private(&peer->way.endpoint.addr))
		return;
	if (peer->way.state != WAY_OK || peer->way.next || peer->way.by_arrival ||
	    way_effective_via(&peer->way, &via) != WAY_VIA_UNION)
		return;
	behind = union_lookup_behind(&peer_device(peer)->engine->table, &peer->way,
	                             &peer->way.endpoint);
	out->try_via = behind ? behind->device->name : NULL;
}
