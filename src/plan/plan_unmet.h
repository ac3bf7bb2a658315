/* src/plan/plan_unmet.h - what does a file ask for, but doesn't get? */
#ifndef TUNION_PLAN_PLAN_UNMET_H
#define TUNION_PLAN_PLAN_UNMET_H

#include "base/diag.h"
#include "plan/plan.h"

/* Adds warnings about
 *  - a hook that contains the name of a file, although all files share one interface
 *    (whose name may be in env), and hooks are run;
 *  - a DNS server that is in no prefix of its file;
 *  - an Endpoint inside a network that its own file routes into the tunnel, unless the
 *    file routes everything there;
 *  - applications that are included or excluded, unless env says that it is possible.
 * env may be NULL. */
void plan_unmet(const struct plan *plan, const struct plan_env *env, struct diag *diag);

#endif
