/* src/proxy/lwip_inbound.c
 *
 * lwIP's network interface has one address of each family. Ours has those of all devices,
 * so that it gets the address to which a packet is sent, if that is one of ours. */
#include "proxy/lwip_inbound.h"

#include <string.h>
#include <sys/uio.h>

#include "base/iphdr.h"
#include "io/coalesce.h"
#include "io/loop_clock.h"
#include "proxy/lwip_core.h"
#include "proxy/lwip_stream.h"
#include "proxy/lwip_wire.h"

#include <lwip/ip4_frag.h>

#define FRAGMENT_ROUNDS                                                                  \
	(IP_REASS_MAXAGE + 1U) /* of the timers; in the last one they end */
#define PBUF_MOST (0xffffU & ~(MEM_ALIGNMENT - 1U)) /* lwIP makes no larger ones */

/* The interface becomes the one that has this address. */
static void take_address(struct lwip_stack *s, const struct ip_addr *addr)
{
	ip_addr_t a;

	lwip_core_to_lwip(&a, addr);
	if (addr->family == IP_V6)
		ip6_addr_copy(*ip_2_ip6(&s->netif.ip6_addr[0]), *ip_2_ip6(&a));
	else
		ip4_addr_copy(*ip_2_ip4(&s->netif.lwip_ip_addr), *ip_2_ip4(&a));
}

static void note_fragment(struct lwip_stack *s)
{
	uint64_t now_ns = loop_now_ns();

	s->reassembly_rounds = FRAGMENT_ROUNDS;
	if (s->reassembly_ns == NEVER_NS)
		s->reassembly_ns = now_ns + REASSEMBLY_NS;
}

/* Without memory, only what lwIP doesn't keep is taken: acknowledgements, which may free some,
 * and the next data of a connection; lwip_segment_may_see holds back what came too early. */
static bool may_take(const struct ip_view *view)
{
	return !lwip_core_is_short() || view->total_bytes <= view->payload_at + 60 ||
	       (view->protocol == PROTO_TCP && !view->fragment);
}

/* Gives lwIP one packet that stands in several slices. Of an option that is cut off lwIP reads the
 * length all the same, so there is one byte more, also where the memory is a multiple of 8. */
static bool give(struct lwip_stack *s, const struct iovec *slices, size_t n,
                 uint32_t bytes)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(bytes | 1), PBUF_RAM);
	uint8_t *to;

	if (!p)
		return false;
	to = p->payload;
	for (size_t i = 0; i < n; i++) {
		memcpy(to, slices[i].iov_base, slices[i].iov_len);
		to += slices[i].iov_len;
	}
	*to = 0;
	pbuf_realloc(p, (u16_t)bytes);
	if (ip_input(p, &s->netif) != ERR_OK)
		pbuf_free(p);
	return true;
}

/* Returns false if it isn't for lwIP, or was taken otherwise. */
static bool is_for_lwip(struct lwip_stack *s, const struct packet *packet,
                        struct ip_view *view, bool *taken)
{
	struct lwip_wire_error error;

	*taken = false;
	if (!ip_view_parse(view, packet->data, packet->len_bytes) ||
	    !s->env.is_own(s->env.context, &view->dst))
		return false;
	*taken = lwip_wire_error_read(&error, packet->data, view);
	if (*taken)
		lwip_stream_error(s, &error);
	return !*taken && lwip_wire_is_wanted(packet->data, view) && may_take(view);
}

static bool take_one(struct lwip_stack *s, const struct packet *packet)
{
	struct ip_view view;
	struct iovec slice;
	bool taken;

	if (!is_for_lwip(s, packet, &view, &taken))
		return taken;
	if (view.fragment)
		note_fragment(s);
	lwip_core_clamp(s, packet->data, &view, &view.src);
	take_address(s, &view.dst);
	slice = (struct iovec){ packet->data, view.total_bytes };
	return give(s, &slice, 1, view.total_bytes);
}

/* The checksums of all its packets were verified, and the joined one has none. */
static size_t take_joined(struct lwip_stack *s, size_t index)
{
	const struct coalesced *g = &s->coalescer->groups[index];
	const struct packet *first = s->coalescer->packets[g->first];
	struct iovec slices[COALESCE_SLICES + 1];
	struct ip_view view;
	bool taken;
	size_t n;

	if (!is_for_lwip(s, first, &view, &taken))
		return 0;
	take_address(s, &view.dst);
	n = coalesce_slices(s->coalescer, index, slices);
	NETIF_SET_CHECKSUM_CTRL(&s->netif,
	                        NETIF_CHECKSUM_ENABLE_ALL & ~NETIF_CHECKSUM_CHECK_TCP);
	taken = give(s, slices + 1, n - 1, g->total_bytes);
	NETIF_SET_CHECKSUM_CTRL(&s->netif, NETIF_CHECKSUM_ENABLE_ALL);
	return taken ? g->count : 0;
}

static size_t take_each(struct lwip_stack *s, size_t index)
{
	const struct coalesced *g = &s->coalescer->groups[index];
	uint16_t at = g->first;
	size_t taken = 0;

	for (uint16_t i = 0; i < g->count; i++) {
		taken += take_one(s, s->coalescer->packets[at]);
		at = s->coalescer->next[at];
	}
	return taken;
}

size_t lwip_inbound_take(struct lwip_stack *s, struct packet *const *packets, size_t n)
{
	size_t taken = 0;

	coalesce(s->coalescer, packets, n, false);
	for (size_t i = 0; i < s->coalescer->group_count; i++) {
		const struct coalesced *g = &s->coalescer->groups[i];

		taken += g->count > 1 && g->total_bytes <= PBUF_MOST ? take_joined(s, i)
		                                                     : take_each(s, i);
	}
	return taken;
}
