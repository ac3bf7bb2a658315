/* src/host/host_config.h - which addresses, routes and rules does a plan need on the
 * host?
 *
 * Design section 4, as a pure function: the plan in, a list of rtnetlink items out. */
#ifndef TUNION_HOST_HOST_CONFIG_H
#define TUNION_HOST_HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host_items.h"
#include "plan/plan.h"

#define HOST_FIRST_TABLE 51820U /* as wg-quick: the first free one from here on */
/* Rules of one family: two for each prefix length. */
#define HOST_RULES_MAX(bits) (2U * ((bits) + 1U))

/* What stays the same over the life of an instance, once it has been chosen. All zeroes:
 * nothing yet. Tables are shared by both families. */
struct host_numbers {
	uint32_t mark;                 /* of all network sockets; 0: not chosen */
	uint32_t table[129];           /* for prefixes of this length; 0: not chosen */
	uint32_t priority4, priority6; /* first of the block of rules; 0: not chosen */
};

/* What has to be asked of the host. */
struct host_config_env {
	uint32_t ifindex; /* of the tun */
	/* Has the table any route, of either family? */
	bool (*table_used)(void *context, uint32_t table);
	/* First number of a free block of rule priorities before all other rules of the
	 * family (but the one for local addresses), see host_rule_block. */
	uint32_t (*rule_block)(void *context, enum ip_family family);
	void *context;
};

struct host_config {
	/* In the order in which to add them: addresses as in the files, routes, rules. A
	 * rule that takes nothing away from the main table comes before the one that uses
	 * its table. */
	struct host_items items;
	bool rules4, rules6; /* does the family have rules? */
	uint32_t mtu_bytes;  /* of the tun */
};

/* Mark: FwMark of the first file that has one, else the first free table's number. Chosen
 * once. */
MUST_CHECK int host_numbers_choose_mark(struct host_numbers *numbers,
                                        const struct plan *plan,
                                        const struct host_config_env *env,
                                        struct diag *diag);

/* Completes numbers where more tables or blocks are needed; its mark has been chosen. 0
 * or -ENOMEM; -ENOSPC if no table or priority is free, with a text in diag. */
MUST_CHECK int host_config_make(struct host_config *out, struct host_numbers *numbers,
                                const struct plan *plan,
                                const struct host_config_env *env, struct diag *diag);
void host_config_clear(struct host_config *config);

/* The block of `size` numbers that lies before as many of the priorities in use (any
 * order, not 0; the array is sorted) as can be: directly before the first of them that
 * leaves room. 0: there is no room. */
uint32_t host_rule_block(uint32_t *used, size_t n, uint32_t size);

#endif
