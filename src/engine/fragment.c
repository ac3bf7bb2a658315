/* src/engine/fragment.c */
#include "engine/fragment.h"

#include <string.h>

#include "base/checksum.h"

#define IPV4_OPTION_END    0
#define IPV4_OPTION_NOP    1
#define IPV4_OPTION_COPIED 0x80

/* How a packet is cut: the header that each fragment gets, and the payload that is
 * distributed among them. */
struct plan {
	enum ip_family family;
	uint8_t header[60 + 8];
	uint32_t header_bytes; /* of each fragment */
	uint32_t payload_at;   /* in the original packet */
	uint32_t payload_bytes;
	uint32_t piece_bytes; /* payload of each but the last one, a multiple of 8 */
	uint32_t offset; /* of the packet's payload, if the packet is itself a fragment */
	bool more;       /* the packet is itself a fragment, and not the last one */
};

static bool plan_ipv4(struct plan *plan, const struct packet *p)
{
	struct ipv4_header h;
	uint32_t fragment;

	memcpy(&h, p->data, sizeof(h));
	fragment = be16_get(h.flags_offset);
	if (fragment & IPV4_DF)
		return false;
	plan->header_bytes = plan->payload_at = 4U * (h.version_ihl & 0xfU);
	plan->offset = 8 * (fragment & IPV4_OFFSET_MASK);
	plan->more = fragment & IPV4_MF;
	memcpy(plan->header, p->data, plan->header_bytes);
	return true;
}

/* Makes a new header, followed by the fragment header. */
static bool plan_ipv6(struct plan *plan, const struct packet *p, uint32_t id)
{
	struct ipv6_header h;
	struct ipv6_fragment_header f = { .id = be32_put(id) };

	memcpy(&h, p->data, sizeof(h));
	if (h.next_header != PROTO_UDP)
		return false;
	f.next_header = h.next_header;
	h.next_header = PROTO_IPV6_FRAGMENT;
	plan->payload_at = sizeof(h);
	plan->header_bytes = sizeof(h) + sizeof(f);
	memcpy(plan->header, &h, sizeof(h));
	memcpy(plan->header + sizeof(h), &f, sizeof(f));
	return true;
}

static bool make_plan(struct plan *plan, const struct packet *p, uint32_t mtu_bytes,
                      uint32_t id)
{
	struct ip_view v;

	if (!ip_view_parse_addresses(&v, p->data, p->len_bytes))
		return false;
	*plan = (struct plan){ .family = v.family };
	if (!(v.family == IP_V4 ? plan_ipv4(plan, p) : plan_ipv6(plan, p, id)))
		return false;
	if (mtu_bytes < plan->header_bytes + 8)
		return false;
	plan->piece_bytes = (mtu_bytes - plan->header_bytes) / 8 * 8;
	plan->payload_bytes = p->len_bytes - plan->payload_at;
	return (plan->payload_bytes - 1) / plan->piece_bytes + 1 <= BATCH_MAX;
}

static void finish_ipv4(const struct plan *plan, uint8_t *header, uint32_t at, uint32_t n,
                        bool last)
{
	struct ipv4_header h;
	uint32_t more = !last || plan->more ? IPV4_MF : 0;

	memcpy(&h, header, sizeof(h));
	h.total_len = be16_put((uint16_t)(plan->header_bytes + n));
	h.flags_offset = be16_put((uint16_t)((plan->offset + at) / 8 | more));
	h.checksum = be16_put(0);
	memcpy(header, &h, sizeof(h));
	h.checksum =
		be16_put(checksum_finish(checksum_add(0, header, plan->header_bytes)));
	memcpy(header, &h, sizeof(h));
}

static void finish_ipv6(const struct plan *plan, uint8_t *header, uint32_t at, uint32_t n,
                        bool last)
{
	struct ipv6_header h;
	struct ipv6_fragment_header f;

	memcpy(&h, header, sizeof(h));
	memcpy(&f, header + sizeof(h), sizeof(f));
	h.payload_len = be16_put((uint16_t)(plan->header_bytes - sizeof(h) + n));
	f.offset_more = be16_put((uint16_t)(at | !last));
	memcpy(header, &h, sizeof(h));
	memcpy(header + sizeof(h), &f, sizeof(f));
}

/* Puts a header in front of the fragment that has the payload [at, at + n). */
static void put_header(const struct plan *plan, struct packet *p, uint32_t at, uint32_t n)
{
	uint8_t *header = packet_push(p, plan->header_bytes);
	bool last = at + n == plan->payload_bytes;

	memcpy(header, plan->header, plan->header_bytes);
	if (plan->family == IP_V4)
		finish_ipv4(plan, header, at, n, last);
	else
		finish_ipv6(plan, header, at, n, last);
}

/* Options that are not to be copied (RFC 791 3.1) become no-operations. Called after the
 * first fragment has got its header, so that only the others are changed. */
static void blank_options(struct plan *plan)
{
	uint32_t at = sizeof(struct ipv4_header);

	while (plan->family == IP_V4 && at < plan->header_bytes &&
	       plan->header[at] != IPV4_OPTION_END) {
		uint32_t len = plan->header[at] == IPV4_OPTION_NOP ? 1
		               : at + 1 < plan->header_bytes       ? plan->header[at + 1]
		                                                   : 0;

		if (len == 0 || at + len > plan->header_bytes)
			return;
		if (!(plan->header[at] & IPV4_OPTION_COPIED))
			memset(plan->header + at, IPV4_OPTION_NOP, len);
		at += len;
	}
}

size_t fragment(struct packet *p, uint32_t mtu_bytes, uint32_t id,
                struct packet_pool *pool, struct packet **out)
{
	struct plan plan;
	struct packet piece;
	size_t n = 1;

	if (!make_plan(&plan, p, mtu_bytes, id))
		return 0;
	for (uint32_t at = plan.piece_bytes; at < plan.payload_bytes;
	     at += plan.piece_bytes) {
		uint32_t left = plan.payload_bytes - at;

		piece = (struct packet){ .data = p->data + plan.payload_at + at,
			                 .tos = p->tos };
		piece.len_bytes = left < plan.piece_bytes ? left : plan.piece_bytes;
		out[n] = packet_pool_copy(pool, &piece);
		if (!out[n]) {
			fragments_put(pool, out, n);
			return 0;
		}
		n++;
	}
	packet_pull(p, plan.payload_at);
	if (n > 1)
		packet_set_len(p, plan.piece_bytes);
	out[0] = p;
	for (size_t i = 0; i < n; i++) {
		put_header(&plan, out[i], (uint32_t)i * plan.piece_bytes,
		           out[i]->len_bytes);
		if (i == 0)
			blank_options(&plan);
	}
	return n;
}

void fragments_put(struct packet_pool *pool, struct packet *const *fragments, size_t n)
{
	for (size_t i = 1; i < n; i++)
		packet_pool_put(pool, fragments[i]);
}
