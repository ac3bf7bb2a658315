/* tests/fuzz/offload.c - are packets still the same after they were split up or joined?
 *
 * The first byte chooses the direction.
 *
 *   Segments:   The input is a vnet header and a packet, as a tun might give them. The
 *               segments must be what a sender without offloads would have sent, and if
 *               it was one large packet, they must make the same packet again.
 *   Coalesced:  The input is a batch, as a peer might send it. When the groups are split
 *               up again, the result must be the packets that went in, each flow in its
 *               order.
 *
 * "The same" leaves out what one large packet can't tell about its parts: IPv4 ids and
 * header checksums, and which of the two zeroes a checksum is. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "base/reader.h"
#include "base/tcphdr.h"
#include "io/coalesce.h"
#include "io/segment.h"
#include "script.h"

/* What is done to bytes of the input, so that not all of them are refused at once. */
enum mend {
	MEND_LENGTHS = 0x01,
	MEND_SUMS = 0x02,
	MEND_STRETCH = 0x04, /* add payload, up to 64 KiB */
	MEND_NEXT = 0x08,    /* the packet that follows the last one, changed */
	MEND_CLEAN = 0x10,   /* plain TCP flags; zero in fields that nobody uses */
};

struct batch {
	struct packet packets[BATCH_MAX];
	struct packet *order[BATCH_MAX];
	/* owned copies of packets[].data, which coalescing changes */
	uint8_t *originals[BATCH_MAX];
	size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The copy has exactly this size, so that ASan detects accesses beyond it. */
static uint8_t *copy_of(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	must(copy);
	if (n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

/* ---- packets */

static size_t ip_bytes(const uint8_t *p, size_t n)
{
	if (n >= sizeof(struct ipv4_header) && p[0] == 0x45)
		return sizeof(struct ipv4_header);
	if (n >= sizeof(struct ipv6_header) && p[0] >> 4 == 6)
		return sizeof(struct ipv6_header);
	return 0;
}

static uint8_t protocol_of(const uint8_t *p)
{
	return p[p[0] >> 4 == 4 ? 9 : 6];
}

/* The checksum field of TCP or UDP; NULL if there is none, or not completely. */
static uint8_t *sum_field(uint8_t *p, size_t n)
{
	size_t at = ip_bytes(p, n);

	if (!at)
		return NULL;
	if (protocol_of(p) == PROTO_TCP && n - at >= sizeof(struct tcp_header))
		return p + at + offsetof(struct tcp_header, checksum);
	if (protocol_of(p) == PROTO_UDP && n - at >= sizeof(struct udp_header))
		return p + at + offsetof(struct udp_header, checksum);
	return NULL;
}

/* The checksum of the transport, with whatever is in its field now. */
static uint16_t sum_of(uint8_t *p, size_t n, bool pseudo_only)
{
	size_t at = ip_bytes(p, n);
	enum ip_family family = at == 20 ? IP_V4 : IP_V6;
	size_t len = family == IP_V4 ? 4 : 16;
	struct ip_addr src = ip_addr_from_bytes(family, p + at - 2 * len);
	struct ip_addr dst = ip_addr_from_bytes(family, p + at - len);
	uint64_t sum = checksum_pseudo(&src, &dst, protocol_of(p), (uint32_t)(n - at));

	return checksum_finish(pseudo_only ? sum : checksum_add(sum, p + at, n - at));
}

static void put16(uint8_t *at, uint16_t value)
{
	struct be16 wire = be16_put(value);

	memcpy(at, &wire, sizeof(wire));
}

static void mend_ipv4_sum(uint8_t *p)
{
	put16(p + 10, 0);
	put16(p + 10, checksum_finish(checksum_add(0, p, sizeof(struct ipv4_header))));
}

static void mend(uint8_t *p, size_t n, unsigned how, bool partial)
{
	size_t at = ip_bytes(p, n);
	uint8_t *field = sum_field(p, n);

	if (!at)
		return;
	if (how & MEND_CLEAN && field && protocol_of(p) == PROTO_TCP) {
		p[at + 12] &= 0xf0;
		p[at + 13] = TCP_ACK | (p[at + 13] & TCP_PSH);
		put16(p + at + 18, 0);
	}
	if (how & MEND_LENGTHS) {
		put16(p + (at == 20 ? 2 : 4), (uint16_t)(at == 20 ? n : n - at));
		if (field && protocol_of(p) == PROTO_UDP)
			put16(p + at + 4, (uint16_t)(n - at));
	}
	if (!(how & MEND_SUMS))
		return;
	if (at == 20)
		mend_ipv4_sum(p);
	if (!field)
		return;
	put16(field, 0);
	put16(field, partial ? (uint16_t)~sum_of(p, n, true) : sum_of(p, n, false));
	if (!partial && protocol_of(p) == PROTO_UDP && (field[0] | field[1]) == 0)
		put16(field, 0xffff);
}

/* ---- batches */

/* Takes over the bytes. */
static void add_packet(struct batch *b, uint8_t *bytes, size_t n)
{
	struct packet *p = &b->packets[b->n];

	*p = (struct packet){ .data = bytes, .len_bytes = (uint32_t)n };
	b->originals[b->n] = copy_of(bytes, n);
	b->order[b->n++] = p;
}

static void batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->packets[i].data);
		free(b->originals[i]);
	}
	b->n = 0;
}

