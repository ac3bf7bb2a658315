/* src/engine/carry.c - follows the way in a loop, not by recursion: each turn wraps and
 * seals the batch once more. Meanwhile wg_peer_seal may send a handshake of the carrier,
 * which comes back here through `emit`, one hop further on. Ways are bounded by WAY_MAX,
 * and so is this recursion. */
#include "engine/carry.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine/datagram.h"
#include "engine/fragment.h"
#include "engine/settle.h"
#include "engine/source.h"
#include "plan/way_compute.h"

#define LOOP_LOG_PERIOD_NS (600 * NS_PER_SEC)
#define WAY_TEXT_BYTES     400

/* ---- what can't be sent */

/* Returns the peer with which the log line of a cycle begins. It is always the same one,
 * wherever the packet enters the cycle. */
static struct peer *loop_head(struct peer *from)
{
	const struct way_peer *slow = &from->way, *fast = from->way.next;
	struct way_peer *p, *head;

	while (slow != fast) { /* Floyd: they meet inside the cycle */
		slow = slow->next;
		fast = fast->next->next;
	}
	p = head = slow->next;
	do {
		if (p->device->rank < head->device->rank)
			head = p;
		p = p->next;
	} while (p != slow->next);
	return peer_of_way(head);
}

/* Writes one line per cycle and period, not one for each device on the cycle. */
static void log_loop(struct peer *peer, uint64_t now_ns)
{
	struct device *d = peer_device(peer);
	char text[WAY_TEXT_BYTES];
	struct peer *head;

	if (now_ns < d->loop.quiet_until_ns)
		return;
	d->loop.quiet_until_ns = now_ns + LOOP_LOG_PERIOD_NS;
	head = loop_head(peer);
	log_limited(d->engine->env.log, &peer_device(head)->loop.limit, now_ns,
	            LOOP_LOG_PERIOD_NS, LOG_LEVEL_WARN, NULL,
	            "routing loop, packets dropped: %s",
	            way_format(&head->way, text, sizeof(text)));
}

bool carry_possible(struct peer *peer, size_t n, uint64_t now_ns)
{
	enum drop reason = way_drop(peer->way.state);

	if (reason == DROP_NONE)
		return true;
	device_drop(peer_device(peer), reason, n);
	if (reason == DROP_LOOP)
		log_loop(peer, now_ns);
	return false;
}

/* ---- outer headers */

/* Wraps the messages in place, and drops those that are too long for an IP header.
 * Returns how many are left. */
static size_t wrap(struct device *d, const struct ip_addr *src, const struct endpoint *to,
                   struct packet **messages, size_t n)
{
	const struct datagram_ends ends = { *src, to->addr, d->way.port, to->port };
	bool v4 = to->addr.family == IP_V4;
	size_t headers =
		sizeof(struct udp_header) + (v4 ? sizeof(struct ipv4_header) : 0);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct packet *m = messages[i];

		if (m->len_bytes > UINT16_MAX - headers) {
			device_drop(d, DROP_TOO_BIG, 1);
			continue;
		}
		if (m->headroom_bytes < PACKET_FRONT_BYTES ||
		    m->tailroom_bytes < PACKET_BACK_BYTES) {
			/* from a gate: the way has become longer since the packet got its
			 * room */
			device_drop(d, DROP_SEND, 1);
			continue;
		}
		/* as in the kernel's device, DF is not set */
		datagram_wrap(m, &ends, v4 ? d->ipv4_id++ : 0);
		messages[kept++] = m;
	}
	return kept;
}

/* ---- the way */

/* Returns our address for the outer packet. If the peer has sent to another address of
 * the carrier, it is answered from that one ("sticky source"). */
static const struct ip_addr *source(const struct way_peer *way, const struct endpoint *to)
{
	if (to->local.family == to->addr.family &&
	    device_has_address(device_of_way(way->next->device), &to->local))
		return &to->local;
	return way_source(way);
}

/* If it goes back the way that the endpoint was learned by, this includes the interface. */
static void to_network(struct device *d, const struct way_peer *way,
                       const struct endpoint *endpoint, struct packet *const *messages,
                       size_t n)
{
	struct endpoint to = *endpoint;
	size_t taken = 0;

	/* If the endpoint was learned inside a carrier, or from a datagram that came out
	 * of the tun, its local address doesn't belong to the host's network. */
	if (to.ifindex == 0 ||
	    (to.local.family != IP_NONE && source_is_of_a_device(d->engine, &to.local)))
		to.local = (struct ip_addr){ 0 };
	to.by_link = way->by_arrival;
	if (d->udp)
		taken = d->udp->send(d->udp, &to, messages, n);
	device_drop(d, DROP_SEND, n - taken);
}

/* ---- sealing */

static bool fits(const struct device *d, const struct packet *p)
{
	enum ip_family family = p->data[0] >> 4 == 4 ? IP_V4 : IP_V6;

	return p->len_bytes <= device_mtu_for(d, family);
}

static void seal_and_carry(struct peer *peer, struct packet **packets, size_t n,
                           uint64_t now_ns)
{
	carry_messages(peer, packets, wg_peer_seal(peer->wg, packets, n, now_ns), now_ns);
}

