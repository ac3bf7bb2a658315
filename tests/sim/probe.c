/* tests/sim/probe.c */
#include "probe.h"

#include "craft.h"
#include "ipbytes.h"
#include "network.h"
#include "unit.h"

#define PROBE_BYTES 8 /* magic, id, direction */

static uint8_t probe_byte(uint16_t id, size_t at)
{
	return (uint8_t)(id * 31 + at * 7 + (at >> 8));
}

static size_t probe_make(uint8_t *out, uint16_t id, bool back, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = probe_byte(id, i);
	out[0] = 0xfe;
	out[1] = back;
	out[2] = (uint8_t)(id >> 8);
	out[3] = (uint8_t)id;
	return n;
}

/* Returns the probe's id, or -1 if it is no probe or was changed on its way. */
static int probe_parse(const uint8_t *udp, size_t n, bool back)
{
	uint16_t id;

	if (n < 8 + PROBE_BYTES || udp[8] != 0xfe || udp[9] != back)
		return -1;
	id = (uint16_t)(udp[10] << 8 | udp[11]);
	for (size_t i = 4; i < n - 8; i++) {
		if (udp[8 + i] != probe_byte(id, i))
			return -1;
	}
	return id < PROBE_MAX ? id : -1;
}

static void echo(struct node *node, int id, const uint8_t *ip, size_t header, size_t n)
{
	uint8_t payload[CRAFT_MAX_BYTES];
	char src[IP_ADDR_STRLEN], dst[IP_ADDR_STRLEN];
	struct ip_addr from = address_at(ip, false), to = address_at(ip, true);
	struct trail none = { .n = 0 };
	struct craft c;

	probe_make(payload, (uint16_t)id, true, n - header - 8);
	craft_udp(&c, ip_addr_format(&to, src), APP_PORT, ip_addr_format(&from, dst),
	          port_of(ip, 0), payload, n - header - 8);
	craft_set_tos(&c, node->world->probes[id].tos);
	network_route(node, &none, c.packet.data, c.packet.len_bytes);
}

void probe_input(struct node *node, const uint8_t *ip, size_t n)
{
	struct world *w = node->world;
	size_t header = header_of(ip);
	int id = probe_parse(ip + header, n - header, !node->server);
	struct probe *p;

	if (!craft_valid(ip, n) || (id < 0 && port_of(ip, 2) == APP_PORT)) {
		w->corrupt++;
		return;
	}
	if (id < 0) {
		w->strays++;
		return;
	}
	p = &w->probes[id];
	if (node->server && p->arrived++ == 0) {
		p->there = w->tun_trail;
		p->final_node = node->id;
		p->tos_there = tos_of(ip);
		p->src_there = address_at(ip, false);
		echo(node, id, ip, header, n);
	} else if (!node->server && p->returned++ == 0) {
		struct ip_addr dst = address_at(ip, true);

		if (!ip_addr_equal(&dst, &p->src) || port_of(ip, 2) != p->src_port ||
		    w->out_of != p->tun)
			w->corrupt++;
		p->back = w->tun_trail;
		p->tos_back = tos_of(ip);
	}
}

/* ---- sending */

void node_batch_begin(struct node *node)
{
	node->world->batch.open = true;
}

void node_batch_end(struct node *node)
{
	struct world *w = node->world;
	size_t n = w->batch.n;

	w->batch.open = false;
	w->batch.n = 0;
	w->udp_trail.n = w->tun_trail.n = 0;
	if (w->batch.tun)
		device_tun_input(w->batch.tun, w->batch.packets, n, w->now_ns);
	else
		engine_tun_input(node->engine, w->batch.packets, n, w->now_ns);
	w->batch.tun = NULL;
}

static void send_probe(struct node *node, uint16_t id, const struct probe *p,
                       const struct ip_addr *dst, size_t n)
{
	struct world *w = node->world;
	struct craft *c = &w->batch.buffers[w->batch.n];
	char from[IP_ADDR_STRLEN], to[IP_ADDR_STRLEN];
	uint8_t payload[CRAFT_MAX_BYTES];

	must(w->batch.n < BATCH_MAX);
	must(id < PROBE_MAX);
	w->probes[id] = *p;
	probe_make(payload, id, false, n);
	craft_udp(c, ip_addr_format(&p->src, from), p->src_port, ip_addr_format(dst, to),
	          APP_PORT, payload, n);
	craft_set_tos(c, p->tos);
	w->batch.packets[w->batch.n++] = &c->packet;
	if (!w->batch.open)
		node_batch_end(node);
}

void node_probe(struct node *node, uint16_t id, const struct ip_addr *src,
                const struct ip_addr *dst, size_t n, uint8_t tos)
{
	struct probe p = { .src = *src, .src_port = APP_PORT, .tos = tos };

	send_probe(node, id, &p, dst, n);
}

void node_probe_own(struct node *node, struct device *d, uint16_t id,
                    const struct ip_addr *src, const struct ip_addr *dst, size_t n)
{
	struct probe p = { .tun = d, .src = *src, .src_port = APP_PORT };

	node->world->batch.tun = d;
	send_probe(node, id, &p, dst, n);
}

void node_probe_translated(struct node *node, uint16_t id, const struct ip_addr *src,
                           const struct ip_addr *dst, size_t n)
{
	struct probe p = { .src = *src, .src_port = (uint16_t)(APP_PORT + 1 + id) };

	send_probe(node, id, &p, dst, n);
}
