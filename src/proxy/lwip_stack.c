/* src/proxy/lwip_stack.c - lwIP between the engine and our streams
 *
 * A packet that comes in is copied into lwIP's memory, because lwIP may keep it. What lwIP
 * sends is copied into a batch of our own, because it keeps the bytes until they are
 * acknowledged, and the engine encrypts in place. The batch goes to the engine at the end
 * of the round. If it is full, lwIP keeps the packet, and tries again when it was sent. */
#include "proxy/lwip_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"
#include "io/coalesce.h"
#include "io/loop_clock.h"
#include "proxy/lwip_core.h"
#include "proxy/lwip_inbound.h"
#include "proxy/lwip_packets.h"
#include "proxy/lwip_sender.h"
#include "proxy/lwip_stream.h"
#include "proxy/lwip_wire.h"

#define TICK_NS          (TCP_TMR_INTERVAL * NS_PER_MS)
#define SLOW_NS          (TCP_SLOW_INTERVAL * NS_PER_MS)
#define TICKS_MAX        4 /* that are made up for in one round */
#define LOOK_BACK        8 /* packets */
#define TIME_WAIT_MOST   4096
#define FLUSHES          8 /* batches; then others get their turn */
#define ALIGN_BYTES      64U
#define TIMESTAMPS_BYTES 12U                  /* RFC 7323, appendix A */
#define NO_ADDRESS       PP_HTONL(0xc0000008) /* 192.0.0.8, RFC 7600 */

#include <lwip/icmp.h>
#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/sys.h>

/* ---- what lwIP calls */

uint32_t lwip_port_random(void)
{
	return randombytes_random();
}

/* lwIP wants the sum as it is in memory, and not complemented. */
uint16_t lwip_port_checksum(const void *bytes, int n)
{
	uint16_t sum = (uint16_t)~checksum_finish(checksum_add(0, bytes, (size_t)n));

	return lwip_htons(sum);
}

u32_t sys_now(void)
{
	return (u32_t)(loop_now_ns() / NS_PER_MS);
}

/* ---- packets out */

static struct packet *place(struct lwip_stack *s, uint32_t bytes)
{
	size_t room = PACKET_HEADROOM_BYTES + bytes + PACKET_TAILROOM_BYTES;
	size_t lines = (room + ALIGN_BYTES - 1) / ALIGN_BYTES | 1; /* as in io/tun.c */
	struct packet *p = &s->out->packets[s->out_n];

	*p = (struct packet){ .data = s->out_at + PACKET_HEADROOM_BYTES,
		              .len_bytes = bytes,
		              .headroom_bytes = PACKET_HEADROOM_BYTES,
		              .tailroom_bytes = PACKET_TAILROOM_BYTES };
	s->out->order[s->out_n++] = p;
	s->out_at += lines * ALIGN_BYTES;
	return p;
}

/* Only the first packets of a connection have the size in question. */
static bool is_syn(const struct pbuf *p)
{
	const uint8_t *bytes = p->payload;
	size_t at = bytes[0] >> 4 == 6 ? sizeof(struct ipv6_header)
	                               : sizeof(struct ipv4_header);
	uint8_t protocol = bytes[0] >> 4 == 6 ? bytes[6] : bytes[9];

	return protocol == PROTO_TCP && p->len > at + 13 && (bytes[at + 13] & TCP_SYN);
}

/* Of a packet that does nothing but acknowledge what has come: where its TCP header is. 0:
 * it is none, or it has more to say (SACK). */
static size_t tcp_of_ack(const struct packet *p)
{
	bool v6 = p->data[0] >> 4 == 6;
	size_t at = v6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);
	const struct tcp_header *tcp = (const void *)(p->data + at);
	bool is_plain = v6 || p->data[0] == 0x45;

	if (!is_plain || p->data[v6 ? 6 : 9] != PROTO_TCP || tcp->flags != TCP_ACK ||
	    tcp_header_bytes(tcp) > sizeof(*tcp) + TIMESTAMPS_BYTES ||
	    p->len_bytes != at + tcp_header_bytes(tcp))
		return 0;
	return at;
}

/* Does the second acknowledge more of the same than the first, and nothing else? */
static bool replaces(const struct packet *first, const struct packet *second)
{
	size_t at = tcp_of_ack(second),
	       addresses = at == sizeof(struct ipv6_header) ? 32 : 8;
	const struct tcp_header *old, *new;

	if (at == 0 || first->len_bytes != second->len_bytes || tcp_of_ack(first) != at)
		return false;
	old = (const void *)(first->data + at);
	new = (const void *)(second->data + at);
	/* the addresses, the ports and the sequence number are next to each other */
	return memcmp(first->data + at - addresses, second->data + at - addresses,
	              addresses + 8) == 0 &&
	       TCP_SEQ_GT(be32_get(new->ack), be32_get(old->ack));
}

