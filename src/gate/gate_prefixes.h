/* src/gate/gate_prefixes.h - the AllowedIPs of a client: the union, in as few prefixes as
 * possible */
#ifndef TUNION_GATE_GATE_PREFIXES_H
#define TUNION_GATE_GATE_PREFIXES_H

#include <stddef.h>

#include "base/attr.h"
#include "base/ip.h"
#include "plan/union.h"

struct gate_prefixes {
	struct ip_prefix *v; /* owned */
	size_t n;
};

/* The union, and others besides; those of IP_NONE are left out. Returns 0 or -ENOMEM. */
MUST_CHECK int gate_prefixes_make(struct gate_prefixes *out, const struct union_table *u,
                                  const struct ip_prefix *others, size_t n);
void gate_prefixes_clear(struct gate_prefixes *p);

#endif
