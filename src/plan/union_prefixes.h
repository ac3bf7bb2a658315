/* src/plan/union_prefixes.h - the union in as few prefixes as possible: what somebody else
 * has to route to us, a client of a gate or an app with a VpnService */
#ifndef TUNION_PLAN_UNION_PREFIXES_H
#define TUNION_PLAN_UNION_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ip.h"
#include "plan/union.h"

struct union_prefixes {
	struct ip_prefix *v; /* owned */
	size_t n;
};

/* The union, and others besides; those of IP_NONE are left out, and those of the union that
 * are not wanted (NULL: all are). The result is sorted as by union_walk. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int union_prefixes_make(struct union_prefixes *out,
                                   const struct union_table *u,
                                   bool (*wanted)(const struct ip_prefix *prefix),
                                   const struct ip_prefix *others, size_t n);
void union_prefixes_clear(struct union_prefixes *p);

#endif