/* Compares all but what may differ; both must then have right checksums. */
static void is_same(uint8_t *got, const uint8_t *original, size_t n)
{
	uint8_t *field = sum_field(got, n), *want = copy_of(original, n);

	must(field && sum_of(got, n, false) == 0 && sum_of(want, n, false) == 0);
	put16(field, 0);
	put16(sum_field(want, n), 0);
	if (ip_bytes(got, n) == 20) {
		must(checksum_finish(checksum_add(0, got, 20)) == 0);
		memcpy(got + 4, want + 4, 2);
		memcpy(got + 10, want + 10, 2);
	}
	must(memcmp(got, want, n) == 0);
	free(want);
}

/* Splits one group up as the host would. seen: marks positions in the batch, each
 * once. */
static void check_group(struct coalescer *c, const struct batch *b, size_t g, bool *seen)
{
	struct iovec slices[COALESCE_SLICES + 1];
	size_t count = coalesce_slices(c, g, slices), n = 0;
	uint16_t at = c->groups[g].first;
	uint8_t *joined = malloc(UINT16_MAX), *whole;
	struct segmenter s;
	uint32_t bytes;

	must(joined && count == c->groups[g].count + 1U);
	must(slices[0].iov_len == sizeof(struct vnet_header));
	for (size_t i = 1; i < count; i++) {
		must(slices[i].iov_len <= UINT16_MAX - n);
		memcpy(joined + n, slices[i].iov_base, slices[i].iov_len);
		n += slices[i].iov_len;
	}
	whole = copy_of(joined, n);
	free(joined);
	if (count == 2) {
		must(!seen[at] && n == b->packets[at].len_bytes);
		must(memcmp(whole, b->originals[at], n) == 0);
		seen[at] = true;
		free(whole);
		return;
	}
	must(segmenter_start(&s, slices[0].iov_base, whole, n));
	while ((bytes = segmenter_next_bytes(&s)) > 0) {
		uint8_t *out = malloc(bytes);

		must(out && count-- > 1 && !seen[at] &&
		     bytes == b->packets[at].len_bytes);
		segmenter_next(&s, out);
		is_same(out, b->originals[at], bytes);
		seen[at] = true;
		at = c->next[at];
		free(out);
	}
	must(count == 1);
	free(whole);
}

/* True for IP packets with the same addresses, protocol and ports. */
static bool is_one_flow(const uint8_t *a, size_t a_bytes, const uint8_t *b,
                        size_t b_bytes)
{
	size_t at = ip_bytes(a, a_bytes), src = at == 20 ? 12 : 8;
	struct ip_view v;

	return at && ip_view_parse(&v, a, a_bytes) && ip_view_parse(&v, b, b_bytes) &&
	       at == ip_bytes(b, b_bytes) && a_bytes >= at + 4 && b_bytes >= at + 4 &&
	       a[0] >> 4 == b[0] >> 4 && protocol_of(a) == protocol_of(b) &&
	       (protocol_of(a) == PROTO_TCP || protocol_of(a) == PROTO_UDP) &&
	       memcmp(a + src, b + src, at - src + 4) == 0;
}

