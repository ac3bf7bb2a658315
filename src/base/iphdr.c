/* src/base/iphdr.c */
#include "base/iphdr.h"

#include <string.h>

#include "base/reader.h"

static bool parse4(struct ip_view *out, const void *bytes, size_t n)
{
	struct reader r = reader_of(bytes, n);
	const struct ipv4_header *h = reader_take(&r, sizeof(*h));
	uint32_t header_bytes, fragment;

	if (!h)
		return false;
	header_bytes = 4U * (h->version_ihl & 0xfU);
	out->total_bytes = be16_get(h->total_len);
	if (header_bytes < sizeof(*h) || out->total_bytes < header_bytes ||
	    out->total_bytes > n)
		return false;
	fragment = be16_get(h->flags_offset);
	out->family = IP_V4;
	ip_addr_put(&out->src, IP_V4, h->src);
	ip_addr_put(&out->dst, IP_V4, h->dst);
	out->tos = h->tos;
	out->protocol = h->protocol;
	out->fragment = (fragment & (IPV4_MF | IPV4_OFFSET_MASK)) != 0;
	out->first = (fragment & IPV4_OFFSET_MASK) == 0;
	out->fragment_id = be16_get(h->id);
	out->dont_fragment = (fragment & IPV4_DF) != 0;
	out->payload_at = header_bytes;
	return true;
}

static bool parse6(struct ip_view *out, const void *bytes, size_t n)
{
	struct reader r = reader_of(bytes, n);
	const struct ipv6_header *h = reader_take(&r, sizeof(*h));

	if (!h)
		return false;
	out->total_bytes = (uint32_t)sizeof(*h) + be16_get(h->payload_len);
	if (out->total_bytes > n)
		return false;
	out->family = IP_V6;
	ip_addr_put(&out->src, IP_V6, h->src);
	ip_addr_put(&out->dst, IP_V6, h->dst);
	out->tos = (uint8_t)(be32_get(h->version_class_flow) >> 20);
	out->protocol = h->next_header;
	out->fragment = false;
	out->first = true;
	out->dont_fragment = true;
	out->payload_at = sizeof(*h);
	return true;
}

bool ip_view_parse_addresses(struct ip_view *out, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	if (n == 0)
		return false;
	switch (b[0] >> 4) {
	case 4:
		return parse4(out, bytes, n);
	case 6:
		return parse6(out, bytes, n);
	default:
		return false;
	}
}

/* RFC 8200 4: hop-by-hop, routing and destination options share one layout, and the
 * fragment header has 8 bytes. Any other header ends the chain; so does a header that is
 * cut off. */
enum { EXT_HOP_BY_HOP = 0, EXT_ROUTING = 43, EXT_DESTINATION = 60 };

static bool is_extension(uint8_t protocol)
{
	return protocol == EXT_HOP_BY_HOP || protocol == EXT_ROUTING ||
	       protocol == EXT_DESTINATION || protocol == PROTO_IPV6_FRAGMENT;
}

static void skip_extensions(struct ip_view *v, const uint8_t *bytes)
{
	struct reader r =
		reader_of(bytes + v->payload_at, v->total_bytes - v->payload_at);

	while (is_extension(v->protocol)) {
		const uint8_t *ext = reader_take(&r, 8);

		if (!ext)
			return;
		if (v->protocol == PROTO_IPV6_FRAGMENT) {
			v->fragment = true;
			v->first = ((ext[2] << 8 | ext[3]) & 0xfff8) == 0;
			v->fragment_id = be32_get(
				(struct be32){ { ext[4], ext[5], ext[6], ext[7] } });
		} else if (!reader_take(&r, 8U * ext[1])) {
			return;
		}
		v->protocol = ext[0];
		v->payload_at = v->total_bytes - (uint32_t)r.left_bytes;
		if (!v->first)
			return;
	}
}

bool ip_view_parse(struct ip_view *out, const void *bytes, size_t n)
{
	if (!ip_view_parse_addresses(out, bytes, n))
		return false;
	if (out->family == IP_V6)
		skip_extensions(out, bytes);
	return true;
}

bool ip_view_is_cut_off(const struct ip_view *v)
{
	return v->family == IP_V6 && v->first && is_extension(v->protocol);
}
