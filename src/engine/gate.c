/* src/engine/gate.c - the clients are found by the gates' allowed IPs. There are few
 * gates, so these are asked one after the other. */
#include "engine/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/iphdr.h"
#include "engine/carry.h"
#include "engine/icmp.h"
#include "engine/rewrite.h"
#include "engine/source.h"
#include "wg/message.h"

#define LOOP_LOG_PERIOD_NS    (60 * NS_PER_SEC)
#define REFUSED_LOG_PERIOD_NS (600 * NS_PER_SEC)

void gate_set(struct device *d, bool is_gate)
{
	struct device **at = &d->engine->gates.first;

	while (*at && *at != d)
		at = &(*at)->gate.next;
	if (*at && !is_gate)
		*at = d->gate.next;
	else if (!*at && is_gate)
		*at = d;
	if (d->gate.on != is_gate)
		d->gate.next = NULL;
	d->gate.on = is_gate;
}

struct peer *gate_client(const struct engine *e, const struct ip_addr *addr)
{
	for (const struct device *d = e->gates.first; d; d = d->gate.next) {
		struct peer *client = device_peer_for(d, addr);

		if (client)
			return client;
	}
	return NULL;
}

bool gate_lets_reach(const struct device *gate, const struct peer *client)
{
	return gate->gate.isolate_off && peer_device(client)->gate.isolate_off;
}

/* ---- what is for the host */

void gate_forget_host_prefixes(struct engine *e)
{
	trie_free(e->gates.host);
	free(e->gates.host_entries);
	e->gates.host = NULL;
	e->gates.host_entries = NULL;
}

int gate_set_host_prefixes(struct engine *e, const struct ip_prefix *prefixes, size_t n)
{
	int err = 0;

	gate_forget_host_prefixes(e);
	e->gates.host = trie_new();
	e->gates.host_entries = calloc(n + 1, sizeof(*e->gates.host_entries));
	if (!e->gates.host || !e->gates.host_entries)
		err = -ENOMEM;
	for (size_t i = 0; i < n && !err; i++) {
		err = trie_insert(e->gates.host, prefixes[i], &e->gates.host_entries[i]);
		if (err == -EEXIST) /* two routes to one network */
			err = 0;
	}
	if (err)
		gate_forget_host_prefixes(e);
	return err;
}

/* On the host, too, a route of its own comes before an equal one to the tun. */
static bool host_knows_better(const struct engine *e, const struct ip_addr *dst)
{
	const struct trie_entry *own =
		e->gates.host ? trie_lookup(e->gates.host, dst) : NULL;
	const struct trie_entry *entry = trie_lookup(e->table.trie, dst);

	return own && (!entry || own->prefix.len >= entry->prefix.len);
}

bool gate_is_for_host(const struct engine *e, const struct ip_addr *dst,
                      const struct way_peer *peer)
{
	return e->tun && (!peer || !gate_may_pass_on(dst) ||
	                  source_is_of_a_device(e, dst) || host_knows_better(e, dst));
}

/* RFC 1812 4.2.2.11, 5.3.7; RFC 4291 2.5.6. */
bool gate_may_pass_on(const struct ip_addr *dst)
{
	if (ip_addr_is_unspecified(dst) || ip_addr_is_multicast(dst) ||
	    ip_addr_is_loopback(dst))
		return false;
	if (dst->family == IP_V6)
		return !ip_addr_is_link_local(dst);
	return dst->b[0] != 0 && dst->b[0] < 240 &&
	       !(dst->b[0] == 169 && dst->b[1] == 254);
}

/* ---- a forgotten exclusion */

/* Returns the device whose socket has sent this datagram to the network, or NULL. */
static const struct device *sender(const struct engine *e, const struct endpoint *to,
                                   uint16_t port)
{
	struct bucket_link *l = bucket_first(&e->devices.by_port, bucket_hash_port(port));

	for (; l; l = bucket_next(l)) {
		const struct device *d = CONTAINER_OF(l, struct device, by_port);

		if (d->way.port != port)
			continue;
		for (const struct way_peer *p = d->way.peers; p; p = p->sibling) {
			if (p->state == WAY_OK && !p->next &&
			    p->endpoint.port == to->port &&
			    ip_addr_equal(&p->endpoint.addr, &to->addr))
				return d;
		}
	}
	return NULL;
}

