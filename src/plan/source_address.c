/* src/plan/source_address.c - rules 2 (scope), 6 (label) and 8 (longest match) of RFC
 * 6724 section 5. The other rules ask for properties that no Address of a file has. */
#include "plan/source_address.h"

#include "base/attr.h"

/* RFC 4007, RFC 4291 2.7 */
enum scope {
	SCOPE_LINK = 2,
	SCOPE_SITE = 5,
	SCOPE_GLOBAL = 14,
};

/* The default policy table (RFC 6724 2.1): all prefixes that have a label of their
 * own. */
static const struct {
	struct ip_prefix prefix;
	int label;
} labels[] = {
	{ { { IP_V6, { [15] = 1 } }, 128 }, 0 },
	{ { { IP_V6, { [10] = 0xff, 0xff } }, 96 }, 4 },
	{ { { IP_V6, { 0 } }, 96 }, 3 },
	{ { { IP_V6, { 0x20, 0x01, 0x00, 0x00 } }, 32 }, 5 },
	{ { { IP_V6, { 0x20, 0x02 } }, 16 }, 2 },
	{ { { IP_V6, { 0xfc } }, 7 }, 13 },
	{ { { IP_V6, { 0xfe, 0xc0 } }, 10 }, 11 },
	{ { { IP_V6, { 0x3f, 0xfe } }, 16 }, 12 },
};
#define LABEL_OTHER 1

static const struct ip_prefix global_unicast = { { IP_V6, { 0x20 } }, 3 };

static int label(const struct ip_prefix *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		if (ip_prefix_covers(&labels[i].prefix, p))
			return labels[i].label;
	}
	return LABEL_OTHER;
}

static enum scope scope(const struct ip_prefix *p)
{
	const uint8_t *b = p->addr.b;

	if (p->len < 10 || b[0] != 0xfe)
		return SCOPE_GLOBAL;
	if ((b[1] & 0xc0) == 0x80)
		return SCOPE_LINK;
	return (b[1] & 0xc0) == 0xc0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

/* The length of the common prefix (RFC 6724 2.2), which ends with the subnet of
 * the address. */
static unsigned common_bits(const struct ip_prefix *address, const struct ip_prefix *dst)
{
	unsigned max = address->len < dst->len ? address->len : dst->len, n = 0;

	while (n < max && ip_addr_bit(&address->addr, n) == ip_addr_bit(&dst->addr, n))
		n++;
	return n;
}

/* The address alone, without its subnet. */
static struct ip_prefix host_of(const struct ip_prefix *address)
{
	return (struct ip_prefix){ address->addr, ip_addr_bits(&address->addr) };
}

static bool usable(const struct ip_prefix *candidate, const struct ip_prefix *dst)
{
	const struct ip_addr *a = &candidate->addr;
	struct ip_prefix host = host_of(candidate);

	if (a->family != dst->addr.family || ip_addr_is_loopback(a) ||
	    ip_addr_is_unspecified(a) || ip_addr_is_multicast(a))
		return false;
	return a->family == IP_V4 || scope(&host) != SCOPE_LINK ||
	       scope(dst) == SCOPE_LINK;
}

bool source_address_is_better(const struct ip_prefix *candidate,
                              const struct ip_prefix *best, const struct ip_prefix *dst)
{
	struct ip_prefix a = host_of(candidate), b = host_of(best);
	bool a_fits, b_fits;

	if (!usable(candidate, dst))
		return false;
	if (best->addr.family == IP_NONE)
		return true;
	if (dst->addr.family == IP_V4)
		return false;
	if (ip_prefix_covers(dst, &global_unicast))
		dst = &global_unicast;
	if (scope(&a) < scope(&b)) /* rule 2 */
		return scope(&a) >= scope(dst);
	if (scope(&a) > scope(&b))
		return scope(&b) < scope(dst);
	a_fits = label(&a) == label(dst); /* rule 6 */
	b_fits = label(&b) == label(dst);
	if (a_fits != b_fits)
		return a_fits;
	/* rule 8; of equally good addresses the kernel takes the one that was added
	 * last */
	return common_bits(candidate, dst) >= common_bits(best, dst);
}

struct ip_prefix source_address_all(enum ip_family family)
{
	return (struct ip_prefix){ .addr = { .family = (uint8_t)family } };
}

struct ip_prefix source_address_ula(void)
{
	return (struct ip_prefix){ { IP_V6, { 0xfc } }, 7 };
}

bool source_address_is_ula(const struct ip_addr *addr)
{
	return addr->family == IP_V6 && (addr->b[0] & 0xfe) == 0xfc;
}

bool source_address_is_private(const struct ip_addr *addr)
{
	const uint8_t *b = addr->b;

	if (addr->family != IP_V4)
		return addr->family == IP_V6 && source_address_is_ula(addr);
	return b[0] == 10 || (b[0] == 172 && b[1] >> 4 == 1) ||
	       (b[0] == 192 && b[1] == 168) || (b[0] == 100 && b[1] >> 6 == 1);
}
