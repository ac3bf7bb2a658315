/* src/engine/inbound.c - what a device has decrypted is either for another device that it
 * carries (R7), or for the tun. If it is for another device, that device opens it in
 * turn. This is a recursion as deep as the packets are nested, bounded by WAY_MAX,
 * because a peer could nest packets as deep as it likes.
 *
 * A device accepts datagrams inside every carrier that is allowed by its Via or by the
 * Via of one of its peers: with `Via = network` none, with `Via = NAME` only NAME,
 * without Via all of them (R8). It never accepts datagrams inside itself (R1). Packets
 * that no device accepts go to the tun like any other packet. So do packets that the
 * device doesn't claim as its own: a port alone proves nothing. */
#include "engine/inbound.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine/device_list.h"
#include "engine/gate.h"
#include "engine/outbound.h"
#include "engine/settle.h"
#include "engine/source_check.h"
#include "engine/translate.h"

/* ---- whose is an inner packet */

static bool permits(enum way_via via, const struct way_device *named,
                    const struct device *carrier)
{
	switch (via) {
	case WAY_VIA_UNION:
		return true;
	case WAY_VIA_NETWORK:
		return false;
	case WAY_VIA_DEVICE:
		return named == &carrier->way;
	}
	return false;
}

static bool accepts_inside(const struct device *d, const struct device *carrier)
{
	if (d == carrier || !wg_device_started(d->wg))
		return false;
	if (permits(d->way.via, d->way.via_device, carrier))
		return true;
	for (const struct peer_via *v = d->vias; v; v = v->next) {
		if (v->via != WAY_VIA_UNION && permits(v->via, v->device, carrier))
			return true;
	}
	return false;
}

/* A datagram inside an inner packet that is for one of the carrier's addresses. */
struct arrival {
	struct endpoint from;
	uint16_t port; /* ours */
	uint8_t tos;
	uint32_t payload_at, payload_bytes;
};

/* Does not check the UDP checksum, because the message authenticates itself. */
static bool parse_arrival(struct arrival *out, const struct device *carrier,
                          const struct packet *p)
{
	struct ip_view v;
	struct udp_header h;

	if (!ip_view_parse(&v, p->data, p->len_bytes) || v.protocol != PROTO_UDP ||
	    v.fragment || v.total_bytes - v.payload_at < sizeof(h))
		return false;
	memcpy(&h, p->data + v.payload_at, sizeof(h));
	if (be16_get(h.len) < sizeof(h) ||
	    be16_get(h.len) > v.total_bytes - v.payload_at ||
	    !device_has_address(carrier, &v.dst))
		return false;
	*out = (struct arrival){
		.from = { .addr = v.src,
		          .port = be16_get(h.src_port),
		          .local = v.dst,
		          .arrived_in = carrier->id },
		.port = be16_get(h.dst_port),
		.tos = v.tos,
		.payload_at = v.payload_at + (uint32_t)sizeof(h),
		.payload_bytes = be16_get(h.len) - (uint32_t)sizeof(h),
	};
	return true;
}

static struct device *claimant(const struct device *carrier, const struct arrival *a,
                               const struct packet *message)
{
	const struct bucket_table *ports = &carrier->engine->devices.by_port;
	struct bucket_link *l = bucket_first(ports, bucket_hash_port(a->port));

	for (; l; l = bucket_next(l)) {
		struct device *d = CONTAINER_OF(l, struct device, by_port);

		if (d->way.port == a->port && accepts_inside(d, carrier) &&
		    wg_device_claims(d->wg, message))
			return d;
	}
	return NULL;
}

/* Returns the device that the packet is for, or NULL if it is for the tun. If there is a
 * device, p becomes the datagram and *from its sender; keep *from as long as the
 * batch. */
static struct device *demultiplex(const struct device *carrier, struct packet *p,
                                  struct endpoint *from)
{
	struct arrival a;
	struct packet message;
	struct device *d;

	if (!parse_arrival(&a, carrier, p))
		return NULL;
	message = *p;
	packet_set_len(&message, a.payload_at + a.payload_bytes);
	packet_pull(&message, a.payload_at);
	message.tos = a.tos;
	message.from = from;
	*from = a.from;
	d = claimant(carrier, &a, &message);
	if (d)
		*p = message;
	return d;
}

/* ---- where it goes */

/* Returns how many packets are left, which are not for clients. */
static size_t to_clients(struct engine *e, struct packet **packets, size_t n,
                         uint64_t now_ns)
{
	struct gate_errors errors;

	n = gate_deliver(e, packets, n, &errors, now_ns);
	for (size_t i = 0; i < errors.count; i++)
		outbound_error(e, errors.gates[i], errors.packets[i], now_ns);
	gate_free_copies(e, &errors.copies);
	return n;
}

/* To a client of a gate, or else to the tun. */
static void to_client_or_tun(struct engine *e, struct packet **packets, size_t n,
                             uint64_t now_ns)
{
	if (e->gates.first)
		n = to_clients(e, packets, n, now_ns);
	engine_to_tun(e, packets, n);
}

/* Hands out inner packets of d's peers that are for no device, together with fragments
 * that have waited for one of them. Nothing was translated in what goes through a tun of
 * the device's own. */
static void to_host(struct device *d, struct packet **packets, size_t n, uint64_t now_ns)
{
	struct engine *e = d->engine;
	struct packet *ready[16], *batch[ARRAY_SIZE(ready)];

	if (d->tun.own) {
		device_to_tun(d, packets, n);
		return;
	}
	n = source_check(d, packets, n);
	n = translate_in(d, packets, n, now_ns);
	to_client_or_tun(e, packets, source_check_servers(d, packets, n), now_ns);
	while ((n = pieces_ready(e->pieces, ready, ARRAY_SIZE(ready))) > 0) {
		memcpy(batch, ready, n * sizeof(*ready)); /* it is reordered */
		to_client_or_tun(e, batch, source_check_servers(d, batch, n), now_ns);
		while (n > 0)
			packet_pool_put(e->pool, ready[--n]);
	}
}

