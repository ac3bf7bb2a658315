/* src/engine/outside_meeting.c - a SYN is kept as a packet of the pool until both are there */
#include "engine/outside_meeting.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/tcphdr.h"
#include "engine/core.h"
#include "engine/rewrite.h"

#define FIRST_PORT 49152U /* RFC 6335 6: dynamic ports, the 16,384 highest ones */
#define PORTS      16384U
#define FLAGS      (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WINDOW_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_TIMESTAMPS = 8,
	TIMESTAMPS_BYTES = 10,
};

/* One end of a connection. */
struct party {
	struct ip_addr addr;
	struct be16 port;
	struct packet *syn; /* owned; NULL: it hasn't come, or was answered */
};

struct meeting {
	uint16_t port; /* where they meet; 0: this entry is unused */
	bool joined;
	bool relay_known;
	struct party client, relay;
	struct ip_addr virtual;
	uint64_t used_ns;
};

struct meetings {
	struct meeting v[MEETINGS_MAX];
};

struct meetings *meetings_new(void)
{
	return calloc(1, sizeof(struct meetings));
}

static void let_go(struct engine *e, struct packet **p)
{
	if (*p)
		packet_pool_put(e->pool, *p);
	*p = NULL;
}

static void clear(struct engine *e, struct meeting *m)
{
	let_go(e, &m->client.syn);
	let_go(e, &m->relay.syn);
	*m = (struct meeting){ 0 };
}

void meetings_free(struct engine *e, struct meetings *m)
{
	for (size_t i = 0; m && i < MEETINGS_MAX; i++)
		clear(e, &m->v[i]);
	free(m);
}

/* ---- SYNs */

/* What one SYN says, which the answer to it has to fit. */
struct syn {
	struct be32 seq, timestamp;
	bool has[OPTION_TIMESTAMPS + 1]; /* by option */
};

static struct tcp_header *tcp_of(const struct packet *p, const struct ip_view *v)
{
	return (struct tcp_header *)(void *)(p->data + v->payload_at);
}

/* Is there a whole TCP header? */
static bool has_tcp(const struct packet *p, const struct ip_view *v)
{
	size_t left = v->total_bytes - v->payload_at;

	return v->protocol == PROTO_TCP && v->first &&
	       left >= sizeof(struct tcp_header) &&
	       tcp_header_bytes(tcp_of(p, v)) >= sizeof(struct tcp_header) &&
	       tcp_header_bytes(tcp_of(p, v)) <= left;
}

/* Data in a SYN (TCP Fast Open) would need a cookie, and nobody is given one here. */
static bool is_bare_syn(const struct packet *p, const struct ip_view *v)
{
	return (tcp_of(p, v)->flags & FLAGS) == TCP_SYN && !v->fragment &&
	       tcp_header_bytes(tcp_of(p, v)) == v->total_bytes - v->payload_at;
}

/* Returns the length of the option at `at`; 0: this is the end, or it isn't valid. */
static size_t option_bytes(const uint8_t *at, const uint8_t *end)
{
	if (at >= end || *at == OPTION_END)
		return 0;
	if (*at == OPTION_NOP)
		return 1;
	if (end - at < 2 || at[1] < 2 || at[1] > end - at)
		return 0;
	if (*at == OPTION_TIMESTAMPS && at[1] != TIMESTAMPS_BYTES)
		return 0;
	return at[1];
}

static struct syn read_syn(const struct packet *p, const struct ip_view *v)
{
	const struct tcp_header *tcp = tcp_of(p, v);
	const uint8_t *at = (const uint8_t *)(tcp + 1);
	const uint8_t *end = (const uint8_t *)tcp + tcp_header_bytes(tcp);
	struct syn syn = { .seq = tcp->seq };
	size_t n;

	for (; (n = option_bytes(at, end)) > 0; at += n) {
		if (*at <= OPTION_TIMESTAMPS)
			syn.has[*at] = true;
		if (*at == OPTION_TIMESTAMPS)
			memcpy(&syn.timestamp, at + 2, sizeof(syn.timestamp));
	}
	return syn;
}

/* An answer has only options that the SYN had, and echoes its timestamp (RFC 7323 3.2). */
static void fit_options(struct tcp_header *tcp, const struct syn *to)
{
	uint8_t *at = (uint8_t *)(tcp + 1);
	const uint8_t *end = (const uint8_t *)tcp + tcp_header_bytes(tcp);
	size_t n;

	for (; (n = option_bytes(at, end)) > 0; at += n) {
		bool known = *at == OPTION_MSS || *at == OPTION_WINDOW_SCALE ||
		             *at == OPTION_SACK_PERMITTED || *at == OPTION_TIMESTAMPS;

		if (!known || (*at != OPTION_MSS && !to->has[*at]))
			memset(at, OPTION_NOP, n);
		else if (*at == OPTION_TIMESTAMPS)
			memcpy(at + 6, &to->timestamp, sizeof(to->timestamp));
	}
	memset(at, OPTION_END, (size_t)(end - at));
}