/* lwIP acknowledges each second segment. Many come in one batch; then the last of these
 * acknowledgements says all. */
static void thin_out(struct lwip_stack *s)
{
	struct packet *last = s->out->order[s->out_n - 1];

	for (size_t i = s->out_n - 1; i-- > 0 && i + 1 + LOOK_BACK >= s->out_n;) {
		struct packet *p = s->out->order[i];

		if (!replaces(p, last))
			continue;
		memcpy(p->data, last->data, last->len_bytes);
		s->out_n--;
		s->out_at = last->data - PACKET_HEADROOM_BYTES;
		return;
	}
}

static err_t put_out(struct netif *netif, struct pbuf *p)
{
	struct lwip_stack *s = netif->state;
	struct packet *packet;
	struct ip_view view;

	if (s->flushing || s->out_n == BATCH_MAX) {
		s->refused = true;
		return ERR_MEM;
	}
	packet = place(s, p->tot_len);
	pbuf_copy_partial(p, packet->data, p->tot_len, 0);
	if (is_syn(p) && ip_view_parse(&view, packet->data, packet->len_bytes))
		lwip_core_clamp(s, packet->data, &view, &view.dst);
	else if (tcp_of_ack(packet))
		thin_out(s);
	return ERR_OK;
}

static err_t put_out_v4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	(void)to;
	return put_out(netif, p);
}

static err_t put_out_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	(void)to;
	return put_out(netif, p);
}

static void empty_out(struct lwip_stack *s)
{
	s->out_at = buffers_slot(s->out, 0);
	s->out_n = 0;
}

static void flush(struct lwip_stack *s, uint64_t now_ns)
{
	for (int i = 0; i < FLUSHES && s->out_n > 0; i++) {
		s->flushing = true;
		s->env.send(s->env.context, s->out->order, s->out_n, now_ns);
		s->flushing = false;
		empty_out(s);
		if (!s->refused)
			return;
		s->refused = false;
		tcp_txnow();
	}
}

/* ---- packets in */

static size_t link_write(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct lwip_stack *s = CONTAINER_OF(link, struct lwip_stack, link);

	lwip_core_wake(s);
	return lwip_inbound_take(s, packets, n);
}

/* ---- time */

/* When does lwIP have to do something with this connection? 0: in each tick. */
static uint64_t due_ns(const struct tcp_pcb *pcb, uint64_t now_ns)
{
	const u16_t waits = TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR;
	u32_t most = 0, gone = tcp_ticks - pcb->tmr;

	if (pcb->state == TIME_WAIT)
		most = 2 * TCP_MSL / TCP_SLOW_INTERVAL;
	else if (pcb->unacked || pcb->unsent || pcb->ooseq || pcb->refused_data ||
	         pcb->persist_backoff || (pcb->flags & waits))
		return 0;
	else if (pcb->state == FIN_WAIT_2 && (pcb->flags & TF_RXCLOSED))
		most = TCP_FIN_WAIT_TIMEOUT / TCP_SLOW_INTERVAL;
	else if (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT ||
	         pcb->state == FIN_WAIT_2)
		return NEVER_NS;
	else
		return 0;
	return gone > most ? 0 : now_ns + (most - gone + 1) * SLOW_NS;
}

static uint64_t earliest_ns(const struct tcp_pcb *list, uint64_t best_ns, uint64_t now_ns)
{
	for (const struct tcp_pcb *pcb = list; pcb && best_ns > 0; pcb = pcb->next) {
		uint64_t at_ns = due_ns(pcb, now_ns);

		if (at_ns < best_ns)
			best_ns = at_ns;
	}
	return best_ns;
}

static void choose_next_tick(struct lwip_stack *s, uint64_t now_ns)
{
	uint64_t at_ns = earliest_ns(tcp_active_pcbs, NEVER_NS, now_ns);

	at_ns = earliest_ns(tcp_tw_pcbs, at_ns, now_ns);
	if (at_ns == 0) {
		s->tick_ns += TICK_NS;
		if (s->tick_ns <= now_ns)
			s->tick_ns = now_ns + TICK_NS;
		return;
	}
	s->tick_ns = at_ns;
	s->stopped_ns = now_ns;
}

/* Each connection in TIME-WAIT has a port, and lwIP looks through all of them for each packet that
 * begins another one, and for each port that it tries. The last of the list are the oldest. */
static void forget_oldest(void)
{
	struct tcp_pcb *pcb = tcp_tw_pcbs, *next;

	for (size_t n = 0; pcb && n < TIME_WAIT_MOST; n++)
		pcb = pcb->next;
	for (; pcb; pcb = next) {
		next = pcb->next;
		tcp_abort(pcb);
	}
}

