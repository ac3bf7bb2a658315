/* src/host/host_config.h - which addresses, routes and rules does a plan need on the
 * host?
 *
 * Design section 4, as a pure function: it takes a plan and makes a list of rtnetlink
 * items. */
#ifndef TUNION_HOST_HOST_CONFIG_H
#define TUNION_HOST_HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host_items.h"
#include "host/rule_place.h"
#include "host/yield.h"
#include "plan/plan.h"

#define HOST_FIRST_TABLE 51820U /* the first free one from here on, as in wg-quick */
/* How many priorities the rules of a family can need: two for each prefix length, after one
 * that is for all marks. */
#define HOST_RULES_MAX(bits) (2U * ((bits) + 1U) + 1U)

/* These stay the same during the life of an instance, once they have been chosen. All
 * zeroes: nothing is chosen yet. Both families use the same tables. */
struct host_numbers {
	/* of the sockets of all files without a FwMark; 0: not chosen */
	uint32_t mark;
	bool mark_is_a_files; /* it is the FwMark of a file */
	uint32_t table[129];  /* for prefixes of this length; 0: not chosen */
	struct rule_place place4, place6;
	/* What the plan in force has, if another mark was chosen for the next one. */
	struct {
		uint32_t mark, table;
		bool mark_is_a_files;
	} before;
	bool chosen_anew;
};

/* Functions that ask the host. */
struct host_config_env {
	uint32_t ifindex;  /* of the tun */
	bool without_ipv6; /* the host has none: leave it out */
	/* Does the table contain a route of either family? */
	bool (*table_used)(void *context, uint32_t table);
	/* Does a rule of somebody else apply to packets with this mark, because of the mark?
	 * May be NULL. */
	bool (*mark_used)(void *context, uint32_t mark);
	/* Chooses the place of the rules: rule_place.h. */
	struct rule_place (*place_rules)(void *context, enum ip_family family);
	void *context;
	/* The tun is in a network namespace of its own (host_place.h), so every prefix
	 * goes to the main table, and there are no rules. */
	bool alone;
};

struct host_config {
	/* In the order in which to add them: addresses as in the files, routes, rules. A
	 * rule that lets the main table go first comes before the rule that uses the
	 * table of that length. */
	struct host_items items;
	/* What the guards (guard.h) are made of: the addresses of files with a default
	 * route in rules, and all rules with a mark. */
	struct host_items guard;
	struct yields yields; /* added by host_change */
	bool rules4, rules6;  /* does the family have rules? */
	/* Do its rules have to be added again, even those that are there? Only possible in
	 * a shared place; added by host_change. */
	bool renew4, renew6;
	bool ipv6_left_out; /* the plan wants IPv6, but the host has none */
	uint32_t mtu_bytes; /* of the tun */
};

/* Chooses the mark: if all files have a FwMark, that of the first one; else the number of
 * the first free table. It stays, but when the first file without a FwMark comes, it is
 * chosen again, because this file isn't meant to have another file's. Not if the tun is
 * alone. */
MUST_CHECK int host_numbers_choose_mark(struct host_numbers *numbers,
                                        const struct plan *plan,
                                        const struct host_config_env *env,
                                        struct diag *diag);

/* Is the plan that it was chosen for in force from now on? If it doesn't come, the mark is
 * again the one from before. */
void host_numbers_decide_mark(struct host_numbers *numbers, bool comes);

/* Adds to numbers if more tables or blocks are needed; the mark must have been chosen.
 * Returns 0, -ENOMEM, or -ENOSPC if no table or priority is free, with an error in
 * diag. */
MUST_CHECK int host_config_make(struct host_config *out, struct host_numbers *numbers,
                                const struct plan *plan,
                                const struct host_config_env *env, struct diag *diag);
void host_config_clear(struct host_config *config);
#endif
