/* src/plan/plan_findings.h - what is odd about a plan, though it can be carried out? */
#ifndef TUNION_PLAN_PLAN_FINDINGS_H
#define TUNION_PLAN_PLAN_FINDINGS_H

#include "plan/plan.h"

/* Warnings: loops, ways too long, carriers without an Address of the family, prefixes that
 * stand by or get no packet, MTUs. One line per loop, per file, or per pair of files. Also
 * sets plan_peer.on_loop. 0 or -ENOMEM. */
MUST_CHECK int plan_findings(struct plan *plan, struct diag *diag);

#endif