/* position: for each packet, its position in the order in which all are sent. */
static void check_order(const struct batch *b, const size_t *position)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = i + 1; j < b->n; j++)
			must(position[i] < position[j] ||
			     !is_one_flow(b->originals[i], b->packets[i].len_bytes,
			                  b->originals[j], b->packets[j].len_bytes));
}

static void check_batch(struct coalescer *c, const struct batch *b, bool udp)
{
	bool seen[BATCH_MAX] = { false };
	size_t position[BATCH_MAX] = { 0 }, n = 0;

	coalesce(c, b->order, b->n, udp);
	for (size_t g = 0; g < c->group_count; g++) {
		uint16_t at = c->groups[g].first;

		check_group(c, b, g, seen);
		for (size_t i = 0; i < c->groups[g].count; i++, at = c->next[at])
			position[at] = n++;
	}
	must(n == b->n);
	for (size_t i = 0; i < b->n; i++)
		must(seen[i]);
	check_order(b, position);
}

/* ---- segments */

/* Could this packet have been made by joining its segments? */
static bool is_mergeable(uint8_t *p, size_t n, const struct segmenter *s, size_t segments)
{
	uint8_t *partial = copy_of(p, n), *field = sum_field(partial, n);
	size_t at = ip_bytes(p, n);
	bool same;

	if (!field || s->ip_bytes != at || segments < 2 || segments > COALESCE_SLICES ||
	    s->header_bytes == n ||
	    (protocol_of(p) == PROTO_TCP && (p[at + 13] & ~TCP_PSH) != TCP_ACK)) {
		free(partial);
		return false;
	}
	mend(partial, n, MEND_LENGTHS | MEND_SUMS, true);
	same = memcmp(partial, p, n) == 0;
	free(partial);
	return same;
}

static void check_segment(const struct segmenter *s, uint8_t *out, uint32_t bytes,
                          const uint8_t *payload)
{
	struct ip_view v;

	if (s->gso == VNET_GSO_NONE)
		return;
	must(ip_view_parse(&v, out, bytes) && v.total_bytes == bytes);
	must(v.family != IP_V4 ||
	     checksum_finish(checksum_add(0, out, v.payload_at)) == 0);
	must(v.payload_at == s->ip_bytes);
	must(checksum_finish(checksum_add(
		     checksum_pseudo(&v.src, &v.dst, v.protocol, bytes - v.payload_at),
		     out + v.payload_at, bytes - v.payload_at)) == 0);
	must(memcmp(out + s->header_bytes, payload, bytes - s->header_bytes) == 0);
}

/* Joining the segments must make the packet again, with its header. */
static void check_whole(struct coalescer *c, const struct batch *b,
                        const struct vnet_header *header, const uint8_t *packet, size_t n)
{
	struct iovec slices[COALESCE_SLICES + 1];
	size_t count, at = 0;

	coalesce(c, b->order, b->n, true);
	must(c->group_count == 1);
	count = coalesce_slices(c, 0, slices);
	for (size_t i = 1; i < count; at += slices[i++].iov_len) {
		must(slices[i].iov_len <= n - at);
		must(memcmp(slices[i].iov_base, packet + at, slices[i].iov_len) == 0);
	}
	must(at == n && c->header.gso_type == (header->gso_type & ~VNET_GSO_ECN) &&
	     c->header.gso_bytes == header->gso_bytes);
}

static void take_apart(struct coalescer *c, const struct vnet_header *header,
                       uint8_t *packet, size_t n)
{
	static struct batch b;
	struct segmenter s;
	uint32_t bytes, payload = 0;
	size_t segments = 0;

	if (!segmenter_start(&s, header, packet, n))
		return;
	for (; (bytes = segmenter_next_bytes(&s)) > 0; segments++) {
		uint8_t *out = malloc(bytes);

		must(out && bytes <= n);
		segmenter_next(&s, out);
		check_segment(&s, out, bytes, packet + s.header_bytes + payload);
		payload += bytes - s.header_bytes;
		if (b.n < BATCH_MAX)
			add_packet(&b, out, bytes);
		else
			free(out);
	}
	must(payload + s.header_bytes == n);
	if (s.gso != VNET_GSO_NONE && is_mergeable(packet, n, &s, segments))
		check_whole(c, &b, header, packet, n);
	batch_clear(&b);
}