/* The slow timer runs with every second tick. */
static void run_ticks(struct lwip_stack *s, uint64_t now_ns)
{
	int ticks = 2;

	if (s->stopped_ns == NEVER_NS)
		ticks = (int)((now_ns - s->tick_ns) / TICK_NS < TICKS_MAX
		                      ? (now_ns - s->tick_ns) / TICK_NS + 1
		                      : TICKS_MAX);
	lwip_core_wake(s);
	for (int i = 0; i < ticks; i++) {
		lwip_sender_before_tick();
		tcp_tmr();
	}
	forget_oldest();
	choose_next_tick(s, now_ns);
}

static void run_reassembly(struct lwip_stack *s, uint64_t now_ns)
{
	ip_reass_tmr();
	ip6_reass_tmr();
	if (s->reassembly_rounds > 0)
		s->reassembly_rounds--;
	s->reassembly_ns = s->reassembly_rounds > 0 ? now_ns + REASSEMBLY_NS : NEVER_NS;
}

uint64_t lwip_stack_deadline_ns(const struct lwip_stack *s)
{
	if (s->due.next != &s->due || s->out_n > 0)
		return 0;
	return s->tick_ns < s->reassembly_ns ? s->tick_ns : s->reassembly_ns;
}

void lwip_stack_run(struct lwip_stack *s, uint64_t now_ns)
{
	lwip_core_run_due(s, now_ns);
	if (now_ns >= s->tick_ns)
		run_ticks(s, now_ns);
	if (now_ns >= s->reassembly_ns)
		run_reassembly(s, now_ns);
	flush(s, now_ns);
}

/* ---- the stack */

static int stack_connect(struct stack *stack, const struct endpoint *to,
                         struct stream **out)
{
	return lwip_stream_connect(CONTAINER_OF(stack, struct lwip_stack, stack), to,
	                           out);
}

static int stack_listen_packets(struct stack *stack, const struct endpoint *at,
                                struct packets **out)
{
	return lwip_packets_open(CONTAINER_OF(stack, struct lwip_stack, stack), at, out);
}

static int stack_open_packets(struct stack *stack, enum ip_family family,
                              struct packets **out)
{
	const struct endpoint any = { .addr.family = (uint8_t)family };

	return stack_listen_packets(stack, &any, out);
}

static int stack_listen(struct stack *stack, const struct endpoint *at,
                        void (*accepted)(void *context, struct stream *stream,
                                         uint64_t now_ns),
                        void *context)
{
	return lwip_stream_listen(CONTAINER_OF(stack, struct lwip_stack, stack), at,
	                          accepted, context);
}

static const struct stack_ops stack_ops = { stack_connect, stack_open_packets,
	                                    stack_listen, stack_listen_packets };

static err_t begin_netif(struct netif *netif)
{
	netif->name[0] = 't';
	netif->name[1] = 'u';
	netif->output = put_out_v4;
	netif->output_ip6 = put_out_v6;
	return ERR_OK;
}

static int add_netif(struct lwip_stack *s)
{
	const ip4_addr_t any = { NO_ADDRESS }, mask = { PP_HTONL(0xffffffff) };
	const ip4_addr_t none = { 0 };

	if (!netif_add(&s->netif, &any, &mask, &none, s, begin_netif, ip_input))
		return -ENOMEM;
	lwip_core_set_mtu(s, 0);
	s->netif.ip6_addr_state[0] = IP6_ADDR_PREFERRED;
	IP_SET_TYPE_VAL(s->netif.ip6_addr[0], IPADDR_TYPE_V6);
	netif_set_default(&s->netif);
	netif_set_link_up(&s->netif);
	netif_set_up(&s->netif);
	return 0;
}

int lwip_stack_new(struct lwip_stack **out, const struct lwip_env *env)
{
	struct lwip_stack *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->stack.ops = &stack_ops;
	s->link.write = link_write;
	s->env = *env;
	s->due.next = s->due.previous = &s->due;
	s->tick_ns = s->reassembly_ns = NEVER_NS;
	s->stopped_ns = loop_now_ns();
	s->coalescer = malloc(sizeof(*s->coalescer));
	err = s->coalescer ? buffers_new(&s->out) : -ENOMEM;
	if (!err) {
		empty_out(s);
		lwip_init();
		err = add_netif(s);
	}
	if (err) {
		buffers_free(s->out);
		free(s->coalescer);
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void lwip_stack_free(struct lwip_stack *s)
{
	if (!s)
		return;
	lwip_stream_listen_no_more(s);
	while (tcp_active_pcbs)
		tcp_abort(tcp_active_pcbs);
	while (tcp_tw_pcbs)
		tcp_abort(tcp_tw_pcbs);
	netif_remove(&s->netif);
	buffers_free(s->out);
	free(s->coalescer);
	free(s);
}

struct stack *lwip_stack_as_stack(struct lwip_stack *s)
{
	return &s->stack;
}

struct tun_link *lwip_stack_as_link(struct lwip_stack *s)
{
	return &s->link;
}
