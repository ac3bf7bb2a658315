/* src/engine/outside.c */
#include "engine/outside.h"

#include <errno.h>
#include <string.h>

#include "engine/core.h"
#include "engine/datagram.h"
#include "engine/gate.h"
#include "engine/outside_meeting.h"
#include "engine/outside_queries.h"
#include "engine/settle.h"

#define DNS_HEADER_BYTES 12U
#define FLAGS_AT         2 /* RFC 1035 4.1.1: QR, opcode, AA, TC, RD */
#define FLAG_TRUNCATED   0x02
#define COUNTS_AT        6 /* of answers, authorities and additionals */

int outside_init(struct engine *e)
{
	e->outside.queries = outside_queries_new();
	e->outside.meetings = meetings_new();
	return e->outside.queries && e->outside.meetings ? 0 : -ENOMEM;
}

void outside_clear(struct engine *e)
{
	outside_queries_free(e->outside.queries);
	meetings_free(e, e->outside.meetings);
	e->outside = (struct engine_outside){ 0 };
}

void outside_set(struct engine *e, bool on)
{
	e->outside.on = on;
}

void outside_relay(struct engine *e, uint16_t port, const struct endpoint *relay)
{
	if (relay)
		meeting_relay_is(e, port, relay);
	else
		meeting_cancel(e, port);
}

/* ---- queries by UDP */

static enum outside_result ask(struct engine *e, const struct packet *p,
                               const struct ip_view *view, uint32_t file, uint64_t now_ns)
{
	uint8_t query[OUTSIDE_DNS_MAX];
	uint32_t at = view->payload_at + (uint32_t)sizeof(struct udp_header);
	struct outside_asker who = { .client = view->src, .file = file };
	struct udp_header udp;
	struct be16 id;
	size_t n;

	if (!e->env.ask_outside || view->fragment ||
	    view->total_bytes < at + DNS_HEADER_BYTES)
		return OUTSIDE_REFUSED;
	memcpy(&udp, p->data + view->payload_at, sizeof(udp));
	n = be16_get(udp.len);
	if (n < sizeof(udp) + DNS_HEADER_BYTES ||
	    n > view->total_bytes - view->payload_at || n - sizeof(udp) > sizeof(query))
		return OUTSIDE_REFUSED;
	n -= sizeof(udp);
	memcpy(query, p->data + at, n);
	who.port = udp.src_port;
	memcpy(&who.id, query, sizeof(who.id));
	id = outside_queries_note(e->outside.queries, &e->env.rng, &who, &view->dst,
	                          now_ns);
	memcpy(query, &id, sizeof(id));
	e->env.ask_outside(e->env.context, &view->dst, query, n);
	return OUTSIDE_TAKEN;
}

/* Only the header and the question are left of it: answers end somewhere, and a client that
 * sees TC doesn't use them. */
static size_t cut_answer(uint8_t *dns, size_t n)
{
	size_t at = DNS_HEADER_BYTES;

	if (n <= OUTSIDE_DNS_MAX)
		return n;
	dns[FLAGS_AT] |= FLAG_TRUNCATED;
	memset(dns + COUNTS_AT, 0, DNS_HEADER_BYTES - COUNTS_AT);
	while (at < OUTSIDE_DNS_MAX && dns[at] > 0 && dns[at] < 64)
		at += 1U + dns[at];
	at += 1 + 4; /* the end of the name, its type and its class */
	return at <= OUTSIDE_DNS_MAX ? at : DNS_HEADER_BYTES;
}

/* To the host, or to the client of a gate. */
static void deliver(struct engine *e, struct packet *p, uint64_t now_ns)
{
	struct gate_errors none; /* the packet fits everywhere */
	size_t n = 1;

	if (e->gates.first && engine_settle(e) == 0) {
		n = gate_deliver(e, &p, 1, &none, now_ns);
		gate_free_copies(e, &none.copies);
	}
	engine_to_tun(e, &p, n);
}

void outside_answer(struct engine *e, const struct ip_addr *server, const void *answer,
                    size_t n, uint64_t now_ns)
{
	const struct ip_addr *virtual = resolver_address(e->resolver, server->family);
	struct datagram_ends ends;
	struct outside_asker who;
	struct be16 id;
	struct packet *p;

	if (n < DNS_HEADER_BYTES || n > PACKET_MAX_BYTES || virtual->family == IP_NONE)
		return;
	memcpy(&id, answer, sizeof(id));
	if (!outside_queries_take(e->outside.queries, server, id, &who, now_ns))
		return;
	p = packet_pool_take(e->pool, (uint32_t)n);
	if (!p)
		return;
	memcpy(p->data, answer, n);
	memcpy(p->data, &who.id, sizeof(who.id));
	packet_set_len(p, (uint32_t)cut_answer(p->data, n));
	resolver_answered(e->resolver, who.file, server, &who.client,
	                  (p->data[FLAGS_AT] & FLAG_TRUNCATED) != 0, now_ns);
	ends = (struct datagram_ends){ *virtual, who.client, RESOLVER_PORT,
		                       be16_get(who.port) };
	datagram_wrap(p, &ends, 0);
	deliver(e, p, now_ns);
	packet_pool_put(e->pool, p);
}

/* ---- packets */

enum outside_result outside_take(struct engine *e, struct packet *p,
                                 const struct ip_view *view,
                                 const struct outside_source *from, uint64_t now_ns)
{
	enum meeting_result met = MEETING_NONE;

	if (!e->outside.on)
		return OUTSIDE_REFUSED;
	if (from->file != 0 && view->protocol == PROTO_UDP)
		return ask(e, p, view, from->file, now_ns);
	if (from->file != 0 && from->from_host)
		met = meeting_from_client(e, p, view, &view->dst, now_ns);
	else if (from->from_host && view->protocol == PROTO_TCP &&
	         resolver_is_virtual(e->resolver, &view->dst))
		met = meeting_from_relay(e, p, view, now_ns);
	return met == MEETING_PASS   ? OUTSIDE_TO_HOST
	       : met == MEETING_KEPT ? OUTSIDE_TAKEN
	                             : OUTSIDE_REFUSED;
}
