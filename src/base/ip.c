/* src/base/ip.c */
#include "base/ip.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ifname.h"

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, ip_addr_bytes(a)) == 0;
}

int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, ip_addr_bytes(a));
}

bool ip_addr_parse(struct ip_addr *out, const char *text)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		*out = ip_addr_from_bytes(IP_V4, b);
	else if (inet_pton(AF_INET6, text, b) == 1)
		*out = ip_addr_from_bytes(IP_V6, b);
	else
		return false;
	return true;
}

const char *ip_addr_format(const struct ip_addr *a, char out[static IP_ADDR_STRLEN])
{
	if (a->family == IP_NONE)
		strcpy(out, "(none)");
	else
		inet_ntop(a->family == IP_V4 ? AF_INET : AF_INET6, a->b, out,
		          IP_ADDR_STRLEN);
	return out;
}

bool ip_addr_is_loopback(const struct ip_addr *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (a->family == IP_V4)
		return a->b[0] == 127;
	return a->family == IP_V6 && memcmp(a->b, loopback6, sizeof(loopback6)) == 0;
}

bool ip_addr_is_unspecified(const struct ip_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, ip_addr_bytes(a)) == 0;
}

bool ip_addr_is_this_machine(const struct ip_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip_addr v4;

	if (a->family == IP_V6 && memcmp(a->b, mapped, sizeof(mapped)) == 0) {
		v4 = ip_addr_from_bytes(IP_V4, a->b + sizeof(mapped));
		a = &v4;
	}
	return ip_addr_is_loopback(a) || ip_addr_is_unspecified(a);
}

bool ip_addr_is_multicast(const struct ip_addr *a)
{
	if (a->family == IP_V4)
		return (a->b[0] & 0xf0) == 0xe0;
	return a->family == IP_V6 && a->b[0] == 0xff;
}

bool ip_addr_is_link_local(const struct ip_addr *a)
{
	return a->family == IP_V6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

struct ip_prefix ip_prefix_mask(struct ip_prefix p)
{
	size_t whole = p.len / 8;

	if (p.len % 8 != 0) {
		p.addr.b[whole] &= (uint8_t)(0xff00U >> p.len % 8);
		whole++;
	}
	memset(p.addr.b + whole, 0, sizeof(p.addr.b) - whole);
	return p;
}

bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_addr_equal(&a->addr, &b->addr);
}

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
	size_t whole = p->len / 8;
	unsigned mask = 0xff00U >> p->len % 8 & 0xffU;

	if (p->addr.family != a->family || memcmp(p->addr.b, a->b, whole) != 0)
		return false;
	return mask == 0 || ((p->addr.b[whole] ^ a->b[whole]) & mask) == 0;
}

bool ip_prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->len <= inner->len && ip_prefix_contains(outer, &inner->addr);
}

bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_prefix_covers(a, b) || ip_prefix_covers(b, a);
}

static bool parse_len(uint8_t *out, const char *text, unsigned max)
{
	unsigned len = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		len = 10 * len + (unsigned)(*text - '0');
		if (len > max)
			return false;
	}
	*out = (uint8_t)len;
	return true;
}

bool ip_prefix_parse(struct ip_prefix *out, const char *text)
{
	const char *slash = strchr(text, '/');
	char addr[IP_ADDR_STRLEN];

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (!ip_addr_parse(&out->addr, addr) ||
	    !parse_len(&out->len, slash + 1, ip_addr_bits(&out->addr)))
		return false;
	*out = ip_prefix_mask(*out);
	return true;
}

const char *ip_prefix_format(const struct ip_prefix *p, char out[static IP_PREFIX_STRLEN])
{
	char addr[IP_ADDR_STRLEN];

	snprintf(out, IP_PREFIX_STRLEN, "%s/%u", ip_addr_format(&p->addr, addr), p->len);
	return out;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->scope_id == b->scope_id &&
	       ip_addr_equal(&a->addr, &b->addr);
}

bool endpoint_is_among(const struct endpoint *e, const struct endpoint *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (endpoint_equal(&list[i], e))
			return true;
	}
	return false;
}

