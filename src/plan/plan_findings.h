/* src/plan/plan_findings.h - what is odd about a plan that can be carried out
 * all the same? */
#ifndef TUNION_PLAN_PLAN_FINDINGS_H
#define TUNION_PLAN_PLAN_FINDINGS_H

#include "plan/plan.h"

/* Adds warnings about loops, ways that are too long, carriers without an Address of the
 * family, prefixes that stand by or get no packet, and MTUs: one line for each loop, each
 * file, or each pair of files. Also sets plan_peer.on_loop. 0 or -ENOMEM. */
MUST_CHECK int plan_findings(struct plan *plan, struct diag *diag);

#endif