/* ---- the input */

/* Makes a packet of the piece and mends it. Free the result. *n is the size of both. */
static uint8_t *make_packet(struct script *script, const uint8_t *piece, size_t *n,
                            unsigned how, size_t stretch, bool partial)
{
	size_t more = how & MEND_STRETCH ? stretch : 0;
	uint8_t *p;

	if (more > UINT16_MAX - *n)
		more = UINT16_MAX - *n;
	p = malloc(*n + more ? *n + more : 1);
	must(p);
	memcpy(p, piece, *n);
	script_fill(script, p + *n, more);
	*n += more;
	mend(p, *n, how, partial);
	return p;
}

/* Input: mend, stretch (16 bits), vnet header, packet. */
static void fuzz_segments(struct coalescer *c, struct script *script, struct reader *r)
{
	const uint8_t *head = reader_take(r, 3);
	const void *vnet = reader_take(r, sizeof(struct vnet_header));
	struct vnet_header header;
	size_t n = r->left_bytes;
	uint8_t *p;

	if (!head || !vnet)
		return;
	memcpy(&header, vnet, sizeof(header));
	p = make_packet(script, reader_take(r, n), &n, head[0],
	                (size_t)(head[1] << 8 | head[2]), true);
	take_apart(c, &header, p, n);
	free(p);
}

/* The packet that would follow the last one of the batch, changed by the piece. */
static uint8_t *next_packet(const struct batch *b, const uint8_t *piece, size_t *n,
                            unsigned how)
{
	const struct packet *last = &b->packets[b->n - 1];
	uint8_t *p = copy_of(b->originals[b->n - 1], last->len_bytes);
	size_t at = ip_bytes(p, last->len_bytes), head;

	if (at && sum_field(p, last->len_bytes) && protocol_of(p) == PROTO_TCP) {
		struct tcp_header *tcp = (void *)(p + at);

		head = at + tcp_header_bytes(tcp);
		if (head <= last->len_bytes)
			tcp->seq = be32_put(be32_get(tcp->seq) + last->len_bytes -
			                    (uint32_t)head);
	}
	for (size_t i = 0; i + 2 < *n; i += 3)
		if (last->len_bytes > 0)
			p[(size_t)(piece[i] << 8 | piece[i + 1]) % last->len_bytes] ^=
				piece[i + 2];
	*n = last->len_bytes;
	mend(p, *n, how, false);
	return p;
}

/* Input for each packet: mend, stretch and size (16 bits together), the bytes. */
static void fuzz_batch(struct coalescer *c, struct script *script, struct reader *r,
                       bool udp)
{
	static struct batch b;
	const uint8_t *head;

	while (b.n < BATCH_MAX && (head = reader_take(r, 3))) {
		size_t want = (size_t)((head[1] & 7) << 8 | head[2]);
		size_t n = want < r->left_bytes ? want : r->left_bytes;
		const uint8_t *piece = reader_take(r, n);

		if (head[0] & MEND_NEXT && b.n > 0) {
			uint8_t *p = next_packet(&b, piece, &n, head[0]);

			add_packet(&b, p, n);
		} else {
			uint8_t *p = make_packet(script, piece, &n, head[0],
			                         (size_t)(head[1] >> 3) * 64, false);

			add_packet(&b, p, n);
		}
	}
	check_batch(c, &b, udp);
	batch_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct coalescer c;
	struct script script = { .seed = n };
	struct reader r = reader_of(bytes, n);
	const uint8_t *way = reader_take(&r, 1);

	if (!way)
		return 0;
	if (*way % 2 == 0)
		fuzz_segments(&c, &script, &r);
	else
		fuzz_batch(&c, &script, &r, *way & 2);
	return 0;
}
