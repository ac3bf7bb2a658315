/* src/host/host_change.h - changes the host from what is in force to what a plan wants */
#ifndef TUNION_HOST_HOST_CHANGE_H
#define TUNION_HOST_HOST_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "host/altnames.h"
#include "host/host_config.h"
#include "host/host_env.h"
#include "host/host_place.h"
#include "host/journal.h"
#include "host/nameservers.h"
#include "netlink/netlink.h"
#include "plan/plan.h"

/* Embedded in struct host, which initialises and clears it. */
struct host_state {
	struct netlink *nl; /* owned; NULL if there is no tun */
	struct journal journal;
	struct journal remains; /* see remains.h; zeroed: there are none */
	struct host_numbers numbers;
	struct host_config config;  /* what is in force */
	struct host_items barriers; /* see barrier.h */
	struct host_asker asker;    /* for host_change_env */
	struct altnames altnames;
	char *dns;       /* owned; the text given to resolvconf; NULL: none */
	char *other_dns; /* owned; the same of other tuns; NULL: none */
	struct ip_addr resolver4, resolver6; /* the virtual ones */
	/* as they were when they could last be found out */
	struct ip_addr network_servers[NAMESERVERS_MAX];
	size_t network_server_count;
	bool servers_given; /* they are what the user has named, and stay so */
	const struct host_place *place; /* borrowed; NULL: our own namespace */
	const struct log *log;          /* borrowed */
	bool no_guard, no_dns;
	bool network_known; /* routes and rules of others are as we have seen them last */
	bool up;
	bool stay_closed; /* see host_options */
	bool told_ipv6_left_out;
};

/* The env for host_config.h; it asks the kernel. */
struct host_config_env host_change_env(struct host_state *h);

/* Remembers which name servers the network offers, unless this can't be found out any
 * more because ours have replaced them. Call it before they do. */
void host_change_note_servers(struct host_state *h);

/* Sets resolver4 and resolver6. */
void host_change_choose_resolver(struct host_state *h, const struct plan *plan);

/* To be called after host_prepare. Does all that is possible. Returns 0 or the first
 * error; all errors are in diag. */
MUST_CHECK int host_change(struct host_state *h, const struct plan *plan,
                           struct diag *diag);

#endif
