/* src/base/ip.h - IP addresses, prefixes and UDP endpoints as plain values */
#ifndef TUNION_BASE_IP_H
#define TUNION_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/attr.h"

enum ip_family {
	IP_NONE = 0, /* no address: the value of a zeroed struct */
	IP_V4 = 4,
	IP_V6 = 6,
};

/* Bytes in network order; IPv4 uses the first four, the rest are zero. Compare with
 * ip_addr_equal. */
struct ip_addr {
	uint8_t family; /* enum ip_family */
	uint8_t b[16];
};

/* Host bits need not be zero: an interface address is a prefix too. See ip_prefix_mask. */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t len; /* bits, 0..32 or 0..128 */
};

/* Where a peer's datagrams go to and come from. local and ifindex say how the datagram
 * reached us, and are used as the source of what we send back ("sticky source"); IP_NONE
 * and 0 leave the choice to the carrier. */
struct endpoint {
	struct ip_addr addr; /* IP_NONE: no endpoint known */
	uint16_t port;       /* host order */
	uint32_t scope_id;   /* of a link-local IPv6 address, else 0 */
	struct ip_addr local;
	uint32_t ifindex;
};

#define IP_ADDR_STRLEN   46 /* with the final NUL */
#define IP_PREFIX_STRLEN 50
#define ENDPOINT_STRLEN  80 /* [addr%scope]:port */

/* 4 or 16; 0 for IP_NONE. */
static inline size_t ip_addr_bytes(const struct ip_addr *a)
{
	return a->family == IP_V4 ? 4 : a->family == IP_V6 ? 16 : 0;
}

/* 32, 128 or 0. */
static inline uint8_t ip_addr_bits(const struct ip_addr *a)
{
	return (uint8_t)(8 * ip_addr_bytes(a));
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);

/* Total order: IPv4 before IPv6, then by bytes. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);

/* From 4 or, if family is IP_V6, 16 bytes in network order; what else is in it, is zero. In place, for the data
 * path: a struct that was filled by parts can't be read as a whole at once, so a copy of
 * one just made waits. */
static inline void ip_addr_put(struct ip_addr *out, enum ip_family family, const void *bytes)
{
	out->family = (uint8_t)family;
	if (family == IP_V6) {
		memcpy(out->b, bytes, 16);
		return;
	}
	memset(out->b + 4, 0, 12);
	memcpy(out->b, bytes, 4);
}

static inline struct ip_addr ip_addr_from_bytes(enum ip_family family, const void *bytes)
{
	struct ip_addr a;

	ip_addr_put(&a, family, bytes);
	return a;
}

/* inet_pton of either family, nothing looser. */
MUST_CHECK bool ip_addr_parse(struct ip_addr *out, const char *text);

/* Writes at most IP_ADDR_STRLEN bytes; returns out. IP_NONE gives "(none)". */
const char *ip_addr_format(const struct ip_addr *a, char out[static IP_ADDR_STRLEN]);

/* 127.0.0.0/8, ::1 and 0.0.0.0, :: / multicast */
bool ip_addr_is_loopback(const struct ip_addr *a);
bool ip_addr_is_unspecified(const struct ip_addr *a);
bool ip_addr_is_multicast(const struct ip_addr *a);

/* Bit number i, 0 the most significant of the first byte. */
static inline unsigned ip_addr_bit(const struct ip_addr *a, unsigned i)
{
	return (unsigned)a->b[i / 8] >> (7 - i % 8) & 1U;
}

/* The prefix with its host bits zeroed. */
struct ip_prefix ip_prefix_mask(struct ip_prefix p);
bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);
bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a);
/* "ADDR/LEN"; returns out. */
const char *ip_prefix_format(const struct ip_prefix *p, char out[static IP_PREFIX_STRLEN]);

/* Same address, port and scope; local and ifindex do not count. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* "1.2.3.4:51820", "[2001:db8::1]:51820", "[fe80::1%3]:51820"; "(none)"; returns out. */
const char *endpoint_format(const struct endpoint *e, char out[static ENDPOINT_STRLEN]);
/* The reverse, numeric only. */
MUST_CHECK bool endpoint_parse(struct endpoint *out, const char *text);

/* To and from the kernel's form. to_sockaddr returns the length used, 0 for IP_NONE. */
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out);
MUST_CHECK bool endpoint_from_sockaddr(struct endpoint *out, const struct sockaddr *sa);

#endif
