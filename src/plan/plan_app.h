/* src/plan/plan_app.h - what does an Android app have to give to VpnService.Builder for a
 * plan?
 *
 * The Builder's methods throw an exception for what they don't take, and establish() fails
 * without an address. So what they would refuse is left out here, with a warning if somebody
 * may miss it. */
#ifndef TUNION_PLAN_PLAN_APP_H
#define TUNION_PLAN_PLAN_APP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "plan/plan.h"
#include "plan/union_prefixes.h"

/* Why hooks are not run, and why a file that needs a tun of its own is left out. */
extern const char plan_app_no_hooks[], plan_app_no_table[];

/* The name servers that the host is told, and the virtual resolver's addresses among them
 * (IP_NONE: none); see host/dns.h. All borrowed. */
struct plan_app_dns {
	const struct ip_addr *servers;
	size_t n;
	struct ip_addr virtual4, virtual6;
};

/* Names of packages, each once. */
struct plan_app_names {
	const char **v; /* owned; the names are borrowed from the files */
	size_t n;
};

struct plan_app {
	struct ip_prefix *addresses; /* owned; with host bits, each address once */
	size_t address_count;
	struct union_prefixes routes; /* with those to the virtual resolver */
	struct ip_addr *servers;      /* owned */
	size_t server_count;
	/* Only one of the two may be used, so one of them is empty. */
	struct plan_app_names included, excluded;
	/* There is no default route. So a family that has no address, no route and no server
	 * is not the tunnels' business, and has to be allowed; otherwise it stays blocked,
	 * as with the WireGuard app. */
	bool allow_families;
};

/* The plan's env had `one_tun` and `applications`. Returns 0, -ENOMEM, or -EINVAL after an
 * error in diag. In every case call plan_app_clear; the plan must live as long. */
MUST_CHECK int plan_app_make(struct plan_app *out, const struct plan *plan,
                             const struct plan_app_dns *dns, struct diag *diag);
void plan_app_clear(struct plan_app *app);

#endif
