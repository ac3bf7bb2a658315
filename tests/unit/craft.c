/* tests/unit/craft.c */
#include "craft.h"

#include <arpa/inet.h>
#include <string.h>

#include "unit.h"

static uint16_t add(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

uint16_t craft_sum(const uint8_t *bytes, size_t n)
{
	return add(0, bytes, n);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t get16(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

void craft_start(struct craft *c)
{
	c->packet = (struct packet){
		.data = c->buffer + PACKET_HEADROOM_BYTES,
		.headroom_bytes = PACKET_HEADROOM_BYTES,
		.tailroom_bytes = CRAFT_MAX_BYTES + PACKET_TAILROOM_BYTES,
	};
}

void craft_bytes(struct craft *c, const void *bytes, size_t n)
{
	craft_start(c);
	must(n <= CRAFT_MAX_BYTES);
	packet_set_len(&c->packet, (uint32_t)n);
	if (n > 0)
		memcpy(c->packet.data, bytes, n);
}

static void seal_ipv4(uint8_t *b)
{
	put16(b + 10, 0);
	put16(b + 10, 0xffffU & ~craft_sum(b, 20));
}

void craft_ip(struct craft *c, const char *src, const char *dst, uint8_t protocol,
              const void *payload, size_t n)
{
	uint8_t b[CRAFT_MAX_BYTES] = { 0 };
	size_t header = strchr(src, ':') ? 40 : 20;

	must(header + n <= sizeof(b));
	if (header == 40) {
		b[0] = 0x60;
		put16(b + 4, n);
		b[6] = protocol;
		b[7] = 63;
		must(inet_pton(AF_INET6, src, b + 8) == 1);
		must(inet_pton(AF_INET6, dst, b + 24) == 1);
	} else {
		b[0] = 0x45;
		put16(b + 2, header + n);
		put16(b + 4, 0x1234);
		b[8] = 63;
		b[9] = protocol;
		must(inet_pton(AF_INET, src, b + 12) == 1);
		must(inet_pton(AF_INET, dst, b + 16) == 1);
		seal_ipv4(b);
	}
	if (n > 0)
		memcpy(b + header, payload, n);
	craft_bytes(c, b, header + n);
}

/* The sum over pseudo header and payload, with whatever stands in the checksum field. */
static uint16_t transport_sum(const uint8_t *ip, uint8_t protocol, size_t header,
                              size_t n)
{
	bool v6 = ip[0] >> 4 == 6;
	uint8_t rest[4] = { 0, protocol };
	uint16_t sum = add(0, ip + (v6 ? 8 : 12), v6 ? 32 : 8);

	put16(rest + 2, n);
	return add(add(sum, rest, sizeof(rest)), ip + header, n);
}

void craft_udp(struct craft *c, const char *src, uint16_t src_port, const char *dst,
               uint16_t dst_port, const void *payload, size_t n)
{
	uint8_t b[CRAFT_MAX_BYTES] = { 0 }, *udp;
	size_t header, sum;

	put16(b, src_port);
	put16(b + 2, dst_port);
	put16(b + 4, 8 + n);
	if (n > 0)
		memcpy(b + 8, payload, n);
	craft_ip(c, src, dst, 17, b, 8 + n);
	header = c->packet.len_bytes - 8 - n;
	udp = c->packet.data + header;
	sum = transport_sum(c->packet.data, 17, header, 8 + n);
	put16(udp + 6, sum == 0xffff ? 0xffff : 0xffff & ~sum); /* never 0: "none" */
}

void craft_set_tos(struct craft *c, uint8_t tos)
{
	uint8_t *b = c->packet.data;

	if (b[0] >> 4 == 6) {
		b[0] = (uint8_t)(0x60 | tos >> 4);
		b[1] = (uint8_t)(tos << 4);
	} else {
		b[1] = tos;
		seal_ipv4(b);
	}
}

void craft_set_fragment(struct craft *c, uint16_t flags_offset)
{
	put16(c->packet.data + 6, flags_offset);
	seal_ipv4(c->packet.data);
}

void craft_set_df(struct craft *c)
{
	craft_set_fragment(c, 0x4000);
}

static bool transport_valid(const uint8_t *b, uint8_t protocol, size_t header, size_t n)
{
	switch (protocol) {
	case 1:
		return n >= 8 && craft_sum(b + header, n) == 0xffff;
	case 17:
		return n >= 8 && get16(b + header + 4) == n &&
		       get16(b + header + 6) != 0 &&
		       transport_sum(b, 17, header, n) == 0xffff;
	case 58:
		return n >= 8 && transport_sum(b, 58, header, n) == 0xffff;
	default:
		return true;
	}
}

bool craft_valid(const uint8_t *b, size_t n)
{
	if (n >= 40 && b[0] >> 4 == 6)
		return get16(b + 4) + 40 == n && transport_valid(b, b[6], 40, n - 40);
	return n >= 20 && b[0] == 0x45 && get16(b + 2) == n &&
	       craft_sum(b, 20) == 0xffff && (get16(b + 6) & 0x3fff) == 0 &&
	       transport_valid(b, b[9], 20, n - 20);
}