/* Computed anew, because nearly all of it has changed. */
static void set_checksums(struct packet *p, const struct ip_view *v,
                          const struct ip_addr *src, const struct ip_addr *dst)
{
	struct tcp_header *tcp = tcp_of(p, v);
	uint32_t len = v->total_bytes - v->payload_at;
	uint64_t sum = checksum_pseudo(src, dst, PROTO_TCP, len);

	tcp->checksum = be16_put(0);
	tcp->checksum = be16_put(checksum_finish(checksum_add(sum, tcp, len)));
	if (v->family == IP_V4) {
		struct ipv4_header *ip = (struct ipv4_header *)(void *)p->data;

		ip->checksum = be16_put(0);
		ip->checksum =
			be16_put(checksum_finish(checksum_add(0, ip, v->payload_at)));
	}
}

/* Makes the other one's SYN into the answer to that of `to`. */
static void make_answer(struct packet *p, const struct ip_addr *from, uint16_t from_port,
                        const struct party *to, const struct syn *syn)
{
	struct ip_view v;
	struct rewrite x;
	struct tcp_header *tcp;

	if (!ip_view_parse(&v, p->data, p->len_bytes))
		return; /* it was parsed when it came */
	x = rewrite_fields(p, &v);
	tcp = tcp_of(p, &v);
	rewrite_addr(&x, true, from->b);
	rewrite_addr(&x, false, to->addr.b);
	tcp->src_port = be16_put(from_port);
	tcp->dst_port = to->port;
	tcp->ack = be32_put(be32_get(syn->seq) + 1);
	tcp->flags = TCP_SYN | TCP_ACK;
	fit_options(tcp, syn);
	set_checksums(p, &v, from, &to->addr);
}

static struct syn kept_syn(const struct packet *p)
{
	struct ip_view v;

	return ip_view_parse(&v, p->data, p->len_bytes) ? read_syn(p, &v)
	                                                : (struct syn){ 0 };
}

/* Both SYNs are there: each goes to the other one as an answer. */
static void join(struct engine *e, struct meeting *m)
{
	struct syn client, relay;
	struct packet *answers[2] = { m->relay.syn, m->client.syn };

	if (!m->client.syn || !m->relay.syn || !m->relay_known)
		return;
	client = kept_syn(m->client.syn);
	relay = kept_syn(m->relay.syn);
	make_answer(m->relay.syn, &m->virtual, 53, &m->client, &client);
	make_answer(m->client.syn, &m->virtual, m->port, &m->relay, &relay);
	engine_to_tun(e, answers, 2);
	let_go(e, &m->client.syn);
	let_go(e, &m->relay.syn);
	m->joined = true;
}

/* ---- the table */

static bool is_over(const struct meeting *m, uint64_t now_ns)
{
	return m->port == 0 ||
	       now_ns - m->used_ns > (m->joined ? MEETING_SILENT_NS : MEETING_WAIT_NS);
}

static struct meeting *of_client(struct meetings *all, const struct ip_addr *client,
                                 struct be16 port)
{
	for (size_t i = 0; i < MEETINGS_MAX; i++) {
		struct meeting *m = &all->v[i];

		if (m->port != 0 && ip_addr_equal(&m->client.addr, client) &&
		    memcmp(&m->client.port, &port, sizeof(port)) == 0)
			return m;
	}
	return NULL;
}

static struct meeting *at_port(struct meetings *all, uint16_t port)
{
	for (size_t i = 0; i < MEETINGS_MAX && port != 0; i++)
		if (all->v[i].port == port)
			return &all->v[i];
	return NULL;
}

static struct meeting *begin(struct engine *e, uint64_t now_ns)
{
	struct meetings *all = e->outside.meetings;

	for (size_t i = 0; i < MEETINGS_MAX; i++) {
		struct meeting *m = &all->v[i];
		uint16_t port;

		if (!is_over(m, now_ns))
			continue;
		clear(e, m);
		do
			port = (uint16_t)(FIRST_PORT + rng_u32(&e->env.rng) % PORTS);
		while (at_port(all, port));
		m->port = port;
		m->used_ns = now_ns;
		return m;
	}
	return NULL;
}

