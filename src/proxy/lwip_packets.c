/* src/proxy/lwip_packets.c - datagrams wait in a queue until they are received; those for
 * which there is no room are lost, as datagrams may be */
#include "proxy/lwip_packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_BYTES ((size_t)256 << 10) /* of one port */
#define WAITING_MAX   256
#define DATAGRAM_MAX  65507

struct waiting {
	struct waiting *next;
	struct endpoint from;
	size_t n;
	uint8_t bytes[];
};

struct lwip_packets {
	struct packets packets;
	struct lwip_stack *stack; /* borrowed */
	struct udp_pcb *pcb;      /* owned */
	struct lwip_due due;
	struct waiting *first, *last; /* owned */
	size_t count, bytes;
};

static struct lwip_packets *of(struct packets *p)
{
	return CONTAINER_OF(p, struct lwip_packets, packets);
}

static void due_run(struct lwip_due *due, uint64_t now_ns)
{
	struct lwip_packets *u = CONTAINER_OF(due, struct lwip_packets, due);

	if (!u->first || !u->packets.ready)
		return;
	lwip_core_add_due(u->stack, due); /* as long as there are some */
	u->packets.ready(&u->packets, now_ns);
}

static void on_received(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                        const ip_addr_t *from, u16_t port)
{
	struct lwip_packets *u = arg;
	struct waiting *w = NULL;

	(void)pcb;
	if (u->count < WAITING_MAX && u->bytes + p->tot_len <= WAITING_BYTES)
		w = malloc(sizeof(*w) + p->tot_len);
	if (w) {
		*w = (struct waiting){ .n = p->tot_len, .from.port = port };
		lwip_core_from_lwip(&w->from.addr, from);
		pbuf_copy_partial(p, w->bytes, p->tot_len, 0);
		if (u->last)
			u->last->next = w;
		else
			u->first = w;
		u->last = w;
		u->count++;
		u->bytes += w->n;
		lwip_core_add_due(u->stack, &u->due);
	}
	pbuf_free(p);
}

static void drop_first(struct lwip_packets *u)
{
	struct waiting *w = u->first;

	u->first = w->next;
	if (!u->first)
		u->last = NULL;
	u->count--;
	u->bytes -= w->n;
	free(w);
}

/* ---- struct packets_ops */

static int packets_send(struct packets *p, const struct endpoint *to, const void *bytes,
                        size_t n)
{
	struct lwip_packets *u = of(p);
	struct lwip_stack *s = u->stack;
	ip_addr_t local, remote;
	struct ip_addr from;
	uint32_t mtu_bytes;
	struct pbuf *q;
	err_t err;
	int ret = s->env.route(s->env.context, &to->addr, &from, &mtu_bytes);

	if (ret)
		return ret;
	if (n > DATAGRAM_MAX)
		return -EMSGSIZE;
	q = pbuf_alloc(PBUF_TRANSPORT, (u16_t)n, PBUF_RAM);
	if (!q)
		return -ENOBUFS;
	(void)pbuf_take(q, bytes, (u16_t)n);
	if (ip_addr_isany(&u->pcb->local_ip))
		lwip_core_to_lwip(&local, &from);
	else
		local = u->pcb->local_ip;
	lwip_core_to_lwip(&remote, &to->addr);
	lwip_core_set_mtu(s, mtu_bytes);
	err = udp_sendto_if_src(u->pcb, q, &remote, to->port, &s->netif, &local);
	lwip_core_set_mtu(s, 0);
	pbuf_free(q);
	return lwip_core_errno(err);
}

static ssize_t packets_receive(struct packets *p, struct endpoint *from, void *out,
                               size_t n)
{
	struct lwip_packets *u = of(p);
	const struct waiting *w = u->first;

	*from = (struct endpoint){ 0 };
	if (!w)
		return -EAGAIN;
	if (n > w->n)
		n = w->n;
	*from = w->from;
	memcpy(out, w->bytes, n);
	drop_first(u);
	return (ssize_t)n;
}

static void packets_close(struct packets *p)
{
	struct lwip_packets *u = of(p);

	udp_remove(u->pcb);
	while (u->first)
		drop_first(u);
	lwip_core_remove_due(&u->due);
	free(u);
}

static const struct packets_ops packets_ops = { packets_send, packets_receive,
	                                        packets_close };

int lwip_packets_open(struct lwip_stack *s, const struct endpoint *at,
                      struct packets **out)
{
	struct lwip_packets *u = calloc(1, sizeof(*u));
	ip_addr_t where = { .type = IPADDR_TYPE_ANY }; /* of both families */
	err_t err = ERR_MEM;

	*out = NULL;
	if (!u)
		return -ENOMEM;
	if (at->addr.family != IP_NONE)
		lwip_core_to_lwip(&where, &at->addr);
	u->packets.ops = &packets_ops;
	u->stack = s;
	u->due.run = due_run;
	u->pcb = udp_new_ip_type(IP_GET_TYPE(&where));
	if (u->pcb)
		err = udp_bind(u->pcb, &where, at->port);
	if (err != ERR_OK) {
		if (u->pcb)
			udp_remove(u->pcb);
		free(u);
		return lwip_core_errno(err);
	}
	udp_recv(u->pcb, on_received, u);
	*out = &u->packets;
	return 0;
}