/* What is larger than the client's MTU comes in pieces. Without the first one, nothing
 * comes of the others: they are small, and go round at most once. */
static bool is_message(const struct packet *p, const struct ip_view *view,
                       struct udp_header *h)
{
	struct ip_view whole = *view;
	uint32_t at;

	if (view->protocol == PROTO_IPV6_FRAGMENT &&
	    !ip_view_parse(&whole, p->data, p->len_bytes))
		return false;
	at = whole.payload_at + (uint32_t)sizeof(*h);
	if (whole.protocol != PROTO_UDP || !whole.first || whole.total_bytes < at)
		return false;
	memcpy(h, p->data + whole.payload_at, sizeof(*h));
	return message_type_of(p->data + at, whole.total_bytes - at) != MESSAGE_NONE;
}

bool gate_is_own_datagram(const struct device *gate, const struct packet *p,
                          const struct ip_view *view, uint64_t now_ns)
{
	struct endpoint to = { .addr = view->dst };
	const struct device *d;
	struct udp_header h;

	if (!is_message(p, view, &h))
		return false;
	to.port = be16_get(h.dst_port);
	d = sender(gate->engine, &to, be16_get(h.src_port));
	if (!d)
		return false;
	device_drop(gate, DROP_GATE_LOOP, 1);
	log_limited(gate->engine->env.log, &gate->engine->gates.loop_limit, now_ns,
	            LOOP_LOG_PERIOD_NS, LOG_LEVEL_WARN, gate->way.name,
	            "what %s sends to the network comes back through this gate: in the "
	            "WireGuard app, exclude the app in which tunion runs from the VPN",
	            d->way.name);
	return true;
}

/* ---- errors about the packets of others */

bool gate_quotes_another(const struct device *gate, const struct packet *p,
                         const struct ip_view *view)
{
	struct rewrite x, quoted;
	struct ip_view whole;
	struct ip_addr to;

	if (view->protocol == PROTO_TCP || view->protocol == PROTO_UDP ||
	    !ip_view_parse(&whole, p->data, p->len_bytes) || !whole.first ||
	    !icmp_is_error(p, &whole))
		return false;
	x = rewrite_fields(p, &whole);
	if (rewrite_quoted(&quoted, &x, &whole)) {
		to = ip_addr_from_bytes(whole.family, rewrite_addr_at(&quoted, false));
		if (gate_client(gate->engine, &to) ==
		    gate_client(gate->engine, &whole.src))
			return false;
	}
	device_drop(gate, DROP_WRONG_SOURCE, 1);
	return true;
}

/* ---- an old key */

void gate_refused(const struct device *gate, const struct endpoint *from,
                  enum drop reason, uint64_t now_ns)
{
	struct engine_gates *gates = &gate->engine->gates;
	char text[ENDPOINT_STRLEN];

	log_limited(
		gate->engine->env.log, &gates->refused_limit, now_ns,
		REFUSED_LOG_PERIOD_NS, LOG_LEVEL_WARN, gate->way.name,
		reason == DROP_BAD_MAC1
			? "%s uses another key than this gate's: if it is a client, it has an old file, so import its present one"
			: "%s is no client of this gate, though it knows the gate's key: if it was one, its file has been replaced or deleted, so import its present one",
		endpoint_format(from, text));
}

/* ---- room */

/* The most that sealing puts behind the packet: padding, within the MTU (paper 5.4.6), and
 * a tag. */
static uint32_t sealed_behind(const struct packet *p, const struct device *d)
{
	uint32_t padding = -p->len_bytes % MESSAGE_PADDING;

	if (d->mtu_bytes > 0 && p->len_bytes > d->mtu_bytes)
		padding = MESSAGE_PADDING - 1;
	else if (d->mtu_bytes > 0 && padding > d->mtu_bytes - p->len_bytes)
		padding = d->mtu_bytes - p->len_bytes;
	return (uint32_t)SEALED(padding);
}