static enum meeting_result first_of_client(struct engine *e, struct packet *p,
                                           const struct ip_view *view,
                                           const struct ip_addr *server, uint64_t now_ns)
{
	const struct ip_addr *virtual = resolver_address(e->resolver, view->family);
	struct meeting *m;

	if (!is_bare_syn(p, view) || !e->env.connect_outside)
		return MEETING_NONE;
	m = begin(e, now_ns);
	if (!m)
		return MEETING_NONE;
	m->client.syn = packet_pool_copy(e->pool, p);
	if (!m->client.syn) {
		clear(e, m);
		return MEETING_NONE;
	}
	m->client.addr = view->src;
	m->client.port = tcp_of(p, view)->src_port;
	m->virtual = *virtual;
	e->env.connect_outside(e->env.context, server, m->port);
	return MEETING_KEPT;
}

static enum meeting_result pass(struct packet *p, const struct ip_view *view,
                                struct meeting *m, uint16_t from_port,
                                const struct party *to, uint64_t now_ns)
{
	struct rewrite x = rewrite_fields(p, view);

	m->used_ns = now_ns;
	rewrite_addr(&x, true, m->virtual.b);
	rewrite_addr(&x, false, to->addr.b);
	rewrite_port(&x, x.src_port, be16_put(from_port));
	rewrite_port(&x, x.dst_port, to->port);
	return MEETING_PASS;
}

enum meeting_result meeting_from_client(struct engine *e, struct packet *p,
                                        const struct ip_view *view,
                                        const struct ip_addr *server, uint64_t now_ns)
{
	struct meeting *m;
	const struct tcp_header *tcp;

	if (!has_tcp(p, view))
		return MEETING_NONE;
	tcp = tcp_of(p, view);
	m = of_client(e->outside.meetings, &view->src, tcp->src_port);
	if (m && !is_over(m, now_ns)) {
		if ((tcp->flags & FLAGS) != TCP_SYN)
			return m->joined ? pass(p, view, m, m->port, &m->relay, now_ns)
			                 : MEETING_KEPT;
		if (!m->joined)
			return MEETING_KEPT; /* its SYN again: the relay's is waited for */
	}
	if (m)
		clear(e, m); /* the port is used anew */
	return first_of_client(e, p, view, server, now_ns);
}

enum meeting_result meeting_from_relay(struct engine *e, struct packet *p,
                                       const struct ip_view *view, uint64_t now_ns)
{
	struct meeting *m;
	const struct tcp_header *tcp;

	if (!has_tcp(p, view))
		return MEETING_NONE;
	tcp = tcp_of(p, view);
	m = at_port(e->outside.meetings, be16_get(tcp->dst_port));
	if (!m || is_over(m, now_ns) ||
	    (m->relay_known &&
	     (!ip_addr_equal(&m->relay.addr, &view->src) ||
	      memcmp(&m->relay.port, &tcp->src_port, sizeof(tcp->src_port)) != 0)))
		return MEETING_NONE;
	if (m->joined)
		return pass(p, view, m, RESOLVER_PORT, &m->client, now_ns);
	if (!is_bare_syn(p, view))
		return MEETING_KEPT;
	if (!m->relay.syn && !m->relay_known) {
		m->relay.addr = view->src; /* perhaps not: see meeting_relay_is */
		m->relay.port = tcp->src_port;
	}
	if (!m->relay.syn)
		m->relay.syn = packet_pool_copy(e->pool, p);
	join(e, m);
	return MEETING_KEPT;
}

void meeting_relay_is(struct engine *e, uint16_t port, const struct endpoint *relay)
{
	struct meeting *m = at_port(e->outside.meetings, port);
	struct be16 relay_port = be16_put(relay->port);

	if (!m || m->joined)
		return;
	if (m->relay.syn &&
	    (!ip_addr_equal(&m->relay.addr, &relay->addr) ||
	     memcmp(&m->relay.port, &relay_port, sizeof(relay_port)) != 0))
		let_go(e, &m->relay.syn); /* somebody else's */
	m->relay.addr = relay->addr;
	m->relay.port = relay_port;
	m->relay_known = true;
	join(e, m);
}

void meeting_cancel(struct engine *e, uint16_t port)
{
	struct meeting *m = at_port(e->outside.meetings, port);
	struct ip_view v;
	struct rewrite x;
	struct packet *syn;

	if (!m)
		return;
	syn = m->client.syn;
	if (syn && ip_view_parse(&v, syn->data, syn->len_bytes)) {
		x = rewrite_fields(syn, &v);
		rewrite_addr(&x, false, m->virtual.b); /* as the client knows it */
		if (icmp_unreachable(syn))
			engine_to_tun(e, &m->client.syn, 1);
	}
	clear(e, m);
}