const char *endpoint_format(const struct endpoint *e, char out[static ENDPOINT_STRLEN])
{
	char addr[IP_ADDR_STRLEN];

	ip_addr_format(&e->addr, addr);
	if (e->addr.family == IP_NONE)
		strcpy(out, addr);
	else if (e->addr.family == IP_V4)
		snprintf(out, ENDPOINT_STRLEN, "%s:%u", addr, e->port);
	else if (e->scope_id == 0)
		snprintf(out, ENDPOINT_STRLEN, "[%s]:%u", addr, e->port);
	else
		snprintf(out, ENDPOINT_STRLEN, "[%s%%%u]:%u", addr, e->scope_id, e->port);
	return out;
}

const char *endpoint_format_named(const struct endpoint *e,
                                  char out[static ENDPOINT_STRLEN])
{
	char addr[IP_ADDR_STRLEN], name[IF_NAMESIZE];

	/* the kernel also takes names with which this would not be read again */
	if (e->addr.family != IP_V6 || e->scope_id == 0 ||
	    !if_indextoname(e->scope_id, name) || !ifname_valid(name))
		return endpoint_format(e, out);
	snprintf(out, ENDPOINT_STRLEN, "[%s%%%s]:%u", ip_addr_format(&e->addr, addr),
	         name, e->port);
	return out;
}

static bool decimal(const char *text, uint32_t max, uint32_t *out)
{
	unsigned long long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoull(text, &end, 10); /* even of what is too long, more than any max */
	*out = (uint32_t)n;
	return *end == '\0' && n <= max;
}

/* "fe80::1%2" or "fe80::1%eth0" */
static bool parse_scoped(struct endpoint *out, char *host, const struct zones *zones)
{
	char *zone = strchr(host, '%');
	uint32_t id = 0;

	if (zone) {
		*zone++ = '\0';
		if (!decimal(zone, UINT32_MAX, &id))
			id = zones->index_of(zones->context, zone);
		if (id == 0)
			return false;
	}
	out->scope_id = id;
	return ip_addr_parse(&out->addr, host) && (!zone || out->addr.family == IP_V6);
}

bool endpoint_parse_in(struct endpoint *out, const char *text, const struct zones *zones)
{
	char host[ENDPOINT_STRLEN];
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool bracket = text[0] == '[';
	uint32_t port;

	*out = (struct endpoint){ 0 };
	if (n == 0 || n >= sizeof(host) || !decimal(colon + 1, UINT16_MAX, &port))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (bracket) {
		if (host[n - 1] != ']')
			return false;
		host[n - 1] = '\0';
	}
	out->port = (uint16_t)port;
	return parse_scoped(out, host + bracket, zones) &&
	       bracket == (out->addr.family == IP_V6);
}

static uint32_t index_here(void *context, const char *name)
{
	(void)context;
	return if_nametoindex(name);
}

bool endpoint_parse(struct endpoint *out, const char *text)
{
	static const struct zones here = { index_here, NULL };

	return endpoint_parse_in(out, text, &here);
}

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (e->addr.family == IP_V4) {
		struct sockaddr_in in = { .sin_family = AF_INET,
			                  .sin_port = htons(e->port) };

		memcpy(&in.sin_addr, e->addr.b, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (e->addr.family == IP_V6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
			                    .sin6_port = htons(e->port),
			                    .sin6_scope_id = e->scope_id };

		memcpy(&in6.sin6_addr, e->addr.b, 16);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

bool endpoint_from_sockaddr(struct endpoint *out, const struct sockaddr *sa)
{
	*out = (struct endpoint){ 0 };
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		out->addr = ip_addr_from_bytes(IP_V4, &in.sin_addr);
		out->port = ntohs(in.sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		out->addr = ip_addr_from_bytes(IP_V6, &in6.sin6_addr);
		out->port = ntohs(in6.sin6_port);
		out->scope_id = in6.sin6_scope_id;
		return true;
	}
	return false;
}