static void carry_in_pieces(struct peer *peer, struct packet *p, uint64_t now_ns)
{
	struct device *d = peer_device(peer);
	struct engine *e = d->engine;
	enum ip_family family = p->data[0] >> 4 == 4 ? IP_V4 : IP_V6;
	struct packet *pieces[BATCH_MAX], *batch[BATCH_MAX];
	size_t n =
		fragment(p, device_mtu_for(d, family), ++e->fragment_id, e->pool, pieces);

	if (n == 0) {
		device_drop(d, DROP_TOO_BIG, 1);
		return;
	}
	memcpy(batch, pieces, n * sizeof(*pieces));
	seal_and_carry(peer, batch, n, now_ns);
	fragments_put(e->pool, pieces, n);
}

/* Seals packets that the device takes as they are, and returns how many messages have to
 * follow the peer's way. If some packets have to be cut, this function does everything
 * for all of them, in their order, and returns 0. */
static size_t seal(struct peer *peer, struct packet **packets, size_t n, uint64_t now_ns)
{
	const struct device *d = peer_device(peer);
	size_t at = 0, fitting = 0;

	while (fitting < n && fits(d, packets[fitting]))
		fitting++;
	if (fitting == n)
		return wg_peer_seal(peer->wg, packets, n, now_ns);
	while (at < n) {
		size_t run = 0;

		while (at + run < n && fits(d, packets[at + run]))
			run++;
		if (run > 0)
			seal_and_carry(peer, packets + at, run, now_ns);
		else
			carry_in_pieces(peer, packets[at], now_ns);
		at += run > 0 ? run : 1;
	}
	return 0;
}

void carry_packets(struct peer *peer, struct packet **packets, size_t n, uint64_t now_ns)
{
	carry_messages(peer, packets, seal(peer, packets, n, now_ns), now_ns);
}

/* ---- hop by hop */

/* Hands messages of d to the carrier to which `way` leads. Returns how many messages the
 * carrier has sealed, which now have to follow the carrier's own way. */
static size_t to_carrier(struct device *d, struct way_peer *way,
                         const struct endpoint *to, struct packet **messages, size_t n,
                         uint64_t now_ns)
{
	struct peer *carrier = peer_of_way(way->next);

	n = wrap(d, source(way, to), to, messages, n);
	if (n == 0 || !carry_possible(carrier, n, now_ns))
		return 0;
	return seal(carrier, messages, n, now_ns);
}

void carry_messages(struct peer *peer, struct packet **messages, size_t n,
                    uint64_t now_ns)
{
	struct engine *e = peer_device(peer)->engine;

	for (unsigned hop = 1; n > 0; hop++) {
		const struct endpoint *to = wg_peer_endpoint(peer->wg);
		struct device *d = peer_device(peer);
		struct way_peer *next;

		/* the ways may have changed meanwhile */
		if (engine_settle(e) != 0 || hop > WAY_MAX) {
			device_drop(d, DROP_WAY_TOO_LONG, n);
			return;
		}
		if (!carry_possible(peer, n, now_ns))
			return;
		next = peer->way.next;
		if (!next) {
			to_network(d, &peer->way, to, messages, n);
			return;
		}
		n = to_carrier(d, &peer->way, to, messages, n, now_ns);
		peer = peer_of_way(next);
	}
}

/* If the stranger's datagram came inside a carrier, the answer goes back there: the Via
 * that permits this may be that of a single peer, and we don't know which one asks. */
static struct way_peer *carrier_peer_of(const struct device *d,
                                        const struct way_peer *stranger)
{
	const struct endpoint *e = &stranger->endpoint;

	struct bucket_link *l =
		bucket_first(&d->engine->devices.by_address, bucket_hash_addr(&e->local));

	if (e->ifindex != 0)
		return NULL; /* it came from the network */
	for (; l; l = bucket_next(l)) {
		const struct device_address *a =
			CONTAINER_OF(l, struct device_address, by_address);
		struct way_peer *peer = way_via_peer(stranger, &a->device->way);

		if (peer && a->device != d && ip_addr_equal(&a->addr, &e->local))
			return peer;
	}
	return NULL;
}

void carry_to(struct device *d, const struct endpoint *to, struct packet *message,
              uint64_t now_ns)
{
	struct way_peer stranger = { .device = &d->way, .endpoint = *to };
	struct way_peer *carrier;
	size_t n;

	if (engine_settle(d->engine) != 0) {
		device_drop(d, DROP_SEND, 1);
		return;
	}
	stranger.by_arrival = to->arrived_in == 0 && d->expects_strangers;
	way_next(&d->engine->table, &stranger);
	carrier = carrier_peer_of(d, &stranger);
	if (carrier) {
		stranger.next = carrier;
		stranger.state = WAY_OK;
	}
	if (stranger.state != WAY_OK) {
		device_drop(d, way_drop(stranger.state), 1);
		return;
	}
	if (!stranger.next) {
		to_network(d, &stranger, to, &message, 1);
		return;
	}
	n = to_carrier(d, &stranger, to, &message, 1, now_ns);
	carry_messages(peer_of_way(stranger.next), &message, n, now_ns);
}
