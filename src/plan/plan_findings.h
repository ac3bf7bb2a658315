/* src/plan/plan_findings.h - what is odd about a plan that can be carried out
 * all the same? */
#ifndef TUNION_PLAN_PLAN_FINDINGS_H
#define TUNION_PLAN_PLAN_FINDINGS_H

#include "base/diag.h"
#include "plan/plan.h"

/* Adds warnings about loops, ways that are too long, carriers without an Address of the
 * family, prefixes that stand by or get no packet, and MTUs; and the warnings of
 * plan_unmet.h and plan_shared.h. There is one line for each loop, each file, or each
 * pair of files. Also sets plan_peer.on_loop. 0 or -ENOMEM.
 *
 * These are all the warnings that depend on the files alone. Other warnings of `up`
 * depend on the host at that moment. */
MUST_CHECK int plan_findings(struct plan *plan, const struct plan_env *env,
                             struct diag *diag);

/* Adds the warning about an Endpoint whose name has no address yet. Only the caller knows
 * this, because it looks up the names. */
void plan_findings_unresolved(struct diag *diag, const char *path, unsigned line,
                              const char *host, const char *why);

#endif