static bool has_room(const struct packet *p, const struct peer *peer)
{
	uint32_t more_hops = peer->way.hops - 1;

	return p->headroom_bytes >=
	               sizeof(struct message_data) + more_hops * PACKET_FRONT_BYTES &&
	       p->tailroom_bytes >= sealed_behind(p, peer_device(peer)) +
	                                    more_hops * PACKET_BACK_BYTES;
}

struct packet *gate_make_room(struct engine *e, struct gate_copies *copies,
                              struct packet *p, const struct peer *peer)
{
	struct packet *copy;

	if (peer && has_room(p, peer))
		return p;
	copy = packet_pool_copy(e->pool, p);
	if (!copy)
		return NULL;
	copies->packets[copies->count++] = copy;
	return copy;
}

void gate_free_copies(struct engine *e, struct gate_copies *copies)
{
	while (copies->count > 0)
		packet_pool_put(e->pool, copies->packets[--copies->count]);
}

/* ---- to clients */

struct delivery {
	struct engine *engine;
	uint64_t now_ns;
	/* packets of one flow come together */
	struct ip_addr last_dst;
	struct peer *last; /* the client that has it, or NULL */
	struct grouping grouping;
	struct gate_errors *errors;
};

static struct peer *client_for(struct delivery *v, const struct ip_addr *dst)
{
	if (!ip_addr_equal(dst, &v->last_dst)) {
		v->last_dst = *dst;
		v->last = gate_client(v->engine, dst);
	}
	return v->last;
}

/* Makes the packet the error about itself. It seems to come from the client, as that of a
 * router does. */
static void refuse_too_big(struct delivery *v, struct device *gate, struct packet *p)
{
	struct gate_errors *errors = v->errors;

	device_drop(gate, DROP_TOO_BIG, 1);
	if (!icmp_allowed(&v->engine->gates.too_big_limit, v->now_ns))
		return;
	p = gate_make_room(v->engine, &errors->copies, p, NULL);
	if (!p || !icmp_too_big(p, gate->mtu_bytes))
		return;
	errors->gates[errors->count] = gate;
	errors->packets[errors->count++] = p;
}

static void to_client(struct delivery *v, struct peer *client, struct packet *p,
                      const struct ip_view *view)
{
	struct device *gate = peer_device(client);

	if (!carry_possible(client, 1, v->now_ns))
		return;
	if (view->dont_fragment &&
	    view->total_bytes > device_mtu_for(gate, view->family)) {
		refuse_too_big(v, gate, p);
		return;
	}
	p = gate_make_room(v->engine, &v->errors->copies, p, client);
	if (p)
		grouping_add(&v->grouping, &client->group, p);
	else
		device_drop(gate, DROP_SEND, 1);
}

size_t gate_deliver(struct engine *e, struct packet **packets, size_t n,
                    struct gate_errors *errors, uint64_t now_ns)
{
	struct delivery v; /* not set to zero, because the arrays are long */
	struct packet *sorted[BATCH_MAX];
	struct group_run runs[BATCH_MAX];
	size_t left = 0, run_count;

	v.engine = e;
	v.now_ns = now_ns;
	v.errors = errors;
	v.last_dst = (struct ip_addr){ 0 };
	v.last = NULL;
	errors->count = errors->copies.count = 0;
	grouping_start(&v.grouping);
	for (size_t i = 0; i < n; i++) {
		struct peer *client = NULL;
		struct ip_view view;

		if (ip_view_parse_addresses(&view, packets[i]->data,
		                            packets[i]->len_bytes))
			client = client_for(&v, &view.dst);
		if (client)
			to_client(&v, client, packets[i], &view);
		else
			packets[left++] = packets[i];
	}
	run_count = grouping_finish(&v.grouping, sorted, runs);
	for (size_t i = 0; i < run_count; i++)
		carry_packets(CONTAINER_OF(runs[i].group, struct peer, group),
		              runs[i].packets, runs[i].n, now_ns);
	return left;
}
