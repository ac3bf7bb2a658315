/* src/proxy/lwip_core.c */
#include "proxy/lwip_core.h"

#include <errno.h>
#include <string.h>

#include "io/loop_clock.h"
#include "proxy/lwip_wire.h"

/* Of all that lwIP has allocated: packets that wait for an acknowledgement, or for one
 * before them. */
#define MEMORY_BYTES ((size_t)96 << 20)
#define QUEUE_LEAST  ((size_t)16 << 10)

/* ---- the list */

void lwip_core_add_due(struct lwip_stack *s, struct lwip_due *due)
{
	if (due->next)
		return;
	due->next = &s->due;
	due->previous = s->due.previous;
	due->previous->next = due;
	s->due.previous = due;
}

void lwip_core_remove_due(struct lwip_due *due)
{
	if (!due->next)
		return;
	due->next->previous = due->previous;
	due->previous->next = due->next;
	due->next = due->previous = NULL;
}

/* Those that are added meanwhile have their turn the next time. */
void lwip_core_run_due(struct lwip_stack *s, uint64_t now_ns)
{
	if (s->due.next == &s->due)
		return;
	lwip_core_add_due(s, &s->last_due);
	while (s->due.next != &s->last_due) {
		struct lwip_due *first = s->due.next;

		lwip_core_remove_due(first);
		first->run(first, now_ns);
	}
	lwip_core_remove_due(&s->last_due);
}

/* ---- time */

void lwip_core_wake(struct lwip_stack *s)
{
	uint64_t now_ns;

	if (s->stopped_ns == NEVER_NS)
		return;
	now_ns = loop_now_ns();
	/* what was missed while nobody had to know */
	if (now_ns > s->stopped_ns)
		tcp_ticks += (u32_t)((now_ns - s->stopped_ns) /
		                     (TCP_SLOW_INTERVAL * NS_PER_MS));
	s->stopped_ns = NEVER_NS;
	s->tick_ns = now_ns + TCP_TMR_INTERVAL * NS_PER_MS;
}

/* ---- addresses */

void lwip_core_to_lwip(ip_addr_t *out, const struct ip_addr *addr)
{
	memset(out, 0, sizeof(*out));
	if (addr->family == IP_V6) {
		IP_SET_TYPE(out, IPADDR_TYPE_V6);
		memcpy(ip_2_ip6(out)->addr, addr->b, 16);
	} else {
		IP_SET_TYPE(out, IPADDR_TYPE_V4);
		memcpy(&ip_2_ip4(out)->addr, addr->b, 4);
	}
}

void lwip_core_from_lwip(struct ip_addr *out, const ip_addr_t *addr)
{
	*out = (struct ip_addr){ .family = IP_IS_V6(addr) ? IP_V6 : IP_V4 };
	if (IP_IS_V6(addr))
		memcpy(out->b, ip_2_ip6(addr)->addr, 16);
	else
		memcpy(out->b, &ip_2_ip4(addr)->addr, 4);
}

int lwip_core_errno(err_t err)
{
	switch (err) {
	case ERR_OK:
	case ERR_CLSD:
		return 0;
	case ERR_MEM:
	case ERR_BUF:
		return -ENOBUFS;
	case ERR_RTE:
		return -ENETUNREACH;
	case ERR_USE:
		return -EADDRINUSE;
	case ERR_RST:
		return -ECONNRESET;
	case ERR_ABRT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

void lwip_core_clamp(const struct lwip_stack *s, uint8_t *packet,
                     const struct ip_view *view, const struct ip_addr *other)
{
	struct ip_addr from;
	uint32_t mtu_bytes;

	if (lwip_wire_is_syn(packet, view) &&
	    s->env.route(s->env.context, other, &from, &mtu_bytes) == 0)
		lwip_wire_clamp(packet, view, mtu_bytes);
}

bool lwip_core_is_short(void)
{
	return lwip_stats.mem.used > MEMORY_BYTES;
}

bool lwip_core_is_crowded(void)
{
	return lwip_stats.mem.used > MEMORY_BYTES / 4 * 3;
}

/* A share of what is free: so many connections use most of the memory, and never all. */
size_t lwip_core_queue_most(void)
{
	size_t used = lwip_stats.mem.used;
	size_t share = used < MEMORY_BYTES ? (MEMORY_BYTES - used) / 4 : 0;

	if (share < QUEUE_LEAST)
		return QUEUE_LEAST;
	return share < TCP_SND_BUF ? share : TCP_SND_BUF;
}

void lwip_core_set_mtu(struct lwip_stack *s, uint32_t mtu_bytes)
{
	u16_t mtu = mtu_bytes > 0 && mtu_bytes < 0xffff ? (u16_t)mtu_bytes : 0xffff;

	s->netif.mtu = mtu;
}