static void open_batch(struct device *d, struct packet **datagrams, size_t n,
                       unsigned depth, uint64_t now_ns);

/* ---- fragments, R10 */

bool inbound_wanted(void *context, uint32_t carrier_id, uint16_t port)
{
	struct engine *e = context;
	const struct device *carrier = device_list_by_id(e, carrier_id);
	struct bucket_link *l = bucket_first(&e->devices.by_port, bucket_hash_port(port));

	for (; l && carrier; l = bucket_next(l)) {
		const struct device *d = CONTAINER_OF(l, struct device, by_port);

		if (d->way.port == port && accepts_inside(d, carrier))
			return true;
	}
	return false;
}

void inbound_release(void *context, uint32_t carrier_id, struct packet *fragment,
                     uint64_t now_ns)
{
	struct device *carrier = device_list_by_id(context, carrier_id);

	if (carrier)
		to_host(carrier, &fragment, 1, now_ns);
}

void inbound_dropped(void *context, uint32_t carrier_id, size_t n)
{
	struct engine *e = context;
	const struct device *carrier = device_list_by_id(e, carrier_id);

	if (carrier)
		device_drop(carrier, DROP_FRAGMENT, n);
	else
		drop_count(&e->drops, DROP_FRAGMENT, n);
}

static bool is_fragment(const struct packet *p)
{
	if (p->data[0] >> 4 == 4)
		return (p->data[6] & 0x3f) || p->data[7];
	return p->data[6] == PROTO_IPV6_FRAGMENT;
}

/* Gives a packet that may be a fragment to the reassembly. Returns the packet itself if
 * it is not wanted there, the whole datagram (from the pool) if the packet completes one,
 * or NULL if the packet is held or dropped. */
static struct packet *defragment(struct device *d, struct packet *p, uint64_t now_ns)
{
	struct packet *whole;
	struct ip_view v;

	if (!is_fragment(p) || !ip_view_parse_addresses(&v, p->data, p->len_bytes) ||
	    !device_has_address(d, &v.dst))
		return p;
	switch (reassembly_add(d->engine->reassembly, d->id, p, now_ns, &whole)) {
	case REASSEMBLY_PASS:
		return p;
	case REASSEMBLY_TAKEN:
		break;
	case REASSEMBLY_WHOLE:
		return whole;
	}
	return NULL;
}

/* The datagrams that were completed by a batch. These packets have become part of it. */
struct completed {
	struct packet *packets[BATCH_MAX];
	size_t count;
};

/* Takes the fragments out of the batch. A datagram that a fragment completes takes its
 * place. Returns how many packets there are now. */
static size_t put_together(struct device *d, struct packet **packets, size_t n,
                           struct completed *completed, uint64_t now_ns)
{
	size_t kept = 0;

	completed->count = 0;
	for (size_t i = 0; i < n; i++) {
		struct packet *p = defragment(d, packets[i], now_ns);

		if (p && p != packets[i])
			completed->packets[completed->count++] = p;
		if (p)
			packets[kept++] = p;
	}
	return kept;
}

/* ---- inner packets of d's peers */

/* Writes what is for the tun, and moves what is for carried devices to `carried`, in one
 * run for each device. Returns the number of runs. */
static size_t sort_out(struct device *d, struct packet **packets, size_t n,
                       struct endpoint *senders, struct packet **carried,
                       struct group_run *runs, uint64_t now_ns)
{
	struct grouping grouping;
	size_t for_tun = 0, run_count;

	grouping_start(&grouping);
	for (size_t i = 0; i < n; i++) {
		struct device *next = demultiplex(d, packets[i], &senders[i]);

		if (next)
			grouping_add(&grouping, &next->group, packets[i]);
		else
			packets[for_tun++] = packets[i];
	}
	run_count = grouping_finish(&grouping, carried, runs);
	to_host(d, packets, for_tun, now_ns);
	return run_count;
}

/* This is done in three steps, so that no packet leaves and no other batch begins while
 * packets are being grouped. */
static void deliver(struct device *d, struct packet **packets, size_t n, unsigned depth,
                    uint64_t now_ns)
{
	struct group_run runs[BATCH_MAX];
	struct endpoint senders[BATCH_MAX];
	struct packet *carried[BATCH_MAX];
	struct completed completed;
	size_t run_count;

	if (d->gate.on) {
		outbound_packets(d->engine, d, packets, n, now_ns);
		return;
	}
	n = put_together(d, packets, n, &completed, now_ns);
	run_count = sort_out(d, packets, n, senders, carried, runs, now_ns);
	for (size_t i = 0; i < run_count; i++)
		open_batch(CONTAINER_OF(runs[i].group, struct device, group),
		           runs[i].packets, runs[i].n, depth + 1, now_ns);
	for (size_t i = 0; i < completed.count; i++)
		packet_pool_put(d->engine->pool, completed.packets[i]);
}

static void open_batch(struct device *d, struct packet **datagrams, size_t n,
                       unsigned depth, uint64_t now_ns)
{
	if (depth > WAY_MAX) {
		device_drop(d, DROP_WAY_TOO_LONG, n);
		return;
	}
	n = wg_device_open(d->wg, datagrams, n, now_ns);
	if (n > 0)
		deliver(d, datagrams, n, depth, now_ns);
}

void inbound_datagrams(struct device *d, struct packet **datagrams, size_t n,
                       uint64_t now_ns)
{
	open_batch(d, datagrams, n, 1, now_ns);
}
