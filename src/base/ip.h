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

/* The bytes are in network order. IPv4 uses the first four; the others are zero. Compare
 * two addresses with ip_addr_equal. */
struct ip_addr {
	uint8_t family; /* enum ip_family */
	uint8_t b[16];
};

/* The host bits may be set, since the address of an interface is a prefix too.
 * ip_prefix_mask clears them. */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t len; /* bits, 0..32 or 0..128 */
};

/* Where a peer's datagrams go to and come from. `local` and `ifindex` tell how the last
 * datagram reached us; what we send back uses them as its source ("sticky source"). With
 * IP_NONE and 0 the carrier chooses the source. */
struct endpoint {
	struct ip_addr addr; /* IP_NONE if no endpoint is known */
	uint16_t port;       /* host order */
	uint32_t scope_id;   /* of a link-local IPv6 address, otherwise 0 */
	struct ip_addr local;
	uint32_t ifindex;
	bool by_link; /* send through the interface `ifindex`, if that is possible */
	uint32_t arrived_in; /* the id of the carrier that the datagram came through; 0:
	                      * it came from the network */
};

#define IP_ADDR_STRLEN   46 /* these include the final NUL */
#define IP_PREFIX_STRLEN 50
#define ENDPOINT_STRLEN  80 /* [addr%scope]:port */

/* 4 or 16 bytes; 0 for IP_NONE. */
static inline size_t ip_addr_bytes(const struct ip_addr *a)
{
	return a->family == IP_V4 ? 4 : a->family == IP_V6 ? 16 : 0;
}

/* 32 or 128 bits; 0 for IP_NONE. */
static inline uint8_t ip_addr_bits(const struct ip_addr *a)
{
	return (uint8_t)(8 * ip_addr_bytes(a));
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);

/* A total order: IPv4 comes before IPv6, then the bytes decide. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);

/* Makes an address of 16 bytes (IP_V6) or 4 bytes (any other family) in network order,
 * and zeroes the rest. It writes in place because it is used on the data path: a CPU that
 * loads a whole struct just after its parts were stored has to wait, so returning a copy
 * is slow. */
static inline void ip_addr_put(struct ip_addr *out, enum ip_family family,
                               const void *bytes)
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

/* Accepts what inet_pton accepts for either family, and nothing else. */
MUST_CHECK bool ip_addr_parse(struct ip_addr *out, const char *text);

/* Writes at most IP_ADDR_STRLEN bytes and returns `out`. IP_NONE gives "(none)". */
const char *ip_addr_format(const struct ip_addr *a, char out[static IP_ADDR_STRLEN]);

/* 127.0.0.0/8 and ::1 are loopback; 0.0.0.0 and :: are unspecified. */
bool ip_addr_is_loopback(const struct ip_addr *a);
bool ip_addr_is_unspecified(const struct ip_addr *a);
/* Does a connection to it lead to this machine itself? One of these two, or ::ffff:127.0.0.1. */
bool ip_addr_is_this_machine(const struct ip_addr *a);
bool ip_addr_is_multicast(const struct ip_addr *a);
/* fe80::/10: the same address may be on each link. */
bool ip_addr_is_link_local(const struct ip_addr *a);

/* Bit number i; bit 0 is the most significant bit of the first byte. */
static inline unsigned ip_addr_bit(const struct ip_addr *a, unsigned i)
{
	return (unsigned)a->b[i / 8] >> (7 - i % 8) & 1U;
}

/* Returns the prefix with its host bits set to zero. */
struct ip_prefix ip_prefix_mask(struct ip_prefix p);
bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);
bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a);
/* Is each address of `inner` in `outer`? They may be equal. */
bool ip_prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner);
/* Is there an address in both? */
bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);
/* Reads ADDR/LEN; the length must not be missing. Masks the host bits. */
MUST_CHECK bool ip_prefix_parse(struct ip_prefix *out, const char *text);
/* Writes "ADDR/LEN" and returns `out`. */
const char *ip_prefix_format(const struct ip_prefix *p,
                             char out[static IP_PREFIX_STRLEN]);

/* True if address, port and scope are the same; local and ifindex are not compared. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
bool endpoint_is_among(const struct endpoint *e, const struct endpoint *list, size_t n);
/* Writes "1.2.3.4:51820", "[2001:db8::1]:51820", "[fe80::1%3]:51820" or, for IP_NONE,
 * "(none)", and returns `out`. */
const char *endpoint_format(const struct endpoint *e, char out[static ENDPOINT_STRLEN]);
/* The same, but with the name of the interface, as it is now: an index may be another
 * one's after a restart of the system. Asks the system, so it is not for the worker. */
const char *endpoint_format_named(const struct endpoint *e,
                                  char out[static ENDPOINT_STRLEN]);
/* Reads what endpoint_format writes; the zone may also be the name of an interface. The
 * address must be numeric. */
MUST_CHECK bool endpoint_parse(struct endpoint *out, const char *text);
/* Who knows the indices of interfaces: index_of returns 0 if there is none of this name. */
struct zones {
	uint32_t (*index_of)(void *context, const char *name);
	void *context; /* borrowed */
};
/* The same for a process that may not ask the system itself. */
MUST_CHECK bool endpoint_parse_in(struct endpoint *out, const char *text,
                                  const struct zones *zones);

/* To and from the kernel's form. endpoint_to_sockaddr returns the length used, which is 0
 * for IP_NONE. endpoint_from_sockaddr returns false for any other family. */
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out);
MUST_CHECK bool endpoint_from_sockaddr(struct endpoint *out, const struct sockaddr *sa);

#endif
