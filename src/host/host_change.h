/* src/host/host_change.h - from what is in force on the host to what a plan wants */
#ifndef TUNION_HOST_HOST_CHANGE_H
#define TUNION_HOST_HOST_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host_config.h"
#include "host/journal.h"
#include "host/nameservers.h"
#include "host/netlink.h"
#include "plan/plan.h"

/* Embedded in struct host, which begins and ends it. */
struct host_state {
	struct netlink *nl; /* owned */
	struct journal journal;
	struct host_numbers numbers;
	struct host_config config; /* what is in force */
	char *dns; /* owned; the text that resolvconf was given; NULL: none */
	struct ip_addr resolver4, resolver6; /* virtual */
	/* When last it could be told. */
	struct ip_addr network_servers[NAMESERVERS_MAX];
	size_t network_server_count;
	bool no_guard, no_dns;
	bool up;
};

/* For host_config: asks the kernel. */
struct host_config_env host_change_env(struct host_state *h);

/* Remembers which name servers the network offers, unless that can't be told any more
 * because ours have taken their place. To be called before they do. */
void host_change_note_servers(struct host_state *h);

/* After host_prepare. Does all that can be done; 0 or the first error, each in diag. */
MUST_CHECK int host_change(struct host_state *h, const struct plan *plan,
                           struct diag *diag);

#endif
