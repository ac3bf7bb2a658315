/* src/plan/plan_unmet.h - what does a file ask for that it won't get? */
#ifndef TUNION_PLAN_PLAN_UNMET_H
#define TUNION_PLAN_PLAN_UNMET_H

#include "base/diag.h"
#include "plan/plan.h"

/* Warnings: a hook with a file's name in it, where there is no interface of that name
 * (`tun` is the name of the one that there is); a FwMark that is not used; a DNS server
 * that no prefix of its file holds; an Endpoint inside a network that the file itself
 * routes into the tunnel, where that is not just part of everything. */
void plan_unmet(const struct plan *plan, const char *tun, struct diag *diag);

#endif
